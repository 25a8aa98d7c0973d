"""A lane: one column of a board as a scrolling stack of cards, drawn by line. Knows rows and marks, no app state.

It scrolls by itself instead of by Textual's virtual size, whose every change lays the whole screen out anew
(30 ms). Whatever differs, it composes the lines of its viewport and repaints those that are no longer the same.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from core.settings import Density
from storage import Status, Task, TaskId
from tui import cells
from tui.board.view import Filler, Heading, Row
from tui.translation import _
from tui.widgets.card import Face, Ground, Mark, Part, Styles, card_height, paint_card
from tui.wording import status_name

HEADER_LINES: Final = 2
KNOWN_HEIGHTS: Final = 10_000
"""How many heights of rows that are not shown just now are kept: a filter takes them away and brings them back."""
_NOBODY: Final[frozenset[TaskId]] = frozenset()


@dataclass(frozen=True, slots=True)
class Ghost:
    """Where carried cards would come to stand: before the row `index`, drawn as `task` and `more` others."""

    task: Task
    index: int
    more: int = 0


@dataclass(frozen=True, slots=True)
class Head:
    """What the header tells: how many cards are shown, of how many, and how many there should be at most."""

    shown: int = 0
    total: int = 0
    limit: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether the column holds more than its limit."""
        return self.limit is not None and self.total > self.limit


@dataclass(frozen=True, slots=True)
class Look:
    """What is the matter with the lane's cards just now."""

    cursor: TaskId | None = None
    selected: frozenset[TaskId] = _NOBODY
    lifted: frozenset[TaskId] = _NOBODY
    pending: frozenset[TaskId] = _NOBODY
    flashing: frozenset[TaskId] = _NOBODY
    ghost: Ghost | None = None
    held: TaskId | None = None
    """The lifted card while it is still where it was."""
    is_current: bool = False
    """Whether the cursor is in this lane."""

    def marks(self, task: TaskId) -> Mark:
        """The marks of one card."""
        marks = Mark.NONE
        if task == self.held:
            return Mark.GHOST
        if task == self.cursor:
            marks |= Mark.CURSOR
        if task in self.selected:
            marks |= Mark.SELECTED
        if task in self.lifted:
            marks |= Mark.SOURCE
        if task in self.pending:
            marks |= Mark.PENDING
        if task in self.flashing:
            marks |= Mark.FLASH
        return marks


@dataclass(frozen=True, slots=True)
class Hit:
    """What lies under a point of the lane: a card if there is one, and the gap nearest to the point.

    `slot` is the index of the row before which something dropped here would stand.
    """

    task: TaskId | None
    slot: int
    in_header: bool = False


@dataclass(slots=True)
class _Painted:
    task: Task
    face: Face
    strips: list[Strip] = field(default_factory=list)


Line = tuple[Strip, bool]
"""A line of the viewport, and whether the scrollbar's thumb stands beside it."""


