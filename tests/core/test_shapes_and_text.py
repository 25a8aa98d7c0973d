"""The shapes that programs read, and text that a terminal may be given."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidData, NotFound, OpenDependencies, VersionConflict
from core.shapes import Shaper, shape_error
from core.text import block_for_screen, clean_line, clean_text, for_screen
from storage import Status
from tests.support.users import User


def test_a_task_is_told_with_names_numbers_and_its_place(board: User, alice: User) -> None:
    alice.add("need", status="todo")
    task = board.add("task", status="todo", dependencies=("1",), assignee="alice")
    wire = board.outcome("get_task", task=task, wants_shape=True).shaped
    assert {
        "id": task.id, "number": 2, "title": "task", "status": "todo", "priority": "normal", "position": 1,
        "version": 1, "assignee_name": "alice", "dependency_numbers": [1], "waiting_on": 1, "due": None, "labels": [],
    }.items() <= wire.items()  # fmt: skip
    assert (wire["parent"], wire["parent_number"]) == (None, None)
    part = board.add("part", parent=task.id)
    told = board.outcome("get_task", task=part, wants_shape=True).shaped
    assert (told["parent"], told["parent_number"]) == (task.id, 2)
    assert wire["created_at"].endswith("Z")
    assert [event["agent_name"] for event in wire["history"]] == ["owner"]
    assert wire["history"][0]["task_number"] == 2


def test_lists_events_comments_and_boards_are_told_as_they_are(board: User) -> None:
    task = board.add("task", status="todo")
    moved = board.outcome("move_task", task=task, to=Status.DONE, wants_shape=True).shaped
    assert (moved["status"], moved["position"], moved["version"]) == ("done", 0, 2)
    comment = board.outcome("comment_task", task=task, body="hello", wants_shape=True).shaped
    assert (comment["body"], comment["author_name"]) == ("hello", "owner")
    assert board.outcome("list_tasks", wants_shape=True).shaped[0]["position"] == 0
    assert board.outcome("get_board", wants_shape=True).shaped["tasks"][0]["number"] == 1
    assert board.outcome("list_events", limit=1, wants_shape=True).shaped[0]["type"] == "created"
    assert board.outcome("list_agents", wants_shape=True).shaped[0]["name"] == "owner"
    assert board.outcome("undo", wants_shape=True).shaped["operation"] == "comment_task"
    assert board.outcome("get_agent", agent="me", wants_shape=True).shaped["name"] == "owner"


def test_a_conflict_carries_the_present_row_and_the_changes(board: User, alice: User) -> None:
    task = board.add("old")
    alice.edit(task, title="new")
    with pytest.raises(VersionConflict) as conflict:
        board.edit(task, title="mine", expected_version=1)
    with board.database.read() as rows:
        wire = shape_error(conflict.value, rows)
    assert (wire["code"], wire["current"]["title"], wire["current"]["position"]) == ("version_conflict", "new", 0)
    assert [(each["agent_name"], each["after"]) for each in wire["changes"]] == [("alice", {"title": "new"})]
    assert shape_error(conflict.value)["current"]["title"] == "new"


def test_an_error_is_told_with_code_message_hint_and_details() -> None:
    assert shape_error(NotFound("no", "look")) == {"code": "not_found", "message": "no", "hint": "look"}
    assert shape_error(OpenDependencies("a", "b", open=[1]))["details"] == {"open": [1]}


def test_the_shaper_leaves_what_is_plain(board: User) -> None:
    with board.database.read() as rows:
        assert Shaper(rows).shape([1, "x", None]) == [1, "x", None]


@given(st.text())
def test_what_is_drawn_has_one_line_and_nothing_that_acts(text: str) -> None:
    drawn = for_screen(text)
    assert "\x1b" not in drawn
    assert "\n" not in drawn
    assert not any(ord(each) < 32 or 127 <= ord(each) < 160 or 0x202A <= ord(each) <= 0x202E for each in drawn)
    assert for_screen(drawn) == drawn


def test_a_block_keeps_its_lines_and_loses_its_escapes() -> None:
    assert clean_text("a\r\nb\rc\x1b[31m\x07\td\n\n", "description") == "a\nb\nc\td"
    assert block_for_screen("a\tb\n\x1b[1mc\u202e") == "a   b\nc"


@pytest.mark.parametrize("title", ["\u200b", " \u202e\u2066 ", "\ufeff\ufe0f", "\x1b[31m\x1b[0m"])
def test_a_title_of_nothing_that_shows_is_empty(title: str) -> None:
    with pytest.raises(InvalidData):
        clean_line(title, "title", 100)
