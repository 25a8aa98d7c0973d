"""Tasks: what each field takes, archive and restore, duplicates, lists."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidData
from core.text import TITLE_LIMIT
from storage import Priority, Status
from tests.support.users import User


def test_a_new_task_has_the_next_number_and_stands_last_in_the_backlog(board: User) -> None:
    board.add("one")
    task = board.add("two")
    assert (task.number, task.status, task.priority, task.version) == (2, Status.BACKLOG, Priority.NORMAL, 1)
    assert task.created_by == board.id


def test_all_fields_are_kept(board: User) -> None:
    task = board.add(
        "Fix login", description="**why**", status="todo", priority=Priority.URGENT, labels=("auth", "bug"),
        assignee="me", estimate_minutes=90, due=date(2026, 12, 1), command="make test",
    )  # fmt: skip
    seen = board.see(task)
    assert (seen.title, seen.description, seen.status, seen.priority) == (
        "Fix login", "**why**", Status.TODO, Priority.URGENT,
    )  # fmt: skip
    assert (seen.labels, seen.assignee, seen.estimate_minutes) == (("auth", "bug"), board.id, 90)
    assert (seen.due, seen.command) == (date(2026, 12, 1), "make test")
    edited = board.edit(task, assignee=None, estimate_minutes=None, due=None, command=None, labels=())
    assert (edited.assignee, edited.estimate_minutes, edited.due, edited.command, edited.labels) == (
        None, None, None, None, (),
    )  # fmt: skip
    assert (edited.title, edited.priority) == ("Fix login", Priority.URGENT)


@pytest.mark.parametrize(
    ("title", "kept"),
    [
        ("  two\nlines\tand tabs ", "two lines and tabs"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("nul\x00bell\x07", "nul bell"),
        ("[bold]not markup[/bold]", "[bold]not markup[/bold]"),
        ("日本語のタイトル", "日本語のタイトル"),
        ("שלום \u202e", "שלום \u202e"),
    ],
)
def test_titles_are_one_line_without_escapes(board: User, title: str, kept: str) -> None:
    assert board.add(title).title == kept


@pytest.mark.parametrize("title", ["", "   ", "\n", "\x1b[2J", "\x00", "\ud800"])
def test_a_title_without_anything_to_see_is_refused(board: User, title: str) -> None:
    with pytest.raises(InvalidData):
        board.add(title)


def test_a_title_may_have_ten_thousand_characters_and_no_more(board: User) -> None:
    assert len(board.add("x" * TITLE_LIMIT).title) == TITLE_LIMIT == 10_000
    with pytest.raises(InvalidData, match="10,001"):
        board.add("x" * (TITLE_LIMIT + 1))


@given(st.text(max_size=200))
def test_any_text_is_stored_safe_or_refused(board: User, text: str) -> None:
    try:
        task = board.add(text, description=text)
    except InvalidData:
        return
    assert not any(ord(each) < 32 or 127 <= ord(each) < 160 for each in task.title)
    assert not any((ord(each) < 32 and each not in "\t\n") or 127 <= ord(each) < 160 for each in task.description)
    assert board.see(task).title == task.title == board.edit(task, title=task.title).title


def test_labels_are_cleaned_and_each_once(board: User) -> None:
    assert board.add(labels=(" bug ", "auth", "bug", "a\nb")).labels == ("bug", "auth", "a b")
    for label in ("", " ", "x" * 61):
        with pytest.raises(InvalidData, match="label"):
            board.add(labels=(label,))


@pytest.mark.parametrize("minutes", [0, -5, 1_000_001])
def test_an_estimate_that_makes_no_sense_is_refused(board: User, minutes: int) -> None:
    with pytest.raises(InvalidData, match="estimate"):
        board.add(estimate_minutes=minutes)


def test_bulk_labels_are_added_and_taken_away(board: User) -> None:
    first, second = board.add(labels=("a", "b")), board.add(labels=("b",))
    changed = board.call("update_tasks", tasks=(first, second), add_labels=("c", "b"), remove_labels=("a",))
    assert [task.labels for task in changed] == [("b", "c"), ("b", "c")]


def test_the_same_task_named_twice_is_changed_once(board: User) -> None:
    task = board.add()
    moved = board.call("move_tasks", tasks=(task, task), to=Status.DONE)
    assert [each.version for each in moved] == [2]


def test_archiving_takes_a_task_off_the_board_and_restoring_brings_it_back_last(board: User) -> None:
    first, _ = board.add("first", status="todo"), board.add("second", status="todo")
    archived = board.call("archive_task", task=first)
    assert (archived.status, archived.archived_from) == (Status.ARCHIVED, Status.TODO)
    assert [task.title for task in board.call("list_tasks")] == ["second"]
    assert board.titles("archived") == ["first"]
    with pytest.raises(InvalidData, match="archived already"):
        board.call("archive_task", task=first)
    restored = board.call("restore_task", task=first)
    assert (restored.status, restored.archived_from) == (Status.TODO, None)
    assert board.titles("todo") == ["second", "first"]
    with pytest.raises(InvalidData, match="not archived"):
        board.call("restore_task", task=first)


def test_restoring_to_a_named_column(board: User) -> None:
    task = board.add()
    board.call("archive_task", task=task)
    with pytest.raises(InvalidData):
        board.call("restore_task", task=task, to=Status.ARCHIVED)
    with pytest.raises(InvalidData):
        board.call("restore_task", task=task, to=Status.BLOCKED)
    assert board.call("restore_task", task=task, to=Status.REVIEW).status is Status.REVIEW


def test_what_was_blocked_comes_back_blocked_with_its_reason(board: User) -> None:
    task = board.add(status="blocked", reason="no key")
    board.call("archive_task", task=task)
    restored = board.call("restore_task", task=task)
    assert (restored.status, restored.blocked_reason) == (Status.BLOCKED, "no key")


def test_a_duplicate_stands_right_below_with_all_but_the_assignee(board: User) -> None:
    need = board.add("need")
    task = board.add(
        "first", status="todo", labels=("a",), description="d", assignee="me", dependencies=(need,), command="make"
    )
    board.add("last", status="todo")
    copy = board.call("duplicate_task", task=task)
    assert board.titles("todo") == ["first", "first", "last"]
    assert (copy.number, copy.labels, copy.description, copy.dependencies, copy.command) == (
        4, ("a",), "d", (need.id,), "make",
    )  # fmt: skip
    assert (copy.assignee, copy.waiting_on, copy.version) == (None, 1, 1)


@pytest.mark.parametrize("status", ["blocked", "archived"])
def test_a_duplicate_of_what_stands_still_begins_in_the_backlog(board: User, status: str) -> None:
    task = board.add(status="blocked", reason="why")
    if status == "archived":
        board.call("archive_task", task=task)
    copy = board.call("duplicate_task", task=task)
    assert (copy.status, copy.blocked_reason, copy.archived_from) == (Status.BACKLOG, None, None)


def test_an_empty_comment_is_refused(board: User) -> None:
    with pytest.raises(InvalidData, match="comment"):
        board.comment(board.add(), "\n \x1b[0m".strip())


def test_lists_are_filtered_by_all_that_is_named(board: User) -> None:
    need = board.add("Need", labels=("x",), status="todo")
    board.add("Write DOCS", labels=("x", "y"), priority=Priority.HIGH, dependencies=(need,), description="for users")
    gone = board.add("Gone", labels=("x",))
    board.call("archive_task", task=gone)

    def titles(**filters: object) -> list[str]:
        return [task.title for task in board.call("list_tasks", **filters)]

    assert titles() == ["Write DOCS", "Need"]
    assert titles(label=("x", "y")) == ["Write DOCS"]
    assert titles(priority=(Priority.HIGH, Priority.URGENT)) == ["Write DOCS"]
    assert titles(text="docs") == titles(text="USERS") == ["Write DOCS"]
    assert titles(ready=True) == ["Need"]
    assert titles(limit=1) == ["Write DOCS"]
    assert titles(status=(Status.ARCHIVED,)) == ["Gone"]
    assert titles(status=(Status.TODO, Status.DONE)) == ["Need"]


def test_a_duplicate_of_what_was_finished_despite_others_begins_in_the_backlog(board: User) -> None:
    need = board.add("need")
    task = board.add("first", dependencies=(need,))
    board.move(task, "done", despite_dependencies=True)
    assert board.call("duplicate_task", task=task).status is Status.BACKLOG


@pytest.mark.parametrize("reason", [" ", "\n\t"])
def test_a_reason_of_nothing_is_none(board: User, reason: str) -> None:
    task = board.add("first")
    with pytest.raises(InvalidData, match="without a reason"):
        board.move(task, "blocked", reason=reason)


def test_a_reason_is_kept_as_one_line_without_escapes(board: User) -> None:
    task = board.add("first")
    blocked = board.move(task, "blocked", reason="no\nkey \x1b[2Jyet")
    assert blocked.blocked_reason == "no key yet"


@pytest.mark.parametrize("limit", [0, -1])
def test_a_list_of_less_than_one_is_refused(board: User, limit: int) -> None:
    board.add("one")
    with pytest.raises(InvalidData, match=f"limit of {limit}"):
        board.call("list_tasks", limit=limit)


@pytest.mark.parametrize("reference", [" 1 ", "\t#1", "1\n"])
def test_spaces_round_a_number_do_not_matter(board: User, reference: str) -> None:
    assert board.see(board.add("one")).number == board.see(reference).number
