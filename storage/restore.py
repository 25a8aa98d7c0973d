"""Restoring a backup into the live file, with writers attached; event numbers and versions only ever go up.

The state to come is made ready in a scratch file: the backup, brought to the present schema, with every version that
has to jump and the events that say so. Then it becomes the live content in one transaction of SQLite's backup API.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import apsw

from storage.backup import (
    Backup,
    create_backup_alone,
    discard,
    draft_path,
    exclusively,
    find_backup,
    verify_backup_alone,
)
from storage.clock import parse_time
from storage.codec import BOOKKEEPING, changed_fields, field_codecs, to_wire
from storage.database import SCHEMA_VERSION, WRITE_DEADLINE_S, schema_version
from storage.engine import looking, looking_at_finished, writing
from storage.errors import BackupFailed, CorruptedData, RestoreFailed
from storage.files import move_into_place, sync_file
from storage.home import Home
from storage.ids import new_agent_id
from storage.process_records import Alert, Process, Run
from storage.records import Agent, Comment, Entity, Handoff, Room, Session, Task
from storage.snapshot import copy_into, digest, scalar
from storage.tables import TABLES, Table
from storage.trash import keep_in_trash, new_trash_folder
from storage.vocabulary import AgentKind, Door, Role, RoomId
from storage.write_lock import WriteLock
from storage.writer import Authorship, Writer

OPERATION: Final = "restore_backup"
RESTORED: Final = "restored"
"""The type of the events of a restore."""

UNKNOWN_JUMP: Final = 10_000
"""By how much versions go up where the live file is too damaged to say what they were."""
UNKNOWN_SEQUENCE_JUMP: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Restorer:
    """Who restores, through which door, and why."""

    name: str
    door: Door
    kind: AgentKind = AgentKind.PERSON
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore has done.

    `safety` is the backup of the state before it, the way back; None where that was too damaged to be read, and then
    `trash` is the folder that keeps the damaged files. `events_lost` is how many events came after the backup, None
    where the damaged file does not say. `last_sequence` is the newest event now.
    """

    backup: Backup
    safety: Backup | None
    trash: str | None
    events_lost: int | None
    last_sequence: int


def events_since(home: Home, backup: Backup) -> int | None:
    """How many events the live database has that a backup has not; None where it cannot be read."""
    try:
        with looking(home.database) as connection:
            return int(scalar(connection, "SELECT count(*) FROM event WHERE sequence > ?", backup.last_sequence))
    except apsw.Error:
        return None


def restore_backup(home: Home, name: str, by: Restorer, *, deadline_s: float = WRITE_DEADLINE_S) -> Restored:
    """Make the live database what it was at a backup; readers and writers may stay attached.

    Args:
        name: an id, the unique end of one, or `latest`.

    Raises:
        BackupNotFound: there is no such backup.
        RestoreFailed: the backup is damaged, or there is no space; the live database is as it was.
        StorageTimeout: a writer held the store beyond the deadline.
        SchemaTooNew: the live database was written by a newer program; nothing was touched.
    """
    lock = WriteLock(home.database.with_name(home.database.name + ".lock"), deadline_s)
    try:
        with exclusively(home, OPERATION):
            return _restore(home, find_backup(home, name), by, lock)
    finally:
        lock.close()


def _restore(home: Home, backup: Backup, by: Restorer, lock: WriteLock) -> Restored:
    ready = draft_path(home, f"{backup.id}.ready")
    try:
        with _failing():
            try:
                verify_backup_alone(home, backup)
            except BackupFailed as error:
                raise RestoreFailed(f"{error.message} Nothing was changed.", error.hint) from error
            if backup.schema_version > SCHEMA_VERSION:
                raise RestoreFailed(
                    f"Backup {backup.id} has schema {backup.schema_version}; this program knows schemas up to "
                    f"{SCHEMA_VERSION}. Nothing was changed.",
                    "Install the newest wezterm-parallel, then restore it.",
                )
            _lay_out(backup, ready)
            with lock.hold(OPERATION):  # only now, so that writers wait no longer than they must
                safety = _safety_snapshot(home, backup)
                lost = events_since(home, backup) if safety else None
                last = _carry_on(ready, backup, safety, by)
                trash = None
                if safety is None:
                    trash = _put_in_place(ready, home)
                else:
                    _put_into_live(ready, home.database)
            return Restored(backup=backup, safety=safety, trash=trash, events_lost=lost, last_sequence=last)
    finally:
        discard(ready)


