"""Files written so that a crash leaves the old one or the new one, never a half: temp, fsync, rename, fsync."""

import os
import secrets
from pathlib import Path


def write_atomically(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Make `data` the content of `path`, durably. A file that was there keeps its mode.

    Raises:
        OSError: it could not be written; `path` is as it was.
    """
    path = Path(os.path.realpath(path))  # replace what a link points to, not the link
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(descriptor, path.stat().st_mode & 0o777 if path.exists() else mode)
            os.fsync(descriptor)
        move_into_place(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def move_into_place(draft: Path, path: Path) -> None:
    """Rename a finished file of the same directory to its name, durably."""
    draft.replace(path)
    sync_directory(path.parent)


def sync_file(path: Path) -> None:
    """Make the content of a file durable. Not for a database that this process has open."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    sync_file(path)
