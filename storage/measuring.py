"""What the metrics ask of state.db: narrow rows, since they are asked for each second.

The events alone tell what has happened since; nothing that has not changed is read again.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, NamedTuple

from storage.clock import format_time, parse_time
from storage.process_records import Process
from storage.reader import Reader
from storage.tables import PROCESSES
from storage.vocabulary import EntityKind, ProcessState, RoomId, Status, TaskId

LIVING: Final = (
    ProcessState.STARTING, ProcessState.RUNNING, ProcessState.READY, ProcessState.UNHEALTHY, ProcessState.STOPPING,
)  # fmt: skip
"""The states in which a process has a pid that runs; `unknown` is none, since nobody has seen it."""

_STATE: Final = "coalesce(json_extract({0}, '$.status'), json_extract({0}, '$.state'))"


class Transition(NamedTuple):
    """A task or run has come to another status or state, or a process or room has changed at all.

    `before` is None where it came to be, and both are where it is neither status nor state that changed.
    """

    sequence: int
    room: RoomId
    entity: EntityKind
    entity_id: str
    before: str | None
    after: str | None
    at: datetime


class OpenTask(NamedTuple):
    """A task that is neither done nor archived."""

    id: TaskId
    room: RoomId
    status: Status
    created_at: datetime
    status_changed_at: datetime


def transitions(rows: Reader, *, after: int = 0, limit: int = -1) -> list[Transition]:
    """The transitions of all rooms after a sequence number, oldest first."""
    sql = f"""SELECT sequence, room_id, entity, entity_id, {_STATE.format("before")}, {_STATE.format("after")}, at
        FROM event WHERE sequence > ? AND entity IN ('task', 'run', 'process', 'room')
            AND (entity IN ('process', 'room')
                OR json_type(after, CASE entity WHEN 'task' THEN '$.status' ELSE '$.state' END) IS NOT NULL)
        ORDER BY sequence LIMIT {int(limit)}"""
    return [
        Transition(row[0], RoomId(row[1]), EntityKind(row[2]), row[3], row[4], row[5], parse_time(row[6]))
        for row in rows.stream(sql, (after,))
    ]


def status_moves(rows: Reader, room: RoomId, since: datetime) -> list[tuple[str, str | None, str | None]]:
    """Each change of a task's status since a moment, oldest first: when, as text that sorts as time, from, and to."""
    sql = """SELECT at, json_extract(before, '$.status'), json_extract(after, '$.status') FROM event
        WHERE sequence > ? AND +room_id = ? AND entity = 'task' AND instr(after, '"status"') ORDER BY sequence"""
    found = list(rows.stream(sql, (_sequence_before(rows, since), room)))
    return [(at, before, after) for at, before, after in found if after is not None]


def _sequence_before(rows: Reader, moment: datetime) -> int:
    """The number of the last event before a moment: back from the newest, since there is no index by time."""
    sql = "SELECT sequence FROM event WHERE at < ? ORDER BY sequence DESC LIMIT 1"
    return next((int(row[0]) for row in rows.stream(sql, (format_time(moment),))), 0)


def open_tasks(rows: Reader) -> Iterator[OpenTask]:
    """Every task of every room that is neither done nor archived, who stands longest first."""
    sql = """SELECT id, room_id, status, created_at, status_changed_at FROM task
        WHERE status NOT IN ('done', 'archived') ORDER BY status_changed_at, id"""
    for task, room, status, created_at, changed_at in rows.stream(sql):
        yield OpenTask(TaskId(task), RoomId(room), Status(status), parse_time(created_at), parse_time(changed_at))


def counts_by_status(rows: Reader, room: RoomId | None = None) -> dict[RoomId, dict[Status, int]]:
    """How many tasks of each status each room has (or one room)."""
    found: dict[RoomId, dict[Status, int]] = {}
    where, values = ("", ()) if room is None else (" WHERE room_id = ?", (room,))
    for name, status, count in rows.stream(
        f"SELECT room_id, status, count(*) FROM task{where} GROUP BY room_id, status", values
    ):
        found.setdefault(RoomId(name), {})[Status(status)] = count
    return found


def times_of(rows: Reader, task: TaskId) -> tuple[datetime | None, datetime | None]:
    """When a task was created and when it was first begun, as its events say."""
    sql = """SELECT min(at) FILTER (WHERE before IS NULL),
            min(at) FILTER (WHERE json_extract(after, '$.status') = 'in_progress')
        FROM event WHERE entity_id = ?"""
    for created, begun in rows.stream(sql, (task,)):
        return parse_time(created) if created else None, parse_time(begun) if begun else None
    return None, None


def living_processes(rows: Reader) -> list[Process]:
    """The processes of all rooms that have a pid that runs."""
    states = ", ".join(repr(state.value) for state in LIVING)
    sql = f"{PROCESSES.select} WHERE pid IS NOT NULL AND state IN ({states}) AND NOT removed"
    return [PROCESSES.rows.decode(row) for row in rows.stream(sql)]
