"""The view of the log: paints the rows that it is given, cut to what is in view sideways."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import MouseScrollDown, MouseScrollUp
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from core.logs.ansi import Colour, Look
from tui.log.rows import Row


class LogView(Widget, can_focus=True):
    """Rows of output. It knows those in view alone; `Scrolled` asks for others."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    LogView { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j,enter", "scroll_log(1)", show=False),
        Binding("up,k", "scroll_log(-1)", show=False),
        Binding("pagedown,space,ctrl+f", "scroll_page(1)", show=False),
        Binding("pageup,ctrl+b", "scroll_page(-1)", show=False),
    ]

    @dataclass
    class Scrolled(Message):
        """The person wants to see so many lines further down."""

        lines: int

    @dataclass
    class Fitted(Message):
        """It has another size."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._rows: Sequence[tuple[Row, Row]] = ()
        self.shift = 0
        """Cells to the right."""

    def show(self, rows: Sequence[tuple[Row, Row]], shift: int) -> None:
        """Draw these rows; only those that differ are painted."""
        before, was = self._rows, self.shift
        self._rows, self.shift = rows, shift
        if was != shift:
            self.refresh()
            return
        for y in range(max(len(before), len(rows))):
            if (before[y] if y < len(before) else None) != (rows[y] if y < len(rows) else None):
                self.refresh_line(y)

    def refresh_line(self, y: int) -> None:
        """Paint one row."""
        from textual.geometry import Region

        self.refresh(Region(0, y, self.size.width, 1))

    def action_scroll_log(self, lines: int) -> None:
        """Ask for other lines."""
        self.post_message(self.Scrolled(lines))

    def action_scroll_page(self, pages: int) -> None:
        """Ask for other pages."""
        self.post_message(self.Scrolled(pages * max(1, self.size.height - 1)))

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        event.stop()
        self.post_message(self.Scrolled(3))

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        event.stop()
        self.post_message(self.Scrolled(-3))

    def on_resize(self) -> None:
        self.post_message(self.Fitted())

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        head, text = self._rows[y]
        ground = self.rich_style
        first = [Segment(part, ground + style_of(look)) for part, look in head]
        strip = Strip([Segment(part, ground + style_of(look)) for part, look in text])
        if self.shift:
            strip = strip.crop(self.shift, self.shift + width)
        return Strip([*first, *strip]).crop(0, width).extend_cell_length(width, ground)


@lru_cache(maxsize=2048)
def style_of(look: Look) -> Style:
    """A look as Rich has it."""
    return Style(
        color=_colour(look.foreground), bgcolor=_colour(look.background), bold=look.bold or None,
        dim=look.dim or None, italic=look.italic or None, underline=look.underline or None,
        reverse=look.reverse or None, strike=look.strike or None,
    )  # fmt: skip


def _colour(colour: Colour | None) -> Color | None:
    if colour is None:
        return None
    return Color.from_ansi(colour) if isinstance(colour, int) else Color.from_rgb(*colour)
