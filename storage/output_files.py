"""The files of a process's output, as one stream: segments with their indexes, opened oldest first.

A runner writes raw bytes to `output.log`, rotates them by size to `output.log.1` and so on, and notes beside each file
in an index when which byte came (docs/runner.md). An *offset* counts the bytes that the process has ever printed,
whichever file they lie in, and so stays what it is when files rotate.
"""

import os
import struct
import sys
import time
from array import array
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final

_HEAD: Final = struct.Struct("<8sQQQ")
_MAGIC: Final = b"WZPIDX1\n"
_RECORD_BYTES: Final = 16

SETTLE_S: Final = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016)
"""Files that are being rotated are looked at again after so long each time; then they are taken as they are."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Segment:
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
        """Let go of it."""
        os.close(self.descriptor)
        if self._index is not None:
            os.close(self._index)

    @property
    def end(self) -> int:
        """The offset behind its last byte."""
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


class Stream:
    """All files of an output that there are, opened, oldest first. `on_read` is called before each reading."""

    def __init__(self, path: Path, on_read: Callable[[], None] | None = None) -> None:
        self._on_read = on_read
        for pause_s in () if self._open(path) else SETTLE_S:
            self.close()
            time.sleep(pause_s)
            if self._open(path):
                break
        _place(self.segments)
        self.begin = self.segments[0].base if self.segments else 0
        self.end = self.segments[-1].end if self.segments else 0

    def _open(self, path: Path) -> bool:
        """Open what there is; whether nothing was rotated under our hands, nor is just being made."""
        before = _listing(path)
        self.segments = _open_segments(path, before)
        if before is None:
            return True
        newest = self.segments[-1] if path.name in before and self.segments else None
        return newest is not None and newest.has_base and before == _listing(path)

    def close(self) -> None:
        """Let go of all files."""
        for segment in self.segments:
            segment.close()
        self.segments = []

    def read(self, offset: int, size: int) -> bytes:
        """Bytes from an offset on; fewer where a gap or the end comes."""
        if self._on_read is not None:
            self._on_read()
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

    def time_of(self, offset: int) -> datetime:
        """When the byte at an offset came."""
        for segment in reversed(self.segments):
            if segment.base <= offset:
                return EPOCH + timedelta(microseconds=segment.time_us(offset))
        return EPOCH

    def first_at(self, moment_us: int) -> int | None:
        """The first offset whose byte came then or later, as the clock stood."""
        return next((begin for each in self.segments if (begin := each.first_at(moment_us)) is not None), None)


def _open_segments(path: Path, listing: Mapping[str, int] | None) -> list[Segment]:
    endings = [name.removeprefix(f"{path.name}.") for name in listing or ()]
    numbers = sorted((int(ending) for ending in endings if ending.isdigit()), reverse=True)
    found: dict[int, Segment] = {}
    for place in [path.with_name(f"{path.name}.{number}") for number in numbers] + [path]:
        segment = _open_segment(place)
        if segment is not None:
            if segment.inode in found:  # it was moved on while we looked
                found.pop(segment.inode).close()
            found[segment.inode] = segment
    return list(found.values())


def _open_segment(path: Path) -> Segment | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        index = os.open(path.with_name(path.name + ".idx"), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        index = None
    return Segment(descriptor, index)


def _place(segments: Sequence[Segment]) -> None:
    """Give those whose index does not say it the place that follows from their neighbours."""
    placed = {segment.inode for segment in segments if segment.has_base}
    for segment, after in reversed(list(pairwise(segments))):
        if segment.inode not in placed and after.inode in placed:
            segment.base = max(after.base - segment.size, 0)
            placed.add(segment.inode)
    for before, segment in pairwise(segments):
        if segment.inode not in placed:
            segment.base = before.end


def _listing(path: Path) -> dict[str, int] | None:
    """The files of an output with their inodes; None where there is no folder."""
    try:
        with os.scandir(path.parent) as entries:
            return {entry.name: entry.inode() for entry in entries if entry.name.startswith(path.name)}
    except OSError:
        return None
