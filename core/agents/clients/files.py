"""Configuration files of clients: read, shown as a difference, kept in the trash before they change, written whole."""

import difflib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.errors import InvalidData, RuleRefusal
from storage import Home, new_trash_folder, write_atomically

Edit = Callable[[str], str]
"""From a file's text to the text that it shall have; "" stands for a file that is not there."""

LOCK_WAIT_S: Final = 5.0
LOCK_STALE_S: Final = 10.0
"""After which proper-lockfile, which Claude Code locks its file with, takes a lock for abandoned."""


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one file. `lock` is the folder whose making locks it, where its client locks it."""

    path: Path
    before: str
    after: str
    edit: Edit
    lock: Path | None = None

    @property
    def is_change(self) -> bool:
        """Whether anything is to be written."""
        return self.before != self.after

    @property
    def removes(self) -> bool:
        """Whether nothing is left of the file."""
        return not self.after

    @property
    def difference(self) -> str:
        """The change as a unified diff."""
        return "".join(
            difflib.unified_diff(
                _lines(self.before), _lines(self.after),
                str(self.path) if self.before else os.devnull, os.devnull if self.removes else str(self.path),
            )
        )  # fmt: skip


class ConfigurationBusy(RuleRefusal):
    """The client holds its configuration, or has changed it in the meantime."""

    code = "configuration_busy"


def plan(path: Path, edit: Edit, lock: Path | None = None) -> Change:
    """What an edit makes of a file.

    Raises:
        InvalidData: the file cannot be read, or is not of its form.
    """
    before = _text(path)
    return Change(path, before, edit(before), edit, lock)


def write(home: Home, changes: Sequence[Change]) -> Path | None:
    """Write what changes, each file in one step. The folder in the trash where the former files lie, if there are any.

    Raises:
        ConfigurationBusy: a client keeps changing a file at the same time.
        InvalidData: a file cannot be written.
    """
    folder: Path | None = None
    for planned in changes:
        if not planned.is_change:
            continue
        try:
            planned.path.parent.mkdir(parents=True, exist_ok=True)
            with _locked(planned.lock) if planned.lock else nullcontext():
                change = plan(planned.path, planned.edit, planned.lock)  # a client may have written since
                if change.before:
                    home.create()
                    folder = folder or new_trash_folder(home)
                    write_atomically(folder / _flat(change.path), change.before.encode())
                if change.removes:
                    Path(os.path.realpath(change.path)).unlink(missing_ok=True)
                    with suppress(OSError):  # it held that file alone
                        change.path.parent.rmdir()
                else:
                    write_atomically(change.path, change.after.encode(), mode=0o644)
        except OSError as error:
            raise InvalidData(
                f"{planned.path} cannot be written: {error.strerror}.", "Change its owner or mode."
            ) from error
    return folder


@contextmanager
def _locked(lock: Path) -> Iterator[None]:
    """Hold a client's own lock on its file, as its library makes it: a folder."""
    until = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            lock.mkdir()
            break
        except FileExistsError:
            with suppress(FileNotFoundError):
                if time.time() - lock.stat().st_mtime > LOCK_STALE_S:
                    lock.rmdir()
                    continue
            if time.monotonic() > until:
                raise ConfigurationBusy(
                    f"{lock} is held by the client.", "Try again, or end the client first."
                ) from None
            time.sleep(0.05)
    try:
        yield
    finally:
        with suppress(OSError):
            lock.rmdir()


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise InvalidData(f"{path} is not UTF-8.", "Repair it; nothing was written.") from None
    except OSError as error:
        raise InvalidData(f"{path} cannot be read: {error.strerror}.", "Change its owner or mode.") from error


def _lines(text: str) -> list[str]:
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n\\ No newline at end of file\n"
    return lines


def _flat(path: Path) -> str:
    """A path as one file name."""
    return str(path).strip("/").replace("/", "%")
