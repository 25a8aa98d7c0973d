"""The past: what a task or the board was at any moment, and which changes still count."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

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


def task_at(work: Work, task: TaskId, until: int) -> Task:
    """A task as it was after event `until`.

    Raises:
        NotFound: it was not there yet.
    """
    tasks = replay(work.rows, until, room=work.room.id, entity_id=task, kinds=[EntityKind.TASK])[EntityKind.TASK]
    if task not in tasks:
        raise NotFound(f"#{work.tasks.get(task).number} was not there yet at event {until}.", "Ask for a later moment.")
    past: Task = tasks[task]
    return past


def board_at(rows: Reader, room: RoomId, until: int | None) -> Board:
    """The board after event `until`, archived tasks left out; as it is now for None."""
    if until is None:
        tasks = rows.tasks(room, COLUMNS)
        return Board(rows.last_sequence(), tuple(sorted(tasks, key=lambda task: COLUMNS.index(task.status))))
    states = replay(rows, until, room=room, kinds=[EntityKind.TASK, EntityKind.COMMENT])
    past = with_marks(states[EntityKind.TASK], states[EntityKind.COMMENT])
    shown = [task for task in past if task.status is not Status.ARCHIVED]
    shown.sort(key=lambda task: (COLUMNS.index(task.status), task.rank, task.id))
    return Board(until, tuple(_with_positions(shown)))


def with_marks(tasks: dict[str, Task], comments: dict[str, Comment]) -> list[Task]:
    """Replayed tasks with the marks that the database derives: open dependencies and comment counts."""
    closed = {task.id for task in tasks.values() if task.status in (Status.DONE, Status.ARCHIVED)}
    counts: dict[TaskId, int] = {}
    for comment in comments.values():
        if not comment.removed:
            counts[comment.task_id] = counts.get(comment.task_id, 0) + 1
    return [
        replace(
            task, waiting_on=sum(need not in closed for need in task.dependencies), comment_count=counts.get(task.id, 0)
        )
        if task.dependencies or task.id in counts
        else task
        for task in tasks.values()
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


def _with_positions(tasks: list[Task]) -> list[Task]:
    counts: dict[Status, int] = {}
    placed = []
    for task in tasks:
        position = counts.get(task.status, 0)
        counts[task.status] = position + 1
        placed.append(replace(task, position=position))
    return placed
