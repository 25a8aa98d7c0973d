"""How the lanes look just now: marks of cards, where what is carried would stand, bands at the same height."""

from dataclasses import replace

from storage import Status
from tui.board import view
from tui.board.deck import Deck
from tui.board.drag import Lift
from tui.board.table import Table
from tui.widgets.lane import Ghost, Look


def look_of(status: Status, marks: Look, *, current: Status, lift: Lift | None, table: Table) -> Look:
    """The marks of one lane, of those of all.

    Args:
        current: the column of the cursor, while nothing is carried.
    """
    ghost, held = None, None
    if lift is not None and lift.is_home:
        held = lift.held.id
    elif lift is not None and lift.column is status:
        ghost = Ghost(lift.held, _ghost_row(lift, table), len(lift.bases) - 1)
    column = lift.column if lift is not None else current
    return replace(marks, ghost=ghost, held=held, is_current=column is status)


def align(table: Table, deck: Deck) -> None:
    """Swimlanes: the same band at the same height in every lane in view."""
    density = table.view.density
    lanes = [deck.lanes[status] for status in deck.in_view]
    rows = view.aligned(
        [table.rows[lane.status] for lane in lanes],
        [lambda row, stack=lane.stack: stack.height_of(row, density) for lane in lanes],  # type: ignore[misc]
    )
    for lane, aligned in zip(lanes, rows, strict=True):
        table.rows[lane.status] = aligned


def _ghost_row(lift: Lift, table: Table) -> int:
    for neighbour, below in ((lift.before, 0), (lift.after, 1)):
        if neighbour is not None and (row := table.row_of(neighbour)) is not None:
            return row + below
    return len(table.rows[lift.column])
