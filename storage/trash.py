"""The trash of a home: what a person could want back is moved here, never unlinked, and goes when it is old enough.

Each time something is thrown away it gets a folder, named for that moment. Only such folders are ever removed, and only
with what we put into them: plain files. Whatever else lies in the trash is somebody's.
"""

import os
import stat
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from storage.clock import utc_now
from storage.errors import StorageTimeout
from storage.files import sync_directory
from storage.home import Home
from storage.write_lock import WriteLock

YOUNG_S: Final = 3600.0
"""A folder that changed since may still be written to: files are thrown away one after the other."""

LOCK_DEADLINE_S: Final = 1.0

_FORM: Final = "%Y-%m-%dT%H-%M-%S.%fZ"


@dataclass(frozen=True, slots=True)
class Trashed:
    """What was thrown away at one moment: its folder, and the bytes in it."""

    path: Path
    at: datetime
    size: int


def new_trash_folder(home: Home) -> Path:
    """A new folder in the trash, named for the present moment."""
    folder = home.trash / utc_now().strftime(_FORM)
    folder.mkdir(mode=0o700, parents=True)
    return folder


def move_to_trash(home: Home, paths: Iterable[Path]) -> Path:
    """Move those of `paths` that exist; the folder where they lie now."""
    folder = new_trash_folder(home)
    for path in paths:
        with suppress(FileNotFoundError):
            path.rename(folder / path.name)
    sync_directory(folder)
    return folder


def keep_in_trash(folder: Path, path: Path) -> None:
    """Make `path` lie in a trash folder too, so that it may be replaced in one step afterwards."""
    try:
        os.link(path, folder / path.name)
    except OSError:  # a file system without hard links
        path.rename(folder / path.name)
    sync_directory(folder)


def trashed(home: Home) -> list[Trashed]:
    """What lies in the trash and is ours, the oldest first. Blocking."""
    if home.trash.is_symlink():  # who keeps it elsewhere sees to it himself
        return []
    try:
        found = [_looked_at(folder) for folder in home.trash.iterdir()]
    except OSError:  # there is none
        return []
    return sorted((each for each in found if each is not None), key=lambda each: each.at)


def remove_trashed(home: Home, folders: Sequence[Path]) -> list[Path]:
    """Remove some of it for good, but for the newest and what may still be written to; gives what went. Blocking.

    Nothing goes while a backup is made or restored: what a restore replaces is thrown away, and is wanted back.
    """
    if not folders:
        return []
    lock = WriteLock(home.backup_lock, LOCK_DEADLINE_S)
    try:
        with lock.hold("empty trash"):
            loose = {each.path for each in trashed(home)[:-1]}
            return [folder for folder in folders if folder in loose and _removed(folder)]
    except StorageTimeout:  # another time, then
        return []
    finally:
        lock.close()


def _looked_at(folder: Path) -> Trashed | None:
    """A folder of the trash; None if it is not ours, or holds anything but plain files."""
    at = _moment(folder.name)
    try:
        if at is None or not stat.S_ISDIR(folder.lstat().st_mode):
            return None
        with os.scandir(folder) as entries:
            found = [each.stat(follow_symlinks=False) for each in entries]
    except OSError:  # it has just gone, or is not to be read
        return None
    if not all(stat.S_ISREG(each.st_mode) for each in found):
        return None
    return Trashed(folder, at, sum(each.st_size for each in found))


def _moment(name: str) -> datetime | None:
    try:
        at = datetime.strptime(name, _FORM).replace(tzinfo=UTC)
    except ValueError:
        return None
    return at if at.strftime(_FORM) == name else None


def _removed(folder: Path) -> bool:
    """Whether a folder has gone with its files; it is held open, so that no link can take its place meanwhile."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        if time.time() - os.fstat(descriptor).st_mtime < YOUNG_S:
            return False
        for name in os.listdir(descriptor):  # noqa: PTH208  of what is held open, whatever its path has become
            if stat.S_ISREG(os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode):
                os.unlink(name, dir_fd=descriptor)
        folder.rmdir()
    except OSError:  # something has come to lie in it, or it is not ours to change
        return False
    finally:
        os.close(descriptor)
    return True
