"""`wzp top` in a real terminal: drawn anew each second, and the terminal as it was afterwards."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from storage import HOME_VARIABLE, Home
from tests.support.terminal import PROGRAM, Terminal


@pytest.fixture
def serving(home: Home, project: Path) -> Iterator[Path]:
    """A room's directory, and a host that measures."""
    subprocess.run([*PROGRAM, "room", "create", "demo", "--root", "."], cwd=project, check=True, capture_output=True)
    host = subprocess.Popen([*PROGRAM, "serve"], cwd=project, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert home.path.exists()
    yield project
    host.terminate()
    host.wait(30)


def test_it_follows_and_ends_with_q(serving: Path, home: Home) -> None:
    with Terminal([*PROGRAM, "top"], columns=100, lines=30, cwd=serving, env={HOME_VARIABLE: str(home.path)}) as top:
        first = top.wait_for("demo · ", "cpu ", "of ", "No processes.", gone=["Nothing is measured"])
        clock = first.splitlines()[0]
        top.wait_for("cpu ", gone=[clock])
        subprocess.run([*PROGRAM, "task", "add", "Fix", "--status", "todo"], cwd=serving, check=True)
        top.wait_for("todo 1")
        top.press("q")
        ended = top.wait_for("ended with 0")
        assert "cpu " not in ended, "the screen is as it was before"


def test_it_leaves_the_terminal_as_it_was_when_it_is_told_to_end(serving: Path, home: Home) -> None:
    with Terminal([*PROGRAM, "top"], columns=100, lines=30, cwd=serving, env={HOME_VARIABLE: str(home.path)}) as top:
        top.wait_for("demo · ", "No processes.")
        (child,) = psutil.Process(top.pane_pid()).children()
        child.terminate()
        ended = top.wait_for("ended with 143")
        assert "No processes." not in ended
        top.type("echoed")
        top.wait_for("echoed")
