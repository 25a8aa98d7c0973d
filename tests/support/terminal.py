"""A real terminal for system tests: the program in tmux, on a socket of the test's own."""

import os
import shlex
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = (sys.executable, str(ROOT / "wezterm_parallel.py"))
PATIENCE_S = 20.0
"""How long something may take on a loaded machine before it counts as not happening; no measure of speed."""


class Terminal:
    """One tmux session with one pane; use as a context manager."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 160,
        lines: int = 45,
        cwd: Path,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._socket = f"wzp-test-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._command = command
        self._size = (columns, lines)
        self._cwd = cwd
        self._env = dict(env or {})

    def __enter__(self) -> "Terminal":
        columns, lines = self._size
        settings = [f"{name}={shlex.quote(value)}" for name, value in self._env.items()]
        # the shell says how the program ended, and waits, so that the last screen can be read
        line = f'env {" ".join(settings)} {shlex.join(self._command)}; echo "ended with $?"; exec cat'
        self._tmux(
            "-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(lines), "-c", str(self._cwd), line
        )
        self._tmux("set-option", "-g", "window-size", "manual")
        return self

    def __exit__(self, *_: object) -> None:
        self._tmux("kill-server", check=False)

    def press(self, *keys: str) -> None:
        """Press keys, by tmux's names (`Enter`, `Escape`, `C-s`, `j`)."""
        for key in keys:
            self._tmux("send-keys", key)

    def type(self, text: str) -> None:
        """Type text as it is."""
        self._tmux("send-keys", "-l", text)

    def screen(self) -> str:
        """What the terminal shows now, without colours."""
        return self._tmux("capture-pane", "-p")

    def resize(self, columns: int, lines: int) -> None:
        """Change the size of the window."""
        self._tmux("resize-window", "-x", str(columns), "-y", str(lines))

    def pane_pid(self) -> int:
        """The pid of the shell in the pane."""
        return int(self._tmux("list-panes", "-F", "#{pane_pid}"))

    def wait_for(self, *texts: str, gone: Sequence[str] = (), patience_s: float = PATIENCE_S) -> str:
        """Wait until the screen shows all of `texts` and none of `gone`; the screen then."""
        until = time.monotonic() + patience_s
        while True:
            shown = self.screen()
            if all(text in shown for text in texts) and not any(text in shown for text in gone):
                return shown
            assert time.monotonic() < until, f"waited for {texts} without {gone}; the screen shows:\n{shown}"
            time.sleep(0.02)  # a terminal tells nobody when it has drawn

    def _tmux(self, *arguments: str, check: bool = True) -> str:
        # no TMUX: the tests may themselves run inside one
        environment = {name: value for name, value in os.environ.items() if name not in ("TMUX", "TMUX_PANE")}
        environment.setdefault("LC_ALL", "C.UTF-8")
        done = subprocess.run(
            ["tmux", "-u", "-L", self._socket, *arguments], capture_output=True, text=True, check=False, env=environment
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout
