"""The latest output of a process, from which a terminal can draw its screen."""

from __future__ import annotations

from collections import deque

KEPT_BYTES = 256 << 10


class Screen:
    """Keeps the end of the output, and whether the part before it had gone over to the other screen."""

    def __init__(self) -> None:
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._is_alternate = False

    def take(self, data: bytes) -> None:
        """More output."""
        self._pieces.append(data)
        self._size += len(data)
        while self._size - len(self._pieces[0]) >= KEPT_BYTES:
            gone = self._pieces.popleft()
            self._size -= len(gone)
            enters, leaves = gone.rfind(b"\x1b[?1049h"), gone.rfind(b"\x1b[?1049l")
            self._is_alternate = enters > leaves if enters != leaves else self._is_alternate

    def picture(self) -> bytes:
        """What to feed to a terminal."""
        return b"".join((b"\x1b[?1049h" if self._is_alternate else b"", *self._pieces))
