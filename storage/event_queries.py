"""Queries of the log of events, and of results that were stored for repetitions."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from storage.clock import format_time
from storage.queries import Queries
from storage.records import Event
from storage.tables import EVENT_ROWS
from storage.vocabulary import AgentId, ChangeId, EntityKind, RoomId, TaskId


class StoredResult(NamedTuple):
    """What an earlier call with the same idempotency key gave. `result` is JSON text."""

    arguments_hash: str
    result: str


class EventQueries(Queries):
    """What is asked of what has happened."""

    def last_sequence(self) -> int:
        """The sequence number of the newest event; 0 before the first."""
        row = self._one("SELECT ifnull(max(sequence), 0) FROM event")
        return int(row[0]) if row else 0

    def sequence_at(self, moment: datetime) -> int:
        """The sequence number of the last event at or before `moment`; 0 if there is none."""
        row = self._one("SELECT ifnull(max(sequence), 0) FROM event WHERE at <= ?", (format_time(moment),))
        return int(row[0]) if row else 0

    def events(
        self,
        *,
        room: RoomId | None = None,
        entity: EntityKind | None = None,
        entity_id: str | None = None,
        subject: TaskId | None = None,
        agent: AgentId | None = None,
        change: ChangeId | None = None,
        after: int = 0,
        until: int | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[Event]:
        """The events that fit all that is named, with `after < sequence <= until`, oldest first unless said."""
        wanted: dict[str, Any] = {
            "room_id = ?": room, "entity = ?": entity, "entity_id = ?": entity_id, "subject_id = ?": subject,
            "agent_id = ?": agent, "change = ?": change, "sequence <= ?": until,
        }  # fmt: skip
        conditions = ["sequence > ?", *(sql for sql, value in wanted.items() if value is not None)]
        values = [
            after,
            *(str(value) if not isinstance(value, int) else value for value in wanted.values() if value is not None),
        ]
        order = "DESC" if newest_first else "ASC"
        sql = f"SELECT {EVENT_ROWS.columns} FROM event WHERE {' AND '.join(conditions)} ORDER BY sequence {order}"
        if limit is not None:
            sql += f" LIMIT {int(limit)}"
        return [EVENT_ROWS.decode(row) for row in self._all(sql, values)]

    def undos_of(self, change: ChangeId) -> list[ChangeId]:
        """The changes that undo `change`, oldest first."""
        sql = "SELECT change FROM event WHERE undoes = ? GROUP BY change ORDER BY min(sequence)"
        return [ChangeId(row[0]) for row in self._all(sql, (change,))]

    def recent_changes(self, room: RoomId, agent: AgentId, *, undos: bool) -> Iterable[ChangeId]:
        """An agent's undoable changes in a room, newest first: its own ones, or those that undo others."""
        which = "undoes IS NOT NULL" if undos else "undoes IS NULL"
        sql = (
            f"SELECT change FROM event WHERE room_id = ? AND agent_id = ? AND undoable AND {which} "
            "ORDER BY sequence DESC"
        )
        seen: set[str] = set()
        for (change,) in self._connection.execute(sql, (room, agent)):
            if change not in seen:
                seen.add(change)
                yield ChangeId(change)

    def stored_result(self, room: RoomId | None, agent: AgentId, operation: str, key: str) -> StoredResult | None:
        """The result stored under an idempotency key."""
        sql = (
            "SELECT arguments_hash, result FROM idempotency "
            "WHERE room_id = ? AND agent_id = ? AND operation = ? AND key = ?"
        )
        row = self._one(sql, (room or "", agent, operation, key))
        return None if row is None else StoredResult(*row)
