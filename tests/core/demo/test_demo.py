"""The demo: a room that the rules would allow, agents that keep it moving, and nothing left behind."""

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from core.agents import AgentReport
from core.agents.handoffs import is_overdue
from core.demo import agents
from core.demo.agents import Worker, queue_again
from core.demo.hands import Hand, agent_hand
from core.demo.project import AGENTS, GONE, HANDOFF_ALERT_MINUTES, PERSON, SEEDS, TESTER, seed
from core.demo.running import JOBS, set_up
from core.demo.stage import stage
from core.execute import find_room
from core.processes.room_file import is_approved
from core.services import current_host
from core.settings import read_settings
from storage import (
    COLUMNS,
    AgentState,
    ChangeFeed,
    Database,
    Desired,
    Ending,
    Event,
    HandoffStatus,
    ParallelError,
    Process,
    ProcessState,
    Run,
    RunState,
    SessionState,
    StateSource,
    Status,
)  # fmt: skip
from tests.support.left import left_in
from tests.support.terminal import ROOT


@pytest.fixture
def you(database: Database, project: Path) -> Hand:
    """The person of the demo, in its room as it begins."""
    seed(database, project)
    return Hand(database, PERSON)


def test_the_demo_room_has_tasks_in_every_column(you: Hand) -> None:
    tasks = you.call("list_tasks")
    assert len(tasks) == len(SEEDS)
    assert {each.title: each.status for each in SEEDS} == {task.title: task.status for task in tasks}
    assert {task.status for task in tasks} == set(COLUMNS)
    by_agents = [task for task in tasks if task.status in (Status.REVIEW, Status.DONE) and task.claim]
    assert by_agents
    assert all(task.result.ending is Ending.COMPLETED for task in by_agents)


def test_the_demo_shows_agents_in_every_state_and_a_card_whose_agent_has_left(you: Hand) -> None:
    reports: dict[str, AgentReport] = {each.agent.name: each for each in you.call("list_agents")}
    assert {reports[member.name].state for member in AGENTS} == {
        AgentState.WORKING, AgentState.WAITING, AgentState.IDLE,
    }  # fmt: skip
    assert {reports[member.name].source for member in AGENTS} == {StateSource.HOOK, StateSource.MCP}
    waiting = next(each for each in reports.values() if each.state is AgentState.WAITING)
    assert waiting.message
    assert waiting.task
    assert reports[GONE.name].state is AgentState.ENDED
    (left,) = [task for task in you.call("list_tasks") if task.result and task.result.ending is Ending.ABANDONED]
    assert left.status is Status.IN_PROGRESS


def test_handoffs_wait_in_the_demo_and_become_overdue_as_one_watches(you: Hand, database: Database) -> None:
    pending = you.call("list_handoffs", status=(HandoffStatus.PENDING,))
    assert len(pending) == 2
    mine = you.call("list_handoffs", agent="you")
    assert len(mine) == 1, "one that no agent answers, so that it becomes overdue"
    with database.read() as rows:
        room = find_room(rows, "demo")
    sent = mine[0].updated_at
    assert not is_overdue(mine[0], room, sent + timedelta(minutes=HANDOFF_ALERT_MINUTES, seconds=-1))
    assert is_overdue(mine[0], room, sent + timedelta(minutes=HANDOFF_ALERT_MINUTES))


def test_the_agents_keep_the_board_moving_and_never_let_it_overflow(you: Hand, database: Database) -> None:
    chance = random.Random(7)
    workers = [Worker(agent_hand(database, member.name), member.skills, chance) for member in AGENTS]
    refused = 0
    for _ in range(400):
        try:
            chance.choice(workers).take_a_turn()
        except ParallelError:
            refused += 1
    tasks = you.call("list_tasks")
    assert refused < 30
    assert len(tasks) < 2 * len(SEEDS)
    assert sum(task.status is Status.REVIEW for task in tasks) <= 3
    happened = {event.type for event in you.call("list_events", limit=5000)}
    assert {"claimed", "finished", "approved", "sent_back", "acknowledged", "archived"} <= happened
    with database.read() as rows:
        sessions = rows.sessions(find_room(rows, "demo").id, state=SessionState.ACTIVE)
    assert len(sessions) == len(AGENTS), "each worked on in the session with which it began"


def test_the_stage_is_alive_and_leaves_nothing_behind() -> None:
    came = threading.Event()
    news: list[Event] = []

    def deliver(events: list[Event]) -> None:  # type: ignore[type-arg]
        news.extend(events)
        came.set()

    with stage() as home:
        folder = home.path.parent
        database = Database.open(home)
        with database.read() as rows:
            last = rows.last_sequence()
        feed = ChangeFeed(database, deliver, after=last)
        feed.start()
        assert came.wait(25), "no agent changed anything"
        feed.stop()
        database.close()
        (process,) = [each for each in psutil.Process().children() if agents.__file__ in each.cmdline()]
    assert news[0].agent_id
    assert not process.is_running()
    assert not folder.exists()


