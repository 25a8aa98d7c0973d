"""The latest output of a process, from which a terminal can draw its screen."""

from __future__ import annotations

KEPT_BYTES = 256 << 10
SLACK_BYTES = 64 << 10
"""So much more is kept before what is left is moved: not with each piece."""

_ENTERS, _LEAVES = b"\x1b[?1049h", b"\x1b[?1049l"

_NO_MARGINS = b"\x1b7\x1b[r\x1b8"
"""Lets all lines scroll again; that moves the cursor, so it is kept."""


class Screen:
    """Keeps the end of the output, and whether the part before it had gone over to the other screen.

    In one buffer, which never grows: pieces of a byte or two would cost 8 MB more, and one that grows leaves holes.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._size = 0
        self._is_alternate = False

    def take(self, data: bytes) -> None:
        """More output."""
        if not self._buffer:
            self._buffer = bytearray(KEPT_BYTES + SLACK_BYTES)
        rest = memoryview(data)
        while rest:
            if self._size == len(self._buffer):
                self._cut()
            piece = rest[: len(self._buffer) - self._size]
            self._buffer[self._size : self._size + len(piece)] = piece
            self._size += len(piece)
            rest = rest[len(piece) :]

    def resize(self) -> None:
        """The terminal has another size, and a terminal forgets with its old size which of its lines scroll."""
        place = -1
        while (place := self._buffer.find(b"\x1b[", place + 1, self._size)) >= 0:
            if self._buffer[place + 2 : min(place + 16, self._size)].lstrip(b"0123456789;").startswith(b"r"):
                self.take(_NO_MARGINS)
                return

    def picture(self) -> bytes:
        """What to feed to a terminal."""
        if self._size > KEPT_BYTES:
            self._cut()
        return b"".join((_ENTERS if self._is_alternate else b"", memoryview(self._buffer)[: self._size]))

    def latest(self, size: int) -> bytes:
        """So many of the last bytes, or as many as are still there."""
        return bytes(memoryview(self._buffer)[max(self._size - size, 0) : self._size])

    def _cut(self) -> None:
        """Let go of all but the end, and of no half of a change of screens."""
        gone = self._size - KEPT_BYTES
        enters = self._buffer.rfind(_ENTERS, 0, gone + len(_ENTERS) - 1)
        leaves = self._buffer.rfind(_LEAVES, 0, gone + len(_LEAVES) - 1)
        if enters != leaves:
            self._is_alternate = enters > leaves
            gone = max(gone, enters + len(_ENTERS), leaves + len(_LEAVES))
        with memoryview(self._buffer) as view:
            view[: self._size - gone] = view[gone : self._size]
        self._size -= gone
