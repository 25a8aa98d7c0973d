"""The one place that connects to SQLite: peewee on apsw, with the pragmas and guards that the storage rules ask for.

Two SQLite libraries on one file in one process, or any `open()` of the file beside the library, drop the process's
POSIX locks and with them acknowledged commits. An audit hook refuses both while a database is open here.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import apsw
from peewee import DatabaseError, OperationalError
from playhouse.apsw_ext import APSWDatabase

from storage.clock import format_time
from storage.errors import CorruptedData, StorageError, StorageFull, StorageReadOnly, StorageTimeout, UnsafeEngine

BUSY_TIMEOUT_S: Final = 5.0
APPLICATION_ID: Final = 0x777A7020
"""Marks a file as ours ("wzp "), so that a foreign SQLite file is never migrated."""


def is_safe_engine(version: tuple[int, ...]) -> bool:
    """Whether this SQLite has the fix of the WAL-reset bug (sqlite.org/wal.html#walresetbug)."""
    return version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)


def require_safe_engine() -> None:
    """Raises UnsafeEngine on a SQLite that can corrupt a database written by several processes."""
    version = apsw.sqlitelibversion()
    if not is_safe_engine(tuple(int(part) for part in version.split("."))):
        raise UnsafeEngine(
            f"SQLite {version} can corrupt a database that several processes write (the WAL-reset bug).",
            "Install apsw 3.51.3 or newer in this environment: pip install --upgrade apsw.",
        )


class Engine(APSWDatabase):  # type: ignore[misc]
    """A peewee database on one file; each thread has a connection of its own."""

    def _connect(self) -> apsw.Connection:
        connection: apsw.Connection = super()._connect()
        connection.convert_binding = _convert_binding
        return connection


def _convert_binding(_cursor: apsw.Cursor, _number: int, value: Any) -> Any:
    # playhouse.migrations binds datetimes, which apsw refuses by itself
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"cannot bind a value of type {type(value).__name__}")


def connect(path: Path, *, synchronous: str = "FULL", create: bool = False) -> Engine:
    """A database on `path`; it connects on first use, once a thread.

    Args:
        synchronous: `FULL` makes a commit durable before it returns; `NORMAL` is for what may be lost.
        create: whether a missing file is created; otherwise it is an error.
    """
    require_safe_engine()
    _guard(path)
    flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if create else 0)
    return Engine(
        str(path),
        timeout=BUSY_TIMEOUT_S,
        flags=flags,
        pragmas=[("foreign_keys", 1), ("synchronous", synchronous), ("journal_size_limit", 16 * 1024 * 1024)],
    )


def connect_read_only(path: Path) -> apsw.Connection:
    """A bare connection that cannot write: for looking at a file before it is trusted, and for watching it."""
    require_safe_engine()
    _guard(path)
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    connection.set_busy_timeout(int(BUSY_TIMEOUT_S * 1000))
    return connection


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turns what SQLite and peewee raise about `path` into the storage errors of the product."""
    try:
        yield
    except (apsw.Error, DatabaseError) as error:
        raise _translated(error, path) from error


def _translated(error: Exception, path: Path) -> StorageError:
    cause = error
    while not isinstance(cause, apsw.Error) and (cause.__cause__ or cause.__context__):
        cause = cause.__cause__ or cause.__context__  # type: ignore[assignment]
    match cause:
        case apsw.FullError():
            return StorageFull(
                f"No space is left for {path}; the change was not made.", f"Free space on the disk of {path.parent}."
            )
        case apsw.ReadOnlyError():
            return StorageReadOnly(
                f"{path} cannot be written; the change was not made.",
                f"Give yourself write access to {path} and {path.parent}.",
            )
        case apsw.CantOpenError():
            return StorageReadOnly(
                f"{path} cannot be opened: {cause}.", f"Check that you may read and write {path.parent}."
            )
        case apsw.BusyError() | apsw.LockedError():
            return StorageTimeout(f"{path} was locked by another program: {cause}.", "Try again.")
        case apsw.CorruptError() | apsw.NotADBError():
            return corrupted(path, str(cause))
        case apsw.IOError() if _disk_is_full(path):
            return StorageFull(f"No space is left for {path}; the change was not made.", "Free space on that disk.")
    if isinstance(error, OperationalError):
        return StorageError(f"The store {path} failed: {error}.", "Look at the log, then try again.")
    return StorageError(f"The store {path} failed: {cause}.", "Look at the log, then try again.")


def corrupted(path: Path, what: str) -> CorruptedData:
    """The error for a file that is not a sound database; it names the way to recover."""
    return CorruptedData(
        f"{path} is not a sound database ({what}); it was left as it is.",
        f"Restore the newest backup with `wzp backup restore latest`: the damaged file is kept in {path.parent}/trash.",
    )


def _disk_is_full(path: Path) -> bool:
    return os.statvfs(path.parent).f_bavail == 0


_guarded: dict[str, str] = {}
_hooked = False


def _guard(path: Path) -> None:
    """From now on, nothing else in this process may open `path` or its -shm."""
    global _hooked
    real = os.path.realpath(path)
    _guarded[real] = _guarded[real + "-shm"] = real
    if not _hooked:
        sys.addaudithook(_refuse_second_opener)
        _hooked = True


def unguard(path: Path) -> None:
    """Every connection of this process to `path` is closed: it may be touched as a file again."""
    real = os.path.realpath(path)
    _guarded.pop(real, None)
    _guarded.pop(real + "-shm", None)


def _refuse_second_opener(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in ("open", "sqlite3.connect") or not _guarded or not arguments:
        return
    name = arguments[0]
    if isinstance(name, bytes):
        name = os.fsdecode(name)
    if (
        isinstance(name, (str, os.PathLike))
        and str(name).endswith((".db", "-shm"))
        and os.path.realpath(name) in _guarded
    ):
        raise UnsafeEngine(
            f"{name} is open as a database in this process; opening it a second way would drop its locks.",
            "Read it through storage.Database, or from another process.",
        )
