"""The footer: the keys of the place, in one line and one widget. Repaints only when its text has become another.

Textual's own recomposes a widget a key with every change of focus (65 ms).
"""

from typing import TYPE_CHECKING, ClassVar, cast

from rich.segment import Segment
from textual.binding import Binding
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from tui import cells
from tui.actions import WAITING_ACTION
from tui.keymap import keys_of
from tui.translation import _, ngettext

if TYPE_CHECKING:
    from tui.app import ParallelApp


class KeysFooter(Widget):
    """The keys that work now, as many as fit."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"footer--key", "footer--title", "footer--waiting"}
    DEFAULT_CSS = """
    KeysFooter {
        dock: bottom;
        height: 1;
        background: $panel;
        .footer--key { color: $text-accent; text-style: bold; background: $panel; }
        .footer--waiting { color: $text-warning; text-style: bold; background: $panel; }
        .footer--title { color: $foreground 70%; background: $panel; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._keys: tuple[tuple[str, str], ...] = ()
        self._waiting = 0

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._update)
        self._update(self.screen)

    def tell_waiting(self, count: int) -> None:
        """Say at the right end that so many things wait for the person."""
        if count != self._waiting:
            self._waiting = count
            self.refresh()

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
        waiting = self._waiting_text()
        room = width - cells.width(waiting)
        segments: list[Segment] = [Segment(" ", title_style)]
        used = 1
        for key, title in self._keys:
            size = cells.width(key) + cells.width(title) + 3
            if used + size > room + (0 if waiting else 2):
                break
            segments += [Segment(key, key_style), Segment(f" {title}  ", title_style)]
            used += size
        strip = Strip(segments).adjust_cell_length(room, title_style)
        if not waiting:
            return strip
        return Strip.join([strip, Strip([Segment(waiting, self.get_component_rich_style("footer--waiting"))])])

    def _waiting_text(self) -> str:
        """`! 3 wait`, with the key that goes to them."""
        if not self._waiting:
            return ""
        key = keys_of(WAITING_ACTION, cast("ParallelApp", self.app).settings.keys)[:1]
        sign = self.app.get_key_display(Binding(key[0], "")) if key else ""
        text = ngettext("{count} waits", "{count} wait", self._waiting).format(count=self._waiting)
        return f" {sign} {text} "
