"""Tables for people: columns kept straight by the cells that characters take, cut to the terminal, in its colours."""

import os
import shutil
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

GAP: Final = 2
NARROWEST: Final = 12
"""Cells that the flexible column keeps however narrow the terminal is."""

BOLD, DIM, RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN = "1", "2", "31", "32", "33", "34", "35", "36"
"""SGR codes, of the 16 colours that every terminal has in its own theme."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A text that is safe for the terminal, and the SGR code in which it is drawn."""

    text: str
    style: str = ""


def table(headers: Sequence[str], rows: Sequence[Sequence[Cell]], *, flexible: int) -> str:
    """The rows under their headers; empty columns are left out, column `flexible` gives way to the terminal's width."""
    kept = [index for index in range(len(headers)) if any(row[index].text for row in rows)]
    head = [Cell(headers[index], BOLD) for index in kept]
    lines = [head, *([row[index] for index in kept] for row in rows)]
    widths = [max(cell_width(line[index].text) for line in lines) for index in range(len(kept))]
    room = terminal_width()
    if room is not None and flexible in kept:
        place = kept.index(flexible)
        others = sum(widths) - widths[place] + GAP * (len(widths) - 1)
        widths[place] = min(widths[place], max(NARROWEST, room - others))
    return "\n".join(_line(line, widths) for line in lines)


def styled(text: str, style: str) -> str:
    """`text` in a style, where stdout shows colours."""
    return f"\x1b[{style}m{text}\x1b[0m" if style and text and has_colours() else text


def has_colours() -> bool:
    """Whether stdout is a terminal that may be coloured (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def terminal_width() -> int | None:
    """The columns of the terminal on stdout; None where it is none, and nothing is cut."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def cell_width(text: str) -> int:
    """How many terminal cells a text takes: two for East Asian wide characters and emoji, none for combining marks."""
    if text.isascii():
        return len(text)
    return sum(_character_width(character) for character in text)


def cut(text: str, width: int) -> str:
    """`text` in at most `width` cells, with an ellipsis where it was longer."""
    if cell_width(text) <= width:
        return text
    taken, cells = [], 0
    for character in text:
        cells += _character_width(character)
        if cells > width - 1:
            break
        taken.append(character)
    return "".join(taken) + "…"


def _line(cells: Sequence[Cell], widths: Sequence[int]) -> str:
    parts = []
    for cell, width in zip(cells, widths, strict=True):
        text = cut(cell.text, width)
        parts.append(styled(text, cell.style) + " " * (width - cell_width(text)))
    return (" " * GAP).join(parts).rstrip()


def _character_width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