def test_the_demo_looks_and_speaks_as_the_person_has_set_and_takes_no_port(tmp_path: Path) -> None:
    own = tmp_path / "config.yaml"
    own.write_text("language: ja\ntheme: nord\nkeys: {board.lift: m}\nopenmetrics_port: 9464\n")
    with stage(still=True, settings=own) as home:
        taken = read_settings(home.config)
        assert not taken.problems
        assert (taken.settings.language, taken.settings.theme) == ("ja", "nord")
        assert taken.settings.keys == {"board.lift": "m"}
        assert taken.settings.openmetrics_port == 0
    with stage(still=True, settings=tmp_path / "none.yaml") as home:
        assert not home.config.exists()
    own.write_text("language: [broken")
    with stage(still=True, settings=own) as home:
        assert read_settings(home.config).settings.language == "en"


def test_what_runs_in_the_demo_is_approved_and_queued_as_a_person_would(
    you: Hand, database: Database, project: Path
) -> None:
    set_up(database, project)
    room = you.call("get_room")
    assert room.trusted_hash
    assert is_approved(room), "the room.yaml on the disk is the one that was approved"
    processes = {each.process.name: each.process for each in you.call("list_processes")}
    assert set(processes) == {"assets", "web", "visitors", "tests", "mailer", "shell", "worker", "worker.2"}
    assert all(each.is_declared and each.desired is Desired.RUNNING for each in processes.values())
    queued = {each.task_id for each in you.call("list_runs", state=(RunState.QUEUED,))}
    tasks = {each.title: each for each in you.call("list_tasks") if each.command}
    assert queued == {each.id for each in tasks.values()}
    assert [job.title for job in JOBS] == list(tasks)
    assert [each.title for each in tasks.values() if not each.command_approved] == ["Clean the build folder"]


def test_the_demo_shows_processes_of_every_kind_runs_and_alerts_and_leaves_none_of_it() -> None:
    with stage() as home:
        folder = home.path.parent
        database = Database.open(home)
        you = Hand(database, PERSON)

        def processes() -> dict[str, Process]:
            return {each.process.name: each.process for each in you.call("list_processes")}

        def runs(*states: RunState) -> tuple[Run, ...]:
            found: tuple[Run, ...] = you.call("list_runs", state=states)
            return found

        host = current_host(home)
        assert host is not None
        assert host.pid != os.getpid(), "the app is to be a viewer, which just goes when one quits"
        wait_until(lambda: processes()["web"].state is ProcessState.READY, 60)
        wait_until(lambda: processes()["visitors"].state is ProcessState.RUNNING, 60)
        wait_until(lambda: processes()["mailer"].restarts >= 2, 60)
        assert processes()["assets"].state is ProcessState.EXITED
        wait_until(lambda: len(runs(RunState.SUCCEEDED)) >= 2, 60)
        wait_until(lambda: bool(runs(RunState.FAILED)), 60)
        wait_until(lambda: {"crash_loop", "log_pattern"} <= {each.rule for each in you.call("list_alerts")}, 90)
        assert left_in(folder)
        database.close()
    assert left_in(folder) == []
    assert not folder.exists()


def test_a_process_that_the_person_has_added_and_removed_at_the_last_moment_is_ended_too() -> None:
    with stage() as home:
        folder = home.path.parent
        database = Database.open(home)
        you = Hand(database, PERSON)
        you.call("add_process", name="deaf", shell="trap '' TERM HUP; while :; do sleep 1; done", stop_grace_seconds=1)

        def state() -> ProcessState:
            found: ProcessState = you.call("list_processes", processes=("deaf",))[0].process.state
            return found

        wait_until(lambda: state() is ProcessState.RUNNING, 60)
        others = [each.process.name for each in you.call("list_processes") if each.process.name != "deaf"]
        you.call("stop_processes", processes=tuple(others))
        you.call("remove_process", process="deaf")
        database.close()
    assert left_in(folder) == []


def test_a_demo_that_is_killed_leaves_nothing_either() -> None:
    show = (
        "import time; from core.demo.stage import stage\n"
        "with stage() as home: print(home.path, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", show], cwd=ROOT, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        folder = Path(demo.stdout.readline().strip()).parent
        wait_until(lambda: any("server.py" in each for each in left_in(folder)), 60)
        demo.kill()
    wait_until(lambda: not folder.exists(), 60)
    wait_until(lambda: left_in(folder) == [], 20)


def test_agents_queue_commands_again_that_are_through_and_no_more_than_a_few(
    you: Hand, database: Database, project: Path
) -> None:
    set_up(database, project)
    hand, chance = agent_hand(database, TESTER), random.Random(7)
    before = len(you.call("list_runs"))
    queue_again(hand, chance)
    assert len(you.call("list_runs")) == before, "enough wait already"
    for run in you.call("list_runs"):
        you.call("cancel_run", run=run.id)
    queue_again(hand, chance)
    assert len(you.call("list_runs")) == before, "none is through"
    (task, *_) = [each for each in you.call("list_tasks") if each.command and each.command_approved]
    you.call("move_task", task=task.id, to=Status.DONE)
    queue_again(hand, chance)
    (again,) = you.call("list_runs", state=(RunState.QUEUED,))
    assert again.task_id == task.id


def wait_until(holds: Callable[[], bool], patience_s: float) -> None:
    """Wait for something that other processes do and nobody announces."""
    until = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.05)
