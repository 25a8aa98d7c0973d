"""Backups: verified snapshots of the database with a manifest beside each; make, list, find, verify.

A backup is a pair of files in the home's `backups` folder, `<id>.db` and `<id>.json`. The manifest comes last, so what
is listed is whole. It is called verified only after it has been restored into a scratch file and compared.
"""

import errno
import hashlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import apsw
import msgspec

from storage.clock import utc_now
from storage.codec import encode_json, from_wire, to_wire
from storage.engine import corrupted, looking, looking_at_finished
from storage.errors import BackupFailed, BackupNotFound
from storage.files import move_into_place, sync_file, write_atomically
from storage.home import Home
from storage.ids import new_backup_id
from storage.snapshot import copy_into, digest, digest_table, flaws, scalar, tables, take_snapshot
from storage.trash import move_to_trash
from storage.write_lock import WriteLock

LATEST: Final = "latest"
"""The word for the newest backup that was not made for safety's sake before a restore."""

LOCK_DEADLINE_S: Final = 30.0
"""One backup is made or restored at a time in a home; a large one takes seconds."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """One backup, as its manifest tells.

    `digest` is of the content, `sha256` and `size_bytes` of the file. `last_sequence` is the newest event in it.
    `is_safety` marks the snapshots that a restore makes of what it is about to replace.
    """

    id: str
    created_at: datetime
    reason: str
    is_safety: bool = False
    schema_version: int
    last_sequence: int
    task_count: int
    event_count: int
    digest: str
    sha256: str
    size_bytes: int
    verified: bool
    verified_at: datetime | None
    path: str


def create_backup(home: Home, reason: str = "by hand", *, is_safety: bool = False) -> Backup:
    """Make a backup and prove it; writers go on meanwhile.

    Raises:
        BackupFailed: there was no space, or the copy did not prove equal; nothing is left of it.
        CorruptedData: the database itself is not sound.
        StorageTimeout: another backup did not end before the deadline.
    """
    with exclusively(home, "create_backup"):
        return create_backup_alone(home, reason, is_safety=is_safety)


def create_backup_alone(home: Home, reason: str, *, is_safety: bool = False) -> Backup:
    """`create_backup` for a caller inside `exclusively`."""
    backup_id = new_backup_id()
    draft, scratch = draft_path(home, backup_id), draft_path(home, f"{backup_id}.scratch")
    path = home.backups / f"{backup_id}.db"
    if not home.database.exists():
        raise BackupFailed(
            f"There is no database {home.database} to back up.", "Create a room first with `wzp room create NAME`."
        )
    try:
        with _failing("The backup was not made"):
            _make_private_file(draft)
            _snapshot_live(home.database, draft)
            proved = _prove(draft, scratch)
            _compare_with_live(home.database, draft)
            with looking_at_finished(draft) as connection:
                facts = _facts(connection)
            sync_file(draft)
            now = utc_now()
            backup = Backup(
                id=backup_id, created_at=now, reason=reason, is_safety=is_safety, digest=proved, sha256=_hash(draft),
                size_bytes=draft.stat().st_size, verified=True, verified_at=now, path=str(path), **facts,
            )  # fmt: skip
            move_into_place(draft, path)
            try:
                _write_manifest(backup)
            except BaseException:
                path.unlink(missing_ok=True)
                raise
            return backup
    finally:
        discard(draft, scratch)


def list_backups(home: Home) -> list[Backup]:
    """The backups of a home, newest first. Nothing is opened but the manifests."""
    found = [_read_manifest(path) for path in home.backups.glob("bkp_*.json")]
    return sorted(
        (each for each in found if each is not None), key=lambda each: (each.created_at, each.id), reverse=True
    )


def find_backup(home: Home, name: str) -> Backup:
    """The backup of that id, unique end of an id, or `latest`.

    Raises:
        BackupNotFound: there is none, or more than one.
    """
    backups = list_backups(home)
    if not backups:
        raise BackupNotFound(f"There is no backup in {home.backups}.", "Make one with `wzp backup create`.")
    if name == LATEST:
        return next((each for each in backups if not each.is_safety), backups[0])
    fits = [each for each in backups if each.id == name] or [
        each for each in backups if len(name) >= 4 and each.id.endswith(name)
    ]
    if len(fits) != 1:
        what = "More than one backup ends in" if fits else "No backup"
        raise BackupNotFound(f"{what} {name!r}.", "See the ids with `wzp backup list`.")
    return fits[0]


def verify_backup(home: Home, backup: Backup) -> Backup:
    """Restore a backup into a scratch file and compare it with its manifest; the manifest notes the outcome.

    Raises:
        BackupFailed: it is damaged; says in which way.
    """
    with exclusively(home, "verify_backup"):
        return verify_backup_alone(home, backup)


def verify_backup_alone(home: Home, backup: Backup) -> Backup:
    """`verify_backup` for a caller inside `exclusively`."""
    scratch = draft_path(home, f"{backup.id}.scratch")
    try:
        with _failing(f"Backup {backup.id} could not be verified"):
            checked = replace(backup, verified=True, verified_at=utc_now())
            try:
                _compare_with_manifest(backup, scratch)
            except BackupFailed:
                _write_manifest(replace(checked, verified=False))
                raise
            _write_manifest(checked)
            return checked
    finally:
        discard(scratch)


@contextmanager
def exclusively(home: Home, operation: str) -> Iterator[None]:
    """One backup or restore at a time in a home; what a killed one left behind is cleared away first.

    Raises:
        StorageTimeout: another did not end before the deadline; names it.
    """
    home.create()
    lock = WriteLock(home.backup_lock, LOCK_DEADLINE_S)
    try:
        with lock.hold(operation):
            for left in home.backups.glob(".bkp_*"):
                left.unlink()
            if orphans := [each for each in home.backups.glob("bkp_*.db") if not each.with_suffix(".json").exists()]:
                move_to_trash(home, orphans)
            yield
    finally:
        lock.close()


def draft_path(home: Home, name: str) -> Path:
    """Where a file lies that is not a backup yet, or only needed for a moment."""
    return home.backups / f".{name}.draft"


def discard(*drafts: Path) -> None:
    """Remove drafts with whatever SQLite has put beside them."""
    for draft in drafts:
        for suffix in ("", "-journal", "-wal", "-shm"):
            draft.with_name(draft.name + suffix).unlink(missing_ok=True)


def _snapshot_live(database: Path, draft: Path) -> None:
    try:
        take_snapshot(database, draft)
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise corrupted(database, str(error)) from error


def _prove(snapshot: Path, scratch: Path) -> str:
    """Restore a snapshot into `scratch`, compare the two, and give the digest of both.

    Raises:
        BackupFailed: they differ, or SQLite finds a flaw.
    """
    _make_private_file(scratch)
    try:
        copy_into(snapshot, scratch)
        with looking_at_finished(snapshot) as original, looking_at_finished(scratch) as restored:
            found = flaws(restored)
            expected, actual = digest(original), digest(restored)
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise BackupFailed(
            f"{snapshot.name} is damaged: {error}.", "Use another that `wzp backup list` shows."
        ) from error
    if found or actual != expected:
        raise BackupFailed(
            f"{snapshot.name} does not restore to what it should: {found[0] if found else 'the content differs'}.",
            "Use another that `wzp backup list` shows.",
        )
    return actual


def _compare_with_live(database: Path, snapshot: Path) -> None:
    """The log only grows, so the live one must still begin with the snapshot's."""
    with looking(database) as live, looking_at_finished(snapshot) as copy:
        if "event" not in tables(copy):
            return
        last = scalar(copy, "SELECT ifnull(max(sequence), 0) FROM event")
        if digest_table(live, "event", last) != digest_table(copy, "event", last):
            raise BackupFailed("The copy's event log differs from the live one.", "Try `wzp backup create` again.")


