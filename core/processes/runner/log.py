"""The output of a process on disk: the bytes as they came, an index of when, rotated by size.

Beside each `output.log` lies `output.log.idx`: a head (`HEAD`: magic, the offset at which this file begins in all that
the process has ever printed, the inode of the file that it belongs to) and records (`RECORD`: microseconds since the
epoch, offset in this file). storage/output_files.py reads them. A disk that is full costs output, never the process:
what finds no room is counted, and told in the log when there is room again. A run of the process begins a line of its
own, even where the run before it has left one without an end.
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
        self._folder = folder
        self._path = os.path.join(folder, "output.log")
        self._max_bytes = max(max_bytes, 4096)
        self._files = max(files, 1)
        self._file = self._index = -1
        self._base = self._size = self._inode = self._index_size = 0
        self._last_us = 0
        self._look_at = 0.0
        self.lost = 0
        """Bytes that found no room since the last notice."""
        self.retry_at = 0.0
        """When (monotonic) to try again, if any were lost."""
        self._open()
        self._is_torn = not self._ends_with_a_line()

    @property
    def end(self) -> int:
        """How many bytes the log holds or has held."""
        return self._base + self._size

    def append(self, data: bytes) -> None:
        """Write output down, in the next file where this one is full."""
        now = time.monotonic()
        if self.lost or self._file < 0:
            if now < self.retry_at or not self.resume():
                self.lost += len(data)
                return
        elif now >= self._look_at:
            self._look_at = now + LOOK_S
            if not self._is_in_place():
                self._open()
        if self._is_torn:
            self._is_torn = self._write(b"\r\n") < 2
        view = memoryview(data)
        while view:
            has_room = self._room() > 0 or self._rotate()
            piece = view[: max(self._room(), 1)]
            written = self._write(piece) if has_room else 0
            view = view[written:]
            if written < len(piece):
                self.lost += len(view)
                self.retry_at = now + RETRY_S
                return

    def resume(self) -> bool:
        """Whether there is room again: then the log says how much it misses."""
        self.retry_at = time.monotonic() + RETRY_S
        if self._file < 0 or not self._is_in_place():
            self._open()
        if self._file < 0 or not (self._room() > 0 or self._rotate()):
            return False
        notice = (
            b"\r\n[wezterm-parallel: %d bytes of output were lost here, the log could not be written]\r\n" % self.lost
        )
        if self.lost and self._write(notice) < len(notice):
            return False
        self.lost, self._is_torn = 0, False
        return True

    def close(self) -> None:
        """Let go of the files; what was lost is told if there is room by now."""
        if self.lost:
            self.resume()
        self._close()

    def _room(self) -> int:
        """How many bytes this file may still take; its index counts too."""
        return self._max_bytes - self._size - self._index_size

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
        if self._index_size == 0 and not self._begin_index():
            return
        if self._put(RECORD.pack(now_us, self._size)):
            self._last_us = now_us

    def _begin_index(self) -> bool:
        """Give the index its head, unless there is no room even for that."""
        return self._put(HEAD.pack(MAGIC, self._base, self._inode, 0))

    def _put(self, data: bytes) -> bool:
        """Add to the index, whole or not at all."""
        try:
            if os.pwrite(self._index, data, self._index_size) != len(data):
                os.ftruncate(self._index, self._index_size)
                return False
        except OSError:
            return False
        self._index_size += len(data)
        return True

    def _ends_with_a_line(self) -> bool:
        """Whether what is kept ends with a whole line: another run of the process is not to go on in its midst."""
        for path in (self._path, self._path + ".1"):
            try:
                descriptor = os.open(path, os.O_RDONLY)
            except OSError:
                continue
            try:
                size = os.fstat(descriptor).st_size
                if size:
                    return os.pread(descriptor, 1, size - 1) == b"\n"
            finally:
                os.close(descriptor)
        return True

    def _is_in_place(self) -> bool:
        try:
            return os.stat(self._path).st_ino == self._inode
        except OSError:
            return False

    def _rotate(self) -> bool:
        """Move each file one on; the last one goes. Whether there is room then: the folder may refuse."""
        end = self.end
        self._close()
        for number in range(max(self._files - 1, 1), 0, -1):
            older = f"{self._path}.{number}"
            newer = f"{self._path}.{number - 1}" if number > 1 else self._path
            for ending in ("", ".idx"):
                try:
                    os.rename(newer + ending, older + ending)
                except OSError:
                    pass
        self._open(end)
        self._drop_old()
        return self._file >= 0 and self._room() > 0

    def _drop_old(self) -> None:
        """Remove what is more than is kept; only now that there is a new file, which so has an inode of its own."""
        number = self._files
        try:
            while True:
                os.unlink(f"{self._path}.{number}")
                try:
                    os.unlink(f"{self._path}.{number}.idx")
                except FileNotFoundError:
                    pass
                number += 1
        except OSError:  # no more
            return

    def _open(self, base: int | None = None) -> None:
        """Open the file and its index, going on where they end.

        Args:
            base: where a new file begins in all output; after what the files hold if omitted.
        """
        known_inode, known_base, known_size, end = self._inode, self._base, self._size, self.end
        self._close()
        try:
            self._file = self._created(self._path, os.O_WRONLY | os.O_APPEND)
            about = os.fstat(self._file)
            self._inode, self._size = about.st_ino, about.st_size
            self._index = self._created(self._path + ".idx", os.O_RDWR)
            head = os.pread(self._index, HEAD.size, 0)
            if len(head) == HEAD.size:
                magic, noted_base, inode, _ = HEAD.unpack(head)
                if magic == MAGIC and inode == self._inode:
                    self._base = noted_base
                    whole = (os.fstat(self._index).st_size - HEAD.size) // RECORD.size
                    self._index_size = HEAD.size + whole * RECORD.size
                    os.ftruncate(self._index, self._index_size)  # a record that was torn
                    return
            is_known = self._inode == known_inode and self._size >= known_size > 0  # it never got its head
            self._base = known_base if is_known else max(base or 0, end, _end_of(self._path + ".1"))
            os.ftruncate(self._index, 0)
            self._begin_index()
        except OSError:
            self._close()
            self._inode, self._base, self._size = (
                (known_inode, known_base, known_size) if base is None else (0, base, 0)
            )
        finally:
            self._last_us = 0

    def _created(self, path: str, flags: int) -> int:
        """Open a file, or make it; the folder too, if it was removed."""
        try:
            return os.open(path, flags | os.O_CREAT, 0o600)
        except FileNotFoundError:
            os.mkdir(self._folder, 0o700)
            return os.open(path, flags | os.O_CREAT, 0o600)

    def _close(self) -> None:
        for descriptor in (self._file, self._index):
            if descriptor >= 0:
                os.close(descriptor)
        self._file = self._index = -1
        self._index_size = 0


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
