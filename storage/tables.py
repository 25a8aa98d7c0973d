"""Prepared SQL for the entities' tables, made from their records: get, insert, and update by version."""

from functools import cache
from typing import Any, Final, Generic, TypeVar

from storage.codec import RowCodec, changed_fields
from storage.process_records import Alert, Process, Run
from storage.records import RECORDS, Agent, Comment, Event, Handoff, Presence, Room, Session, Task
from storage.vocabulary import EntityKind

R = TypeVar("R", Room, Task, Agent, Comment, Session, Handoff, Process, Run, Alert)

_NOT_STORED: Final = frozenset({"position"})
_SET_BY_TRIGGERS: Final = frozenset({"waiting_on", "comment_count"})


class Table(Generic[R]):
    """The SQL of one entity's table."""

    def __init__(self, kind: EntityKind, record: type[R]) -> None:
        self.kind = kind
        self.name = kind.value
        names = [name for name in RowCodec(record).names if name not in _NOT_STORED]
        self.rows: RowCodec[R] = RowCodec(record, names)
        self._inserted: RowCodec[R] = RowCodec(record, [name for name in names if name not in _SET_BY_TRIGGERS])
        self.select = f"SELECT {self.rows.columns} FROM {self.name}"
        self.get = f"{self.select} WHERE id = ?"
        self._bookkeeping: RowCodec[R] = RowCodec(record, ("version", "updated_at", "status_changed_at"))
        marks = ", ".join("?" * len(self._inserted.names))
        self.insert = f"INSERT INTO {self.name} ({self._inserted.columns}) VALUES ({marks})"

    def insert_values(self, record: R) -> list[Any]:
        """The parameters of `insert`."""
        return self._inserted.encode(record)

    def update(self, before: R, after: R) -> tuple[str, list[Any]]:
        """The statement that makes the stored `before` into `after`, if it still has the version of `before`."""
        names: list[str] = []
        values: list[Any] = []
        for codec in changed_fields(before, after):
            value = getattr(after, codec.name)
            names.append(codec.name)
            values.append(value if value is None or codec.to_column is None else codec.to_column(value))
        names.extend(self._bookkeeping.names)
        values.extend(self._bookkeeping.encode(after))
        return _update_statement(self.name, tuple(names)), [*values, after.id, before.version]


@cache
def _update_statement(table: str, names: tuple[str, ...]) -> str:
    assignments = ", ".join(f'"{name}" = ?' for name in names)
    return f"UPDATE {table} SET {assignments} WHERE id = ? AND version = ?"


TASKS: Final = Table(EntityKind.TASK, Task)
ROOMS: Final = Table(EntityKind.ROOM, Room)
AGENTS: Final = Table(EntityKind.AGENT, Agent)
COMMENTS: Final = Table(EntityKind.COMMENT, Comment)
SESSIONS: Final = Table(EntityKind.SESSION, Session)
HANDOFFS: Final = Table(EntityKind.HANDOFF, Handoff)
PROCESSES: Final = Table(EntityKind.PROCESS, Process)
RUNS: Final = Table(EntityKind.RUN, Run)
ALERTS: Final = Table(EntityKind.ALERT, Alert)
TABLES: Final[dict[type, Table[Any]]] = {
    each.rows.record: each for each in (TASKS, ROOMS, AGENTS, COMMENTS, SESSIONS, HANDOFFS, PROCESSES, RUNS, ALERTS)
}
assert {table.kind for table in TABLES.values()} == set(RECORDS)
KINDS: Final = {record: kind for kind, record in RECORDS.items()}

EVENT_ROWS: Final[RowCodec[Event]] = RowCodec(Event)
EVENT_INSERT: Final = (
    f"INSERT INTO event ({', '.join(EVENT_ROWS.names[1:])}) VALUES ({', '.join('?' * (len(EVENT_ROWS.names) - 1))})"
)

PRESENCE_ROWS: Final[RowCodec[Presence]] = RowCodec(Presence)
PRESENCE_PUT: Final = (
    f"INSERT OR REPLACE INTO presence ({PRESENCE_ROWS.columns}) VALUES ({', '.join('?' * len(PRESENCE_ROWS.names))})"
)
