"""The demo as a program in a real terminal: what a new user sees in the first minute, and that nothing of it stays."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from storage import Home
from tests.support.left import left_in
from tests.support.terminal import PROGRAM, Terminal

pytestmark = pytest.mark.system

PATIENCE_S = 60.0


@pytest.fixture
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the demo makes its own."""
    return tmp_path_factory.mktemp("d")


@contextmanager
def demo(project: Path, home: Home, temporary: Path, *options: str) -> Iterator[Terminal]:
    env = {"WEZTERM_PARALLEL_HOME": str(home.path), "TMPDIR": str(temporary)}
    with Terminal([*PROGRAM, "demo", *options], columns=160, lines=45, cwd=project, env=env) as terminal:
        yield terminal


def test_the_still_demo_opens_and_leaves_nothing_behind(project: Path, home: Home, temporary: Path) -> None:
    with demo(project, home, temporary, "--still") as terminal:
        terminal.wait_for("Rate limit", "日本語の表示", patience_s=PATIENCE_S)
        terminal.press("q")
        terminal.wait_for("ended with 0", patience_s=PATIENCE_S)
    assert not home.path.exists()
    assert list(temporary.iterdir()) == []


def test_the_screens_of_the_demo_are_alive_and_nothing_of_it_outlives_it(
    project: Path, home: Home, temporary: Path
) -> None:
    with demo(project, home, temporary) as terminal:
        terminal.wait_for("Rate limit", patience_s=PATIENCE_S)
        terminal.press("5")
        terminal.wait_for("✓ exited", "● ready", "worker.2", "passed", patience_s=PATIENCE_S)
        terminal.wait_for("it restarts after", patience_s=PATIENCE_S)
        terminal.press("6")
        terminal.wait_for("✓ succeeded", "waits for your approval", patience_s=PATIENCE_S)
        terminal.press("7")
        terminal.wait_for("CPU", "Memory", patience_s=PATIENCE_S)
        terminal.press("tab")
        terminal.wait_for("web", "visitors", patience_s=PATIENCE_S)
        terminal.press("8")
        terminal.wait_for("mailer crashes again and again", patience_s=PATIENCE_S)
        terminal.press("2", "F4")
        terminal.wait_for("GET /", patience_s=PATIENCE_S)
        assert running(temporary), "something of it was to run now"
        terminal.press("Escape")
        terminal.wait_for("History", gone=["Follow"], patience_s=PATIENCE_S)
        terminal.press("q")
        terminal.wait_for("ended with 0", patience_s=PATIENCE_S)
        assert running(temporary) == []
    assert list(temporary.iterdir()) == []
    assert not home.path.exists()


def test_nothing_of_a_demo_outlives_its_terminal(project: Path, home: Home, temporary: Path) -> None:
    with demo(project, home, temporary) as terminal:
        terminal.wait_for("Rate limit", patience_s=PATIENCE_S)
        wait_until(lambda: any("server.py" in each for each in running(temporary)))
    wait_until(lambda: running(temporary) == [])
    wait_until(lambda: list(temporary.iterdir()) == [])


def running(temporary: Path) -> list[str]:
    """What runs of the demo; the terminal around it is ours."""
    return [each for each in left_in(temporary) if "ended with" not in each]


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait for something that other processes do and nobody announces."""
    until = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.05)
