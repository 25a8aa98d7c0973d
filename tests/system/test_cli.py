"""The real command in processes of its own: what scripts see, streams, pipes, signals, terminals."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from storage import Home

PROGRAM = [sys.executable, str(Path(__file__).resolve().parents[2] / "wezterm_parallel.py")]
PATIENCE_S = 20


def wzp(*words: str, cwd: Path, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *words], cwd=cwd, input=stdin, env={**os.environ, **more}, capture_output=True, text=True,
        timeout=PATIENCE_S, check=False,
    )  # fmt: skip


@pytest.fixture
def room(home: Home, project: Path) -> Path:
    assert wzp("room", "create", "demo", cwd=project).returncode == 0
    return project


@contextmanager
def watching(*words: str, cwd: Path) -> Iterator[subprocess.Popen[str]]:
    """`wzp watch` in a process, ended at the end whatever happens."""
    process = subprocess.Popen(
        [*PROGRAM, "watch", *words], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def next_event(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    too_late = threading.Timer(PATIENCE_S, process.kill)
    too_late.start()
    line = process.stdout.readline()
    too_late.cancel()
    assert line, "no event came"
    event: dict[str, Any] = json.loads(line)
    return event


def test_a_script_adds_moves_and_lists(room: Path):
    added = wzp("task", "add", "Fix login", "--json", cwd=room)
    assert (added.returncode, added.stderr) == (0, "")
    assert json.loads(added.stdout)["number"] == 1
    assert json.loads(wzp("task", "move", "1", "todo", "--if-version", "1", "--json", cwd=room).stdout)["version"] == 2
    refused = wzp("task", "move", "1", "done", "--if-version", "1", "--json", cwd=room)
    assert (refused.returncode, refused.stdout) == (4, "")
    assert json.loads(refused.stderr)["current"]["version"] == 2
    assert len(json.loads(wzp("task", "list", "--json", cwd=room).stdout)) == 1


def test_json_of_any_text_is_one_line_of_utf8_even_in_the_c_locale(room: Path):
    shown = wzp("task", "add", "日本\u2028語", "--json", cwd=room, LC_ALL="C", PYTHONIOENCODING="ascii")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.count("\n") == 1
    assert json.loads(shown.stdout)["title"] == "日本 語"


def test_watch_streams_each_event_as_it_commits(room: Path):
    with watching("--json", "--after", "0", cwd=room) as process:
        first = next_event(process)
        assert first["type"] == "created"
        next_event(process)  # the room
        wzp("task", "add", "watched", cwd=room)
        event = next_event(process)
        assert (event["entity"], event["type"], event["task_number"]) == ("task", "created", 1)
        assert event["agent_name"]
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 130
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_watch_goes_on_after_a_sequence_number(room: Path):
    for title in ("one", "two"):
        wzp("task", "add", title, cwd=room)
    last = json.loads(wzp("history", "--limit", "1", "--json", cwd=room).stdout)[0]["sequence"]
    with watching("--json", "--after", str(last - 1), cwd=room) as process:
        assert next_event(process)["sequence"] == last


def test_watch_shows_its_own_room_alone(room: Path, tmp_path: Path):
    other = tmp_path / "other"
    other.mkdir()
    wzp("room", "create", "other", cwd=other)
    with watching("--json", "--room", "demo", "--after", "0", cwd=other) as process:
        for _ in ("the room's maker", "the room"):
            next_event(process)
        wzp("task", "add", "elsewhere", cwd=other)
        wzp("task", "add", "here", cwd=room)
        assert next_event(process)["after"]["title"] == "here"


def test_a_person_watches_lines_without_escapes(room: Path):
    wzp("task", "add", "Fix \x1b[31mlogin", cwd=room)
    with watching("--after", "2", cwd=room) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("Watching room demo")
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "#1 created: Fix login" in line
        assert "\x1b" not in line


def test_watch_ends_silently_when_its_reader_goes(room: Path):
    with watching("--json", "--after", "0", cwd=room) as process:
        next_event(process)
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(PATIENCE_S) == 141, "without waiting for the next event"
        assert process.stderr is not None
        assert process.stderr.read() == ""
        process.stdout = None  # communicate would read it


def test_watch_ends_where_the_file_it_watches_is_replaced(room: Path, home: Home):
    with watching("--json", "--after", "0", cwd=room) as process:
        next_event(process)
        home.database.rename(home.path / "damaged")
        assert process.wait(PATIENCE_S) == 7
        assert process.stderr is not None
        assert json.loads(process.stderr.read())["code"] == "storage_failed"


def test_a_closed_pipe_is_no_error_to_tell(room: Path):
    wzp("task", "add", "-", cwd=room, stdin="\n".join("x" * 500 for _ in range(300)))
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run([*PROGRAM, "task", "list"], cwd=room, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (141, b"")


def test_closed_streams_are_no_error(room: Path):
    command = " ".join(PROGRAM)
    assert subprocess.run(f"{command} task add one >&- 2>&- <&-", shell=True, cwd=room, check=False).returncode == 0
    assert len(json.loads(wzp("task", "list", "--json", cwd=room).stdout)) == 1


def test_alone_without_a_terminal_it_says_so_and_exits_2(room: Path):
    ended = wzp(cwd=room)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "terminal" in ended.stderr


def test_the_shell_completes_numbers_columns_and_rooms(room: Path):
    wzp("task", "add", "Fix login", cwd=room)

    def completions(line: str) -> str:
        words = line.split(" ")
        asked = wzp(cwd=room, _WZP_COMPLETE="bash_complete", COMP_WORDS=line, COMP_CWORD=str(len(words) - 1))
        assert asked.returncode == 0
        return asked.stdout

    assert "plain,1\n" in completions("wzp task move ")
    assert completions("wzp task move 1 in") == "plain,in_progress\n"
    assert completions("wzp --room ") == "plain,demo\n"
    assert completions("wzp wat") == "plain,watch\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_serves_both_names(home: Home, project: Path, shell: str):
    script = wzp("completion", shell, cwd=project)
    assert script.returncode == 0, script.stderr
    assert "_WZP_COMPLETE" in script.stdout
    assert "_WEZTERM_PARALLEL_COMPLETE" in script.stdout


def in_terminal(*words: str, cwd: Path, answer: bytes) -> tuple[int, str]:
    """The exit code and screen of a command on a terminal, where a person types `answer` at its question."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        os.execv(PROGRAM[0], [*PROGRAM, *words])
    seen = b""
    until = time.monotonic() + PATIENCE_S
    answered = False
    while time.monotonic() < until:
        if not select.select([terminal], [], [], 0.5)[0]:
            continue
        try:
            chunk = os.read(terminal, 4096)
        except OSError:  # Linux's end of a terminal
            break
        if not chunk:
            break
        seen += chunk
        if b"[Y/n]" in seen and not answered:
            answered = True
            os.write(terminal, answer)
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), seen.decode(errors="replace")


def test_in_a_directory_without_a_room_it_offers_to_make_one_and_takes_no_for_an_answer(home: Home, project: Path):
    code, screen = in_terminal(cwd=project, answer=b"n\n")
    assert code == 0
    assert "'project'" in screen
    assert str(project) in screen.replace("\r\n", "")
    assert json.loads(wzp("room", "list", "--json", cwd=project).stdout) == []


def test_on_a_terminal_json_is_indented_and_tables_are_coloured(room: Path):
    wzp("task", "add", "Fix login", cwd=room)
    assert '\r\n    "number": 1' in in_terminal("task", "list", "--json", cwd=room, answer=b"")[1]
    assert "\x1b[" in in_terminal("task", "list", cwd=room, answer=b"")[1]
