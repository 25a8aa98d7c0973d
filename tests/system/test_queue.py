"""The queue from outside: real workers under real runners, a detached host, and what happens when parts are killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage import Home
from tests.support.serving import PROGRAM, Project, is_alive, project_in

WORKERS = """\
processes:
  - name: worker
    kind: worker
    instances: 2
    restart: {policy: always, first_delay: 0.05}
"""

pytestmark = pytest.mark.system


@pytest.fixture
def room(home: Home, project: Path) -> Iterator[Project]:
    with project_in(home, project) as here:
        here.write(WORKERS)
        here.run("room", "trust")
        here.until(lambda: all(each["state"] == "running" for each in here.ps().values()), "two workers")
        yield here


def add(room: Project, command: str, *more: str) -> str:
    number = str(room.json("task", "add", "Task", "--command", command, *more)["number"])
    room.run("task", "queue", number)
    return number


def run_of(room: Project, number: str):
    return room.json("queue", "show", number)


def until_state(room: Project, number: str, *states: str):
    def arrived():
        run = run_of(room, number)
        return run if run["state"] in states else None

    return room.until(arrived, f"#{number} {states}")


def status_of(room: Project, number: str) -> str:
    return str(room.json("task", "show", number)["status"])


def test_a_queued_task_is_carried_out(room: Project):
    number = add(room, "echo from the worker; pwd")
    run = until_state(room, number, "succeeded")
    assert run["output"].splitlines() == ["from the worker", str(room.directory)]
    assert run["process_name"].startswith("worker")
    assert status_of(room, number) == "review"
    assert f"#{number}" in room.run("queue", "list").stdout
    assert "from the worker" in room.run("queue", "show", number).stdout


def test_a_killed_worker_has_its_idempotent_task_done_by_another(room: Project):
    mark = room.directory / "pids"
    number = add(room, f"echo $$ >> {mark}; test $WZP_ATTEMPT = 2 || sleep 1000", "--idempotent", "--attempts", "3")
    run = until_state(room, number, "running")
    room.until(mark.exists, "the first attempt")
    worker = room.ps()[run["process_name"]]
    os.kill(worker["pid"], signal.SIGKILL)
    done = until_state(room, number, "succeeded")
    assert done["attempt"] == 2
    first = int(mark.read_text().split()[0])
    assert not is_alive(first), "the old tree was dead before the new one began"
    earlier = [each for each in room.json("queue", "list", "--task", number) if each["attempt"] == 1]
    assert earlier[0]["lost_worker"]


def test_a_task_goes_on_when_the_host_is_killed_and_is_settled_by_the_next(room: Project):
    gate = room.directory / "gate"
    number = add(room, f"echo begun; until test -e {gate}; do sleep 0.05; done; echo done")
    until_state(room, number, "running")
    room.end_host(signal.SIGKILL)
    gate.touch()
    other = add(room, "true")  # which starts another host
    run = until_state(room, number, "succeeded")
    assert run["attempt"] == 1
    assert run["output"].splitlines() == ["begun", "done"]
    until_state(room, other, "succeeded")


def test_host_and_worker_killed_at_once_leave_nothing_running_and_nothing_lost(room: Project):
    mark = room.directory / "pid"
    number = add(room, f"echo $$ > {mark}; exec sleep 1000")
    run = until_state(room, number, "running")
    room.until(lambda: mark.exists() and mark.read_text().strip(), "the command")
    worker = room.ps()[run["process_name"]]["pid"]
    host = room.host_pid()
    assert host is not None
    os.kill(host, signal.SIGKILL)
    os.kill(worker, signal.SIGKILL)
    other = add(room, "true")
    over = until_state(room, number, "failed")
    assert over["lost_worker"]
    assert not is_alive(int(mark.read_text()))
    assert status_of(room, number) == "blocked"
    until_state(room, other, "succeeded")


def test_cancel_ends_a_running_command_with_all_that_it_started(room: Project):
    mark = room.directory / "pids"
    number = add(room, f"trap '' TERM; echo $$ >> {mark}; setsid sh -c 'echo $$ >> {mark}; sleep 1000' & sleep 1000")
    until_state(room, number, "running")
    room.until(lambda: mark.exists() and len(mark.read_text().split()) == 2, "the tree")
    room.run("queue", "cancel", number)
    until_state(room, number, "cancelled")
    assert not any(is_alive(int(pid)) for pid in mark.read_text().split())
    assert status_of(room, number) == "todo"


def test_a_host_that_stood_still_is_passed_over_and_its_workers_refuse_it(room: Project):
    number = add(room, "sleep 1000")
    until_state(room, number, "running")
    host = room.host_pid()
    assert host is not None
    os.kill(host, signal.SIGSTOP)
    other = subprocess.Popen(
        [sys.executable, str(PROGRAM), "serve"], cwd=room.directory, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        room.until(lambda: room.host_pid() == other.pid, "another host")
        os.kill(host, signal.SIGCONT)
        room.run("queue", "cancel", number)
        until_state(room, number, "cancelled")
        fresh = add(room, "echo once")
        assert until_state(room, fresh, "succeeded")["output"] == "once"
        assert len(room.json("queue", "list", "--task", fresh)) == 1
    finally:
        os.kill(host, signal.SIGCONT)
        os.kill(host, signal.SIGTERM)
        room.run("kill", "--all", "--timeout", "30", code=None)
        other.terminate()
        other.wait(30)
