"""The screen of a process as a picture: a terminal emulator fed with its output, told as lines that can be drawn.

`Picture` is fed in a thread, for pyte takes a second for a megabyte; what it gives is immutable.
"""

import logging
import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import pyte
from pyte.screens import Char

logger = logging.getLogger(__name__)

_UNKNOWN: Final = re.compile(
    rb"\x1b\[[<=>][0-9;:]*[ -/]*[@-~]"  # keyboard protocols and the like, which pyte takes for colours
    rb"|\x1b\[[0-9;:?]*[ -/]+[@-~]"  # cursor shapes
    rb"|\x1b[P_^X][^\x1b\x07]*(?:\x1b\\|\x07)"  # strings to the terminal: pictures, requests
)
_COLONS: Final = re.compile(rb"\x1b\[([0-9;]*:[0-9;:]*)m")
_UNFINISHED: Final = re.compile(rb"\x1b(?:\[[0-9;:<=>?]*[ -/]*|[P_^X][^\x1b\x07]*\x1b?)?$")
UNFINISHED_LIMIT: Final = 65_536
"""Bytes of a sequence that has not ended yet; of a longer one the beginning is not waited for."""

MOST_ROWS: Final = 500
MOST_COLUMNS: Final = 1000
"""A terminal larger than that is not believed: each cell costs memory."""


class Look(NamedTuple):
    """How some cells look: colours as names or six hexadecimal digits, `default` for the terminal's own."""

    foreground: str = "default"
    background: str = "default"
    is_bold: bool = False
    is_italic: bool = False
    is_underlined: bool = False
    is_struck: bool = False
    is_reversed: bool = False


Run = tuple[str, Look]
"""Cells of one look that follow each other."""

Line = tuple[Run, ...]


class _Screen(pyte.Screen):
    """pyte's screen, except that it survives what it does not know: programs send more than it was made for."""

    def select_graphic_rendition(self, *attributes: int, **more: Any) -> None:
        if not more.get("private"):  # `CSI > 4 ; 2 m` sets how keys are sent, not colours
            super().select_graphic_rendition(*attributes)

    def report_device_status(self, mode: int, **more: Any) -> None:
        """Nobody is asked: this terminal only looks on."""

    def report_device_attributes(self, mode: int = 0, **more: Any) -> None:
        """Likewise."""

    def write_process_input(self, data: str) -> None:
        """Likewise."""


class Picture:
    """What the screen of a process shows. Not for several threads at once."""

    def __init__(self, rows: int, columns: int) -> None:
        self.rows = max(1, min(rows, MOST_ROWS))
        self.columns = max(1, min(columns, MOST_COLUMNS))
        self._screen = _Screen(self.columns, self.rows)
        self._stream = pyte.ByteStream(self._screen)
        self._unfinished = b""
        self._lines: list[Line] = [((" " * self.columns, Look()),)] * self.rows

    @property
    def cursor(self) -> tuple[int, int] | None:
        """Row and column of the cursor; None where it is hidden."""
        cursor = self._screen.cursor
        return None if cursor.hidden else (cursor.y, min(cursor.x, self.columns - 1))

    @property
    def title(self) -> str:
        """What the program calls its window."""
        return str(self._screen.title)

    def feed(self, data: bytes) -> None:
        """Take in output. What pyte cannot take is left out, never more than one piece."""
        data = self._unfinished + data
        unfinished = _UNFINISHED.search(data, max(0, len(data) - UNFINISHED_LIMIT))
        self._unfinished = data[unfinished.start() :] if unfinished is not None else b""
        if unfinished is not None:
            data = data[: unfinished.start()]
        try:
            self._stream.feed(_COLONS.sub(_without_colons, _UNKNOWN.sub(b"", data)))
        except Exception:
            logger.warning("a piece of output of %d bytes could not be drawn", len(data), exc_info=True)
            self._stream = pyte.ByteStream(self._screen)

    def lines(self) -> tuple[Line, ...]:
        """All lines as they are now; those that have not changed are the same objects as before."""
        for row in self._screen.dirty:
            if row < self.rows:
                self._lines[row] = self._line(row)
        self._screen.dirty.clear()
        return tuple(self._lines)

    def _line(self, row: int) -> Line:
        buffer = self._screen.buffer[row]
        runs: list[Run] = []
        text: list[str] = []
        look = _look(buffer[0])
        for column in range(self.columns):
            char = buffer[column]
            if char.data == "":  # the second half of a wide character
                continue
            here = _look(char)
            if here != look:
                runs.append(("".join(text), look))
                text, look = [], here
            text.append(char.data)
        runs.append(("".join(text), look))
        return tuple(runs)


def _without_colons(sequence: re.Match[bytes]) -> bytes:
    """`38:2::1:2:3` as `38;2;1;2;3`, and of `4:3`, a curly underline, `4`."""
    parts = []
    for part in sequence[1].split(b";"):
        numbers = part.split(b":")
        if numbers[0] in (b"38", b"48") and len(numbers) > 2:
            is_rgb = numbers[1] == b"2"
            parts += [numbers[0], numbers[1], *(numbers[-3:] if is_rgb else numbers[2:3])]
        elif numbers[0] not in (b"58",):  # the colour of an underline
            parts.append(b"24" if numbers == [b"4", b"0"] else numbers[0])
    return b"\x1b[" + b";".join(parts) + b"m" if parts else b""


def _look(char: Char) -> Look:
    return Look(
        char.fg, char.bg, char.bold, char.italics, char.underscore, char.strikethrough, char.reverse
    )  # fmt: skip


def plain(lines: Sequence[Line]) -> str:
    """What stands in the picture, without its looks."""
    return "\n".join("".join(text for text, _look in line).rstrip() for line in lines)
