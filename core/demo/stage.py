"""The demo's stage: a home of its own, made anew and removed at the end, with its services and its agents' program."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from core.demo import agents
from core.demo.ending import end_demo
from core.demo.project import seed
from core.demo.running import set_up
from core.services import ensure_host
from storage import Database, Home


@contextmanager
def stage(*, still: bool = False) -> Iterator[Home]:
    """A home with the demo's room, in which agents and processes are at work (unless `still`) while the block lasts."""
    folder = Path(tempfile.mkdtemp(prefix="wezterm-parallel-demo-")).resolve()
    try:
        home = Home(folder / "home")
        project = folder / "project"
        project.mkdir()
        database = Database.open(home)
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
