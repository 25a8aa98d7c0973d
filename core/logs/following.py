"""Following the output of processes: lines as they come, merged by time; none twice, and none lost without a word."""

import time
from dataclasses import dataclass
from typing import Final

from core.logs.window import Entry, Place, Source, Window

UNFINISHED_S: Final = 1.0
"""A line that has stood without an end for so long (a prompt, a program's last words) is shown as it is."""


@dataclass(frozen=True, slots=True)
class News:
    """What has come: lines by time, and how many bytes of which source were rotated away before they could be read.

    `has_more` says that more of it is there already.
    """

    entries: tuple[Entry, ...]
    missed: tuple[tuple[Source, int], ...]
    has_more: bool


@dataclass(slots=True)
class _Stand:
    """How far a source was read, what it was like then, and since when."""

    offset: int
    stamp: tuple[int, int] | None = None
    changed_at: float = 0.0
    has_more: bool = True


class Follower:
    """Reads on from a place. Blocking, for one thread."""

    def __init__(self, sources: tuple[Source, ...], place: Place) -> None:
        self.sources = sources
        self._stands = {
            source.process: _Stand(offset) for source, offset in zip(sources, place, strict=True)
        }  # fmt: skip

    def take(self, sources: tuple[Source, ...]) -> None:
        """Follow these from now on: those that are new from their beginning."""
        self.sources = sources
        self._stands = {each.process: self._stands.get(each.process, _Stand(0)) for each in sources}

    def news(self) -> News:
        """What has come since. A source in which nothing has come costs one look at its file."""
        by_source: list[list[Entry]] = []
        missed = []
        for number, source in enumerate(self.sources):
            stand = self._stands[source.process]
            stamp = source.stamp
            now = time.monotonic()
            if stamp != stand.stamp:
                stand.stamp, stand.changed_at, stand.has_more = stamp, now, True
            if not stand.has_more:
                continue
            is_stale = now - stand.changed_at >= UNFINISHED_S
            new = source.reader.more(stand.offset, whole=not is_stale)
            if not new.lines and is_stale:
                stand.has_more = False
            if new.missed:
                missed.append((source, new.missed))
            by_source.append([Entry(number, line) for line in new.lines])
            stand.offset = new.end
        return News(tuple(Window.merged(by_source)), tuple(missed), any(by_source))


def place_of_whole_lines(window: Window) -> Place:
    """The place below all lines that have an end."""
    return tuple(each.reader.end_of_lines() for each in window.sources)
