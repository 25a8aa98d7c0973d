"""The guard before the hook: one sign of activity in five seconds a client, and no client kept or cut off."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.agents import hook
from core.agents.clients import commands
from core.agents.spool import read_new, spool_of
from storage import Home
from storage.home import HOME_VARIABLE

PATIENCE_S = 20.0
EVENT = json.dumps({"hook_event_name": "PreToolUse", "tool_name": "Bash", "session_id": "s"}).encode()


@pytest.fixture(autouse=True)
def made(home: Home) -> Home:
    spool_of(home).mkdir(parents=True)
    return home


@pytest.fixture(params=["/bin/sh", "/bin/bash"])
def shell(request: pytest.FixtureRequest) -> str:
    if not Path(request.param).exists():
        pytest.skip(f"there is no {request.param}")
    return str(request.param)


def fire(line: str, payload: bytes = EVENT, shell: str = "/bin/sh", **environment: str) -> None:
    """As clients do: a shell line, whose shell our command replaces."""
    ended = subprocess.run(
        [shell, "-c", line], input=payload, capture_output=True, timeout=PATIENCE_S, env={**os.environ, **environment}
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")


def activity(**more: str) -> None:
    fire(commands.hook("claude", guarded=True), **more)  # type: ignore[arg-type]


def noted(home: Home) -> int:
    return len(read_new(home, {}).lines)


def stamp(home: Home) -> Path:
    return spool_of(home) / f"activity-{os.getpid()}"


def test_one_sign_of_activity_is_let_through_and_the_next_are_held_back(home: Home, shell: str):
    for _ in range(4):
        fire(commands.hook("claude", guarded=True), shell=shell)
    assert noted(home) == 1
    assert abs(int(stamp(home).read_text()) - time.time()) < PATIENCE_S


@pytest.mark.parametrize("age", [5, 60, -3_600])
def test_after_five_seconds_or_when_the_clock_went_back_the_next_is_let_through(home: Home, age: int):
    activity()
    stamp(home).write_text(f"{int(time.time()) - age}\n")
    activity()
    assert noted(home) == 2


@pytest.mark.parametrize("content", ["", "no number\n", "99999999999999999999x\n", "12 34\n", "-5\n"])
def test_a_stamp_that_says_nothing_holds_nothing_back(home: Home, content: str):
    stamp(home).write_text(content)
    activity()
    assert noted(home) == 1


def test_another_clients_activity_holds_nothing_back(home: Home):
    activity()
    again = [sys.executable, "-c", "import subprocess, sys; subprocess.run(sys.argv[1:], stdin=0, check=True)"]
    line = commands.hook("claude", guarded=True)
    subprocess.run([*again, "/bin/sh", "-c", line], input=EVENT, check=True, timeout=PATIENCE_S)
    assert noted(home) == 2


@pytest.mark.parametrize("event", ["PermissionRequest", "Notification", "UserPromptSubmit", "Stop"])
def test_the_first_activity_after_a_change_is_not_held_back(home: Home, event: str):
    activity()
    fire(commands.hook("claude", guarded=False), json.dumps({"hook_event_name": event}).encode())
    activity()
    activity()
    assert [line.event for line in read_new(home, {}).lines] == ["PreToolUse", event, "PreToolUse"]


def test_a_client_that_writes_much_is_not_cut_off(home: Home):
    activity()
    process = subprocess.Popen(["/bin/sh", "-c", commands.hook("claude", guarded=True)], stdin=subprocess.PIPE)
    assert process.wait(PATIENCE_S) == 0  # held back, and gone before a byte was written
    assert process.stdin is not None
    written, payload = 0, b"x" * 1_000_000
    while written < len(payload):
        written += os.write(process.stdin.fileno(), payload[written:])
    process.stdin.close()
    assert noted(home) == 1


def test_an_input_that_stays_open_keeps_nobody(home: Home):
    activity()
    process = subprocess.Popen(
        ["/bin/sh", "-c", commands.hook("claude", guarded=True)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(EVENT)
    process.stdin.flush()
    assert process.wait(PATIENCE_S) == 0
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.read() == process.stderr.read() == b""  # nobody holds what the client may wait for
    for stream in (process.stdin, process.stdout, process.stderr):
        stream.close()


def test_a_home_that_is_not_there_is_not_made_and_starts_no_python(tmp_path: Path):
    missing = tmp_path / "nowhere"
    fire(f"exec /bin/sh {Path(hook.__file__).with_name('guard.sh')} /bin/echo started", **{HOME_VARIABLE: str(missing)})
    assert not missing.exists()


def test_a_home_without_a_spool_gets_one(home: Home):
    spool_of(home).rmdir()
    activity()
    assert noted(home) == 1


def test_a_home_below_the_users_own_directory_is_found(tmp_path: Path):
    theirs = Home(tmp_path / "user/.wezterm-parallel")
    spool_of(theirs).mkdir(parents=True)
    for said in ("", "~/.wezterm-parallel"):
        activity(HOME=str(tmp_path / "user"), **{HOME_VARIABLE: said})
    assert noted(theirs) == 1


def test_a_home_whose_name_has_blanks_is_found(tmp_path: Path):
    theirs = Home(tmp_path / "a home's")
    spool_of(theirs).mkdir(parents=True)
    for _ in range(2):
        activity(**{HOME_VARIABLE: str(theirs.path)})
    assert noted(theirs) == 1
