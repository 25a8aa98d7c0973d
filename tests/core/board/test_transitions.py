"""Which way a task may go: every pair of statuses, through the operation itself."""

import pytest

from core.board.transitions import ALLOWED, allowed_from
from core.errors import InvalidData, InvalidTransition
from storage import COLUMNS, Status
from tests.support.users import User

# from: to, as a person expects it; `archived` is entered and left by other operations
FORBIDDEN = {("backlog", "review"), ("done", "blocked")}
PAIRS = [(start, end) for start in COLUMNS for end in Status if start is not end]


def put(board: User, status: Status) -> str:
    task = board.add("A card", status=status, reason="waiting for the vendor")
    return task.id


@pytest.mark.parametrize(("start", "end"), PAIRS, ids=lambda status: status.value)
def test_each_pair_of_statuses_is_allowed_or_refused(board: User, start: Status, end: Status) -> None:
    task = put(board, start)
    if (start.value, end.value) in FORBIDDEN or end is Status.ARCHIVED:
        with pytest.raises(InvalidTransition) as refusal:
            board.move(task, end, reason="because")
        assert start.value in refusal.value.message
        assert end.value in refusal.value.message
        assert refusal.value.hint
        assert board.see(task).status is start
        assert board.see(task).version == 1
    else:
        moved = board.move(task, end, reason="because")
        assert moved.status is end
        assert moved.version == 2
        assert moved.blocked_reason == ("because" if end is Status.BLOCKED else None)


@pytest.mark.parametrize("end", list(Status))
def test_an_archived_task_does_not_move(board: User, end: Status) -> None:
    task = board.add()
    board.call("archive_task", task=task)
    with pytest.raises(InvalidTransition, match="archived"):
        board.move(task, end, reason="because")


def test_the_table_names_every_status_and_only_columns_as_targets() -> None:
    assert set(ALLOWED) == set(Status)
    for status, targets in ALLOWED.items():
        assert targets <= set(COLUMNS)
        assert (status in allowed_from(status)) is (status is not Status.ARCHIVED)


def test_blocked_needs_its_reason(board: User) -> None:
    task = board.add(status="todo")
    with pytest.raises(InvalidData, match="reason"):
        board.move(task, "blocked")
    with pytest.raises(InvalidData, match="reason"):
        board.add("Born blocked", status="blocked")
    assert board.see(task).status is Status.TODO


def test_the_reason_for_blocking_goes_when_the_task_goes_on(board: User) -> None:
    task = board.move(board.add(status="todo"), "blocked", reason="no key for the server")
    assert task.blocked_reason == "no key for the server"
    assert board.move(task, "in_progress").blocked_reason is None


def test_reordering_inside_blocked_keeps_the_reason(board: User) -> None:
    first = board.add("first", status="blocked", reason="one")
    second = board.add("second", status="blocked", reason="two")
    moved = board.move(second, "blocked", before=first)
    assert moved.blocked_reason == "two"
    assert board.titles("blocked") == ["second", "first"]


def test_waiting_for_dependencies_is_a_mark_and_not_the_status_blocked(board: User) -> None:
    need = board.add("need")
    task = board.add("task", dependencies=(need,), status="todo")
    assert (task.status, task.waiting_on) == (Status.TODO, 1)
    with pytest.raises(InvalidTransition):
        board.move(need, "review")
    assert board.move(task, "in_progress").waiting_on == 1
