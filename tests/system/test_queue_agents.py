"""Agent processes get claims from the queue: real programs under runners, with the official SDK's client."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage import Home
from tests.support import agent_process
from tests.support.serving import PROGRAM, Project, project_in

AGENTS = f"""\
processes:
  - name: ada
    kind: agent
    command: [{sys.executable}, {agent_process.__file__}, {PROGRAM}]
  - name: ben
    kind: agent
    command: [{sys.executable}, {agent_process.__file__}, {PROGRAM}]
"""

pytestmark = pytest.mark.system


@pytest.fixture
def room(home: Home, project: Path) -> Iterator[Project]:
    with project_in(home, project) as here:
        here.write(AGENTS)
        here.run("room", "trust")
        here.until(lambda: {"ada", "ben"} <= {each["name"] for each in here.json("agent", "list")}, "two agents")
        yield here


def queue(room: Project, title: str, *more: str) -> str:
    number = str(room.json("task", "add", title, *more)["number"])
    room.run("task", "queue", number)
    return number


def over(room: Project, number: str):
    def ended():
        run = room.json("queue", "show", number)
        return run if run["state"] not in ("queued", "running") else None

    return room.until(ended, f"the end of #{number}")


def test_an_agent_process_is_given_what_is_queued_and_ends_it(room: Project):
    numbers = {what: queue(room, f"{what} it") for what in ("complete", "fail", "give_back")}
    runs = {what: over(room, number) for what, number in numbers.items()}
    assert [run["state"] for run in runs.values()] == ["succeeded", "failed", "failed"]
    assert {run["process_name"] for run in runs.values()} <= {"ada", "ben"}
    tasks = {what: room.json("task", "show", number) for what, number in numbers.items()}
    assert [task["status"] for task in tasks.values()] == ["review", "blocked", "todo"]
    assert tasks["complete"]["result"]["summary"] == "So I did: complete."
    assert runs["fail"]["reason"] == "So I did: fail."


def test_a_task_goes_to_the_agent_it_is_assigned_to_even_with_a_command(room: Project):
    number = queue(room, "complete it", "--command", "false", "--assignee", "ben")
    assert over(room, number)["process_name"] == "ben"


def test_what_one_agent_hands_over_another_ends(room: Project):
    number = queue(room, "hand it to ben", "--assignee", "ada")
    run = over(room, number)
    assert (run["state"], run["reason"]) == ("cancelled", "ada no longer has the task")
    task = room.until(lambda: (told := room.json("task", "show", number))["status"] == "review" and told, "ben's end")
    assert task["result"]["summary"] == "Done after all."
    room.run("stop", "ada")
    assert room.json("task", "show", number)["status"] == "review"
