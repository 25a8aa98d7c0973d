"""The demo: a room that the rules would allow, agents that keep it moving, and nothing left behind."""

import random
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from core.agents import AgentReport
from core.agents.handoffs import is_overdue
from core.demo import agents
from core.demo.agents import Worker
from core.demo.hands import Hand, agent_hand
from core.demo.project import AGENTS, GONE, HANDOFF_ALERT_MINUTES, PERSON, SEEDS, seed
from core.demo.stage import stage
from core.execute import find_room
from storage import (
    COLUMNS,
    AgentState,
    ChangeFeed,
    Database,
    Ending,
    Event,
    HandoffStatus,
    ParallelError,
    SessionState,
    StateSource,
    Status,
)  # fmt: skip


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


def test_the_agents_end_when_the_app_that_started_them_is_gone() -> None:
    with stage(still=True) as home:
        parent = subprocess.Popen(["sleep", "600"])
        orphan = subprocess.Popen([sys.executable, agents.__file__, str(home.path), str(parent.pid)])
        parent.kill()
        parent.wait()
        assert orphan.wait(timeout=20) == 0