class Lane(Widget):
    """One column. `show` says what it draws; it calls `face` for the words of a card that comes into view."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "lane--name", "lane--name-current", "lane--count", "lane--over", "lane--rule", "lane--rule-current",
        "lane--heading", "lane--notice", "lane--thumb",
        *(f"lane--on-{ground}" for ground in Ground), *(f"lane--{part}" for part in Part),
    }  # fmt: skip
    DEFAULT_CSS = """
    Lane {
        width: 1fr;
        height: 1fr;
        .lane--name { text-style: bold; color: $text-muted; }
        .lane--name-current { text-style: bold; color: $text; }
        .lane--count { color: $text-muted; }
        .lane--over { color: $text-error; text-style: bold reverse; }
        .lane--rule { color: $foreground 25%; }
        .lane--rule-current { color: $primary; }
        .lane--heading { color: $text-muted; text-style: bold; }
        .lane--notice { color: $text-muted; }
        .lane--thumb { color: $foreground 30%; }
        .lane--on-card { background: $surface; }
        .lane--on-cursor { background: $primary 35%; }
        .lane--on-selected { background: $secondary 30%; }
        .lane--on-source { background: $background; color: $foreground 35%; text-style: italic; }
        .lane--on-ghost { background: $primary; color: $background; text-style: bold; }
        .lane--on-flash { background: $accent 30%; }
        .lane--edge { color: $foreground 35%; }
        .lane--title { color: $foreground; }
        .lane--fact { color: $foreground 55%; }
        .lane--urgent { color: $text-error; text-style: bold; }
        .lane--high { color: $text-warning; text-style: bold; }
        .lane--low { color: $foreground 45%; }
        .lane--assignee { color: $text-primary; }
        .lane--label { color: $text-secondary; }
        .lane--waiting { color: $text-warning; }
        .lane--overdue { color: $text-error; }
        .lane--note { color: $foreground 60%; }
    }
    """

    def __init__(self, status: Status, *, face: Callable[[Task], Face], id: str | None = None) -> None:
        super().__init__(id=id)
        self.status = status
        self.density = Density.NORMAL
        self._face = face
        self._rows: Sequence[Row] = ()
        self._items: Sequence[Row | Ghost] = ()
        self._tops: list[int] = [0]
        self._heights: list[int] = []
        self._known_heights: dict[int, tuple[Row, int]] = {}
        self._known_for: tuple[int, Density] | None = None
        self._index: dict[TaskId, int] | None = None
        self._head = Head()
        self._look = Look()
        self._notice: tuple[str, ...] = ()
        self._offset = 0
        self._room_after: int | None = None
        self._lines: list[Line] = []
        self._painted: dict[tuple[TaskId, Mark, int], _Painted] = {}
        self._styles: Styles | None = None
        self._named_styles: dict[str, Style] = {}

    # what it shows

    @property
    def rows(self) -> Sequence[Row]:
        """The rows as they were given last."""
        return self._rows

    @property
    def look(self) -> Look:
        """The marks as they were given last."""
        return self._look

    @property
    def card_width(self) -> int:
        """The cells of a card; the last cell of the lane is the gap to the next, where the scrollbar shows."""
        return max(8, self.size.width - 1)

    @property
    def page(self) -> int:
        """The lines that its cards have."""
        return max(1, self.size.height - HEADER_LINES)

    def show(
        self,
        *,
        rows: Sequence[Row] | None = None,
        look: Look | None = None,
        head: Head | None = None,
        notice: tuple[str, ...] | None = None,
        density: Density | None = None,
    ) -> None:
        """Draw these from now on; what is None stays. The card under the cursor, or else the first one in view,
        stays where it is on the screen."""
        is_same = (
            rows is None
            and (look is None or look == self._look)
            and (head is None or head == self._head)
            and (notice is None or notice == self._notice)
            and (density is None or density is self.density)
        )
        if is_same:
            return
        anchor = self._anchor()
        lays_out = False
        if density is not None and density is not self.density:
            self.density = density
            self._painted.clear()
            self._heights = []
            lays_out = True
        if rows is not None:
            self._rows = rows
            self._index = None
            self._heights = []
            lays_out = True
        if look is not None and look != self._look:
            lays_out = lays_out or look.ghost != self._look.ghost
            self._look = look
        if head is not None:
            self._head = head
        if notice is not None:
            self._notice = notice
        if lays_out:
            self._lay_out()
            self._keep(anchor)
        self._compose_lines()

    def refresh_faces(self) -> None:
        """Ask for the words of the visible cards again: time has passed, or somebody has another name."""
        self._compose_lines()

    def leave_room(self, after: int | None) -> int:
        """Keep one empty line below the row `after` (-1: at the top), for an input; None takes it away again.

        Returns the line of the lane on which it lies.
        """
        self._room_after = after
        self._lay_out()
        line = 0
        if after is not None:
            line = self._tops[after + 1]
            self._offset = min(max(self._offset, line + 1 - self.page), line)
        self._clamp()
        self._compose_lines()
        return line - self._offset + HEADER_LINES

    # where things are

    def height_of(self, row: Row, density: Density, width: int | None = None) -> int:
        """The lines that a row takes."""
        if isinstance(row, Task):
            return card_height(row, width or self.card_width, density)
        if isinstance(row, Filler):
            return row.lines
        return 1 if density is Density.COMPACT else 2

    def index_of(self, task: TaskId) -> int | None:
        """The row of a card."""
        if self._index is None:
            self._index = {row.id: index for index, row in enumerate(self._rows) if isinstance(row, Task)}
        return self._index.get(task)

    def screen_line_of(self, task: TaskId) -> int | None:
        """The line of the lane on which a card begins, out of view too."""
        index = self.index_of(task)
        return None if index is None else self._top_of_row(index) - self._offset

    def nearest(self, line: int) -> TaskId | None:
        """The card at a line of the viewport, or the one nearest to it."""
        wanted = line + self._offset
        best: TaskId | None = None
        best_distance = 0
        start = max(0, bisect_right(self._tops, wanted) - 1)
        for index in range(max(0, start - 4), min(len(self._items), start + 5)):
            item = self._items[index]
            if isinstance(item, Task):
                distance = abs(self._tops[index] - wanted)
                if best is None or distance < best_distance:
                    best, best_distance = item.id, distance
        if best is not None:
            return best
        cards = (item.id for item in self._items if isinstance(item, Task))
        return next(cards, None)

    def hit(self, y: int) -> Hit:
        """What lies on line `y` of the widget."""
        if y < HEADER_LINES:
            return Hit(None, 0, in_header=True)
        line = y - HEADER_LINES + self._offset
        index = bisect_right(self._tops, line) - 1
        if index >= len(self._items):
            return Hit(None, len(self._rows))
        item = self._items[index]
        ghost = self._ghost_item()
        row = index - (ghost is not None and index > ghost)
        if isinstance(item, Ghost):
            return Hit(None, row)
        is_below = line - self._tops[index] >= (self._tops[index + 1] - self._tops[index] + 1) // 2
        return Hit(item.id if isinstance(item, Task) else None, row + is_below)

    def slot_at(self, line: int) -> int:
        """The row before which something would stand that is dropped at a line of the viewport."""
        return min(bisect_left(self._tops, line + self._offset), len(self._rows))

    def ghost_line(self) -> int | None:
        """The line of the viewport on which what is carried is drawn."""
        ghost = self._ghost_item()
        return None if ghost is None else self._tops[ghost] - self._offset

    # scrolling

    def scroll_lines(self, lines: int) -> bool:
        """Scroll by so many lines; whether that moved anything."""
        before = self._offset
        self._offset += lines
        self._clamp()
        if self._offset != before:
            self._compose_lines()
        return self._offset != before

    @property
    def offset_lines(self) -> int:
        """How far it is scrolled."""
        return self._offset

    def scroll_to_line(self, offset: int) -> None:
        """Scroll so that line `offset` is the first."""
        self.scroll_lines(offset - self._offset)

    def reveal(self, task: TaskId) -> bool:
        """Scroll as little as needed to show a card whole, with a little of its neighbours; whether it moved."""
        index = self.index_of(task)
        return index is not None and self._reveal(self._item_of_row(index))

    def reveal_ghost(self) -> bool:
        """Scroll as little as needed to show where carried cards would land."""
        ghost = self._ghost_item()
        return ghost is not None and self._reveal(ghost)

    def _reveal(self, item: int) -> bool:
        top, bottom = self._tops[item], self._tops[item + 1]
        if item > 0 and isinstance(self._items[item - 1], Heading):
            top = self._tops[item - 1]
        before = self._offset
        self._offset = min(max(self._offset, bottom - self.page), top)
        self._clamp()
        if self._offset != before:
            self._compose_lines()
        return self._offset != before

    def _clamp(self) -> None:
        self._offset = max(0, min(self._offset, self._tops[-1] - self.page))

    # laying out

    def on_resize(self) -> None:
        self._painted.clear()
        self._heights = []
        anchor = self._anchor()
        self._lay_out()
        self._keep(anchor)
        self._lines = []
        self._compose_lines()

    def _lay_out(self) -> None:
        if len(self._heights) != len(self._rows):
            self._heights = self._heights_of(self._rows)
        heights = self._heights
        items: Sequence[Row | Ghost] = self._rows
        if (ghost := self._look.ghost) is not None:
            index = min(ghost.index, len(items))
            items = [*items[:index], ghost, *items[index:]]
            heights = [*heights[:index], card_height(ghost.task, self.card_width, self.density), *heights[index:]]
        elif self._room_after is not None:
            index = min(self._room_after + 1, len(items))
            items = [*items[:index], Filler(2), *items[index:]]
            heights = [*heights[:index], 2, *heights[index:]]
        self._items = items
        self._tops = list(accumulate(heights, initial=0))

    def _heights_of(self, rows: Sequence[Row]) -> list[int]:
        """The height of each row; measured once, since after each change nearly all rows are the same objects."""
        width, density = key = self.card_width, self.density
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
        ghost = self._look.ghost
        return None if ghost is None else min(ghost.index, len(self._rows))

    def _item_of_row(self, row: int) -> int:
        ghost = self._ghost_item()
        if ghost is not None:
            return row + (row >= ghost)
        if self._room_after is not None:
            return row + (row > self._room_after)
        return row

    def _top_of_row(self, row: int) -> int:
        return self._tops[self._item_of_row(row)]

    def _anchor(self) -> tuple[TaskId, int] | None:
        """The card that must not move on the screen, and the line on which it begins."""
        if not self._items:
            return None
        cursor = self._look.cursor
        if cursor is not None and (line := self.screen_line_of(cursor)) is not None and -8 < line < self.page:
            return cursor, line
        if self._offset == 0:
            return None
        start = bisect_right(self._tops, self._offset) - 1
        for index in range(start, min(start + 8, len(self._items))):
            item = self._items[index]
            if isinstance(item, Task):
                return item.id, self._tops[index] - self._offset
        return None

    def _keep(self, anchor: tuple[TaskId, int] | None) -> None:
        if anchor is not None and (index := self.index_of(anchor[0])) is not None:
            self._offset = self._top_of_row(index) - anchor[1]
        self._clamp()

    # drawing

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles = None
        self._named_styles.clear()
        self._painted.clear()
        # Drawn later: Textual tells of a new style before it has set those of the parts.
        self._lines = []
        self.refresh()

    def render_line(self, y: int) -> Strip:
        if not self._lines:
            self._lines = self._picture()
        if y >= len(self._lines):
            return Strip.blank(self.size.width, self._style("ground"))
        strip, has_thumb = self._lines[y]
        gap = Segment("▕", self._style("thumb")) if has_thumb else Segment(" ", self._style("ground"))
        return Strip([*strip, gap], strip.cell_length + 1).adjust_cell_length(self.size.width, self._style("ground"))

    def _compose_lines(self) -> None:
        """Draw the viewport anew, and repaint the lines that have become different."""
        if not self.is_mounted or not self.size:
            return
        before, after = self._lines, self._picture()
        self._lines = after
        if len(before) != len(after):
            self.refresh()
            return
        start: int | None = None
        regions: list[Region] = []
        for y, (old, new) in enumerate(zip(before, after, strict=True)):
            differs = old is not new and (old[1] != new[1] or (old[0] is not new[0] and old[0] != new[0]))
            if differs and start is None:
                start = y
            elif not differs and start is not None:
                regions.append(Region(0, start, self.size.width, y - start))
                start = None
        if start is not None:
            regions.append(Region(0, start, self.size.width, len(after) - start))
        if regions:
            self.refresh(*regions)

    def _picture(self) -> list[Line]:
        strips = self._body()
        total, page = self._tops[-1], self.page
        first_thumb = last_thumb = -1
        if total > page:
            size = max(1, page * page // total)
            first_thumb = (page - size) * self._offset // (total - page)
            last_thumb = first_thumb + size - 1
        return [
            *((strip, False) for strip in self._header()),
            *((strip, first_thumb <= y <= last_thumb) for y, strip in enumerate(strips)),
        ]

    def _body(self) -> list[Strip]:
        width, page = self.card_width, self.page
        blank = Strip([Segment(" " * width, self._style("ground"))], width)
        strips: list[Strip] = []
        index = max(0, bisect_right(self._tops, self._offset) - 1)
        skip = self._offset - self._tops[min(index, len(self._tops) - 1)]
        while len(strips) < page and index < len(self._items):
            item = self._items[index]
            height = self._tops[index + 1] - self._tops[index]
            lines = self._lines_of(item)[:height]
            lines = [*lines, *([blank] * (height - len(lines)))]
            strips.extend(lines[skip:])
            skip = 0
            index += 1
        if not self._items and self._notice:
            style = self._style("notice")
            strips.extend(
                Strip([Segment(cells.fit(f" {line}", width), style)], width)
                for text in self._notice
                for line in (cells.wrap(text, width - 2, 3) if text else [""])
            )
        strips.extend([blank] * (page - len(strips)))
        return strips[:page]

    def _lines_of(self, item: Row | Ghost) -> list[Strip]:
        if isinstance(item, Ghost):
            return self._paint(item.task, Mark.GHOST, item.more)
        if isinstance(item, Task):
            return self._paint(item, self._look.marks(item.id))
        if isinstance(item, Heading):
            width = self.card_width
            count = f" {item.count} " if item.count else " "
            text = f"╌╌ {cells.truncate(item.text, width - 6 - len(count))}{count}"
            line = text + "╌" * max(0, width - cells.width(text))
            return [Strip([Segment(line, self._style("heading"))], width)]
        return []

    def _paint(self, task: Task, marks: Mark, more: int = 0) -> list[Strip]:
        face = self._face(task)
        key = (task.id, marks, more)
        known = self._painted.get(key)
        if known is not None and known.task is task and known.face == face:
            return known.strips
        if len(self._painted) > 2000:
            self._painted.clear()
        strips = paint_card(task, face, marks, self.card_width, self.density, self._card_styles(), more)
        self._painted[key] = _Painted(task, face, strips)
        return strips

    def _header(self) -> list[Strip]:
        width = self.card_width
        head, current = self._head, self._look.is_current
        count = str(head.total)
        if head.shown != head.total:
            count = _("{shown} of {total}").format(shown=head.shown, total=head.total)
        if head.limit is not None:
            count += f"/{head.limit}"
        if head.is_over:
            count = f" {count}! "
        name = cells.truncate(status_name(self.status), width - cells.width(count) - 2)
        filling = " " * max(0, width - 1 - cells.width(name) - cells.width(count))
        first = Strip(
            [
                Segment(("▌" if current else " ") + name, self._style("name-current" if current else "name")),
                Segment(filling, self._style("ground")),
                Segment(count, self._style("over" if head.is_over else "count")),
            ]
        )
        rule = Segment(("━" if current else "─") * width, self._style("rule-current" if current else "rule"))
        return [first.adjust_cell_length(width, self._style("ground")), Strip([rule], width)]

    def _style(self, name: str) -> Style:
        """The style of a part of the lane itself. Kept, since Textual works it out from all ancestors each time."""
        style = self._named_styles.get(name)
        if style is None:
            style = self.rich_style if name == "ground" else self.get_component_rich_style(f"lane--{name}")
            self._named_styles[name] = style
        return style

    def _card_styles(self) -> Styles:
        if self._styles is None:
            self._styles = {
                (ground, part): self._blended(ground, part) for ground in Ground for part in Part
            }  # fmt: skip
        return self._styles

    def _blended(self, ground: Ground, part: Part) -> Style:
        below = self.get_component_styles(f"lane--on-{ground}")
        above = self.get_component_styles(f"lane--{part}")
        background = self.background_colors[1] + below.background
        # What is carried is drawn in the one colour of its ground, so that it stands out from what stays.
        foreground = below.color if ground in (Ground.SOURCE, Ground.GHOST) else above.color
        style = Style.from_color((background + foreground).rich_color, background.rich_color)
        return style + above.text_style + below.text_style
