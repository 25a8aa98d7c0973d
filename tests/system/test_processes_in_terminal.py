"""The process screen in a real terminal, with real processes: what a person does to them in a day."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from storage import Home
from tests.support.terminal import PROGRAM, Terminal

pytestmark = pytest.mark.system

PATIENCE_S = 60.0

ROOM_YAML = """\
processes:
  - name: shell
    command: [bash, --norc, -i]
    env: {PS1: "ask> "}
    labels: [tools]
  - name: sleeper
    command: [sleep, "1000"]
"""


class Shell:
    """The person's shell in the project."""

    def __init__(self, directory: Path, home: Home) -> None:
        self._directory = directory
        self._env = {**os.environ, "WEZTERM_PARALLEL_HOME": str(home.path)}

    def wzp(self, *arguments: str) -> Any:
        """Run a command; its JSON."""
        done = subprocess.run(
            [*PROGRAM, *arguments, "--json"], cwd=self._directory, env=self._env, capture_output=True, text=True,
            check=True, timeout=120,
        )  # fmt: skip
        return json.loads(done.stdout)

    def processes(self) -> dict[str, Any]:
        """What `wzp ps` says, by name."""
        return {each["name"]: each for each in self.wzp("ps")}

    def wait(self, **states: str) -> dict[str, Any]:
        """Wait until the processes are so; what `wzp ps` says then."""
        until = time.monotonic() + PATIENCE_S
        while True:
            found = self.processes()
            if all(found[name]["state"] == state for name, state in states.items()):
                return found
            assert time.monotonic() < until, f"waited for {states}; there is {found}"
            time.sleep(0.1)


@pytest.fixture
def person(project: Path, home: Home) -> Iterator[Shell]:
    """A project with a room and a room.yaml, and the person's shell in it; nothing runs on after the test."""
    (project / "room.yaml").write_text(ROOM_YAML)
    shell = Shell(project, home)
    shell.wzp("room", "create", "demo", "--root", str(project))
    yield shell
    with suppress(subprocess.SubprocessError):
        shell.wzp("kill", "--all")
    end_host(home)


def end_host(home: Home) -> None:
    """End the host that was left behind, if there is one."""
    from core.services import current_host

    host = current_host(home)
    if host is not None and host.pid != os.getpid():
        with suppress(ProcessLookupError):
            os.kill(host.pid, signal.SIGTERM)


def open_app(project: Path, home: Home, columns: int = 130, lines: int = 40, **more: str) -> Terminal:
    env = {"WEZTERM_PARALLEL_HOME": str(home.path), **more}
    return Terminal([*PROGRAM], columns=columns, lines=lines, cwd=project, env=env)


def app_pid(home: Home) -> int:
    """The pid of the app, which is the host."""
    from core.services import current_host

    host = current_host(home)
    assert host is not None
    return host.pid


