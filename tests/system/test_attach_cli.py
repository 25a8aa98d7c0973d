"""`wzp attach` and `wzp send` in a real terminal, with the host that the commands start."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.processes.backends.tmux import SOCKET_VARIABLE
from storage import HOME_VARIABLE, Home
from tests.support.serving import PROGRAM, Project, project_in
from tests.support.terminal import Terminal

pytestmark = pytest.mark.system


@pytest.fixture
def room(home: Home, project: Path) -> Iterator[Project]:
    with project_in(home, project) as here:
        here.run(
            "process", "add", "talk", "--", "sh", "-c", 'echo "hello $$"; while read line; do echo "got <$line>"; done'
        )
        yield here


def at_a_terminal(room: Project, *words: str) -> Terminal:
    environment = {HOME_VARIABLE: str(room.home.path)}
    return Terminal((sys.executable, str(PROGRAM), *words), cwd=room.directory, env=environment)


def test_attach_types_into_a_process_and_detaches(room: Project):
    room.run("start", "talk")
    with at_a_terminal(room, "attach", "talk") as terminal:
        terminal.wait_for("hello")
        terminal.type("from the terminal")
        terminal.press("Enter")
        terminal.wait_for("got <from the terminal>")
        terminal.press("C-\\")
        shown = terminal.wait_for("ended with 0")
        assert "Detached from talk; it runs on." in shown
        lines = [line.strip() for line in shown.splitlines()]
        assert lines.index("got <from the terminal>") < lines.index("Detached from talk; it runs on.")


def test_what_a_process_has_drawn_below_its_cursor_is_no_part_of_the_terminal_any_more(room: Project):
    drawn = "printf 'top\\n\\n\\n\\nbelow\\033[2;1H'; echo here; cat"
    room.run("process", "add", "draws", "--", "sh", "-c", drawn)
    with at_a_terminal(room, "attach", "draws") as terminal:
        terminal.wait_for("here", "below")
        terminal.press("C-\\")
        lines = [line.strip() for line in terminal.wait_for("ended with 0").splitlines()]
    assert lines.index("here") < lines.index("Detached from draws; it runs on.")
    assert "below" not in lines
    assert room.ps()["talk"]["state"] == "running"


def test_attach_ends_with_the_process(room: Project):
    room.run("start", "talk")
    with at_a_terminal(room, "attach", "talk") as terminal:
        terminal.wait_for("hello")
        terminal.press("C-d")
        terminal.wait_for("talk has ended with code 0.", "ended with 0")


def test_send_types_a_line(room: Project):
    room.run("start", "talk")
    assert room.json("send", "talk", "two", "words") == {"process": "talk", "sent": 10}
    room.run("send", "talk", "--no-enter", "no ")
    room.run("send", "talk", "enter")
    folder = room.home.logs / "processes" / room.ps()["talk"]["id"]
    room.until(lambda: b"got <no enter>" in (folder / "output.log").read_bytes())
    assert b"got <two words>" in (folder / "output.log").read_bytes()


def test_what_cannot_be_is_refused(room: Project):
    room.run("stop", "talk")
    told = room.error("send", "talk", "x", code=8)
    assert told["code"] == "process_failed"
    assert "wzp start talk" in told["hint"]
    assert room.error("send", "nobody", "x", code=3)["code"] == "not_found"
    assert room.run("attach", "talk", code=2).stderr.count("needs a terminal") == 1
    room.run("start", "talk")
    refused = room.run("--json", "send", "talk", "x", code=6, WZP_AGENT="claude")
    assert "permission_denied" in refused.stderr


def test_a_pane_that_nobody_looks_at_is_shown_here(room: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    socket = tmp_path / "tmux"
    monkeypatch.setenv(SOCKET_VARIABLE, str(socket))
    room.run("process", "add", "pane", "--backend", "tmux", "--", "sh", "-c", "echo in a pane; cat")
    room.run("start", "pane")
    with at_a_terminal(room, "attach", "pane") as terminal:
        terminal.wait_for("in a pane")
        terminal.type("typed")
        terminal.press("Enter", "C-\\")
        terminal.wait_for("Detached from pane", "ended with 0")
    room.run("stop", "pane")
