"""The trash of a home: what a person could want back is moved here, never unlinked."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from storage.clock import utc_now
from storage.files import sync_directory
from storage.home import Home


def new_trash_folder(home: Home) -> Path:
    """A new folder in the trash, named for the present moment."""
    folder = home.path / "trash" / utc_now().strftime("%Y-%m-%dT%H-%M-%S.%fZ")
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
