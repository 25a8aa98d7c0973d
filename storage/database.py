"""The database: opened once a process, read in consistent snapshots, written one fair transaction at a time."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from peewee import InterfaceError

from storage.engine import APPLICATION_ID, connect, connect_read_only, corrupted, file_error, storage_errors
from storage.errors import SchemaTooNew, StorageError
from storage.filesystems import require_local_filesystem
from storage.home import Home
from storage.reader import Reader
from storage.write_lock import WriteLock
from storage.writer import Writer

if TYPE_CHECKING:
    from storage.change_feed import ChangeFeed

SCHEMA_VERSION: Final = 3
"""The number of the newest migration; a file's `PRAGMA user_version`."""

WRITE_DEADLINE_S: Final = 5.0
"""How long a writer waits for its turn before it is told who holds the store."""


logger = logging.getLogger(__name__)


class Database:
    """One state.db. Thread-safe: every thread gets a connection of its own.

    Use `Database.open`; then `with database.read() as rows` and `with database.write("move_task") as rows`.
    """

    def __init__(self, home: Home, *, deadline_s: float) -> None:
        self.home = home
        self.path = home.database
        self._file = _identity(self.path)
        self._engine = connect(self.path)
        self._engine.connection()  # from here on the file is guarded
        self._lock = WriteLock(self.path.with_name(self.path.name + ".lock"), deadline_s)
        self._after_commit: list[Callable[[], None]] = []
        self.feeds: list[ChangeFeed] = []
        """The feeds that follow it in this process; they share the polling."""

    @classmethod
    def open(cls, home: Home, *, deadline_s: float = WRITE_DEADLINE_S) -> "Database":
        """Open the database of `home`, creating it or bringing it up to date first.

        Raises:
            SchemaTooNew, CorruptedData, UnsafeEngine, UnsafeFilesystem: the file is left as it is.
            StorageTimeout, StorageReadOnly, StorageFull: it could not be created or migrated.
        """
        with storage_errors(home.database):
            try:
                home.create()
            except OSError as error:
                raise file_error(error, home.path) from error
            require_local_filesystem(home.database)
            if schema_version(home.database) < SCHEMA_VERSION:
                lock = WriteLock(home.database.with_name(home.database.name + ".lock"), deadline_s)
                try:
                    with lock.hold("migrate"):
                        if schema_version(home.database) < SCHEMA_VERSION:
                            from storage.migrate import migrate

                            migrate(home)
                finally:
                    lock.close()
            return cls(home, deadline_s=deadline_s)

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """One consistent snapshot."""
        with storage_errors(self.path), self._engine.atomic("DEFERRED"):
            yield Reader(self._engine)

    @contextmanager
    def write(self, operation: str) -> Iterator[Writer]:
        """One write transaction, durable when the block has ended without an exception, undone otherwise.

        Args:
            operation: what others are told who wait for their turn.
        """
        with storage_errors(self.path), self._lock.hold(operation):
            self.require_same_file()
            with self._engine.atomic("IMMEDIATE"):
                yield Writer(self._engine)
        for announce in tuple(self._after_commit):
            try:
                announce()
            except Exception:  # the change stands; a caller who saw this raised would make it twice
                logger.exception("what was to follow a commit failed")

    def require_same_file(self) -> None:
        """Refuse to go on where the file at our path is no longer the one that is open here.

        Raises:
            StorageError: it was replaced, by a restore over a damaged file for one, or removed.
        """
        # a damaged file is replaced under the lock; what were written to the old one would be lost with it (3 µs)
        if _identity(self.path) != self._file:
            raise StorageError(
                f"{self.path} was replaced or removed while it was open here; nothing more was done.",
                "Start this program again.",
            )

    def after_commit(self, announce: Callable[[], None]) -> Callable[[], None]:
        """Call `announce` after each commit of this process, quickly and without raising. Returns the way to stop."""
        self._after_commit.append(announce)
        return lambda: self._after_commit.remove(announce)

    def close_thread(self) -> None:
        """Close the calling thread's connection."""
        self._engine.close()

    def close(self) -> None:
        """Close the calling thread's connection and the lock; other threads close theirs with `close_thread`."""
        with suppress(InterfaceError):
            self._engine.close()
        self._lock.close()


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file lies at a path; None where there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116  a Path's stat takes twice as long
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def schema_version(path: Path) -> int:
    """The file's schema version; 0 where it is missing or was never finished.

    Raises:
        SchemaTooNew: a newer program wrote it.
        CorruptedData: it is a database of something else.
    """
    if not path.exists() or path.stat().st_size == 0:
        return 0
    connection = connect_read_only(path)
    try:
        version = int(connection.pragma("user_version"))
        ours = connection.pragma("application_id") == APPLICATION_ID
        is_empty = connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall() == []
    finally:
        connection.close()
    if not ours and not is_empty:
        raise corrupted(path, "it belongs to another program")
    if version > SCHEMA_VERSION:
        raise SchemaTooNew(
            f"{path} has schema {version}; this program knows schemas up to {SCHEMA_VERSION}. "
            "The file was left as it is.",
            "Install the newest wezterm-parallel, or set WEZTERM_PARALLEL_HOME to another home.",
            found=version,
            known=SCHEMA_VERSION,
        )
    return version
