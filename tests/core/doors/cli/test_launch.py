"""`wzp` alone on a terminal: the room is found or offered, and the app is opened on it by whoever sits there."""

import io
import sys
from pathlib import Path

import pytest

from core.doors.cli import context
from core.doors.cli.program import run
from core.work import Actor
from storage import Door, Home, Role


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, project: Path, home: Home) -> list[tuple[Home, str, Actor]]:
    """What the app was opened on; the process has a terminal, in the project's directory."""
    monkeypatch.setattr(context, "_is_terminal", lambda _stream: True)
    monkeypatch.chdir(project)
    return []


def enter(opened: list[tuple[Home, str, Actor]], *words: str, code: int = 0) -> int:
    def open_app(home: Home, room: str, actor: Actor) -> int:
        opened.append((home, room, actor))
        return code

    return run(words, open_app)


def test_it_opens_the_board_of_the_directorys_room_for_the_person(wzp, room, opened, home: Home):
    assert enter(opened) == 0
    ((where, name, actor),) = opened
    assert (where, name, actor.door, actor.role) == (home, "demo", Door.TUI, Role.OWNER)


def test_the_apps_exit_code_is_the_programs(wzp, room, opened):
    assert enter(opened, "open", "--room", "demo", code=3) == 3
    assert enter(opened, "--room", "demo", code=4) == 4


def test_an_unknown_room_is_not_offered_but_refused(wzp, room, opened):
    assert enter(opened, "--room", "nowhere") == 3
    assert opened == []


@pytest.mark.parametrize("answer", ["y\n", "\n"])
def test_a_room_that_is_accepted_is_made_and_opened(wzp, opened, project: Path, monkeypatch, answer: str):
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    assert enter(opened) == 0
    assert [name for _, name, _ in opened] == ["project"]
    (made,) = wzp("room", "list", "--json").json
    assert (made["name"], made["root"]) == ("project", str(project))


def test_a_room_that_is_declined_is_not_made(wzp, opened, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    assert enter(opened) == 0
    assert "wzp room create" in capsys.readouterr().err
    assert opened == []
    assert wzp("room", "list", "--json").json == []


def test_an_offer_that_is_broken_off_makes_nothing(wzp, opened, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert enter(opened) == 130
    assert wzp("room", "list", "--json").json == []


def test_an_agent_opens_the_board_as_itself(wzp, room, opened, monkeypatch):
    monkeypatch.setenv("CLAUDECODE", "1")
    enter(opened)
    assert (opened[0][2].name, opened[0][2].role) == ("claude", Role.AGENT)
