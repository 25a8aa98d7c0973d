"""The rows of the process table as they were painted last: only what reads otherwise is made anew. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from storage import ProcessId
from tui import cells
from tui.processes.rows import Seen, TableColumn, columns_of
from tui.widgets.line_list import Piece

ROWS_KEPT: Final = 2000
"""More than a room has processes; those that are gone go with the rest."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A painted row, and what it was painted of."""

    seen: Seen
    columns: Sequence[TableColumn]
    pieces: list[Piece]


class Painter:
    """Paints rows, each at a width, and remembers them."""

    def __init__(self) -> None:
        self._rows: dict[ProcessId, _Row] = {}

    def row(self, seen: Seen, width: int, now: datetime) -> list[Piece]:
        """The pieces of a row; the very list of the time before where it reads as it did."""
        columns = columns_of(width)
        known = self._rows.get(seen.process.id)
        if known is None or known.columns is not columns or known.seen != seen:
            return self._keep(seen, columns, [_laid(each, *each.cell(seen, now)) for each in columns])
        pieces = known.pieces
        for place, column in enumerate(columns):
            if column.is_timed and (piece := _laid(column, *column.cell(seen, now))) != pieces[place]:
                pieces = self._keep(seen, columns, [*pieces[:place], piece, *pieces[place + 1 :]])
        return pieces

    def _keep(self, seen: Seen, columns: Sequence[TableColumn], pieces: list[Piece]) -> list[Piece]:
        if len(self._rows) >= ROWS_KEPT:
            self._rows.clear()
        self._rows[seen.process.id] = _Row(seen, columns, pieces)
        return pieces


def _laid(column: TableColumn, text: str, part: str) -> Piece:
    """A cell as wide as its column."""
    if not column.size:
        return text, part
    size = column.size - 1
    if column.is_number:
        text = cells.truncate(text, size)
        return " " * (size - cells.width(text)) + text + " ", part
    if column.keeps_end:
        text = cells.truncate_middle(text, size)
    return cells.fit(text, size) + " ", part