def _lay_out(backup: Backup, ready: Path) -> None:
    ready.touch(mode=0o600)
    copy_into(Path(backup.path), ready)
    if backup.schema_version < SCHEMA_VERSION:
        from storage.migrate import bring_up_to_date

        bring_up_to_date(ready)


def _safety_snapshot(home: Home, backup: Backup) -> Backup | None:
    """A backup of the present state; None where there is none that could be read."""
    try:
        if not home.database.exists() or home.database.stat().st_size == 0:
            return None
        if schema_version(home.database) < SCHEMA_VERSION:
            from storage.migrate import bring_up_to_date

            create_backup_alone(home, "before migration")
            bring_up_to_date(home.database)
        return create_backup_alone(home, f"before restoring {backup.id}", is_safety=True)
    except (CorruptedData, apsw.CorruptError, apsw.NotADBError):
        return None
    except BackupFailed as error:
        raise RestoreFailed(
            f"The present state could not be kept first: {error.message} Nothing was changed.", error.hint
        ) from error


def _put_into_live(ready: Path, database: Path) -> None:
    copy_into(ready, database)
    with looking_at_finished(ready) as expected, looking(database) as live:
        if digest(expected) != digest(live):
            raise RestoreFailed("The live database is not what was restored into it.", "Restore again.")


def _put_in_place(ready: Path, home: Home) -> str | None:
    """Replace a file that is no database any more, and keep what it was."""
    with writing(ready) as engine:
        engine.connection().pragma("journal_mode", "wal")
    sync_file(ready)
    # a -wal that outlived its file would be taken for the new one's
    beside = [home.database.with_name(home.database.name + suffix) for suffix in ("-wal", "-shm")]
    left = [path for path in (home.database, *beside) if path.exists()]
    folder = new_trash_folder(home) if left else None
    for path in left:
        assert folder is not None
        if path == home.database:
            keep_in_trash(folder, path)  # so that there is never none: a missing file would be made anew, empty
        else:
            path.rename(folder / path.name)
    move_into_place(ready, home.database)
    return None if folder is None else str(folder)


# How the restored state goes on above everything that was


@dataclass(frozen=True, slots=True)
class _Before:
    """What the state that is replaced had reached. `entities` is None where it cannot be read."""

    entities: dict[str, Entity] | None
    last_sequence: int
    last_at: datetime | None
    highest_version: int
    highest_numbers: dict[RoomId, int]


def _carry_on(ready: Path, backup: Backup, safety: Backup | None, by: Restorer) -> int:
    """Let versions and event numbers of the state to come begin above those of the present one; the last event."""
    before = _before(Path(safety.path)) if safety is not None else None
    with writing(ready) as engine, engine.atomic("IMMEDIATE"):
        writer = Writer(engine)
        if before is None:
            writer.continue_after(writer.last_sequence() + UNKNOWN_SEQUENCE_JUMP, None)
        else:
            writer.continue_after(before.last_sequence, before.last_at)
        authors = {room.id: _author(writer, room.id, by) for room in writer.rooms()}
        members: list[Agent | Task | Comment | Session | Handoff | Process | Run | Alert] = [
            *writer.every(Agent), *writer.every(Task), *writer.every(Comment), *writer.every(Session),
            *writer.every(Handoff), *writer.every(Process), *writer.every(Run), *writer.every(Alert),
        ]  # fmt: skip
        for entity in members:
            _raise_version(writer, entity, before, authors[entity.room_id], backup)
        for room in writer.rooms():  # last, since their event is the sign that all is there
            _raise_version(writer, room, before, authors[room.id], backup)
        return writer.last_sequence()


