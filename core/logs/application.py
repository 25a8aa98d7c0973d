"""The program's own log: JSON records over the rotated files, filtered by level and module."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from storage import Home, parse_time

LEVELS: Final = ("debug", "info", "warning", "error", "critical")
PROGRAMS: Final = ("app", "serve", "mcp")
"""The app, `wzp serve`, the servers of agents: each has its file."""
FILES: Final = 9
"""More rotated files than these are not looked for."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record. `wire` is the whole of it, as it stands in the file."""

    at: datetime
    level: str
    module: str
    message: str
    wire: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wish:
    """Which records: at this level or above, of this module or below it, since then."""

    level: str = "debug"
    module: str = ""
    since: datetime | None = None

    def fits(self, record: Record) -> bool:
        """Whether a record is one of them."""
        is_of = not self.module or record.module == self.module or record.module.startswith(f"{self.module}.")
        is_bad = record.level not in LEVELS or LEVELS.index(record.level) >= LEVELS.index(self.level)
        return is_of and is_bad and (self.since is None or record.at >= self.since)


class ApplicationLog:
    """Reads what there is, then what comes: of the app, of `wzp serve` and of the agents' servers. Blocking."""

    def __init__(self, home: Home) -> None:
        self._files = [_File(home.logs / f"{name}.log") for name in PROGRAMS]

    def records(self, wish: Wish, count: int | None = None) -> list[Record]:
        """What there is, oldest first; the last so many of it. `more` goes on from there."""
        found = [record for file in self._files for record in file.all(wish)]
        found.sort(key=lambda each: each.at)
        return found if count is None else found[-count:] if count else []

    def more(self, wish: Wish) -> list[Record]:
        """What has come since."""
        return sorted((each for file in self._files for each in file.more(wish)), key=lambda each: each.at)


class _File:
    """One program's log over its rotated files."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inode = 0
        self._offset = 0

    def all(self, wish: Wish) -> Iterator[Record]:
        """All that there is."""
        for path in [self._path.with_name(f"{self._path.name}.{number}") for number in range(FILES, 0, -1)]:
            yield from filter(wish.fits, _records_in(path, 0)[0])
        self._inode = _inode_of(self._path)
        found, self._offset = _records_in(self._path, 0)
        yield from filter(wish.fits, found)

    def more(self, wish: Wish) -> Iterator[Record]:
        """What has come since."""
        inode = _inode_of(self._path)
        if inode != self._inode:  # rotated: the rest of the old one first
            for number in range(1, FILES + 1):
                old = self._path.with_name(f"{self._path.name}.{number}")
                if self._inode and _inode_of(old) == self._inode:
                    yield from filter(wish.fits, _records_in(old, self._offset)[0])
                    break
            self._inode, self._offset = inode, 0
        found, self._offset = _records_in(self._path, self._offset)
        yield from filter(wish.fits, found)


def _records_in(path: Path, offset: int) -> tuple[list[Record], int]:
    """The records of a file from an offset on, and where the last whole one ends."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read()
    except OSError:
        return [], offset
    end = data.rfind(b"\n") + 1
    found = []
    for line in data[:end].splitlines():
        record = record_of(line, path.name.partition(".")[0])
        found += [record] if record is not None else []
    return found, offset + end


def record_of(line: bytes, program: str) -> Record | None:
    """The record of a line; None where it is none."""
    try:
        wire = {"program": program, **json.loads(line)}
        at = parse_time(wire["at"])
        return Record(at, str(wire["level"]), str(wire["logger"]), str(wire["message"]), wire)
    except (ValueError, KeyError, TypeError):
        return None


def _inode_of(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return 0
