"""The latest output of a process, from which a terminal can draw its screen."""

from __future__ import annotations

KEPT_BYTES = 256 << 10

_ENTERS, _LEAVES = b"\x1b[?1049h", b"\x1b[?1049l"

_NO_MARGINS = b"\x1b7\x1b[r\x1b8"
"""Lets all lines scroll again; that moves the cursor, so it is kept."""


class Screen:
    """Keeps the end of the output, and whether the part before it had gone over to the other screen."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._is_alternate = False

    def take(self, data: bytes) -> None:
        """More output."""
        self._kept += data
        if len(self._kept) >= 2 * KEPT_BYTES:  # not with each piece: what is left must be moved then
            self._cut()

    def resize(self) -> None:
        """The terminal has another size, and a terminal forgets with its old size which of its lines scroll."""
        if any(each.lstrip(b"0123456789;").startswith(b"r") for each in self._kept.split(b"\x1b[")[1:]):
            self.take(_NO_MARGINS)

    def picture(self) -> bytes:
        """What to feed to a terminal."""
        if len(self._kept) > KEPT_BYTES:
            self._cut()
        return b"".join((_ENTERS if self._is_alternate else b"", self._kept))

    def _cut(self) -> None:
        """Let go of all but the end, and of no half of a change of screens."""
        size = len(self._kept) - KEPT_BYTES
        enters = self._kept.rfind(_ENTERS, 0, size + len(_ENTERS) - 1)
        leaves = self._kept.rfind(_LEAVES, 0, size + len(_LEAVES) - 1)
        if enters != leaves:
            self._is_alternate = enters > leaves
        del self._kept[
            : max(size, enters + len(_ENTERS) if enters >= 0 else 0, leaves + len(_LEAVES) if leaves >= 0 else 0)
        ]
