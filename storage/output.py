"""The output of a process as its runner has kept it: lines with their times, over all rotated files.

A runner writes raw bytes to `output.log`, rotates them by size to `output.log.1` and so on, and notes beside each file
in an index when which byte came (docs/runner.md). Here they are one stream again: an *offset* counts the bytes that
the process has ever printed, whichever file they lie in, and so stays what it is when files rotate. Whatever a process
prints can be read: no line breaks, NUL bytes, invalid UTF-8, gigabytes; nothing here loads a file whole.
"""

import os
import re
import struct
import sys
import time
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

BLOCK: Final = 1 << 16
"""A line without an end is parted after a block of the stream (a multiple of this) in which there is no line break."""

READ_S: Final = 0.05
"""How often a follower looks for more."""

_HEAD: Final = struct.Struct("<8sQQQ")
_MAGIC: Final = b"WZPIDX1\n"
_RECORD_BYTES: Final = 16
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_ESCAPES: Final = re.compile(
    rb"\x1b(?:"
    rb"\[[0-?]*[ -/]*[@-~]?"  # CSI: colours, cursor
    rb"|\][^\x07\x1b\n]*(?:\x07|\x1b\\)?"  # OSC: titles, links
    rb"|[PX^_][^\x1b\n]*(?:\x1b\\)?"  # DCS, SOS, PM, APC
    rb"|[ -/]*[0-~]?"  # what is left: character sets, modes
    rb")"
)
_CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f]")
_LITERAL: Final = re.compile(r"[\w \-:/=,;@'\"<>&%!~]+", re.ASCII)


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


def strip_ansi(data: bytes) -> str:
    """A line's text without escape sequences and control characters, as a terminal would have left it standing.

    Of what a carriage return overwrites, the last is kept; invalid UTF-8 becomes U+FFFD.
    """
    if b"\r" in data:
        data = next((part for part in reversed(data.split(b"\r")) if part.strip()), b"")
    return _plain(data)


