"""The demo: a room that the rules would allow, agents that keep it moving, and nothing left behind."""

import random
import subprocess
import sys
import threading
from pathlib import Path

import psutil

from core.demo import agents
from core.demo.agents import take_a_step
from core.demo.project import AGENTS, SEEDS, agent_hand, seed
from core.demo.stage import stage
from storage import COLUMNS, ChangeFeed, Database, Event, ParallelError


def test_the_demo_room_has_tasks_in_every_column(database: Database, project: Path) -> None:
    seed(database, project)
    tasks = agent_hand(database, AGENTS[0][0]).call("list_tasks")
    assert len(tasks) == len(SEEDS)
    assert {task.status for task in tasks} == set(COLUMNS)


def test_the_agents_keep_the_board_moving_and_never_let_it_overflow(database: Database, project: Path) -> None:
    seed(database, project)
    chance = random.Random(7)
    hands = [agent_hand(database, name) for name, _ in AGENTS]
    refused = 0
    for _ in range(300):
        try:
            take_a_step(chance.choice(hands), chance)
        except ParallelError:
            refused += 1
    tasks = hands[0].call("list_tasks")
    assert refused < 30
    assert len(tasks) < 2 * len(SEEDS)
    with database.read() as rows:
        assert rows.last_sequence() > 300


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
        assert came.wait(15), "no agent changed anything"
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
