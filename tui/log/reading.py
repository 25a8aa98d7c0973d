"""What the log shows at a moment: read from the window, one picture at a time.

What has an expression in it is to be called in a process of its own (looking.py): it may take for ever.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from core.logs.expressions import Expression
from core.logs.window import Entry, Keep, Place, Window
from tui.log.rows import Row, Style, rows_of

LONGEST_WRAPPED: Final = 8
"""Where lines wrap, so many lines more are read than there are rows: a line may be hidden behind the edge."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be seen.

    Args:
        place: the lines from there on; None follows the end.
        lines: then so many lines further down, or up.
        height: rows.
    """

    place: Place | None = None
    lines: int = 0
    height: int = 24
    style: Style = Style()
    filter: Expression | None = None

    @property
    def keep(self) -> Keep | None:
        """What lets only the lines through that are to be seen; nothing for all."""
        return Keep(self.filter.pattern) if self.filter is not None else None

    @property
    def has_expressions(self) -> bool:
        """Whether something is looked for, which may take long."""
        return self.filter is not None or self.style.expression is not None


@dataclass(frozen=True, slots=True)
class Tail:
    """The last lines that pass a filter, `upto` a place: whoever follows reads on from there, not all anew."""

    window: Window
    filter: Expression
    height: int
    entries: Sequence[Entry]
    upto: Place


@dataclass(frozen=True, slots=True)
class Picture:
    """What is seen. `place` is where it begins, and None where it is the end and follows."""

    rows: Sequence[tuple[Row, Row]]
    place: Place | None
    top: datetime | None = None
    is_end: bool = False
    tail: Tail | None = None


def picture_of(window: Window, wanted: Wanted, last: Picture | None = None) -> Picture:
    """Read what is to be seen; `last` is what was seen before. Blocking."""
    keep = wanted.keep
    if wanted.place is None and wanted.lines >= 0:
        if wanted.filter is not None:
            return _filtered_end(window, wanted, last.tail if last is not None else None)
        return _end(window, wanted, follows=True)
    end = window.end()
    place = wanted.place
    if place is None:
        shown = window.above(end, wanted.height, keep)
        place = window.moved(end, shown)
    if wanted.lines < 0:
        place = window.moved(place, window.above(place, -wanted.lines, keep))
    entries = window.below(place, wanted.height + max(0, wanted.lines), keep)
    if wanted.lines > 0:
        passed = entries[: min(wanted.lines, max(0, len(entries) - wanted.height))]
        if len(passed) < wanted.lines:
            return _end(window, wanted, follows=True)  # at the end, and on
        place = window.moved(place, passed, past=True)
        entries = entries[len(passed) :]
    if len(entries) < wanted.height:
        return _end(window, wanted, follows=False)
    rows = _rows(window, entries, wanted.style)[: wanted.height]
    return Picture(rows, place, entries[0].line.at if entries else None)


def found_picture(window: Window, entry: Entry, wanted: Wanted) -> Picture:
    """The lines around one, which stands in the upper third."""
    place = window.place_of(entry)
    return picture_of(window, replace(wanted, place=place, lines=-(wanted.height // 3)))


def _end(window: Window, wanted: Wanted, *, follows: bool) -> Picture:
    end = window.end()
    entries = window.above(end, wanted.height, wanted.keep)
    rows = _rows(window, entries, wanted.style)[-wanted.height :]
    place = None if follows else window.moved(end, entries)
    return Picture(rows, place, entries[0].line.at if entries else None, is_end=True)


def _filtered_end(window: Window, wanted: Wanted, known: Tail | None) -> Picture:
    """The end of what passes the filter. A filter that hardly anything passes would else cost a whole log a look."""
    assert wanted.filter is not None
    keep = Keep(wanted.filter.pattern)
    is_known = known is not None and (known.window, known.filter) == (window, wanted.filter)
    if known is None or not is_known or known.height < wanted.height or not window.reaches(known.upto):
        known = Tail(window, wanted.filter, wanted.height, (), window.last_lines())
        entries = window.above(known.upto, wanted.height, keep)
        known = replace(known, entries=entries)
    entries, upto = window.renewed(known.entries, known.upto, known.height, keep)
    rows = _rows(window, entries, wanted.style)[-wanted.height :]
    tail = replace(known, entries=entries, upto=upto)
    return Picture(rows, None, entries[0].line.at if entries else None, is_end=True, tail=tail)


def found_next(
    window: Window, expression: Expression, last: Entry | None, wanted: Wanted, *, forward: bool
) -> tuple[Picture | None, Entry | None]:
    """The line where an expression is found next, `last` being where it was found before, and the picture around it."""
    if last is not None:
        place = window.place_of(last)
        if forward:
            place = window.moved(place, [last], past=True)
    else:
        place = wanted.place if wanted.place is not None else window.end()
    found = window.find(place, expression.pattern, forward=forward, keep=wanted.keep)
    if found is None:
        return None, None
    style = replace(wanted.style, found=(found.source, found.line.offset))
    return found_picture(window, found, replace(wanted, style=style)), found


def _rows(window: Window, entries: Sequence[Entry], style: Style) -> list[tuple[Row, Row]]:
    rows = []
    for entry in entries:
        window.look_into(entry.source)  # what was found in it is marked
        rows += rows_of(entry, style)
    return rows