def is_alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def test_a_room_is_approved_peeked_at_attached_to_written_to_and_stopped_at_quitting(
    person: Shell, project: Path, home: Home
) -> None:
    with open_app(project, home) as terminal:
        terminal.wait_for("Backlog", gone=["Reading"], patience_s=PATIENCE_S)
        terminal.press("5")
        terminal.wait_for("room.yaml is not approved", patience_s=PATIENCE_S)
        terminal.press("T")
        terminal.wait_for("It declares 2 processes:", "bash --norc -i", patience_s=PATIENCE_S)
        terminal.press("y")
        terminal.wait_for("● 2 running", "ask>", gone=["not approved"], patience_s=PATIENCE_S)
        terminal.press("p")
        terminal.wait_for("shell  ● running  80×24", "ask>", patience_s=PATIENCE_S)
        terminal.press("i")
        terminal.wait_for("Write a line to shell", patience_s=PATIENCE_S)
        terminal.type("echo $((40 + 2))-peeked")
        terminal.press("Enter")
        terminal.wait_for("42-peeked", patience_s=PATIENCE_S)
        terminal.press("Escape")
        terminal.wait_for("● 2 running", "42-peeked", patience_s=PATIENCE_S)
        terminal.press("a")
        terminal.wait_for("42-peeked", gone=["Processes", "has the terminal now"], patience_s=PATIENCE_S)
        terminal.type("echo $((2 * 21))-attached; tput cols")
        terminal.press("Enter")
        terminal.wait_for("42-attached", "\n130", patience_s=PATIENCE_S)
        terminal.press("C-\\")
        terminal.wait_for("● 2 running", "sleeper", "s Start", patience_s=PATIENCE_S)
        terminal.press("x")
        terminal.wait_for("○ 1 stopped", patience_s=PATIENCE_S)
        pid = person.wait(shell="stopped")["sleeper"]["pid"]
        terminal.press("q")
        terminal.wait_for("Quit?", "1 process runs: sleeper", patience_s=PATIENCE_S)
        terminal.press("s")
        terminal.wait_for("ended with 0", patience_s=PATIENCE_S)
    assert not is_alive(pid)
    assert person.processes()["sleeper"]["state"] == "stopped"


PAGER = """\
import os, shutil, signal, sys, tty

def draw(*_):
    size = os.get_terminal_size()
    print("\\x1b[H\\x1b[2J", end="")
    print("\\r\\n".join(f"row {row} of {size.lines}" for row in range(1, size.lines)), end="", flush=True)

tty.setraw(0)
signal.signal(signal.SIGWINCH, draw)
print(f"$ pager\\r\\n\\x1b[?1049h\\x1b[1;{os.get_terminal_size().lines}r", end="")
draw()
while os.read(0, 1) != b"q":
    pass
print("\\x1b[r\\x1b[?1049lthe pager is done", end="\\r\\n", flush=True)
"""
"""As `less` and `vim` do: it takes the other screen, sets once which lines scroll, and leaves the page as it was."""


def test_a_full_screen_program_is_attached_to_resized_left_and_ended(project: Path, home: Home, person: Shell) -> None:
    (project / "pager.py").write_text(PAGER)
    (project / "room.yaml").write_text(
        f"processes:\n  - {{name: pager, restart: never, command: [{sys.executable}, pager.py]}}\n"
    )
    person.wzp("room", "trust")
    person.wait(pager="running")
    with open_app(project, home, 100, 30) as terminal:
        terminal.wait_for("Backlog", gone=["Reading"], patience_s=PATIENCE_S)
        terminal.press("5")
        terminal.wait_for("● 1 running", patience_s=PATIENCE_S)
        terminal.press("p")
        terminal.wait_for("80×24", "row 1 of 24", patience_s=PATIENCE_S)
        terminal.press("Escape")
        terminal.wait_for("● 1 running", patience_s=PATIENCE_S)
        terminal.press("a")
        screen = terminal.wait_for("row 29 of 30", patience_s=PATIENCE_S)
        assert screen.splitlines()[0] == "row 1 of 30"
        terminal.resize(120, 40)
        terminal.wait_for("row 1 of 40", "row 39 of 40", patience_s=PATIENCE_S)
        terminal.press("C-\\")
        terminal.wait_for("● 1 running", "PID", patience_s=PATIENCE_S)
        terminal.press("a")  # nothing is drawn anew now: the picture alone has to be right
        terminal.wait_for("row 1 of 40", "row 39 of 40", gone=["Processes"], patience_s=PATIENCE_S)
        terminal.press("q")
        terminal.wait_for("pager has ended", "✓ 1 exited", patience_s=PATIENCE_S)
        terminal.press("q")
        terminal.wait_for("ended with 0", patience_s=PATIENCE_S)


