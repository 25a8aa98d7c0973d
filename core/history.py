"""The past: what a task or the board was at any moment, and which changes still count."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.board import CLOSED
from core.errors import InvalidData, NotFound
from core.operation import Moment
from core.work import Work
from storage import (
    COLUMNS,
    ChangeId,
    Comment,
    EntityKind,
    Event,
    Handoff,
    Reader,
    RoomId,
    Status,
    Task,
    TaskId,
    collecting_paused,
    from_wire,
    parse_time,
    replay_wire,
)  # fmt: skip

_PLACES: Final[Mapping[Status, int]] = {status: place for place, status in enumerate(COLUMNS)}


@dataclass(frozen=True, slots=True)
class Board:
    """The tasks of a room at one moment, column by column in order, and the event after which they stood so."""

    sequence: int
    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class TaskThen:
    """A task at one moment: as it was, its comments and handoffs, oldest first, and the tasks that waited for it."""

    task: Task
    comments: tuple[Comment, ...]
    handoffs: tuple[Handoff, ...]
    dependants: tuple[TaskId, ...]


def point(rows: Reader, at: Moment) -> int:
    """The sequence number of the last event at a moment.

    Raises:
        InvalidData: `at` is neither the number of an event that there is nor an ISO 8601 time.
    """
    if at.isascii() and at.isdigit():
        last, number = rows.last_sequence(), at.lstrip("0") or "0"
        if len(number) > len(str(last)) or int(number) > last:
            raise InvalidData(f"There is no event {at} yet; the last is {last}.", f"Give a number up to {last}.")
        return int(number)
    try:
        return rows.sequence_at(parse_time(at))
    except (ValueError, OverflowError):  # the latter of a time that is out of range in UTC
        raise InvalidData(
            f"{at!r} is no moment.", "Give an event's number, or a time such as 2026-11-20T14:00 (UTC)."
        ) from None


def reconstruct(work: Work, task: TaskId, until: int) -> TaskThen:
    """A task as it was after event `until`, with its place, its comments and who waited for it then.

    Raises:
        NotFound: it was not there yet.
    """
    with collecting_paused():
        tasks, comments = _replayed(work.rows, work.room.id, until)
    found = next((each for each in tasks if each.id == task), None)
    if found is None:
        raise NotFound(f"#{work.tasks.get(task).number} was not there yet at event {until}.", "Ask for a later moment.")
    return TaskThen(
        found,
        tuple(sorted((each for each in comments if each.task_id == task), key=lambda each: (each.created_at, each.id))),
        _handoffs_then(work, task, until),
        tuple(sorted(each.id for each in tasks if task in each.dependencies)),
    )


def _handoffs_then(work: Work, task: TaskId, until: int) -> tuple[Handoff, ...]:
    states = replay_wire(work.rows, until, room=work.room.id, kinds=[EntityKind.HANDOFF])[EntityKind.HANDOFF]
    found = [from_wire(Handoff, each) for each in states.values() if each["task_id"] == task]
    return tuple(sorted(found, key=lambda each: (each.created_at, each.id)))


def board_at(rows: Reader, room: RoomId, until: int | None) -> Board:
    """The board after event `until`, archived tasks left out; as it is now for None."""
    if until is None:
        tasks = rows.tasks(room, COLUMNS)
        return Board(rows.last_sequence(), tuple(sorted(tasks, key=lambda task: _PLACES[task.status])))
    with collecting_paused():
        tasks, _ = _replayed(rows, room, until)
    return Board(until, tuple(task for task in tasks if task.status is not Status.ARCHIVED))


def _replayed(rows: Reader, room: RoomId, until: int) -> tuple[list[Task], list[Comment]]:
    """The tasks, column by column in order with their places and marks, and the comments that stood."""
    states = replay_wire(rows, until, room=room, kinds=[EntityKind.TASK, EntityKind.COMMENT])
    comments = [from_wire(Comment, each) for each in states[EntityKind.COMMENT].values() if not each["removed"]]
    tasks = states[EntityKind.TASK]
    _derive(tasks, Counter(each.task_id for each in comments))
    order = {status.value: index for index, status in enumerate(Status)}
    in_order = sorted(tasks.values(), key=lambda task: (order[task["status"]], task["position"]))
    return [from_wire(Task, task) for task in in_order], comments


def _derive(tasks: Mapping[str, dict[str, Any]], comments: Mapping[TaskId, int]) -> None:
    """Give replayed tasks what the database and its readers derive: places, open dependencies, comment counts."""
    closed = {key for key, task in tasks.items() if task["status"] in CLOSED}
    counts: Counter[str] = Counter()
    for key, task in sorted(tasks.items(), key=lambda item: (item[1]["rank"], item[0])):
        status = task["status"]
        task["position"] = counts[status]
        counts[status] += 1
        if task["dependencies"]:
            task["waiting_on"] = sum(need not in closed for need in task["dependencies"])
        if key in comments:
            task["comment_count"] = comments[TaskId(key)]


def effective_events(events: Sequence[Event]) -> list[Event]:
    """The events of changes that still count: a change and its undoing cancel each other, where both are among them."""
    standing: dict[ChangeId, ChangeId | None] = {}
    for event in events:
        standing.setdefault(event.change, event.undoes)
    for change, undoes in reversed(list(standing.items())):
        if change in standing and undoes in standing:
            del standing[change]
            del standing[undoes]
    return [event for event in events if event.change in standing]
