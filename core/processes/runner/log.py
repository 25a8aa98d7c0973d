"""The output of a process on disk: the bytes as they came, an index of when, rotated by size.

Beside each `output.log` lies `output.log.idx`: a head (`HEAD`: magic, the offset at which this file begins in all that
the process has ever printed, the inode of the file that it belongs to) and records (`RECORD`: microseconds since the
epoch, offset in this file). storage/output_files.py reads them. A disk that is full costs output, never the process:
what finds no room is counted, and told in the log when there is room again.
"""

from __future__ import annotations

import os
import struct
import time

HEAD = struct.Struct("<8sQQQ")
RECORD = struct.Struct("<QQ")
MAGIC = b"WZPIDX1\n"

RESOLUTION_US = 1_000
"""Output that comes within a millisecond has one time."""

RETRY_S = 0.5
"""A disk that was full is tried again after so long."""

LOOK_S = 2.0
"""How often we look whether the file is still in its place."""


class OutputLog:
    """Appends to `output.log` in a folder. Nothing here raises for a disk that refuses."""

    def __init__(self, folder: str, max_bytes: int, files: int) -> None:
        self._path = os.path.join(folder, "output.log")
        self._max_bytes = max(max_bytes, 4096)
        self._files = max(files, 1)
        self._file = self._index = -1
        self._base = self._size = self._inode = 0
        self._last_us = 0
        self._retry_at = self._look_at = 0.0
        self.lost = 0
        """Bytes that found no room since the last notice."""
        self._open()

    @property
    def end(self) -> int:
        """How many bytes the log holds or has held."""
        return self._base + self._size

    def append(self, data: bytes) -> None:
        """Write output down, in the next file where this one is full."""
        now = time.monotonic()
        if self.lost or self._file < 0:
            if now < self._retry_at or not self._resume():
                self.lost += len(data)
                return
        elif now >= self._look_at:
            self._look_at = now + LOOK_S
            if not self._is_in_place():
                self._open()
        view = memoryview(data)
        while view:
            if self._size >= self._max_bytes:
                self._rotate()
            piece = view[: max(self._max_bytes - self._size, 1)]
            written = self._write(piece)
            view = view[written:]
            if written < len(piece):
                self.lost += len(view)
                self._retry_at = now + RETRY_S
                return

    def close(self) -> None:
        """Let go of the files; what was lost is told if there is room by now."""
        if self.lost:
            self._resume()
        self._close()

    def _write(self, data: memoryview | bytes) -> int:
        if self._file < 0:
            return 0
        now_us = time.time_ns() // 1000
        try:
            written = os.write(self._file, data)
        except OSError:  # no room, a limit on the size, or a disk that fails: all the same to the process
            return 0
        if written and not 0 <= now_us - self._last_us < RESOLUTION_US:
            self._note(now_us)
        self._size += written
        return written

    def _note(self, now_us: int) -> None:
        """Put the time of what begins at the present size into the index."""
        record = RECORD.pack(now_us, self._size)
        try:
            place = os.lseek(self._index, 0, os.SEEK_END)
            if os.write(self._index, record) != len(record):
                os.ftruncate(self._index, place)
                return
        except OSError:
            return
        self._last_us = now_us

    def _resume(self) -> bool:
        """Whether there is room again: then the log says how much it misses."""
        self._retry_at = time.monotonic() + RETRY_S
        if self._file < 0 or not self._is_in_place():
            self._open()
        notice = (
            b"\r\n[wezterm-parallel: %d bytes of output were lost here, the log could not be written]\r\n" % self.lost
        )
        if self._file < 0 or (self.lost and self._write(notice) < len(notice)):
            return False
        self.lost = 0
        return True

    def _is_in_place(self) -> bool:
        try:
            return os.stat(self._path).st_ino == self._inode
        except OSError:
            return False

    def _rotate(self) -> None:
        """Move each file one on; the last one goes."""
        self._close()
        for number in range(self._files - 1, 0, -1):
            older = f"{self._path}.{number}"
            newer = f"{self._path}.{number - 1}" if number > 1 else self._path
            for ending in ("", ".idx"):
                try:
                    os.rename(newer + ending, older + ending)
                except OSError:
                    pass
        if self._files == 1:
            for ending in ("", ".idx"):
                try:
                    os.unlink(self._path + ending)
                except OSError:
                    pass
        self._open(self._base + self._size)

    def _open(self, base: int | None = None) -> None:
        """Open the file and its index, going on where they end.

        Args:
            base: where a new file begins in all output; after what the files hold if omitted.
        """
        base = max(base or 0, self.end)
        self._close()
        try:
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            about = os.fstat(self._file)
            self._inode, self._size = about.st_ino, about.st_size
            self._index = os.open(self._path + ".idx", os.O_RDWR | os.O_CREAT, 0o600)
            head = os.pread(self._index, HEAD.size, 0)
            if len(head) == HEAD.size:
                magic, known_base, inode, _ = HEAD.unpack(head)
                if magic == MAGIC and inode == self._inode:
                    self._base = known_base
                    whole = (os.fstat(self._index).st_size - HEAD.size) // RECORD.size
                    os.ftruncate(self._index, HEAD.size + whole * RECORD.size)  # a record that was torn
                    return
            self._base = max(base, _end_of(self._path + ".1"))
            os.ftruncate(self._index, 0)
            os.pwrite(self._index, HEAD.pack(MAGIC, self._base, self._inode, 0), 0)
        except OSError:
            if self._index < 0:
                self._close()
            self._base = base
        finally:
            self._last_us = 0

    def _close(self) -> None:
        for descriptor in (self._file, self._index):
            if descriptor >= 0:
                os.close(descriptor)
        self._file = self._index = -1


def _end_of(path: str) -> int:
    """Where a rotated file ends in all output; 0 if its index does not say."""
    try:
        descriptor = os.open(path + ".idx", os.O_RDONLY)
        try:
            magic, base, inode, _ = HEAD.unpack(os.read(descriptor, HEAD.size))
        finally:
            os.close(descriptor)
        about = os.stat(path)
    except (OSError, struct.error):
        return 0
    return base + about.st_size if magic == MAGIC and inode == about.st_ino else 0
