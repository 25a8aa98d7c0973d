"""The terminal closes under the app: it ends by itself, leaves no orphan, and nothing that was done is lost."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.support.users import User

ENTRY = Path(__file__).parents[2] / "wezterm_parallel.py"
START_S = 30.0
END_S = 15.0

pytestmark = pytest.mark.system


class AppInTerminal:
    """The program on a pseudo-terminal whose other end is ours to close."""

    def __init__(self, cwd: Path) -> None:
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, str(ENTRY), "--room", "demo"],
            cwd=cwd,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"},
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(slave)
        self.family = psutil.Process(self.process.pid)
        self._seen = b""

    def wait_for(self, text: str) -> None:
        """Read what it draws until `text` has come."""
        deadline = time.monotonic() + START_S
        while text.encode() not in self._seen:
            assert time.monotonic() < deadline, self._seen[-2000:]
            if select.select([self.master], [], [], 0.1)[0]:
                self._seen += os.read(self.master, 65536)

    def type(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def hang_up(self) -> None:
        """Close the terminal, as closing its window does."""
        os.close(self.master)

    def ended(self) -> int:
        """Wait for the end. The way it ended; everything that it started must have ended, too."""
        children = self.family.children(recursive=True) if self.family.is_running() else []
        try:
            code = self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        gone, alive = psutil.wait_procs(children, END_S)
        del gone
        assert alive == []
        return code


def _take_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_the_terminal_closed_under_the_app(board: User, project: Path) -> None:
    board.add("Fix login", status="todo")
    app = AppInTerminal(project)
    app.wait_for("Fix login")
    app.type("L")
    deadline = time.monotonic() + END_S
    while not board.titles("in_progress") and time.monotonic() < deadline:
        select.select([app.master], [], [], 0.02)
    app.hang_up()
    assert app.ended() == 128 + signal.SIGHUP
    assert board.titles("in_progress") == ["Fix login"]
    log = board.database.home.logs / "app.log"
    assert "Traceback" not in (log.read_text() if log.exists() else "")


def test_the_terminal_closed_without_a_word(board: User, project: Path) -> None:
    """No SIGHUP comes (nohup, a dead ssh): what is read from the terminal tells."""
    board.add("Fix login", status="todo")
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        app = AppInTerminal(project)
    finally:
        signal.signal(signal.SIGHUP, before)
    app.wait_for("Fix login")
    app.hang_up()
    assert app.ended() != 0
    assert board.titles("todo") == ["Fix login"]


def test_it_ends_when_it_is_asked_to_terminate(board: User, project: Path) -> None:
    board.add("Fix login")
    app = AppInTerminal(project)
    app.wait_for("Fix login")
    app.process.terminate()
    app.wait_for("\x1b[?1049l")  # it has left the alternate screen: the terminal is as it was before
    assert app.ended() == 128 + signal.SIGTERM
    app.hang_up()
