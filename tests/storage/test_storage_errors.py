"""What SQLite and the system say, turned into errors that a person can act on."""

import errno
import os
import tempfile
from pathlib import Path
from typing import Any

import apsw
import pytest
from peewee import OperationalError

from storage import CorruptedData, StorageError, StorageFull, StorageReadOnly, StorageTimeout
from storage.engine import file_error, storage_errors


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (apsw.FullError("full"), StorageFull),
        (apsw.ReadOnlyError("readonly"), StorageReadOnly),
        (apsw.CantOpenError("cannot open"), StorageReadOnly),
        (apsw.BusyError("busy"), StorageTimeout),
        (apsw.LockedError("locked"), StorageTimeout),
        (apsw.CorruptError("malformed"), CorruptedData),
        (apsw.NotADBError("not a database"), CorruptedData),
        (apsw.IOError("disk I/O error"), StorageError),
        (apsw.SQLError("no such table"), StorageError),
        (OperationalError("something else"), StorageError),
    ],
)
def test_each_failure_has_its_error(tmp_path: Path, raised: Exception, expected: type[StorageError]) -> None:
    path = tmp_path / "state.db"
    with pytest.raises(StorageError) as failure, storage_errors(path):
        raise raised
    assert type(failure.value) is expected
    assert str(path) in failure.value.message
    assert failure.value.hint
    assert failure.value.exit_code == 7
    assert failure.value.__cause__ is raised


def test_what_peewee_wraps_is_unwrapped(tmp_path: Path) -> None:
    def wrapped() -> None:
        try:
            raise apsw.FullError("full")
        except apsw.FullError as error:
            raise OperationalError("full") from error

    with pytest.raises(StorageFull), storage_errors(tmp_path / "state.db"):
        wrapped()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_an_input_output_error_for_want_of_space_or_quota_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fail(**given: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(tempfile, "TemporaryFile", fail)
    with pytest.raises(StorageFull), storage_errors(tmp_path / "state.db"):
        raise apsw.IOError("disk I/O error")
    assert type(file_error(OSError(number, "x"), tmp_path)) is StorageFull


def test_a_file_that_may_not_be_written_names_its_folder(tmp_path: Path) -> None:
    error = file_error(PermissionError(errno.EACCES, "Permission denied"), tmp_path / "state.db.lock")
    assert type(error) is StorageReadOnly
    assert str(tmp_path) in error.hint
