"""The rows of the log: lines of output as styled texts, with times, names and what was searched for. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from core.logs.ansi import PLAIN, Look, pieces
from core.logs.expressions import Expression
from core.logs.window import Entry
from tui import cells

STAMP_CELLS: Final = 13
"""`14:03:05.123 `."""
NAME_COLOURS: Final = (4, 2, 5, 6, 3, 12, 10, 13, 14, 11)
"""Colours of the terminal's palette for the names of processes, in turn."""
MATCH: Final = Look(reverse=True, bold=True)
STAMP: Final = Look(dim=True)

Row = tuple[tuple[str, Look], ...]


@dataclass(frozen=True, slots=True)
class Style:
    """How lines are shown.

    Args:
        names: of the sources, where they are to be told apart.
        expression: what was searched for.
        found: the source and the offset of the line that was found last.
    """

    has_stamps: bool = True
    names: tuple[str, ...] = ()
    expression: Expression | None = None
    wraps: bool = False
    width: int = 80
    found: tuple[int, int] | None = None

    @property
    def gutter(self) -> int:
        """The cells before the text."""
        return self.has_stamps * STAMP_CELLS + self.name_cells

    @property
    def name_cells(self) -> int:
        """The cells that the names take."""
        return min(20, max(cells.width(name) for name in self.names)) + 3 if self.names else 0


def rows_of(entry: Entry, style: Style) -> list[tuple[Row, Row]]:
    """A line as one row, or as several where it wraps: what stands before the text, and the text."""
    text = tuple(pieces(entry.line.text))
    if style.expression is not None:
        text = marked(text, style.expression.pattern)
    head = head_of(entry, style)
    if not style.wraps:
        return [(head, text)]
    parts = _wrapped(text, max(8, style.width - style.gutter)) or [()]
    blank: Row = ((" " * style.gutter, PLAIN),)
    return [(head if number == 0 else blank, part) for number, part in enumerate(parts)]


def head_of(entry: Entry, style: Style) -> Row:
    """The time and the name of a line."""
    parts: list[tuple[str, Look]] = []
    is_found = style.found == (entry.source, entry.line.offset)
    if style.has_stamps:
        parts += [(stamp(entry.line.at), MATCH if is_found else STAMP), (" ", PLAIN)]
    if style.names:
        name = cells.fit(style.names[entry.source], style.name_cells - 3)
        parts.append(
            (f"{name} {'▶' if is_found else '│'} ", Look(foreground=NAME_COLOURS[entry.source % len(NAME_COLOURS)]))
        )
    return tuple(parts)


def stamp(at: datetime) -> str:
    """Local time to the millisecond."""
    return f"{at.astimezone():%H:%M:%S}.{at.microsecond // 1000:03}"


def marked(text: Row, pattern: re.Pattern[str]) -> Row:
    """A text in which what was searched for stands out."""
    whole = "".join(part for part, _look in text)
    spans = [match.span() for match in pattern.finditer(whole) if match.end() > match.start()][:200]
    if not spans:
        return text
    parts: list[tuple[str, Look]] = []
    begin = 0
    for part, look in text:
        position, end = begin, begin + len(part)
        for first, last in spans:
            if last <= position or first >= end:
                continue
            if first > position:
                parts.append((part[position - begin : first - begin], look))
                position = first
            stop = min(last, end)
            parts.append((part[position - begin : stop - begin], replace(look, reverse=not look.reverse, bold=True)))
            position = stop
        if position < end:
            parts.append((part[position - begin :], look))
        begin = end
    return tuple(parts)


def _wrapped(text: Sequence[tuple[str, Look]], width: int) -> list[Row]:
    rows: list[Row] = []
    row: list[tuple[str, Look]] = []
    room = width
    for part, look in text:
        rest = part
        while rest:
            cut = cells.prefix(rest, room)
            if cut == 0:
                if not row:
                    cut = 1  # a character wider than the row
                else:
                    rows.append(tuple(row))
                    row, room = [], width
                    continue
            row.append((rest[:cut], look))
            room -= cells.width(rest[:cut])
            rest = rest[cut:]
            if room <= 0:
                rows.append(tuple(row))
                row, room = [], width
    if row:
        rows.append(tuple(row))
    return rows
