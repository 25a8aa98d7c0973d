"""The footer: the keys of the place, in one line and one widget. Repaints only when its text has become another.

Textual's own recomposes a widget a key with every change of focus (65 ms).
"""

from typing import ClassVar

from rich.segment import Segment
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from tui import cells
from tui.translation import _


class KeysFooter(Widget):
    """The keys that work now, as many as fit."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"footer--key", "footer--title"}
    DEFAULT_CSS = """
    KeysFooter {
        dock: bottom;
        height: 1;
        background: $panel;
        .footer--key { color: $text-accent; text-style: bold; background: $panel; }
        .footer--title { color: $foreground 70%; background: $panel; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._keys: tuple[tuple[str, str], ...] = ()

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._update)
        self._update(self.screen)

    def _update(self, screen: Screen[object]) -> None:
        if not screen.is_mounted or screen is not self.screen:
            return
        shown: dict[str, tuple[str, str]] = {}
        for active in screen.active_bindings.values():
            binding = active.binding
            if binding.show and active.enabled and binding.action not in shown:
                shown[binding.action] = self.app.get_key_display(binding), _(binding.description)
        keys = tuple(shown.values())
        if keys != self._keys:
            self._keys = keys
            self.refresh()

    def render_line(self, y: int) -> Strip:  # noqa: ARG002
        width = self.size.width
        key_style = self.get_component_rich_style("footer--key")
        title_style = self.get_component_rich_style("footer--title")
        segments: list[Segment] = [Segment(" ", title_style)]
        used = 1
        for key, title in self._keys:
            size = cells.width(key) + cells.width(title) + 3
            if used + size > width + 2:
                break
            segments += [Segment(key, key_style), Segment(f" {title}  ", title_style)]
            used += size
        return Strip(segments).adjust_cell_length(width, title_style)