class OutputReader:
    """Reads what is kept of one process's output. Every call looks at the files afresh; for any thread."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "output.log"

    def bounds(self) -> tuple[int, int]:
        """The offsets at which what is kept begins and ends; equal if nothing is."""
        with self._opened() as stream:
            return stream.begin, stream.end

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
        moment_us = (moment - _EPOCH) // timedelta(microseconds=1)
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
                first = stream.first_at((since - _EPOCH) // timedelta(microseconds=1))
            if first is None:
                return
            for line in _matching(stream, found, max(first, begin)):
                if line.offset >= begin and (since is None or line.at >= since):
                    yield line

    def read(self, offset: int, limit: int = 1 << 20) -> OutputChunk:
        """What there is from an offset on, at most so many bytes; empty where nothing has come. Never waits.

        From an offset that is rotated away or beyond the end (the log was removed) it begins at what there is.
        """
        with self._opened() as stream:
            if offset > stream.end:
                offset = stream.begin
            begin = stream.next_offset(offset)
            return OutputChunk(stream.read(begin, limit), begin)

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
    def _opened(self) -> "Iterator[_Stream]":
        stream = _Stream(self._path)
        try:
            yield stream
        finally:
            stream.close()


class _Segment:
    """One file of the stream with its index: `base` is the offset of its first byte."""

    def __init__(self, descriptor: int, index: int | None) -> None:
        self.descriptor = descriptor
        self._index = index
        about = os.fstat(descriptor)
        self.size = about.st_size
        self.inode = about.st_ino
        self.base = 0
        self.has_base = False
        self._changed_us = int(about.st_mtime * 1_000_000)
        self._times: array[int] | None = None
        self._offsets: array[int] = array("Q")
        head = os.pread(index, _HEAD.size, 0) if index is not None else b""
        if len(head) == _HEAD.size:
            magic, base, inode, _ = _HEAD.unpack(head)
            if magic == _MAGIC and inode == self.inode:  # else it is another file's, or torn
                self.base, self.has_base = base, True

    def close(self) -> None:
        os.close(self.descriptor)
        if self._index is not None:
            os.close(self._index)

    @property
    def end(self) -> int:
        return self.base + self.size

    def time_us(self, offset: int) -> int:
        """When the byte at an offset came; without an index, when the file was written last."""
        times = self._load()
        place = bisect_right(self._offsets, offset - self.base) - 1
        return times[place] if place >= 0 else times[0] if times else self._changed_us

    def first_at(self, moment_us: int) -> int | None:
        """The first offset whose byte came then or later; linear, since a clock may have been set back."""
        times = self._load()
        if not times:
            return self.base if self._changed_us >= moment_us and self.size else None
        for place, came in enumerate(times):
            if came >= moment_us:
                return self.base + self._offsets[place]
        return None

    def _load(self) -> "array[int]":
        if self._times is None:
            whole = array("Q")
            if self._index is not None and self.has_base:
                size = os.fstat(self._index).st_size - _HEAD.size
                records = os.pread(self._index, size // _RECORD_BYTES * _RECORD_BYTES, _HEAD.size)
                whole.frombytes(records[: len(records) // _RECORD_BYTES * _RECORD_BYTES])
                if sys.byteorder == "big":
                    whole.byteswap()
            self._times, self._offsets = whole[0::2], whole[1::2]
        return self._times


class _Stream:
    """All files of an output that there are, opened, oldest first."""

    def __init__(self, path: Path) -> None:
        for _ in range(5):
            self.segments = _open_segments(path)
            newest = self.segments[-1].inode if self.segments else None
            if newest == _inode_of(path):
                break
            self.close()  # rotated under our hands
        for before, segment in zip(self.segments, self.segments[1:], strict=False):
            if not segment.has_base:
                segment.base = before.end
        self.begin = self.segments[0].base if self.segments else 0
        self.end = self.segments[-1].end if self.segments else 0

    def close(self) -> None:
        for segment in self.segments:
            segment.close()
        self.segments = []

    def read(self, offset: int, size: int) -> bytes:
        """Bytes from an offset on; fewer where a gap or the end comes."""
        pieces: list[bytes] = []
        for segment in self.segments:
            if segment.base <= offset < segment.end and size > 0:
                piece = os.pread(segment.descriptor, min(size, segment.end - offset), offset - segment.base)
                pieces.append(piece)
                offset += len(piece)
                size -= len(piece)
        return b"".join(pieces)

    def next_offset(self, offset: int) -> int:
        """The first offset, this or a later one, at which there is something; else the end."""
        for segment in self.segments:
            if offset < segment.end:
                return max(offset, segment.base)
        return self.end

    def is_begin_of_stretch(self, offset: int) -> bool:
        """Whether nothing is kept just before an offset."""
        return not any(segment.base < offset <= segment.end for segment in self.segments)

    def time_of(self, offset: int) -> datetime:
        for segment in reversed(self.segments):
            if segment.base <= offset:
                return _EPOCH + timedelta(microseconds=segment.time_us(offset))
        return _EPOCH

    def first_at(self, moment_us: int) -> int | None:
        return next((begin for each in self.segments if (begin := each.first_at(moment_us)) is not None), None)


def _lines(stream: _Stream, begin: int, end: int) -> Iterator[OutputLine]:
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


def _matching(stream: _Stream, found: re.Pattern[str], begin: int) -> Iterator[OutputLine]:
    """The lines from the one at `begin` on in which a pattern is found.

    A stretch of many lines is made plain at once: four times as fast as line by line.
    """
    is_literal = not found.flags & re.IGNORECASE and _LITERAL.fullmatch(found.pattern) is not None
    position = _start_of_last(stream, 1, begin) if begin > stream.begin else stream.begin
    while position < stream.end:
        data = stream.read(position, 16 * BLOCK)
        if not data:
            position = stream.next_offset(position)
            continue
        whole = data.rfind(b"\n") + 1
        raw = data[:whole].split(b"\n")[:-1]
        if not raw or max(map(len, raw)) >= BLOCK:  # lines without an end
            stop = position + whole if raw else stream.end
            yield from (line for line in _lines(stream, position, stop) if found.search(_searchable(line.text)))
            position = stop
            continue
        plain = _searchable(data[:whole])
        if not is_literal or found.pattern in plain:
            offset, counted = position, 0
            for number, text in enumerate(plain.split("\n")[:-1]):
                if found.search(text):
                    offset += sum(map(len, raw[counted:number])) + number - counted
                    counted = number
                    yield OutputLine(stream.time_of(offset), raw[number].removesuffix(b"\r"), offset)
        position += whole


def _start_of_last(stream: _Stream, lines: int, end: int) -> int:
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


def _open_segments(path: Path) -> list[_Segment]:
    try:
        endings = [each.name.removeprefix(f"{path.name}.") for each in path.parent.iterdir()]
    except OSError:
        return []
    numbers = sorted((int(ending) for ending in endings if ending.isdigit()), reverse=True)
    found: dict[int, _Segment] = {}
    for place in [path.with_name(f"{path.name}.{number}") for number in numbers] + [path]:
        segment = _open_segment(place)
        if segment is not None:
            if segment.inode in found:  # it was moved on while we looked
                found.pop(segment.inode).close()
            found[segment.inode] = segment
    return list(found.values())


def _open_segment(path: Path) -> _Segment | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        index = os.open(path.with_name(path.name + ".idx"), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        index = None
    return _Segment(descriptor, index)


def _inode_of(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


def _searchable(data: bytes) -> str:
    """Lines without escape sequences; what carriage returns overwrite stands beside what they leave."""
    return _plain(data.replace(b"\r\n", b"\n").removesuffix(b"\r").replace(b"\r", b" "))


def _plain(data: bytes) -> str:
    if b"\x1b" in data:
        data = _ESCAPES.sub(b"", data)
    text = data.decode("utf-8", "replace")
    return text if text.isprintable() else _CONTROLS.sub("", text)
