"""What a board's rows are at a moment, for comparing them with what the event log gives."""

from dataclasses import replace
from typing import Any

from core.board import CLOSED
from storage import COLUMNS, RECORDS, EntityKind, Reader, Task, replay
from tests.support.users import User

Snapshot = dict[EntityKind, dict[str, Any]]


def rows_of(user: User) -> tuple[int, Snapshot]:
    """The newest event's number, and all rows of the user's room in one snapshot, removed and archived ones too."""
    with user.database.read() as rows:
        room = rows.room_by_name(user.room or "")
        assert room is not None
        found: Snapshot = {EntityKind.ROOM: {room.id: room}}
        for kind in set(EntityKind) - {EntityKind.ROOM}:
            ids = [key for (key,) in rows.stream(f"SELECT id FROM {kind.value} WHERE room_id = ?", (room.id,))]
            found[kind] = {key: rows.get(RECORDS[kind], key) for key in ids}  # type: ignore[type-var]
        # how often an alert was seen, and when last, stands in no event
        alerts = found[EntityKind.ALERT]
        found[EntityKind.ALERT] = {key: replace(each, seen_count=1, last_seen_at=None) for key, each in alerts.items()}
        return rows.last_sequence(), found


def replayed(user: User, until: int) -> Snapshot:
    """The same, from the event log alone; with the marks that the database derives counted here, one by one."""
    with user.database.read() as rows:
        room = rows.room_by_name(user.room or "")
        assert room is not None
        states: Snapshot = replay(rows, until, room=room.id)
        return {**states, EntityKind.TASK: marked(states)}


def marked(states: Snapshot) -> dict[str, Task]:
    """Replayed tasks with their open dependencies and comments counted the slow and plain way."""
    tasks: dict[str, Task] = states[EntityKind.TASK]
    comments = states[EntityKind.COMMENT].values()
    return {
        task.id: replace(
            task,
            waiting_on=sum(tasks[need].status not in CLOSED for need in task.dependencies),
            comment_count=sum(each.task_id == task.id and not each.removed for each in comments),
        )
        for task in tasks.values()
    }


def columns_of(tasks: dict[str, Task]) -> list[str]:
    """The ids of the tasks on the board, column by column in order."""
    on_board = [task for task in tasks.values() if task.status in COLUMNS]
    return [task.id for task in sorted(on_board, key=lambda task: (COLUMNS.index(task.status), task.rank, task.id))]


def check_ranks(rows: Reader, user: User) -> None:
    """No two tasks of a column share a rank."""
    room = rows.room_by_name(user.room or "")
    assert room is not None
    for status in COLUMNS:
        ranks = [task.rank for task in rows.tasks(room.id, [status])]
        assert len(set(ranks)) == len(ranks)