def _before(path: Path) -> _Before:
    with looking_at_finished(path) as connection:
        entities: dict[str, Entity] = {}
        numbers: dict[RoomId, int] = {}
        for table in TABLES.values():
            entities.update((entity.id, entity) for entity in _records(connection, table))
        for entity in entities.values():
            if isinstance(entity, Task):
                numbers[entity.room_id] = max(entity.number, numbers.get(entity.room_id, 0))
        highest = max((entity.version for entity in entities.values()), default=0)
        # an earlier restore may have taken away what had gone further
        sql = (
            "SELECT room_id, max(json_extract(after, '$.highest_number')), "
            "max(json_extract(after, '$.highest_version')) FROM event "
            "WHERE type = ? AND entity = 'room' GROUP BY room_id"
        )
        rows: list[Any] = connection.execute(sql, (RESTORED,)).fetchall()
        for room_id, number, version in rows:
            numbers[room_id] = max(number or 0, numbers.get(room_id, 0))
            highest = max(version or 0, highest)
        sequence = scalar(connection, "SELECT seq FROM sqlite_sequence WHERE name = 'event'") or 0
        last_at = scalar(connection, "SELECT at FROM event ORDER BY sequence DESC LIMIT 1")
        return _Before(entities, sequence, parse_time(last_at) if last_at else None, highest, numbers)


def _records(connection: apsw.Connection, table: Table[Any]) -> Iterator[Entity]:
    for row in connection.execute(table.select):
        yield table.rows.decode(row)


def _author(writer: Writer, room: RoomId, by: Restorer) -> Authorship:
    known = writer.agent_by_name(room, by.name)
    newcomer = None
    if known is None:
        newcomer = Agent(
            id=new_agent_id(), room_id=room, name=by.name, kind=by.kind, role=Role.OWNER,
            created_at=writer.now, updated_at=writer.now,
        )  # fmt: skip
    agent = known or newcomer
    assert agent is not None
    author = Authorship(agent_id=agent.id, door=by.door, operation=OPERATION, reason=by.reason)
    if newcomer is not None:
        writer.insert(newcomer, author)
    return author


def _raise_version(writer: Writer, entity: Any, before: _Before | None, by: Authorship, backup: Backup) -> None:
    """Where others may know this entity further on, put its version above that, with an event of what went back."""
    if entity.created_at == writer.now:
        return  # made by this restore
    was: dict[str, Any] | None
    if before is None or before.entities is None:
        version, was, now = entity.version + UNKNOWN_JUMP, {}, {}
    elif (present := before.entities.get(entity.id)) is None:  # taken away by an earlier restore
        own = {each.name for each in field_codecs(type(entity)) if each.own} - BOOKKEEPING
        version, was, now = max(entity.version, before.highest_version) + 1, None, to_wire(entity, own)
    else:
        names = {each.name for each in changed_fields(present, entity)}
        if not names and present.version == entity.version and not isinstance(entity, Room):
            return
        version, was, now = max(entity.version, present.version) + 1, to_wire(present, names), to_wire(entity, names)
    if isinstance(entity, Room):
        now["backup"] = backup.id
        if before is not None:
            now["highest_version"] = before.highest_version
            now["highest_number"] = before.highest_numbers.get(entity.id, 0)
    writer.restate(replace(entity, version=version), by, type=RESTORED, before=was, after=now)


@contextmanager
def _failing() -> Iterator[None]:
    try:
        yield
    except apsw.FullError as error:
        raise RestoreFailed(
            "No space is left; the backup was not restored.", "Free space on the disk of the home, then try again."
        ) from error
    except (apsw.Error, OSError) as error:
        raise RestoreFailed(
            f"The backup was not restored: {error}.", "Look at the disk and its permissions, then try again."
        ) from error
