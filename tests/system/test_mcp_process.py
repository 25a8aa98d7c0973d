"""The server's process: what it reads and writes, when it ends, and that it ends clean."""

import json
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from storage import Database, Home, SessionState
from tests.conftest import ROOM
from tests.core.doors.mcp.test_fuzz import asks, check, lines
from tests.support.agents import PROGRAM, AgentProcess
from tests.support.users import User
from tests.system.test_import_hygiene import bare_environment, foreign_project

pytestmark = pytest.mark.system

SERVER = [sys.executable, str(PROGRAM), "mcp"]
INITIALIZE = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "tester", "version": "1"}},
}  # fmt: skip
PING = {"jsonrpc": "2.0", "id": 2, "method": "ping"}


def line(message: Any) -> bytes:
    return json.dumps(message).encode() + b"\n"


def tool(number: int, name: str, **arguments: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": name, "arguments": arguments}}


def spoken(*words: bytes, cwd: Path, program: Sequence[str] = SERVER) -> list[Any]:
    """All that a server answers to an input that ends."""
    ended = subprocess.run(program, input=b"".join(words), cwd=cwd, capture_output=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    return [json.loads(each) for each in ended.stdout.splitlines()]


@contextmanager
def child(arguments: Sequence[str], cwd: Path, **more: Any) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(arguments, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **more)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            with suppress(BrokenPipeError):
                stream.close()


def ask(process: subprocess.Popen[bytes], message: Any) -> Any:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line(message))
    process.stdin.flush()
    assert select.select([process.stdout], [], [], 30)[0], "no answer"
    return json.loads(process.stdout.readline())


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone_after(pid: int, within_s: float) -> float:
    """How long it took until a process was gone."""
    began = time.monotonic()
    while is_running(pid):
        assert time.monotonic() - began < within_s, "the server is still there"
        time.sleep(0.01)
    return time.monotonic() - began


def test_all_that_was_asked_before_the_end_of_input_is_answered(board: User, project: Path):
    answers = spoken(line(INITIALIZE), line(tool(3, "create_task", title="x")), line(PING)[:-1], cwd=project)
    assert [each["id"] for each in answers] == [1, 3, 2], "the last line needs no end"
    assert answers[1]["result"]["structuredContent"]["task"]["number"] == 1
    with board.database.read() as rows:
        (session,) = rows.sessions(rows.rooms()[0].id)
    assert session.state is SessionState.ENDED


def test_it_ends_at_once_where_nothing_is_asked(board: User, project: Path):
    assert spoken(cwd=project) == []
    assert spoken(b"\n\r\n  \n", cwd=project) == []


def test_a_byte_order_mark_and_line_ends_of_windows_are_let_pass(board: User, project: Path):
    answers = spoken(b"\xef\xbb\xbf" + line(INITIALIZE)[:-1] + b"\r\n", line(PING)[:-1] + b"\r\n", cwd=project)
    assert [each["id"] for each in answers] == [1, 2]


def test_a_message_that_is_too_long_is_refused_and_the_next_one_answered(board: User, project: Path):
    huge = line({**PING, "params": {"x": "y" * 5_000_000}})
    just_fits = line({**PING, "id": 4, "params": {"x": "y" * 3_900_000}})
    answers = spoken(huge, huge * 2, line(PING), just_fits, cwd=project)
    assert [(each["id"], each.get("error", {}).get("code")) for each in answers] == [
        (None, -32600), (None, -32600), (None, -32600), (2, None), (4, None),
    ]  # fmt: skip


def test_what_others_print_never_reaches_the_client(board: User, project: Path, tmp_path: Path):
    noisy = tmp_path / "noisy.py"
    noisy.write_text(
        f"import sys; sys.path.insert(0, {str(PROGRAM.parent)!r}); sys.argv = ['wzp', 'mcp']\n"
        "import os, core.doors.mcp.board as board\n"
        "before = board.Board.call_tool\n"
        "def call_tool(*given):\n"
        "    print('noise'); os.write(1, b'more noise\\n'); os.system('echo still more; cat')\n"
        "    return before(*given)\n"
        "board.Board.call_tool = call_tool\n"
        "import wezterm_parallel; wezterm_parallel.main()\n"
    )
    answers = spoken(
        line(INITIALIZE), line(tool(3, "list_tasks")), line(PING), cwd=project, program=[sys.executable, str(noisy)]
    )
    assert [each["id"] for each in answers] == [1, 3, 2], "and no child has read our input"


def test_what_goes_wrong_unforeseen_stands_in_the_log_and_not_on_the_streams(board: User, project: Path, home: Home):
    faulty = (
        f"import sys; sys.path.insert(0, {str(PROGRAM.parent)!r}); sys.argv = ['wzp', 'mcp']\n"
        "import core.doors.mcp.board as board, wezterm_parallel\n"
        "board.Board.prompts = lambda self: 1 / 0\n"
        "wezterm_parallel.main()\n"
    )
    with child([sys.executable, "-c", faulty], project, stderr=subprocess.PIPE) as process:
        ask(process, INITIALIZE)
        ask(process, tool(3, "list_tasks"))  # by then the log is there
        for _ in range(2):
            assert ask(process, {**PING, "method": "prompts/list"})["error"]["code"] == -32603
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""
        process.stderr.close()
    records = [json.loads(each) for each in (home.logs / "mcp.log").read_text().splitlines()]
    assert len(records) == 2
    assert all("ZeroDivisionError" in record["traceback"] for record in records)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("has_called", [False, True])
def test_a_signal_ends_it_quickly_and_its_session_with_it(
    board: User, project: Path, number: signal.Signals, has_called: bool
):
    with child(SERVER, project, stderr=subprocess.PIPE) as process:
        ask(process, INITIALIZE)
        if has_called:
            assert ask(process, tool(3, "list_tasks"))["result"]["structuredContent"]["success"]
        process.send_signal(number)
        assert process.wait(5) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""
        process.stderr.close()
    with board.database.read() as rows:
        states = [session.state for session in rows.sessions(rows.rooms()[0].id)]
    assert states == ([SessionState.ENDED] if has_called else [])


def test_it_goes_when_its_parent_was_killed_though_its_input_stays_open(board: User, project: Path):
    holder = (
        "import subprocess, sys, time\n"
        f"server = subprocess.Popen({SERVER!r}, stdin=0, stdout=1)\n"
        "print(server.pid, file=sys.stderr, flush=True)\n"
        "time.sleep(600)\n"
    )
    with child([sys.executable, "-c", holder], project, stderr=subprocess.PIPE) as parent:
        assert parent.stderr is not None
        pid = int(parent.stderr.readline())
        assert ask(parent, INITIALIZE)["id"] == 1
        assert ask(parent, tool(3, "list_tasks"))["id"] == 3
        parent.kill()
        parent.wait()
        assert gone_after(pid, 10) < 3, "it looks once a second"
        parent.stderr.close()


def test_it_goes_when_nobody_reads_its_answers(board: User, project: Path):
    with child(SERVER, project) as process:
        ask(process, INITIALIZE)
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.close()
        process.stdin.write(line(PING))
        process.stdin.flush()
        assert process.wait(5) == 0


def test_it_goes_after_its_answer_when_its_session_is_over(board: User, project: Path, home: Home):
    with AgentProcess(project) as server:
        server.call("list_tasks")
        with board.database.read() as rows:
            (session,) = rows.sessions(rows.rooms()[0].id)
        board.call("end_session", session=session.id)
        assert server.refused("list_tasks")["code"] == "session_over"
        assert server.process.wait(5) == 0


def test_a_call_in_progress_is_answered_or_rolled_back_when_a_signal_comes(board: User, project: Path):
    with AgentProcess(project) as server:
        server.call("list_tasks")
        for index in range(100):
            server.send("tools/call", {"name": "create_task", "arguments": {"title": f"task {index}"}})
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(5) == 0
        assert server.process.stdout is not None
        answered = [json.loads(each) for each in server.process.stdout.read().splitlines()]
    stored = {task.number for task in board.call("list_tasks")}
    told = {each["result"]["structuredContent"]["task"]["number"] for each in answered}
    assert told == stored


@pytest.mark.parametrize("path", [".", "", None])
def test_it_serves_inside_a_project_that_owns_our_packages_names(home: Home, tmp_path: Path, path: str | None):
    project = foreign_project(tmp_path / "foreign")
    Database.open(home).close()
    environment = bare_environment() | ({} if path is None else {"PYTHONPATH": path})
    made = [sys.executable, str(PROGRAM), "room", "create", ROOM]
    subprocess.run(made, cwd=project, env=environment, check=True, capture_output=True)
    with child(SERVER, project, env=environment) as process:
        assert ask(process, INITIALIZE)["result"]["serverInfo"]["name"] == "wezterm-parallel"
        assert ask(process, tool(3, "create_task", title="ours"))["result"]["structuredContent"]["success"]
        assert ask(process, {**PING, "method": "prompts/get", "params": {"name": "session_start"}})["result"]
        assert ask(process, {**PING, "method": "resources/read", "params": {"uri": "wzp://board"}})["result"]


@pytest.mark.parametrize("words", [["--room", ROOM], [f"--room={ROOM}"]])
def test_a_room_may_be_named_wherever_it_is_started(board: User, tmp_path: Path, words: list[str]):
    answers = spoken(line(tool(3, "create_task", title="x")), cwd=tmp_path, program=[*SERVER, *words])
    assert answers[0]["result"]["structuredContent"]["success"]


def test_a_closed_stream_is_no_error(board: User, project: Path):
    for closed in ("<&-", ">&-", "<&- >&- 2>&-"):
        ended = subprocess.run(
            ["sh", "-c", f'exec "$0" "$1" mcp {closed}', sys.executable, str(PROGRAM)],
            cwd=project, stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False,
        )  # fmt: skip
        assert (ended.returncode, ended.stderr) == (0, b"")


def test_a_person_finds_help_and_refusals(home: Home, tmp_path: Path):
    def wzp(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, PROGRAM, *words], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    assert "standard input and output" in wzp("mcp", "--help").stdout
    assert "mcp" in wzp("--help").stdout
    wrong = wzp("mcp", "--rooom", "x")
    assert wrong.returncode == 2
    assert "rooom" in wrong.stderr


@settings(max_examples=5)
@given(line=lines)
def test_any_line_to_the_process_has_an_answer_or_silence(board: User, project: Path, line: bytes):
    one_line = line.replace(b"\n", b" ").replace(b"\r", b" ")
    answers = spoken(one_line + b"\n", json.dumps(PING | {"id": "alive"}).encode(), cwd=project)
    assert answers[-1]["id"] == "alive"
    try:
        message = json.loads(one_line)
    except ValueError:
        message = None
    for each in answers[:-1]:
        if "id" in each:
            check(each, message if asks(message) else None)
