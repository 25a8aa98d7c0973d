"""The root of every error we raise on purpose, and storage's own.

Each has a stable `code`, one sentence that says what is wrong with which input, and a `hint` that says what to do.
"""

from typing import Any, ClassVar


class ParallelError(Exception):
    """An error that a door shows as it is: code, message, hint, and `details` for programs."""

    code: ClassVar[str] = "unexpected"
    exit_code: ClassVar[int] = 1
    """What the CLI exits with: 2 invalid, 3 not found, 4 version conflict, 5 refused by a rule, 6 not permitted,
    7 storage."""

    def __init__(self, message: str, hint: str = "", **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details


class StorageError(ParallelError):
    """The store could not do what was asked; nothing was changed."""

    code = "storage_failed"
    exit_code = 7


class StorageTimeout(StorageError):
    """Another writer held the store beyond the deadline. `details` names its pid and operation."""

    code = "timeout"


class StorageFull(StorageError):
    """No space was left while writing."""

    code = "storage_full"


class StorageReadOnly(StorageError):
    """The database file or its directory does not allow writing."""

    code = "storage_read_only"


class CorruptedData(StorageError):
    """The file is not a sound database; it is left as it is."""

    code = "corrupted_data"


class SchemaTooNew(StorageError):
    """The file was written by a newer version of the program; it is left as it is."""

    code = "schema_too_new"


class UnsafeEngine(StorageError):
    """The SQLite library has the WAL-reset bug, or a second one was about to open the same file."""

    code = "unsafe_engine"


class UnsafeFilesystem(StorageError):
    """The database would lie on a network file system, whose locks cannot be trusted."""

    code = "unsafe_filesystem"


class BackupFailed(StorageError):
    """A backup could not be made or did not verify."""

    code = "backup_failed"


class RestoreFailed(StorageError):
    """A backup could not be restored; the live file is as it was before."""

    code = "restore_failed"


class BackupNotFound(ParallelError):
    """No backup goes by that name."""

    code = "not_found"
    exit_code = 3
