"""The stack of a lane: its rows one below the other, with heights and places, and the viewport on them. No drawing."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Final, Protocol

from core.settings import Density
from storage import Task, TaskId
from tui.board.view import Filler, Heading, Row
from tui.widgets.card import card_height
from tui.widgets.lane_look import Ghost, Hit

KNOWN_HEIGHTS: Final = 10_000
"""How many heights of rows that are not shown just now are kept: a filter takes them away and brings them back."""


class Frame(Protocol):
    """What a stack stands in."""

    @property
    def card_width(self) -> int:
        """The cells of a card."""

    @property
    def page(self) -> int:
        """The lines of the viewport."""


class Stack:
    """Rows one below the other, and among them what is carried, or the room for an input.

    The frame may change at any time and is asked each time; `lay_out` is to be called after whatever changes heights
    or rows.
    """

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self.density = Density.NORMAL
        self.rows: Sequence[Row] = ()
        self.items: Sequence[Row | Ghost] = ()
        """The rows, with what is carried among them."""
        self.tops: list[int] = [0]
        """The line on which each item begins, and that after the last."""
        self.offset = 0
        """The line that is the viewport's first."""
        self.ghost: Ghost | None = None
        self.room_after: int | None = None
        """The row below which a line is kept empty; -1 stands for the top."""
        self._heights: list[int] = []
        self._known_heights: dict[int, tuple[Row, int]] = {}
        self._known_for: tuple[int, Density] | None = None
        self._index: dict[TaskId, int] | None = None

    def put(self, rows: Sequence[Row]) -> None:
        """Have these rows from now on."""
        self.rows = rows
        self._index = None
        self._heights = []

    def measure_anew(self, density: Density | None = None) -> None:
        """Heights may have changed: the frame is another one, or the density."""
        self.density = density or self.density
        self._heights = []

    # where things are

    def height_of(self, row: Row, density: Density, width: int | None = None) -> int:
        """The lines that a row takes."""
        if isinstance(row, Task):
            return card_height(row, width or self._frame.card_width, density)
        if isinstance(row, Filler):
            return row.lines
        return 1 if density is Density.COMPACT else 2

    def index_of(self, task: TaskId) -> int | None:
        """The row of a card."""
        if self._index is None:
            self._index = {row.id: index for index, row in enumerate(self.rows) if isinstance(row, Task)}
        return self._index.get(task)

    def screen_line_of(self, task: TaskId) -> int | None:
        """The line of the lane on which a card begins, out of view too."""
        index = self.index_of(task)
        return None if index is None else self.row_line(index) - self.offset

    def nearest(self, line: int) -> TaskId | None:
        """The card at a line of the viewport, or the one nearest to it."""
        wanted = line + self.offset
        best: TaskId | None = None
        best_distance = 0
        start = max(0, bisect_right(self.tops, wanted) - 1)
        for index in range(max(0, start - 4), min(len(self.items), start + 5)):
            item = self.items[index]
            if isinstance(item, Task):
                distance = abs(self.tops[index] - wanted)
                if best is None or distance < best_distance:
                    best, best_distance = item.id, distance
        if best is not None:
            return best
        cards = (item.id for item in self.items if isinstance(item, Task))
        return next(cards, None)

    def hit(self, line: int) -> Hit:
        """What lies on a line of the viewport."""
        line += self.offset
        index = bisect_right(self.tops, line) - 1
        if index >= len(self.items):
            return Hit(None, len(self.rows))
        item = self.items[index]
        ghost = self._ghost_item()
        row = index - (ghost is not None and index > ghost)
        if isinstance(item, Ghost):
            return Hit(None, row)
        is_below = line - self.tops[index] >= (self.tops[index + 1] - self.tops[index] + 1) // 2
        return Hit(item.id if isinstance(item, Task) else None, row + is_below)

    def slot_at(self, line: int) -> int:
        """The row before which something would stand that is dropped at a line of the viewport."""
        return min(bisect_left(self.tops, line + self.offset), len(self.rows))

    def ghost_line(self) -> int | None:
        """The line of the viewport on which what is carried is drawn."""
        ghost = self._ghost_item()
        return None if ghost is None else self.tops[ghost] - self.offset

    def row_line(self, row: int) -> int:
        """The line on which a row begins."""
        return self.tops[self._item_of_row(row)]

    # scrolling

    def scroll(self, lines: int) -> bool:
        """Scroll by so many lines; whether that moved anything."""
        before = self.offset
        self.offset += lines
        self.clamp()
        return self.offset != before

    def reveal(self, task: TaskId) -> bool:
        """Scroll as little as needed to show a card whole, with a little of its neighbours; whether it moved."""
        index = self.index_of(task)
        return index is not None and self._reveal(self._item_of_row(index))

    def reveal_ghost(self) -> bool:
        """Scroll as little as needed to show where carried cards would land."""
        ghost = self._ghost_item()
        return ghost is not None and self._reveal(ghost)

    def _reveal(self, item: int) -> bool:
        top, bottom = self.tops[item], self.tops[item + 1]
        if item > 0 and isinstance(self.items[item - 1], Heading):
            top = self.tops[item - 1]
        before = self.offset
        self.offset = min(max(self.offset, bottom - self._frame.page), top)
        self.clamp()
        return self.offset != before

    def clamp(self) -> None:
        """Scroll back to where there is something."""
        self.offset = max(0, min(self.offset, self.tops[-1] - self._frame.page))

    # laying out

    def leave_room(self, after: int | None) -> int:
        """Keep a line below the row `after` (-1: at the top) and show it, or none; the line of the viewport it is."""
        self.room_after = after
        self.lay_out()
        line = 0
        if after is not None:
            line = self.tops[after + 1]
            self.offset = min(max(self.offset, line + 1 - self._frame.page), line)
        self.clamp()
        return line - self.offset

    def lay_out(self) -> None:
        """Put the rows, and what is carried or the room for an input, one below the other."""
        if len(self._heights) != len(self.rows):
            self._heights = self._heights_of(self.rows)
        heights = self._heights
        items: Sequence[Row | Ghost] = self.rows
        if (ghost := self.ghost) is not None:
            index = min(ghost.index, len(items))
            items = [*items[:index], ghost, *items[index:]]
            heights = [
                *heights[:index],
                card_height(ghost.task, self._frame.card_width, self.density),
                *heights[index:],
            ]
        elif self.room_after is not None:
            index = min(self.room_after + 1, len(items))
            items = [*items[:index], Filler(2), *items[index:]]
            heights = [*heights[:index], 2, *heights[index:]]
        self.items = items
        self.tops = list(accumulate(heights, initial=0))

    def _heights_of(self, rows: Sequence[Row]) -> list[int]:
        """The height of each row; measured once, since after each change nearly all rows are the same objects."""
        width, density = key = self._frame.card_width, self.density
        known = self._known_heights
        if self._known_for != key or len(known) > 2 * len(rows) + KNOWN_HEIGHTS:
            known.clear()
            self._known_for = key
        heights: list[int] = []
        for row in rows:
            entry = known.get(id(row))
            if entry is None or entry[0] is not row:
                entry = known[id(row)] = row, self.height_of(row, density, width)
            heights.append(entry[1])
        return heights

    def _ghost_item(self) -> int | None:
        ghost = self.ghost
        return None if ghost is None else min(ghost.index, len(self.rows))

    def _item_of_row(self, row: int) -> int:
        ghost = self._ghost_item()
        if ghost is not None:
            return row + (row >= ghost)
        if self.room_after is not None:
            return row + (row > self.room_after)
        return row

    def anchor(self, cursor: TaskId | None) -> tuple[TaskId, int] | None:
        """The card that must not move on the screen, and the line on which it begins."""
        if not self.items:
            return None
        if cursor is not None and (line := self.screen_line_of(cursor)) is not None and -8 < line < self._frame.page:
            return cursor, line
        if self.offset == 0:
            return None
        start = bisect_right(self.tops, self.offset) - 1
        for index in range(start, min(start + 8, len(self.items))):
            item = self.items[index]
            if isinstance(item, Task):
                return item.id, self.tops[index] - self.offset
        return None

    def keep(self, anchor: tuple[TaskId, int] | None) -> None:
        """Scroll so that the anchor's card begins on its line again."""
        if anchor is not None and (index := self.index_of(anchor[0])) is not None:
            self.offset = self.row_line(index) - anchor[1]
        self.clamp()
