"""The past: what a task or the board was at any moment, and which changes still count."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from core.board.dependencies import CLOSED
from core.errors import InvalidData, NotFound
from core.operation import Moment
from core.work import Work
from storage import (
    COLUMNS,
    ChangeId,
    Comment,
    EntityKind,
    Event,
    Reader,
    RoomId,
    Status,
    Task,
    TaskId,
    parse_time,
    replay,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Board:
    """The tasks of a room at one moment, column by column in order, and the event after which they stood so."""

    sequence: int
    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class TaskThen:
    """A task at one moment: as it was, its comments then, oldest first, and the tasks that waited for it."""

    task: Task
    comments: tuple[Comment, ...]
    dependants: tuple[TaskId, ...]


def point(rows: Reader, at: Moment) -> int:
    """The sequence number of the last event at a moment.

    Raises:
        InvalidData: `at` is neither an event number nor an ISO 8601 time.
    """
    if at.isascii() and at.isdigit():
        return min(int(at), rows.last_sequence())
    try:
        return rows.sequence_at(parse_time(at))
    except ValueError:
        raise InvalidData(
            f"{at!r} is no moment.", "Give an event's number, or a time such as 2026-11-20T14:00 (UTC)."
        ) from None


def task_at(work: Work, task: TaskId, until: int) -> TaskThen:
    """A task as it was after event `until`, with its place, its comments and who waited for it then.

    Raises:
        NotFound: it was not there yet.
    """
    tasks, comments = _replayed(work.rows, work.room.id, until)
    found = next((each for each in tasks if each.id == task), None)
    if found is None:
        raise NotFound(f"#{work.tasks.get(task).number} was not there yet at event {until}.", "Ask for a later moment.")
    return TaskThen(
        found,
        tuple(sorted((each for each in comments if each.task_id == task), key=lambda each: (each.created_at, each.id))),
        tuple(sorted(each.id for each in tasks if task in each.dependencies)),
    )


def board_at(rows: Reader, room: RoomId, until: int | None) -> Board:
    """The board after event `until`, archived tasks left out; as it is now for None."""
    if until is None:
        tasks = rows.tasks(room, COLUMNS)
        return Board(rows.last_sequence(), tuple(sorted(tasks, key=lambda task: COLUMNS.index(task.status))))
    tasks, _ = _replayed(rows, room, until)
    return Board(until, tuple(task for task in tasks if task.status is not Status.ARCHIVED))


def _replayed(rows: Reader, room: RoomId, until: int) -> tuple[list[Task], list[Comment]]:
    """The tasks, column by column in order with their places and marks, and the comments that stood."""
    states = replay(rows, until, room=room, kinds=[EntityKind.TASK, EntityKind.COMMENT])
    tasks: dict[str, Task] = states[EntityKind.TASK]
    comments: list[Comment] = [each for each in states[EntityKind.COMMENT].values() if not each.removed]
    return _with_marks(tasks, comments), comments


def _with_marks(tasks: Mapping[str, Task], comments: Iterable[Comment]) -> list[Task]:
    """Replayed tasks in order, with what the database and its readers derive: places, open dependencies, comments."""
    columns: dict[Status, list[Task]] = {status: [] for status in Status}
    for task in tasks.values():
        columns[task.status].append(task)
    closed = {task.id for status in CLOSED for task in columns[status]}
    counts = Counter(each.task_id for each in comments)
    for column in columns.values():
        column.sort(key=lambda task: (task.rank, task.id))
    return [
        replace(
            task,
            position=position,
            waiting_on=sum(need not in closed for need in task.dependencies),
            comment_count=counts[task.id],
        )
        for column in columns.values()
        for position, task in enumerate(column)
    ]


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
