"""A list of lines, however many: only those in view are made. The base of the history, the messages and the keys."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui import cells

Piece = tuple[str, str]
"""A text and the part of the list's look that it has: `plain`, `dim`, `strong`, `accent`, `warning`, `error`."""


class LineList(ScrollView, can_focus=True):
    """Rows of one line each with a cursor. `paint` gives the pieces of a row; `count` says how many rows there are."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "line--plain", "line--dim", "line--strong", "line--accent", "line--warning", "line--error", "line--cursor",
    }  # fmt: skip
    DEFAULT_CSS = """
    LineList {
        height: 1fr;
        overflow-x: hidden;
        .line--plain { color: $foreground; }
        .line--dim { color: $foreground 60%; }
        .line--strong { color: $foreground; text-style: bold; }
        .line--accent { color: $text-accent; }
        .line--warning { color: $text-warning; }
        .line--error { color: $text-error; }
        .line--cursor { background: $primary 25%; text-style: bold; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", show=False),
        Binding("up,k", "move(-1)", show=False),
        Binding("pagedown,ctrl+f", "page(1)", show=False),
        Binding("pageup,ctrl+b", "page(-1)", show=False),
        Binding("home,g", "to(0)", show=False),
        Binding("end,G", "to(-1)", show=False),
        Binding("enter", "open", show=False),
    ]

    @dataclass
    class Moved(Message):
        """The cursor has come to another row, or the rows in view have changed."""

        row: int

    @dataclass
    class Opened(Message):
        """The person wants the row."""

        row: int

    def __init__(self, paint: Callable[[int], Sequence[Piece]], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._paint_row = paint
        self.count = 0
        self.cursor = 0
        self._drawn: dict[int, Sequence[Piece]] = {}
        self._looks: dict[tuple[str, ...], Style] = {}
        self._grounds: dict[tuple[str, ...], Color] = {}

    def show(self, count: int, *, cursor: int | None = None) -> None:
        """Draw anew: there are `count` rows now."""
        self.count = count
        self.cursor = max(0, min(self.cursor if cursor is None else cursor, count - 1))
        self.virtual_size = Size(self.size.width, count)
        self._drawn.clear()
        self.refresh()
        self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False, force=True)

    def refresh_changed(self) -> None:
        """Draw what would now look otherwise in the rows in view: time has passed, or a value has changed.

        Of a row in which some pieces read otherwise and take the same cells, those alone are sent to the terminal.
        """
        top, regions = self.scroll_offset.y, []
        for row in range(top, min(top + self.size.height, self.count)):
            before, now = self._drawn.get(row, ()), self._paint_row(row)
            if before is not now and before != now:
                start, width = _differing(before, now) or (0, self.size.width)
                regions.append(Region(start, row - top, width, 1))
        if regions:
            self.refresh(*regions)

    def action_move(self, by: int) -> None:
        """Move the cursor by rows."""
        self.action_to(max(0, min(self.cursor + by, self.count - 1)))

    def action_page(self, by: int) -> None:
        """Move the cursor by pages."""
        self.action_move(by * max(1, self.size.height - 1))

    def action_to(self, row: int) -> None:
        """Move the cursor to a row; -1 is the last."""
        if not self.count:
            return
        before, self.cursor = self.cursor, row % self.count
        for line in {before, self.cursor}:
            self.refresh_line(line)
        self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False, force=True)
        self.post_message(self.Moved(self.cursor))

    def action_open(self) -> None:
        """Ask for the row under the cursor."""
        if self.count:
            self.post_message(self.Opened(self.cursor))

    def on_click(self, event: Click) -> None:
        row = event.y + self.scroll_offset.y
        if row >= self.count:
            return
        if row == self.cursor and event.chain >= 2:
            self.action_open()
        else:
            self.action_to(row)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._looks.clear()
        self._grounds.clear()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        row = y + self.scroll_offset.y
        if row >= self.count:
            return Strip.blank(self.scrollable_content_region.width, self.rich_style)
        pieces = self._drawn[row] = self._paint_row(row)
        return self.strip_of(pieces, is_cursor=row == self.cursor)

    def strip_of(self, pieces: Sequence[Piece], *, is_cursor: bool, is_selected: bool = False) -> Strip:
        """A row as it is drawn, cut or filled to the width of the list."""
        width = self.scrollable_content_region.width
        grounds = [name for name, has in (("selected", is_selected), ("cursor", is_cursor)) if has]
        segments: list[Segment] = []
        used = 0
        for text, part in pieces:
            room = width - used
            if room <= 0:
                break
            text, look = cells.truncate(text, room), self._look(part, grounds)
            used += cells.width(text)
            if segments and (segments[-1].style is look or text.isspace()):  # fewer of them are drawn in less time
                text, look = segments[-1].text + text, segments.pop().style or look
            segments.append(Segment(text, look))
        return Strip(segments, used).adjust_cell_length(width, Style(bgcolor=self._ground(grounds).rich_color))

    def _ground(self, grounds: Sequence[str]) -> Color:
        key = tuple(grounds)
        if (known := self._grounds.get(key)) is not None:
            return known
        background = self.background_colors[1]
        for name in grounds:
            background += self.get_component_styles(f"line--{name}").background
        self._grounds[key] = background
        return background

    def _look(self, part: str, grounds: Sequence[str]) -> Style:
        """The style of a part, its colour blended onto the ground on which it stands."""
        key = (part, *grounds)
        if (known := self._looks.get(key)) is not None:
            return known
        styles = self.get_component_styles(f"line--{part}")
        background = self._ground(grounds)
        text_style = styles.text_style
        for name in grounds:
            text_style += self.get_component_styles(f"line--{name}").text_style
        colour = (background + styles.color).rich_color
        look = self._looks[key] = Style.from_color(colour, background.rich_color) + text_style
        return look


def _differing(before: Sequence[Piece], now: Sequence[Piece]) -> tuple[int, int] | None:
    """From which cell on how many two rows differ; None where their pieces do not take the same cells."""
    widths = [cells.width(text) for text, _ in now]
    if widths != [cells.width(text) for text, _ in before]:
        return None
    differing = [index for index, pair in enumerate(zip(before, now, strict=True)) if pair[0] != pair[1]]
    start = sum(widths[: differing[0]])
    return start, sum(widths[: differing[-1] + 1]) - start