def _compare_with_manifest(backup: Backup, scratch: Path) -> None:
    path = Path(backup.path)
    what = ""
    if not path.exists():
        what = "its file is missing"
    elif path.stat().st_size != backup.size_bytes:
        what = f"its file has {path.stat().st_size:,} bytes, not {backup.size_bytes:,}"
    elif _hash(path) != backup.sha256:
        what = "its file is not the one that was written"
    elif _prove(path, scratch) != backup.digest:
        what = "its content is not what was backed up"
    if what:
        raise BackupFailed(f"Backup {backup.id} is damaged: {what}.", "Use another that `wzp backup list` shows.")


def _facts(connection: apsw.Connection) -> dict[str, int]:
    known = tables(connection)

    def number(table: str, sql: str) -> int:
        return int(scalar(connection, sql)) if table in known else 0

    return {
        "schema_version": int(connection.pragma("user_version")),
        "last_sequence": number("event", "SELECT ifnull(max(sequence), 0) FROM event"),
        "task_count": number("task", "SELECT count(*) FROM task"),
        "event_count": number("event", "SELECT count(*) FROM event"),
    }


@contextmanager
def _failing(what: str) -> Iterator[None]:
    try:
        yield
    except apsw.FullError as error:
        raise _no_space(what) from error
    except apsw.Error as error:
        raise BackupFailed(f"{what}: {error}.", "Look at the disk and its permissions, then try again.") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _no_space(what) from error
        raise BackupFailed(f"{what}: {error}.", "Look at the disk and its permissions, then try again.") from error


def _no_space(what: str) -> BackupFailed:
    return BackupFailed(
        f"{what}: no space is left.",
        "Free about twice the size of the database on the disk of the home, then try again.",
    )


def _make_private_file(path: Path) -> None:
    discard(path)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_manifest(backup: Backup) -> None:
    wire: dict[str, Any] = to_wire(backup)
    path = Path(wire.pop("path"))
    write_atomically(path.with_suffix(".json"), msgspec.json.format(encode_json(wire), indent=2) + b"\n")


def _read_manifest(path: Path) -> Backup | None:
    try:
        wire = msgspec.json.decode(path.read_bytes())
        return from_wire(Backup, {**wire, "path": str(path.with_suffix(".db"))})
    except (OSError, msgspec.DecodeError, TypeError, ValueError) as error:
        logger.warning("the manifest %s cannot be read: %s", path, error)
        return None
