"""The table of processes: a list of lines whose rows may be selected, with sparklines painted into them.

Everything is drawn by line; no cell has a widget. A row that reads as before is not made again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.events import Click
from textual.message import Message
from textual.strip import Strip

from tui.widgets.line_list import LineList, Piece

STRIPS_KEPT: Final = 512
"""More strips than the highest screen has lines, several times over."""


class ProcessTable(LineList):
    """Rows of processes and headings of groups. `is_selected` says whether a row is; the screen keeps the selection."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"line--selected", "line--cpu", "line--memory", "line--good"}
    DEFAULT_CSS = """
    ProcessTable {
        .line--selected { background: $accent 20%; }
        .line--cpu { color: $text-accent; }
        .line--memory { color: $foreground 45%; }
        .line--good { color: $text-success; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+d", "page(1)", show=False)]

    @dataclass
    class Toggled(Message):
        """The person wants the row selected, or no longer: by a click beside its sign, or with ctrl."""

        row: int

    def __init__(
        self, paint: Callable[[int], Sequence[Piece]], is_selected: Callable[[int], bool], *, id: str | None = None
    ) -> None:  # fmt: skip
        super().__init__(paint, id=id)
        self._is_selected = is_selected
        self._strips: dict[tuple[object, ...], Strip] = {}

    def on_click(self, event: Click) -> None:
        row = event.y + self.scroll_offset.y
        if row < self.count and (event.ctrl or event.x == 0):
            event.prevent_default()  # the base's own handler would move the cursor
            event.stop()
            self.post_message(self.Toggled(row))

    def notify_style_update(self) -> None:
        self._strips.clear()
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        row = y + self.scroll_offset.y
        if row >= self.count:
            return super().render_line(y)
        pieces = self._drawn[row] = self._paint_row(row)
        key = (tuple(pieces), row == self.cursor, self._is_selected(row), self.scrollable_content_region.width)
        strip = self._strips.get(key)
        if strip is None:
            if len(self._strips) >= STRIPS_KEPT:
                self._strips.clear()
            strip = self._strips[key] = self.strip_of(pieces, is_cursor=key[1], is_selected=key[2])
        return strip
