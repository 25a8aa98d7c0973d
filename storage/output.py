"""The output of a process as its runner has kept it: lines with their times, over all rotated files.

Lines and searches over the stream of storage/output_files.py. Whatever a process prints can be read: no line breaks,
NUL bytes, invalid UTF-8, gigabytes; nothing here loads a file whole.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from storage.output_files import EPOCH, Stream
from storage.output_text import searchable

BLOCK: Final = 1 << 16
"""A line without an end is parted after a block of the stream (a multiple of this) in which there is no line break."""

STRETCH: Final = 16 * BLOCK
"""So much is searched at once."""

MORE_BYTES: Final = 1 << 20

READ_S: Final = 0.05
"""How often a follower looks for more."""

_LITERAL: Final = re.compile(r"[\w \-:/=,;@'\"<>&%!~]+", re.ASCII)
"""Patterns that are sought as they stand."""


@dataclass(frozen=True, slots=True)
class OutputLine:
    """One line: when its first byte came, its bytes without the line break, and where it begins in the stream.

    What is longer than two blocks (128 KiB) comes in several.
    """

    at: datetime
    text: bytes
    offset: int


@dataclass(frozen=True, slots=True)
class OutputChunk:
    """Bytes as they came, and where they begin in the stream. Where that is not where the last one ended, some are
    gone: their file was rotated away."""

    data: bytes
    offset: int

    @property
    def end(self) -> int:
        """Where the next one begins."""
        return self.offset + len(self.data)


@dataclass(frozen=True, slots=True)
class NewOutput:
    """Lines that have come, the offset behind them, and how many bytes before them are gone: rotated away."""

    lines: tuple[OutputLine, ...]
    end: int
    missed: int


class OutputReader:
    """Reads what is kept of one process's output. Every call looks at the files afresh; for any thread.

    Args:
        on_read: is called before each piece of `STRETCH` bytes at most.
    """

    def __init__(self, folder: Path, on_read: Callable[[], None] | None = None) -> None:
        self._folder = folder
        self._path = folder / "output.log"
        self._on_read = on_read

    def __reduce__(self) -> tuple[type["OutputReader"], tuple[Path]]:
        return OutputReader, (self._folder,)

    def bounds(self) -> tuple[int, int]:
        """The offsets at which what is kept begins and ends; equal if nothing is."""
        with self._opened() as stream:
            return stream.begin, stream.end

    def end_of_lines(self) -> int:
        """The offset behind the last line that has an end."""
        with self._opened() as stream:
            if stream.end == stream.begin or stream.read(stream.end - 1, 1) == b"\n":
                return stream.end
            return _start_of_last(stream, 1, stream.end)

    def tail(self, lines: int, *, before: int | None = None) -> list[OutputLine]:
        """The last so many lines, oldest first; with `before`, an offset, the last before that."""
        with self._opened() as stream:
            end = stream.end if before is None else min(before, stream.end)
            return list(_lines(stream, _start_of_last(stream, lines, end), end)) if lines > 0 else []

    def lines(self, begin: int = 0, end: int | None = None) -> Iterator[OutputLine]:
        """All lines that begin at an offset or after, up to another; a last one without an end as far as it goes."""
        with self._opened() as stream:
            stop = stream.end if end is None else min(end, stream.end)
            first = _start_of_last(stream, 1, begin) if begin > stream.begin else stream.begin
            for line in _lines(stream, first, stop):
                if line.offset >= begin:
                    yield line

    def since(self, moment: datetime) -> Iterator[OutputLine]:
        """All lines that came at `moment` (aware) or after, as the clock stood then."""
        moment_us = (moment - EPOCH) // timedelta(microseconds=1)
        with self._opened() as stream:
            begin = stream.first_at(moment_us)
            if begin is None:
                return
            for line in _lines(stream, _start_of_last(stream, 1, begin), stream.end):
                if line.at >= moment:
                    yield line

    def grep(
        self, pattern: str | re.Pattern[str], *, since: datetime | None = None, begin: int = 0
    ) -> Iterator[OutputLine]:
        """All lines in which a regular expression is found; escape sequences do not stand in its way.

        Raises:
            re.error: the pattern is none.
        """
        found = re.compile(pattern) if isinstance(pattern, str) else pattern
        with self._opened() as stream:
            first: int | None = begin
            if since is not None:
                first = stream.first_at((since - EPOCH) // timedelta(microseconds=1))
            if first is None:
                return
            for line in _matching(stream, found, max(first, begin)):
                if line.offset >= begin and (since is None or line.at >= since):
                    yield line

    def grep_back(
        self, pattern: re.Pattern[str], *, before: int | None = None, since: datetime | None = None
    ) -> Iterator[OutputLine]:
        """What `grep` finds, the last first; with `before`, an offset, what begins before that.

        Args:
            since: nothing that is surely older is looked at.
        """
        with self._opened() as stream:
            first: int | None = stream.begin
            if since is not None:
                first = stream.first_at((since - EPOCH) // timedelta(microseconds=1))
            end = stream.end if before is None else min(before, stream.end)
            while first is not None and end > first:
                begin = _start_of_last(stream, 1, max(stream.begin, end - STRETCH))
                if begin >= end:  # a gap: what is behind it is not looked for
                    return
                yield from reversed([each for each in _matching(stream, pattern, begin, end) if each.offset >= begin])
                end = begin

    def read(self, offset: int, limit: int = 1 << 20) -> OutputChunk:
        """What there is from an offset on, at most so many bytes; empty where nothing has come. Never waits.

        From an offset that is rotated away or beyond the end (the log was removed) it begins at what there is.
        """
        with self._opened() as stream:
            if offset > stream.end:
                offset = stream.begin
            begin = stream.next_offset(offset)
            return OutputChunk(stream.read(begin, limit), begin)

    def more(self, offset: int, *, whole: bool = True) -> NewOutput:
        """The lines that have come since an offset, which may lie within a line; at most a megabyte. Never waits.

        Args:
            whole: leave the last line for later as long as it has no end; only what is longer than that comes in parts.
        """
        with self._opened() as stream:
            if offset > stream.end:  # the log was removed
                offset = stream.begin
            begin = stream.next_offset(offset)
            data = stream.read(begin, MORE_BYTES)
            size = data.rfind(b"\n") + 1
            if len(data) == MORE_BYTES:
                size = size or len(data)
            elif not whole:
                size = len(data)
            if not size:
                return NewOutput((), offset, 0)
            return NewOutput(tuple(_lines(stream, begin, begin + size)), begin + size, begin - offset)

    def follow(self, offset: int, *, is_over: Callable[[], bool] = lambda: False) -> Iterator[OutputChunk]:
        """All that comes from an offset on, as it comes; waits for more until `is_over` says that none will.

        Blocking: for a thread or a command.
        """
        while True:
            was_over = is_over()  # asked before reading, so that the last output is not missed
            while (chunk := self.read(offset)).data:
                yield chunk
                offset = chunk.end
            if was_over:
                return
            time.sleep(READ_S)

    @contextmanager
    def _opened(self) -> "Iterator[Stream]":
        stream = Stream(self._path, self._on_read)
        try:
            yield stream
        finally:
            stream.close()


def _lines(stream: Stream, begin: int, end: int) -> Iterator[OutputLine]:
    """The lines from the start of one to `end`."""
    position = stream.next_offset(begin)
    pending: list[bytes] = []
    start = position
    while position < end:
        data = stream.read(position, min(BLOCK - position % BLOCK, end - position))
        if not data:  # a file between is missing
            if pending:
                yield OutputLine(stream.time_of(start), b"".join(pending), start)
            pending = []
            start = position = stream.next_offset(position)
            if position >= stream.end:
                return
            continue
        first, *rest = data.split(b"\n")
        pending.append(first)
        for piece in rest:
            text = b"".join(pending)
            yield OutputLine(stream.time_of(start), text.removesuffix(b"\r"), start)
            start += len(text) + 1
            pending = [piece]
        position += len(data)
        if not rest and len(data) == BLOCK:
            yield OutputLine(stream.time_of(start), b"".join(pending), start)
            pending, start = [], position
    if any(pending):
        yield OutputLine(stream.time_of(start), b"".join(pending).removesuffix(b"\r"), start)


def _matching(stream: Stream, found: re.Pattern[str], begin: int, end: int | None = None) -> Iterator[OutputLine]:
    """The lines from the one at `begin` on, up to `end`, in which a pattern is found.

    A stretch of many lines is made plain at once: four times as fast as line by line.
    """
    is_literal = not found.flags & re.IGNORECASE and _LITERAL.fullmatch(found.pattern) is not None
    position = _start_of_last(stream, 1, begin) if begin > stream.begin else stream.begin
    stop_at = stream.end if end is None else min(end, stream.end)
    while position < stop_at:
        data = stream.read(position, min(STRETCH, stop_at - position))
        if not data:
            position = stream.next_offset(position)
            continue
        whole = data.rfind(b"\n") + 1
        raw = data[:whole].split(b"\n")[:-1]
        if not raw or max(map(len, raw)) >= BLOCK:  # lines without an end
            stop = position + whole if raw else stop_at
            yield from (line for line in _lines(stream, position, stop) if found.search(searchable(line.text)))
            position = stop
            continue
        plain = searchable(data[:whole])
        if not is_literal or found.pattern in plain:
            offset, counted = position, 0
            for number, text in enumerate(plain.split("\n")[:-1]):
                if found.search(text):
                    offset += sum(map(len, raw[counted:number])) + number - counted
                    counted = number
                    yield OutputLine(stream.time_of(offset), raw[number].removesuffix(b"\r"), offset)
        position += whole


def _start_of_last(stream: Stream, lines: int, end: int) -> int:
    """Where the last so many lines before `end` begin."""
    position = end
    while position > stream.begin:
        begin = max((position - 1) // BLOCK * BLOCK, stream.begin)
        data = stream.read(begin, position - begin)
        if len(data) < position - begin:  # a gap: what is behind it is not looked for
            return stream.next_offset(begin + len(data) + 1)
        if len(data) == BLOCK and b"\n" not in data:
            if position < end:
                lines -= 1
                if lines == 0:
                    return position
        else:
            place = len(data) - 1 if position == end else len(data)  # the last break ends a line, and begins none
            while (place := data.rfind(b"\n", 0, place)) >= 0:
                lines -= 1
                if lines == 0:
                    return begin + place + 1
        position = begin
    return stream.begin
