"""Limits of work in progress: a warning or a refusal, as the room is set."""

import pytest

from core.errors import InvalidData, WipLimit
from storage import Status, WipMode
from tests.support.users import User


def limit(board: User, count: int, mode: WipMode) -> None:
    board.call("update_room", wip={Status.IN_PROGRESS: count}, wip_mode=mode)


def test_a_full_column_warns_and_lets_in(board: User) -> None:
    limit(board, 1, WipMode.WARN)
    board.add("one", status="in_progress")
    outcome = board.outcome("move_task", task=board.add("two", status="todo"), to=Status.IN_PROGRESS)
    assert outcome.value.status is Status.IN_PROGRESS
    assert outcome.warnings == ("in_progress would hold 2 tasks; its limit is 1.",)


def test_up_to_the_limit_nothing_is_said(board: User) -> None:
    limit(board, 2, WipMode.REFUSE)
    board.add("one", status="in_progress")
    outcome = board.outcome("create_task", title="two", status=Status.IN_PROGRESS)
    assert outcome.warnings == ()


@pytest.mark.parametrize("way", ["move", "add", "bulk", "restore", "duplicate"])
def test_a_full_column_refuses_every_way_in(board: User, way: str) -> None:
    inside, outside = board.add("inside", status="in_progress"), board.add("outside", status="todo")
    gone = board.add("gone", status="in_progress")
    board.call("archive_task", task=gone)
    limit(board, 1, WipMode.REFUSE)
    with pytest.raises(WipLimit) as refusal:  # noqa: PT012
        match way:
            case "move":
                board.move(outside, "in_progress")
            case "add":
                board.add("new", status="in_progress")
            case "bulk":
                board.call("move_tasks", tasks=(outside,), to=Status.IN_PROGRESS)
            case "restore":
                board.call("restore_task", task=gone)
            case "duplicate":
                board.call("duplicate_task", task=inside)
    assert refusal.value.code == "wip_limit"
    assert refusal.value.exit_code == 5
    assert board.titles("in_progress") == ["inside"]


def test_reordering_in_a_full_column_is_no_arrival(board: User) -> None:
    first, second = (board.add(title, status="in_progress") for title in ("first", "second"))
    limit(board, 1, WipMode.REFUSE)
    board.move(second, "in_progress", before=first)
    board.call("move_tasks", tasks=(first, second), to=Status.IN_PROGRESS)
    assert board.titles("in_progress") == ["first", "second"]


def test_zero_takes_the_limit_away_and_others_stay(board: User) -> None:
    board.call("update_room", wip={Status.TODO: 3, Status.REVIEW: 2})
    room = board.call("update_room", wip={Status.TODO: 0})
    assert room.wip_limits == {Status.REVIEW: 2}


@pytest.mark.parametrize("wip", [{Status.ARCHIVED: 1}, {Status.TODO: -1}])
def test_a_limit_that_means_nothing_is_refused(board: User, wip: dict[Status, int]) -> None:
    with pytest.raises(InvalidData):
        board.call("update_room", wip=wip)
