"""The one place that connects to SQLite: peewee on apsw, with the pragmas and guards that the storage rules ask for.

Two SQLite libraries on one file in one process, or any `open()` of the file beside the library, drop the process's
POSIX locks and with them acknowledged commits. An audit hook refuses both while a database is open here.
"""

import errno
import os
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

import apsw
from msgspec import MsgspecError
from peewee import DatabaseError, OperationalError
from playhouse.apsw_ext import APSWDatabase

from storage.clock import format_time
from storage.codec import UnreadableRow
from storage.errors import CorruptedData, StorageError, StorageFull, StorageReadOnly, StorageTimeout, UnsafeEngine

BUSY_TIMEOUT_S: Final = 5.0
APPLICATION_ID: Final = 0x777A7020
"""Marks a file as ours ("wzp "), so that a foreign SQLite file is never migrated."""

_PROBE_BYTES: Final = 64 * 1024
"""More than SQLite writes at once for a small change: two pages of the log, 32 KiB of its shared index."""


def is_safe_engine(version: tuple[int, ...]) -> bool:
    """Whether this SQLite has the fix of the WAL-reset bug (sqlite.org/wal.html#walresetbug)."""
    return version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)


def require_safe_engine() -> None:
    """Raises UnsafeEngine on a SQLite that can corrupt a database written by several processes."""
    version = apsw.sqlitelibversion()
    if not is_safe_engine(tuple(int(part) for part in version.split("."))):
        raise UnsafeEngine(
            f"SQLite {version} can corrupt a database that several processes write (the WAL-reset bug).",
            "Install apsw 3.51.3 or newer in this environment: `pip install -U apsw`.",
        )


class Engine(APSWDatabase):  # type: ignore[misc]
    """A peewee database on one file; each thread has a connection of its own."""

    def _connect(self) -> apsw.Connection:
        connection: apsw.Connection = super()._connect()
        _guard(Path(self.database), connection)
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
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    _guard(path, connection)
    connection.set_busy_timeout(int(BUSY_TIMEOUT_S * 1000))
    return connection


@contextmanager
def looking(path: Path) -> Iterator[apsw.Connection]:
    """A read-only connection for the block."""
    connection = connect_read_only(path)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def writing(path: Path) -> Iterator[Engine]:
    """An engine on an existing file for the block; closed afterwards."""
    engine = connect(path)
    try:
        yield engine
    finally:
        engine.close()


@contextmanager
def looking_at_finished(path: Path) -> Iterator[apsw.Connection]:
    """A connection to a file that nobody writes any more: takes no locks and leaves nothing beside it."""
    require_safe_engine()
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    connection = apsw.Connection(f"file:{quote(str(path))}?immutable=1", flags=flags)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turns what SQLite and peewee raise about `path` into the storage errors of the product."""
    try:
        yield
    except (apsw.Error, DatabaseError) as error:
        raise _translated(error, path) from error
    except (UnreadableRow, UnicodeDecodeError, MsgspecError) as error:  # texts and JSON that we never wrote
        raise corrupted(path, str(error)) from error


def file_error(error: OSError, path: Path) -> StorageError:
    """The storage error for what the operating system says of `path`, a file beside the database."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _full(path)
    return StorageReadOnly(
        f"{path} cannot be written: {error.strerror}.",
        f"Give yourself write access to {path.parent}, or set WEZTERM_PARALLEL_HOME to a directory that you own.",
    )


def _translated(error: Exception, path: Path) -> StorageError:
    cause = error
    while not isinstance(cause, apsw.Error) and (cause.__cause__ or cause.__context__):
        cause = cause.__cause__ or cause.__context__  # type: ignore[assignment]
    match cause:
        case apsw.FullError():
            return _full(path)
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
        case apsw.IOError() if _no_space_left(path.parent):
            return _full(path)
    if isinstance(error, OperationalError):
        return StorageError(f"The store {path} failed: {error}.", "Look at the log, then try again.")
    return StorageError(f"The store {path} failed: {cause}.", "Look at the log, then try again.")


def _full(path: Path) -> StorageFull:
    return StorageFull(
        f"No space is left for {path}; the change was not made.", f"Free space on the disk of {path.parent}."
    )


def corrupted(path: Path, what: str) -> CorruptedData:
    """The error for a file that is not a sound database; it names the way to recover."""
    return CorruptedData(
        f"{path} is not a sound database ({what}); it was left as it is.",
        f"Restore the newest backup with `wzp backup restore latest`: the damaged file is kept in {path.parent}/trash.",
    )


def _no_space_left(folder: Path) -> bool:
    """Whether writing in `folder` fails for want of space: tried, since a quota shows in no other way."""
    try:
        import tempfile  # 6 ms and a megabyte, for an error alone

        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(_PROBE_BYTES))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return False


_connections: Final[dict[str, "weakref.WeakSet[apsw.Connection]"]] = {}
"""The connections that this module has made, by the real path of the file and of its -shm."""
_hooked = False


def _guard(path: Path, connection: apsw.Connection) -> None:
    """Until `connection` is closed, nothing else in this process may open `path` or its -shm."""
    global _hooked
    real = os.path.realpath(path)
    _connections.setdefault(real, weakref.WeakSet()).add(connection)
    _connections[real + "-shm"] = _connections[real]
    if not _hooked:
        sys.addaudithook(_refuse_second_opener)
        _hooked = True


def _is_open(real: str) -> bool:
    alive = apsw.connections()
    return any(mine is each for mine in _connections[real] for each in alive)


def _refuse_second_opener(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in ("open", "sqlite3.connect") or not arguments:
        return
    name = arguments[0]
    if isinstance(name, (bytes, os.PathLike)):
        name = os.fsdecode(name)
    if not isinstance(name, str):  # a descriptor
        return
    if event == "sqlite3.connect" and name.startswith("file:"):
        name = unquote(urlsplit(name).path)
    if not name.endswith((".db", "-shm")):  # every open of the process comes by here
        return
    real = os.path.realpath(name)
    if real in _connections and _is_open(real):
        raise UnsafeEngine(
            f"{name} is open as a database in this process; opening it a second way would drop its locks.",
            "Read it through storage.Database, or from another process.",
        )
