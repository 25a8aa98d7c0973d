"""The demo's stage: a home of its own, made anew and removed at the end, and the agents' program on it."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.demo import agents
from core.demo.project import seed
from storage import Database, Home


@contextmanager
def stage(*, still: bool = False) -> Iterator[Home]:
    """A home with the demo's room, on which the agents are at work (unless `still`) as long as the block lasts."""
    folder = Path(tempfile.mkdtemp(prefix="wezterm-parallel-demo-"))
    try:
        home = Home(folder / "home")
        project = folder / "project"
        project.mkdir()
        database = Database.open(home)
        seed(database, project)
        database.close()
        with _agents_at(home, still=still):
            yield home
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _agents_at(home: Home, *, still: bool) -> Iterator[None]:
    if still:
        yield
        return
    command = [sys.executable, agents.__file__, str(home.path), str(os.getpid())]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)
    try:
        yield
    finally:
        process.terminate()
        process.wait()
