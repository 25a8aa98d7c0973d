"""The demo's stage: a home of its own, made anew and removed at the end, with its services and its agents' program."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from core.demo import agents
from core.demo.ending import end_demo
from core.demo.project import seed
from core.demo.running import set_up
from core.services import ensure_host
from storage import Database, Home

LIKED: Final = ("theme", "density", "animations", "language", "highlight_seconds", "toast_seconds", "notify", "keys")
"""The settings that are the person's in the demo too: those of the screen, and no port that another host has."""


@contextmanager
def stage(*, still: bool = False, settings: Path | None = None) -> Iterator[Home]:
    """A home with the demo's room, in which agents and processes are at work (unless `still`) while the block lasts.

    Args:
        settings: the person's own config.yaml; the demo looks and speaks as it says, and leaves it alone.
    """
    folder = Path(tempfile.mkdtemp(prefix="wezterm-parallel-demo-")).resolve()
    try:
        home = Home(folder / "home")
        project = folder / "project"
        project.mkdir()
        database = Database.open(home)
        if settings is not None and settings.exists():
            _take_on(settings, home)
        if still:
            seed(database, project)
            database.close()
            yield home
            return
        with _agents_in(folder) as company, ThreadPoolExecutor(1) as side:
            host = side.submit(ensure_host, home)  # it comes up while the room is made
            seed(database, project)
            set_up(database, project)
            database.close()
            host.result()
            company.begin()
            yield home
    finally:
        end_demo(folder)


def _take_on(settings: Path, home: Home) -> None:
    """Let the demo look and speak as the person's own app does."""
    from core.settings import read_settings, write_settings

    liked = read_settings(settings).settings
    write_settings(home.config, {name: getattr(liked, name) for name in LIKED})


class _Company:
    """The agents' program. It works while its input is open, and sees to the demo's end when that closes."""

    def __init__(self, program: "subprocess.Popen[bytes]") -> None:
        self._program = program

    def begin(self) -> None:
        """Let the agents begin: the room is there."""
        self._write(b"\n")

    def end(self) -> None:
        """Let it end the demo, and wait for it. Should we be killed before we can say so, it hears that, too."""
        assert self._program.stdin is not None
        self._program.stdin.close()
        self._program.wait()

    def _write(self, data: bytes) -> None:
        assert self._program.stdin is not None
        try:
            self._program.stdin.write(data)
            self._program.stdin.flush()
        except BrokenPipeError:  # it has ended: a demo without agents
            return


@contextmanager
def _agents_in(folder: Path) -> Iterator[_Company]:
    quiet = subprocess.DEVNULL
    program = subprocess.Popen(
        [sys.executable, agents.__file__, str(folder)],
        stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, cwd="/", start_new_session=True, bufsize=0,
    )  # fmt: skip
    company = _Company(program)
    try:
        yield company
    finally:
        company.end()
