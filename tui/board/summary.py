"""The line above the lanes: which room, how much is shown and how, and the columns that are out of view."""

from typing import ClassVar

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from tui import cells


class Summary(Widget):
    """One line: `left`, then `right` at the other end; where both do not fit, `left` is cut."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"summary--room", "summary--text"}
    DEFAULT_CSS = """
    Summary {
        dock: top;
        height: 1;
        background: $panel;
        .summary--room { color: $text-primary; text-style: bold; background: $panel; }
        .summary--text { color: $foreground 70%; background: $panel; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._parts = ("", "", "")

    def show(self, room: str, left: str, right: str) -> None:
        """Say this from now on."""
        if self._parts != (room, left, right):
            self._parts = room, left, right
            self.refresh()

    def render_line(self, y: int) -> Strip:  # noqa: ARG002
        room, left, right = self._parts
        width = self.size.width
        text = self.get_component_rich_style("summary--text")
        room = cells.truncate(room, width // 3)
        space = width - cells.width(room) - cells.width(right) - 5
        left = cells.truncate(left, max(0, space))
        filling = " " * max(1, width - cells.width(room) - cells.width(left) - cells.width(right) - 4)
        return Strip(
            [
                Segment(f" {room}", self.get_component_rich_style("summary--room")),
                Segment(f"  {left}{filling}{right} ", text),
            ]
        ).adjust_cell_length(width, text)
