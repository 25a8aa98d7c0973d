"""A lane: one column of a board as a scrolling stack of cards, drawn by line. Knows rows and marks, no app state.

It scrolls by itself instead of by Textual's virtual size, whose every change lays the whole screen out anew
(30 ms). Whatever differs, it composes the lines of its viewport and repaints those that are no longer the same.

`Stack` knows where the rows lie, `LanePainter` paints them, `lane_look` has the words in which a lane is told what to
show; here they are one widget.
"""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from core.settings import Density
from storage import Status, Task, TaskId
from tui.board.view import Row
from tui.widgets.card import Face, Ground, Part
from tui.widgets.lane_look import HEADER_LINES as HEADER_LINES
from tui.widgets.lane_look import Ghost as Ghost
from tui.widgets.lane_look import Head as Head
from tui.widgets.lane_look import Hit as Hit
from tui.widgets.lane_look import Look as Look
from tui.widgets.lane_painter import LanePainter, Line
from tui.widgets.stack import Stack


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
        self.stack = Stack(self)
        self._painter = LanePainter(self, face)
        self._head = Head()
        self._look = Look()
        self._notice: tuple[str, ...] = ()
        self._lines: list[Line] = []
        self._measured_width = 0

    # what it shows

    @property
    def rows(self) -> Sequence[Row]:
        """The rows as they were given last."""
        return self.stack.rows

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
        stack = self.stack
        is_same = (
            rows is None
            and (look is None or look == self._look)
            and (head is None or head == self._head)
            and (notice is None or notice == self._notice)
            and (density is None or density is stack.density)
        )
        if is_same:
            return
        anchor = stack.anchor(self._look.cursor)
        lays_out = False
        if density is not None and density is not stack.density:
            self._painter.forget_cards()
            stack.measure_anew(density)
            lays_out = True
        if rows is not None:
            stack.put(rows)
            lays_out = True
        if look is not None and look != self._look:
            lays_out = lays_out or look.ghost != self._look.ghost
            self._look = look
            stack.ghost = look.ghost
        if head is not None:
            self._head = head
        if notice is not None:
            self._notice = notice
        if lays_out:
            stack.lay_out()
            stack.keep(anchor)
        self._compose_lines()

    def refresh_faces(self) -> None:
        """Ask for the words of the visible cards again: time has passed, or somebody has another name."""
        self._compose_lines()

    def leave_room(self, after: int | None) -> int:
        """Keep one empty line below the row `after` (-1: at the top), for an input; None takes it away again.

        Returns the line of the lane on which it lies.
        """
        line = self.stack.leave_room(after)
        self._compose_lines()
        return line + HEADER_LINES

    def hit(self, y: int) -> Hit:
        """What lies on line `y` of the widget."""
        return Hit(None, 0, in_header=True) if y < HEADER_LINES else self.stack.hit(y - HEADER_LINES)

    # scrolling

    def scroll_lines(self, lines: int) -> bool:
        """Scroll by so many lines; whether that moved anything."""
        return self._moved(self.stack.scroll(lines))

    @property
    def offset_lines(self) -> int:
        """How far it is scrolled."""
        return self.stack.offset

    def scroll_to_line(self, offset: int) -> None:
        """Scroll so that line `offset` is the first."""
        self.scroll_lines(offset - self.stack.offset)

    def reveal(self, task: TaskId) -> bool:
        """Scroll as little as needed to show a card whole, with a little of its neighbours; whether it moved."""
        return self._moved(self.stack.reveal(task))

    def reveal_ghost(self) -> bool:
        """Scroll as little as needed to show where carried cards would land."""
        return self._moved(self.stack.reveal_ghost())

    def _moved(self, has_moved: bool) -> bool:
        if has_moved:
            self._compose_lines()
        return has_moved

    def on_resize(self) -> None:
        if self.card_width == self._measured_width:  # as when a filter is opened below it
            self.stack.clamp()
        else:
            self._measured_width = self.card_width
            self._painter.forget_cards()
            self.stack.measure_anew()
            anchor = self.stack.anchor(self._look.cursor)
            self.stack.lay_out()
            self.stack.keep(anchor)
        self._lines = []
        self._compose_lines()

    # drawing

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painter.forget_styles()
        # Drawn later: Textual tells of a new style before it has set those of the parts.
        self._lines = []
        self.refresh()

    def render_line(self, y: int) -> Strip:
        if not self._lines:
            self._lines = self._picture()
        return self._painter.with_scrollbar(self._lines[y]) if y < len(self._lines) else self._painter.blank()

    def _picture(self) -> list[Line]:
        return self._painter.picture(self.stack, self.status, self._head, self._look, self._notice)

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
