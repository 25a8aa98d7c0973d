"""The screen of a process as a picture: a terminal emulator fed with its output, told as lines that can be drawn.

`Picture` is fed in a thread, for it takes a second for a megabyte; what it gives is immutable.
"""

import logging
from collections.abc import Sequence
from typing import Final, NamedTuple

from pyte.screens import Char
from wcwidth import wcwidth

from tui.processes.emulator import Screen, Stream

logger = logging.getLogger(__name__)

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


class Picture:
    """What the screen of a process shows. Not for several threads at once."""

    def __init__(self, rows: int, columns: int) -> None:
        self.rows = max(1, min(rows, MOST_ROWS))
        self.columns = max(1, min(columns, MOST_COLUMNS))
        self._screen = Screen(self.columns, self.rows)
        self._stream = Stream(self._screen)
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
        """Take in output. What the emulator cannot take is left out, never more than one piece."""
        try:
            self._stream.take(data)
        except Exception:
            logger.warning("a piece of output of %d bytes could not be drawn", len(data), exc_info=True)
            self._stream = Stream(self._screen)

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
        is_second = False
        for column in range(self.columns):
            char = buffer[column]
            data = char.data
            if is_second and data == "":  # the second half of a wide character
                is_second = False
                continue
            is_second = not data.isascii() and wcwidth(data[0]) == 2
            if is_second and (column + 1 == self.columns or buffer[column + 1].data != ""):
                data, is_second = " ", False  # half of it was written over
            here = _look(char)
            if here != look:
                runs.append(("".join(text), look))
                text, look = [], here
            text.append(data or " ")
        runs.append(("".join(text), look))
        return tuple(runs)


def _look(char: Char) -> Look:
    return Look(
        char.fg, char.bg, char.bold, char.italics, char.underscore, char.strikethrough, char.reverse
    )  # fmt: skip


def plain(lines: Sequence[Line]) -> str:
    """What stands in the picture, without its looks."""
    return "\n".join("".join(text for text, _look in line).rstrip() for line in lines)