def test_a_pane_that_nobody_looks_at_is_attached_to_here(
    project: Path, home: Home, person: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket = str(home.path.parent / "tmux")
    monkeypatch.setenv("WZP_TMUX_SOCKET", socket)
    (project / "room.yaml").write_text(
        'processes:\n  - {name: shell, backend: tmux, command: [bash, --norc, -i], env: {PS1: "pane> "}}\n'
    )
    try:
        with open_app(project, home, 100, 30, WZP_TMUX_SOCKET=socket) as terminal:
            terminal.wait_for("Backlog", gone=["Reading"], patience_s=PATIENCE_S)
            terminal.press("5")
            terminal.wait_for("room.yaml is not approved", patience_s=PATIENCE_S)
            terminal.press("T")
            terminal.wait_for("It declares 1 process:", patience_s=PATIENCE_S)
            terminal.press("y")
            terminal.wait_for("● 1 running", "pane>", patience_s=PATIENCE_S)
            terminal.press("a")
            terminal.wait_for("pane>", gone=["Processes", "has the terminal now"], patience_s=PATIENCE_S)
            terminal.type("echo $((6 * 7))-here; tput lines")
            terminal.press("Enter")
            terminal.wait_for("42-here\n30", patience_s=PATIENCE_S)
            terminal.press("C-\\")
            terminal.wait_for("● 1 running", patience_s=PATIENCE_S)
            terminal.press("p")
            terminal.wait_for("80×2", "42-here", patience_s=PATIENCE_S)  # its pane has its own size again
            terminal.press("Escape")
            terminal.wait_for("● 1 running", patience_s=PATIENCE_S)
            terminal.press("q")
            terminal.wait_for("Quit?", patience_s=PATIENCE_S)
            terminal.press("s")
            terminal.wait_for("ended with 0", patience_s=PATIENCE_S)
    finally:
        subprocess.run(["tmux", "-S", socket, "kill-server"], capture_output=True, check=False)


def test_after_kill_minus_nine_of_the_app_the_next_one_has_the_same_processes(
    person: Shell, project: Path, home: Home
) -> None:
    with open_app(project, home) as terminal:
        terminal.wait_for("Backlog", gone=["Reading"], patience_s=PATIENCE_S)
        terminal.press("5")
        terminal.wait_for("room.yaml is not approved", patience_s=PATIENCE_S)
        terminal.press("T")
        terminal.wait_for("It declares 2 processes:", patience_s=PATIENCE_S)
        terminal.press("y")
        terminal.wait_for("● 2 running", patience_s=PATIENCE_S)
        before = person.wait(shell="running", sleeper="running")
        os.kill(app_pid(home), signal.SIGKILL)
        terminal.wait_for("ended with 137", patience_s=PATIENCE_S)
    assert is_alive(before["sleeper"]["pid"])
    with open_app(project, home) as terminal:
        terminal.wait_for("Backlog", gone=["Reading"], patience_s=PATIENCE_S)
        terminal.press("5")
        terminal.wait_for("● 2 running", str(before["sleeper"]["pid"]), patience_s=PATIENCE_S)
        after = person.processes()
        same = ("pid", "started_at", "restarts", "state")
        for name in ("shell", "sleeper"):
            assert [after[name][each] for each in same] == [before[name][each] for each in same]
        terminal.press("q")
        terminal.wait_for("Quit?", "2 processes run: shell, sleeper", patience_s=PATIENCE_S)
        terminal.press("l")
        terminal.wait_for("ended with 0", patience_s=PATIENCE_S)
    # left to a host without a screen, which would restart what fails
    left = person.wait(shell="running", sleeper="running")
    assert left["sleeper"]["pid"] == before["sleeper"]["pid"]
    assert app_pid(home) != os.getpid()
    os.kill(left["sleeper"]["pid"], signal.SIGKILL)
    until = time.monotonic() + PATIENCE_S
    while (now := person.processes()["sleeper"])["restarts"] == 0 or now["state"] != "running":
        assert time.monotonic() < until, now
        time.sleep(0.1)
    assert now["pid"] != before["sleeper"]["pid"]
