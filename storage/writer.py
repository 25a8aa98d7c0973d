"""Writing: insert a record or replace one by version, each with its event, inside one write transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, TypeVar

from storage.clock import format_time, parse_time, utc_now
from storage.codec import BOOKKEEPING, changed_fields, encode_json, field_codecs, to_wire
from storage.engine import Engine
from storage.ids import new_change_id, new_event_id
from storage.process_records import Alert, Process, Run
from storage.reader import Reader
from storage.records import Agent, Comment, Entity, Handoff, Presence, Room, Session, Task
from storage.tables import EVENT_INSERT, KINDS, PRESENCE_PUT, PRESENCE_ROWS, TABLES
from storage.vocabulary import AgentId, AlertId, ChangeId, Door, EntityKind, RoomId, SessionId

R = TypeVar("R", Room, Task, Agent, Comment, Session, Handoff, Process, Run, Alert)

PAYLOAD_VERSION: Final = 1
"""The version of the events' payloads that this program writes; migrations ship upcasters for older ones."""


class StaleRow(AssertionError):
    """An update found no row of the version just read, under the lock: a defect of ours, not a conflict."""


@dataclass(slots=True)
class Authorship:
    """Who makes the changes of a transaction and how: what every event of it says."""

    agent_id: AgentId
    door: Door
    operation: str
    session_id: SessionId | None = None
    reason: str | None = None
    undoable: bool = False
    undoes: ChangeId | None = None


class Writer(Reader):
    """A reader that may also write. `now` is one moment for the whole transaction and never before the last event's."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        last = self._one("SELECT at FROM event ORDER BY sequence DESC LIMIT 1")
        now = utc_now()
        self.now: datetime = now if last is None else max(now, parse_time(last[0]))
        self.change: ChangeId = new_change_id()
        self.last_written: int | None = None
        """The sequence number of the newest event of this transaction."""
        self.versions: dict[str, tuple[int, int]] = {}
        """Of each entity that this transaction has changed or made: its version before (0 for none) and now."""

    def insert(self, record: R, by: Authorship, *, type: str = "created") -> R:
        """Store a new entity with its creation event; its times become the transaction's."""
        record = replace(record, created_at=self.now, updated_at=self.now, version=1)
        if isinstance(record, Task):
            record = replace(record, status_changed_at=self.now)
        if isinstance(record, Alert):
            record = replace(record, seen_count=1, last_seen_at=self.now)
        table = TABLES[record.__class__]
        self._connection.execute(table.insert, table.insert_values(record))
        own = {each.name for each in field_codecs(record.__class__) if each.own} - BOOKKEEPING
        self._append(record, by, type, None, to_wire(record, own))
        return record

    def update(self, before: R, after: R, by: Authorship, *, type: str) -> R:
        """Replace `before`, as read in this transaction, by `after`. Only own fields that differ are written.

        Returns:
            The stored record; `before` itself where nothing differs, and then there is no event.
        """
        changed = changed_fields(before, after)
        if not changed:
            return before
        after = replace(after, version=before.version + 1, updated_at=self.now)
        if isinstance(after, Task) and isinstance(before, Task) and after.status is not before.status:
            after = replace(after, status_changed_at=self.now)
        sql, values = TABLES[after.__class__].update(before, after)
        self._connection.execute(sql, values)
        if self._connection.changes() != 1:
            raise StaleRow(f"{after.id} no longer has version {before.version} inside the transaction that read it")
        names = {each.name for each in changed}
        self._append(after, by, type, to_wire(before, names), to_wire(after, names))
        return after

    def continue_after(self, sequence: int, moment: datetime | None) -> None:
        """Let the events of this transaction and all later ones come after an event that is not in this log."""
        self._connection.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'event'", (sequence,))
        if self._connection.changes() == 0:
            self._connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('event', ?)", (sequence,))
        self.now = max(self.now, moment or self.now)

    def restate(
        self, record: R, by: Authorship, *, type: str, before: Mapping[str, Any] | None, after: Mapping[str, Any]
    ) -> None:
        """Give a stored entity the version of `record`, with an event; its fields stay as they are."""
        table = TABLES[record.__class__]
        times: list[str] = ["updated_at"]
        if isinstance(record, Task) and "status" in after:
            times.append("status_changed_at")
        assignments = ", ".join(f"{name} = ?" for name in ("version", *times))
        values = [record.version, *[format_time(self.now)] * len(times), record.id]
        self._connection.execute(f"UPDATE {table.name} SET {assignments} WHERE id = ?", values)
        self._append(record, by, type, before, after)

    def store_result(
        self, room: RoomId | None, agent: AgentId, operation: str, key: str, arguments_hash: str, result: str
    ) -> None:
        """Keep a call's result under its idempotency key."""
        self._connection.execute(
            "INSERT INTO idempotency (room_id, agent_id, operation, key, arguments_hash, result, at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (room or "", agent, operation, key, arguments_hash, result, format_time(self.now)),
        )

    def forget_results_before(self, moment: datetime) -> None:
        """Drop the stored results that are older than `moment`."""
        self._connection.execute("DELETE FROM idempotency WHERE at < ?", (format_time(moment),))

    def put_presence(self, presence: Presence) -> None:
        """Keep how alive a session is, in place of what was known before."""
        self._connection.execute(PRESENCE_PUT, PRESENCE_ROWS.encode(presence))

    def forget_presence(self, session: SessionId) -> None:
        """Drop what was known of a session's life."""
        self._connection.execute("DELETE FROM presence WHERE session_id = ?", (session,))

    def keep_spool_offsets(self, offsets: Mapping[str, int]) -> None:
        """Remember how far each file of the hooks' spool has been taken in, in place of what was remembered."""
        self._connection.execute("DELETE FROM spool")
        self._connection.executemany("INSERT INTO spool (file, offset) VALUES (?, ?)", list(offsets.items()))

    def note_alert(self, alert: AlertId) -> None:
        """Count that an alert was seen once more; no event tells of it."""
        self._connection.execute(
            "UPDATE alert SET seen_count = seen_count + 1, last_seen_at = ? WHERE id = ?",
            (format_time(self.now), alert),
        )

    def take_host_token(self, above: int = 0) -> int:
        """A new host's fencing token, greater than every one before; `above` is one that a restore may have undone."""
        self._connection.execute("UPDATE host SET token = max(token, ?) + 1", (above,))
        return self.host_token()

    def _append(
        self, record: R, by: Authorship, type: str, before: Mapping[str, Any] | None, after: Mapping[str, Any]
    ) -> None:
        kind = KINDS[record.__class__]
        room = record.id if isinstance(record, Room) else record.room_id
        self._connection.execute(
            EVENT_INSERT,
            (
                new_event_id(), self.change, room, kind.value, record.id, _subject(kind, record), record.version, type,
                None if before is None else encode_json(before).decode(), encode_json(after).decode(),
                by.agent_id, by.session_id, by.door.value, by.operation, by.reason,
                int(by.undoable), by.undoes, PAYLOAD_VERSION, format_time(self.now),
            ),
        )  # fmt: skip
        self.last_written = self._connection.last_insert_rowid()
        first = record.version - 1 if before is not None else 0
        self.versions[record.id] = self.versions.get(record.id, (first, 0))[0], record.version


def _subject(kind: EntityKind, record: Entity) -> str | None:
    if isinstance(record, (Comment, Handoff, Run)):
        return record.task_id
    return record.id if kind is EntityKind.TASK else None
