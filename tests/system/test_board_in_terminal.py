"""The whole program in a real terminal, with other real processes writing to the same board."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from storage import Home
from tests.support.terminal import PATIENCE_S, PROGRAM, ROOT, Terminal
from tui.driver import LOOKS_ON_S

pytestmark = pytest.mark.system


class Project:
    """A project's directory with a home of its own: `wzp` in it, and terminals on it."""

    def __init__(self, directory: Path, home: Home) -> None:
        self.directory = directory
        self.home = home
        self.env = {"WEZTERM_PARALLEL_HOME": str(home.path)}

    def wzp(self, *arguments: str) -> Any:
        """Run a command; its JSON."""
        done = subprocess.run(
            [*PROGRAM, *arguments, "--json"], cwd=self.directory, env={**os.environ, **self.env}, capture_output=True,
            text=True, check=True, timeout=60,
        )  # fmt: skip
        return json.loads(done.stdout)

    def terminal(self, *arguments: str, columns: int = 160, lines: int = 45) -> Terminal:
        return Terminal([*PROGRAM, *arguments], columns=columns, lines=lines, cwd=self.directory, env=self.env)


@pytest.fixture
def opened(project: Path, home: Home) -> Project:
    """A project that has a room."""
    found = Project(project, home)
    found.wzp("room", "create", "demo", "--root", str(project))
    return found


def test_a_new_project_gets_its_room_a_card_and_a_drag_and_another_process_sees_it(project: Path, home: Home) -> None:
    new = Project(project, home)
    with new.terminal() as terminal:
        terminal.wait_for("Create room")
        terminal.press("y", "Enter")
        terminal.wait_for("Backlog", "Done", gone=["Reading"])
        terminal.press("n")
        terminal.type("Fix the login")
        terminal.press("Enter")
        terminal.wait_for("Fix the login", "#1")
        terminal.press("Escape")
        terminal.press("Space", "l", "Enter")
        wait_until(lambda: new.wzp("task", "show", "1")["status"] == "todo")
        terminal.press("q")
        terminal.wait_for("ended with 0")
    (task,) = new.wzp("task", "list")
    assert (task["title"], task["status"]) == ("Fix the login", "todo")


def test_what_another_process_writes_appears_without_a_keystroke(opened: Project) -> None:
    with opened.terminal() as terminal:
        terminal.wait_for("Backlog", "Review", gone=["Reading"])
        opened.wzp("task", "add", "全角のタイトル")
        terminal.wait_for("全角のタイトル")
        opened.wzp("task", "edit", "1", "--title", "Renamed by a script")
        terminal.wait_for("Renamed by a script", gone=["全角のタイトル"])


def test_two_apps_and_a_script_on_one_card_agree(opened: Project) -> None:
    opened.wzp("task", "add", "Shared card")
    with opened.terminal() as one, opened.terminal() as other:
        one.wait_for("Shared card")
        other.wait_for("Shared card")
        one.press("L")
        wait_until(lambda: opened.wzp("task", "show", "1")["status"] == "todo")
        opened.wzp("task", "edit", "1", "--priority", "urgent")
        other.press("L")
        wait_until(lambda: opened.wzp("task", "show", "1")["status"] in ("in_progress", "todo"))
        opened.wzp("task", "comment", "1", "seen by all")
        task = opened.wzp("task", "show", "1")
        assert task["priority"] == "urgent", "the script's change was overwritten"
        statuses = [event["after"]["status"] for event in task["history"] if "status" in event["after"]]
        assert statuses[:2] == ["backlog", "todo"]


def test_keys_after_a_silence_are_taken_and_a_lone_escape_too(opened: Project) -> None:
    with opened.terminal() as terminal:
        terminal.wait_for("Backlog", "Review", gone=["Reading"])
        time.sleep(LOOKS_ON_S + 0.3)
        terminal.press("F1")
        terminal.wait_for("the keys of the board")
        time.sleep(LOOKS_ON_S + 0.3)
        terminal.press("Escape")
        terminal.wait_for("Backlog", gone=["the keys of the board"])
        time.sleep(LOOKS_ON_S + 0.3)
        terminal.press("q")
        terminal.wait_for("ended with 0")


def test_a_small_terminal_says_so_and_recovers_on_resize(opened: Project) -> None:
    opened.wzp("task", "add", "Still here")
    with opened.terminal(columns=40, lines=10) as terminal:
        terminal.wait_for("Make it larger")
        terminal.resize(120, 30)
        terminal.wait_for("Still here", "Backlog")
        terminal.resize(40, 10)
        terminal.wait_for("Make it larger", gone=["Still here"])


def test_a_killed_app_loses_nothing_and_opens_again(opened: Project) -> None:
    with opened.terminal() as terminal:
        terminal.wait_for("Backlog", "Review", gone=["Reading"])
        terminal.press("n")
        terminal.type("Kept")
        terminal.press("Enter")
        wait_until(lambda: [task["title"] for task in opened.wzp("task", "list")] == ["Kept"])
        (app,) = [
            each for each in psutil.Process(terminal.pane_pid()).children(recursive=True)
            if any("wezterm_parallel.py" in part for part in each.cmdline())
        ]  # fmt: skip
        app.send_signal(signal.SIGKILL)
        terminal.wait_for("ended with 137")
    with opened.terminal() as terminal:
        terminal.wait_for("Kept")


def test_hostile_titles_do_nothing_to_the_screen(opened: Project) -> None:
    titles = [
        "\x1b[2J\x1b[31mred and cleared\x1b]0;window title\x07",
        "[bold red]markup[/] [link=file:///etc/passwd]x[/link] $text",
        "right to left \u202e gnp.exe\u202c and zero\u200bwidth\u200d",
        "a" * 10_000,
        "絵文字 👩‍👩‍👧‍👦 ⚠️ e\u0301 完",
    ]
    for title in titles:
        opened.wzp("task", "add", title)
    with opened.terminal() as terminal:
        shown = terminal.wait_for("red and cleared", "[bold red]markup[/]", "right to left", "絵文字")
        assert "Backlog" in shown
        frames = {line.rstrip() for line in shown.splitlines()}
        assert any("#1" in line for line in frames)
        terminal.press("j", "j", "j", "Enter")
        terminal.wait_for("aaaaaaaa")


def test_a_stopped_writer_does_not_stop_the_screen(opened: Project) -> None:
    opened.wzp("task", "add", "One")
    opened.wzp("task", "add", "Two")
    with opened.terminal() as terminal:
        terminal.wait_for("One", "Two")
        holder = subprocess.Popen(
            [PROGRAM[0], "-c", HOLD_THE_LOCK, str(opened.home.path)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert holder.stdout is not None
        assert holder.stdout.readline() == "holding\n"
        holder.send_signal(signal.SIGSTOP)
        try:
            terminal.press("L")
            terminal.press("j")  # the screen goes on
            shown = terminal.wait_for(str(holder.pid), "assign_task")
            assert "Two" in shown
        finally:
            holder.send_signal(signal.SIGCONT)
            holder.kill()
            holder.wait()
        terminal.press("k", "L")
        wait_until(lambda: any(task["status"] == "todo" for task in opened.wzp("task", "list")))


HOLD_THE_LOCK = """
import signal, sys
from pathlib import Path
from storage import Database, Home
database = Database.open(Home(Path(sys.argv[1])))
with database.write("assign_task"):
    print("holding", flush=True)
    signal.pause()
"""


def wait_until(holds: Any, patience_s: float = PATIENCE_S) -> None:
    """Wait for something that another process does and nobody announces."""
    import time

    until = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < until, "it did not happen"
