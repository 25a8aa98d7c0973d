"""Faults under an agent's server: killed in mid-call, the store busy, full, read-only, from the future, behind a link.

Sessions that are lost, taken or proved by a wrong token: test_sessions.py. How the process ends: test_mcp_process.py.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import psutil
import pytest

from storage import HOME_VARIABLE, Database, Home, Session, SessionState
from storage.database import WRITE_DEADLINE_S
from tests.conftest import ROOM
from tests.support.agents import PROGRAM, AgentProcess
from tests.support.mcp_kills import Doomed, verdict
from tests.support.processes import Child, children
from tests.support.users import User
from tests.system import test_faults_storage
from tests.system.test_faults_storage import check_sound, digest

pytestmark = pytest.mark.system

small_disk = test_faults_storage.small_disk

HOLD = """
database = Database.open(home)
with database.write("hold_for_test") as rows:
    say("held")
    hear()
say("released")
"""


@contextmanager
def holder(home: Home) -> Iterator[Child]:
    """Another process that holds the write lock until it is told something."""
    with children(home.path, HOLD) as (child,):
        assert child.hear() == ["held"]
        yield child


def test_killed_servers_lose_nothing_and_do_nothing_twice(board: User, project: Path):
    room = board.call("get_room")
    doomed = [Doomed(f"agent-{number}", board.database, room, project, kills=24) for number in range(4)]
    for each in doomed:
        each.start()
    for each in doomed:
        each.join()
    assert verdict(board.database, room, doomed) == []
    doubts = sum(sum(each.doubts.values()) for each in doomed)
    stored = sum(each.stored_in_doubt for each in doomed)
    assert 0 < stored < doubts, "kills hit before the commit and after it"
    board.database.close()
    check_sound(board.database.home.database)


def test_a_call_waits_for_a_store_that_is_busy(board: User, project: Path):
    with AgentProcess(project) as server:
        server.call("session_start")
        with holder(board.database.home) as child:
            number = server.send("tools/call", {"name": "create_task", "arguments": {"title": "patient"}})
            time.sleep(3.0)
            assert board.titles("backlog") == []
            child.tell()
            assert child.hear() == ["released"]
        assert server.answer_to(number)["result"]["structuredContent"]["task"]["number"] == 1
    assert board.titles("backlog") == ["patient"]


def test_a_store_that_stays_busy_refuses_the_call_and_names_who_holds_it(board: User, project: Path):
    with AgentProcess(project) as server:
        server.call("session_start")
        with holder(board.database.home) as child:
            begun = time.monotonic()
            error = server.refused("create_task", title="too late")
            assert time.monotonic() - begun >= WRITE_DEADLINE_S
            assert error["code"] == "timeout"
            assert f"(pid {child.pid})" in error["message"]
            assert "hold_for_test" in error["message"]
            assert error["hint"]
            assert server.call("list_tasks")["count"] == 0, "reading goes on"
            child.tell()
            assert child.hear() == ["released"]
        assert server.call("create_task", title="in time")["task"]["number"] == 1, "nothing was left half done"
        assert board.titles("backlog") == ["in time"]
        assert server.leave() == 0


def test_the_end_of_input_in_mid_call_waits_for_the_call(board: User, project: Path):
    with AgentProcess(project) as server:
        server.call("session_start")
        with holder(board.database.home) as child:
            number = server.send("tools/call", {"name": "create_task", "arguments": {"title": "last words"}})
            assert server.process.stdin is not None
            server.process.stdin.close()
            with pytest.raises(subprocess.TimeoutExpired):
                server.process.wait(1.5)
            child.tell()
            assert child.hear() == ["released"]
        assert server.answer_to(number)["result"]["structuredContent"]["success"]
        assert server.process.wait(20) == 0
    assert board.titles("backlog") == ["last words"]


PARENT = """
import subprocess, sys
server = subprocess.Popen([sys.executable, sys.argv[1], "mcp"])
print(server.pid, file=sys.stderr, flush=True)
server.wait()
"""


def test_a_call_is_finished_when_the_parent_dies_in_the_middle_of_it(board: User, project: Path):
    initialize, call = (
        {"method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {}}},
        {"method": "tools/call", "params": {"name": "create_task", "arguments": {"title": "orphan"}}},
    )
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(PROGRAM)], cwd=project,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as parent:  # fmt: skip
        assert parent.stdin is not None
        assert parent.stdout is not None
        assert parent.stderr is not None
        server = psutil.Process(int(parent.stderr.readline()))
        with holder(board.database.home) as child:
            for number, message in enumerate((initialize, call), 1):
                parent.stdin.write(json.dumps({"jsonrpc": "2.0", "id": number, **message}).encode() + b"\n")
            parent.stdin.flush()
            assert json.loads(parent.stdout.readline())["id"] == 1
            parent.kill()
            time.sleep(1.5)  # it looks for its parent once a second
            assert server.is_running()
            child.tell()
            assert child.hear() == ["released"]
        assert json.loads(parent.stdout.readline())["result"]["structuredContent"]["success"]
        assert psutil.wait_procs([server], 20)[1] == [], "our end of its input is still open"
    assert board.titles("backlog") == ["orphan"]
    with board.database.read() as rows:
        (session,) = rows.every(Session)
    assert session.state is SessionState.ENDED


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux can limit another process")
def test_a_write_that_the_system_cuts_short_is_refused_and_loses_nothing(board: User, project: Path):
    home = board.database.home
    with AgentProcess(project) as server:
        server.call("create_task", title="before")
        _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        size = home.database.with_name(home.database.name + "-wal").stat().st_size
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size + 20_000, hard))
        error = server.refused("create_task", title="too much", description="x" * 100_000)
        assert error["code"] in ("storage_full", "storage_failed"), "SQLite takes the cut for one or the other"
        assert error["hint"]
        assert [task["title"] for task in server.call("list_tasks")["tasks"]] == ["before"]
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        assert server.call("create_task", title="after", description="x" * 100_000)["task"]["number"] == 2
        assert server.leave() == 0
    assert board.titles("backlog") == ["before", "after"]
    board.database.close()
    check_sound(home.database)


def test_a_full_disk_refuses_calls_until_there_is_space(small_disk: Path, project: Path):
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(300_000))
    home = Home(small_disk / "home")
    database = Database.open(home)
    owner = User(database, "owner", room=ROOM)
    owner.call("create_room", name=ROOM, root=project)
    with AgentProcess(project, **{HOME_VARIABLE: str(home.path)}) as server:
        stored = 0
        while (told := create(server, stored + 1))["success"]:
            stored += 1
        assert told["error"]["code"] == "storage_full"
        assert "Free space" in told["error"]["hint"]
        assert server.call("get_task", task_id=stored)["task"]["title"] == f"task {stored}", "reading goes on"
        ballast.unlink()
        assert create(server, stored + 1)["task"]["number"] == stored + 1
        assert server.leave() == 0
    assert owner.titles("backlog") == [f"task {number + 1}" for number in range(stored + 1)]
    database.close()
    check_sound(home.database)


def create(server: AgentProcess, number: int) -> Any:
    """What a call says that adds a large task."""
    arguments = {"title": f"task {number}", "description": "x" * 10_000}
    return server.request("tools/call", name="create_task", arguments=arguments)["structuredContent"]


@contextmanager
def unwritable(folder: Path) -> Iterator[None]:
    """A folder in which nobody can write, not even root."""
    if os.geteuid() != 0:
        modes = {each: each.stat().st_mode for each in [folder, *folder.rglob("*")]}
        for each, mode in modes.items():
            each.chmod(mode & 0o555)
        yield
        for each, mode in modes.items():
            each.chmod(mode)
        return
    point = str(folder)
    made = subprocess.run(["mount", "--bind", point, point], capture_output=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"mounting is not allowed here: {made.stderr.decode().strip()}")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", point], check=True)
        yield
    finally:
        subprocess.run(["umount", "-l", point], check=True)


def test_a_home_that_cannot_be_written_refuses_calls_until_it_can(board: User, project: Path):
    home = board.database.home
    board.add("seen")
    board.database.close()
    with AgentProcess(project) as server:
        before = digest(home.database)
        with unwritable(home.path):
            error = server.refused("create_task", title="no")
            assert error["code"] == "storage_read_only"
            assert str(home.path) in error["message"]
            assert error["hint"]
            assert server.request("tools/list")["tools"], "the server goes on"
        assert digest(home.database) == before
        assert server.call("create_task", title="yes")["task"]["number"] == 2
        assert server.leave() == 0


def test_a_store_from_the_future_is_refused_and_left(board: User, project: Path):
    home = board.database.home
    board.database.close()
    connection = apsw.Connection(str(home.database))
    connection.pragma("user_version", 999)
    connection.close()
    before = digest(home.database)
    with AgentProcess(project) as server:
        for _ in range(2):
            error = server.refused("list_tasks")
            assert error["code"] == "schema_too_new"
            assert "999" in error["message"]
        assert server.leave() == 0
    assert digest(home.database) == before


def test_servers_on_a_home_and_on_a_link_to_it_are_on_one_board(board: User, project: Path, tmp_path: Path):
    link = tmp_path / "link"
    link.symlink_to(board.database.home.path)
    with AgentProcess(project) as direct, AgentProcess(project, **{HOME_VARIABLE: str(link)}) as linked:
        numbers: list[int] = []

        def write(server: AgentProcess, title: str) -> None:
            numbers.extend(server.call("create_task", title=title)["task"]["number"] for _ in range(40))

        writers = [
            threading.Thread(target=write, args=each) for each in ((direct, "by the home"), (linked, "by the link"))
        ]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert sorted(numbers) == list(range(1, 81))
        assert linked.call("list_tasks", limit=100)["count"] == direct.call("list_tasks", limit=100)["count"]
        assert direct.leave() == linked.leave() == 0
    board.database.close()
    check_sound(board.database.home.database)


def test_a_stopped_server_holds_up_nobody(board: User, project: Path):
    with AgentProcess(project) as stopped, AgentProcess(project) as other:
        stopped.call("session_start")
        other.call("session_start")
        stopped.send("tools/call", {"name": "create_task", "arguments": {"title": "one"}})
        stopped.process.send_signal(signal.SIGSTOP)
        begun = time.monotonic()
        answered = 0
        while answered < 20:
            server_answer = other.request("tools/call", name="create_task", arguments={"title": "other"})
            answered += server_answer["structuredContent"]["success"]
            if not server_answer["structuredContent"]["success"]:  # it was stopped inside its transaction
                assert server_answer["structuredContent"]["error"]["code"] == "timeout"
                stopped.process.send_signal(signal.SIGCONT)
        assert time.monotonic() - begun < 2 * WRITE_DEADLINE_S + 5
        stopped.process.send_signal(signal.SIGCONT)
