"""The program used from outside: commands in a project, and the host that they have started, ended by its pid."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from core.services import current_host
from storage import Home
from tests.support.processes import REPOSITORY

PROGRAM = REPOSITORY / "wezterm_parallel.py"
DEADLINE_S = 60.0


class Project:
    """A project's directory in which somebody types commands."""

    def __init__(self, home: Home, directory: Path) -> None:
        self.home = home
        self.directory = directory

    def run(self, *words: str, code: int | None = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        """Carry out one command line; its exit code is checked, unless None is given."""
        ended = subprocess.run(
            [sys.executable, str(PROGRAM), *words], cwd=self.directory, capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL, timeout=120, env={**os.environ, **environment},
        )  # fmt: skip
        assert code is None or ended.returncode == code, (
            f"wzp {words} → {ended.returncode}\n{ended.stdout}{ended.stderr}"
        )
        return ended

    def json(self, *words: str) -> Any:
        """What a command prints as JSON."""
        return json.loads(self.run("--json", *words).stdout)

    def error(self, *words: str, code: int) -> dict[str, Any]:
        """The error that a command prints as JSON, with the exit code that is expected."""
        told: dict[str, Any] = json.loads(self.run("--json", *words, code=code).stderr)
        return told

    def ps(self) -> dict[str, dict[str, Any]]:
        """The room's processes by name."""
        return {each["name"]: each for each in self.json("ps")}

    def write(self, content: str) -> None:
        """Write the room.yaml."""
        (self.directory / "room.yaml").write_text(content)

    def until(self, holds: Callable[[], Any], what: str = "it") -> Any:
        """Wait until something holds; what it gave."""
        deadline = time.monotonic() + DEADLINE_S
        while not (found := holds()):
            assert time.monotonic() < deadline, f"{what} did not come to be: {self.ps()}"
            time.sleep(0.05)
        return found

    def host_pid(self) -> int | None:
        """The process that runs the services."""
        sign = current_host(self.home)
        return sign.pid if sign is not None else None

    def end_host(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End the host that runs, by its pid, and wait until it is gone."""
        if (pid := self.host_pid()) is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            self.until(lambda: self.host_pid() != pid, "the end of the host")

    def close(self) -> None:
        """Stop all that runs, and the host."""
        try:
            self.run("kill", "--all", "--timeout", "30", code=None)
        finally:
            self.end_host()


def is_alive(pid: int) -> bool:
    """Whether a process of that pid is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@contextlib.contextmanager
def project_in(home: Home, directory: Path, room: str = "demo") -> Iterator[Project]:
    """A project with a room; nothing of it runs afterwards."""
    project = Project(home, directory)
    project.run("room", "create", room)
    try:
        yield project
    finally:
        project.close()
