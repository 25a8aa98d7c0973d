"""The deck: the six lanes side by side, as many as are legible, and the mouse on them."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final

from textual.app import ComposeResult
from textual.events import MouseDown, MouseMove, MouseScrollDown, MouseScrollUp, MouseUp, Resize
from textual.geometry import Offset
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget

from storage import COLUMNS, Status, Task, TaskId
from tui.widgets.card import Face
from tui.widgets.lane import HEADER_LINES, Hit, Lane

LEGIBLE_LANE: Final = 24
"""The cells below which a lane no longer shows a title that can be read; then fewer lanes are shown."""

WHEEL_LINES: Final = 3
DOUBLE_CLICK_S: Final = 0.5
SCROLL_EVERY_S: Final = 0.06
"""How often a lane scrolls by a line while a card is held at its edge."""
TURN_AFTER_S: Final = 0.5
"""How long a card is held at the side of the board before the next column comes into view."""


class Deck(Widget):
    """The lanes of all columns. Its messages say what the mouse wants."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "Deck { layout: horizontal; height: 1fr; width: 1fr; }"

    @dataclass
    class Pressed(Message):
        """A card, or the empty part of a lane, was pressed."""

        status: Status
        task: TaskId | None
        extends: bool

    @dataclass
    class Opened(Message):
        """A card was pressed twice."""

        task: TaskId

    @dataclass
    class Carried(Message):
        """The pressed card `task` is held over a slot of a lane (see `Hit`)."""

        task: TaskId
        status: Status
        hit: Hit

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, Deck.Carried)

    class Released(Message):
        """The carried card was let go."""

    @dataclass
    class Wheeled(Message):
        """The wheel turned over a lane."""

        status: Status
        lines: int

    @dataclass
    class Turned(Message):
        """Other columns are in view now."""

    def __init__(self, face: Callable[[Task], Face], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.lanes: dict[Status, Lane] = {
            status: Lane(status, face=face, id=f"lane-{status.replace('_', '-')}") for status in COLUMNS
        }
        self._first = 0
        self._count = len(COLUMNS)
        self._press: tuple[TaskId, Offset] | None = None
        self._is_carrying = False
        self._pointer = Offset()
        self._last_press: tuple[TaskId, float] | None = None
        self._edge_timer: Timer | None = None
        self._at_side_since: float | None = None

    def compose(self) -> ComposeResult:
        self._fit(self.app.size.width)
        yield from self.lanes.values()

    @property
    def in_view(self) -> tuple[Status, ...]:
        """The columns in view."""
        return COLUMNS[self._first : self._first + self._count]

    def bring_into_view(self, status: Status) -> None:
        """Turn to other columns as little as needed to show `status`."""
        index = COLUMNS.index(status)
        first = min(max(self._first, index - self._count + 1), index)
        if first != self._first:
            self._first = first
            self._display()
            self.post_message(self.Turned())

    def on_resize(self, event: Resize) -> None:
        before = self._count, self._first
        self._fit(event.size.width)
        if (self._count, self._first) != before:
            self.post_message(self.Turned())

    def _fit(self, width: int) -> None:
        self._count = min(len(COLUMNS), max(1, width // LEGIBLE_LANE))
        self._first = min(self._first, len(COLUMNS) - self._count)
        self._display()

    def _display(self) -> None:
        for index, lane in enumerate(self.lanes.values()):
            lane.display = self._first <= index < self._first + self._count

    # the mouse

    @property
    def is_carrying(self) -> bool:
        """Whether the mouse holds a card."""
        return self._is_carrying

    def lane_at(self, point: Offset) -> Lane | None:
        """The lane over which a point of the screen lies."""
        return next((self.lanes[each] for each in self.in_view if self.lanes[each].region.contains_point(point)), None)

    def on_mouse_down(self, event: MouseDown) -> None:
        lane = self.lane_at(event.screen_offset)
        if lane is None or event.button != 1:
            return
        event.stop()
        hit = lane.hit(event.screen_y - lane.region.y)
        now = monotonic()
        was = self._last_press
        self._last_press = (hit.task, now) if hit.task else None
        if was is not None and was[0] == hit.task and now - was[1] <= DOUBLE_CLICK_S:
            self._last_press = None
            self.post_message(self.Opened(was[0]))
            return
        self.post_message(self.Pressed(lane.status, hit.task, event.shift or event.ctrl))
        if hit.task is not None:
            self._press = hit.task, event.screen_offset
            self.capture_mouse()

    def on_mouse_move(self, event: MouseMove) -> None:
        if self._press is None:
            return
        event.stop()
        task, start = self._press
        self._pointer = event.screen_offset
        if not self._is_carrying:
            if event.screen_offset == start:
                return
            self._is_carrying = True
            self._edge_timer = self.set_interval(SCROLL_EVERY_S, self._scroll_at_edges)
        self._carry_to(task, event.screen_offset)

    def _carry_to(self, task: TaskId, point: Offset) -> None:
        """Held beside or below the lanes, the card is over the nearest one."""
        point = self._inside(point)
        lane = self.lane_at(point)
        if lane is not None:
            self.post_message(self.Carried(task, lane.status, lane.hit(point.y - lane.region.y)))

    def _inside(self, point: Offset) -> Offset:
        lanes = self.content_region
        return Offset(
            min(max(point.x, lanes.x), lanes.right - 1), min(max(point.y, lanes.y), lanes.bottom - 1)
        )  # fmt: skip

    def on_mouse_up(self, event: MouseUp) -> None:
        if self._press is None:
            return
        event.stop()
        was_carrying = self._is_carrying
        self.let_go()
        if was_carrying:
            self.post_message(self.Released())

    def let_go(self) -> None:
        """Carry no more."""
        self._press = None
        self._is_carrying = False
        self._at_side_since = None
        if self._edge_timer is not None:
            self._edge_timer.stop()
            self._edge_timer = None
        self.release_mouse()

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        self._wheel(event, WHEEL_LINES)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        self._wheel(event, -WHEEL_LINES)

    def _wheel(self, event: MouseScrollDown | MouseScrollUp, lines: int) -> None:
        lane = self.lane_at(event.screen_offset)
        if lane is not None:
            event.stop()
            self.post_message(self.Wheeled(lane.status, lines))

    def _scroll_at_edges(self) -> None:
        if self._press is None:
            return
        lane = self.lane_at(self._inside(self._pointer))
        below = self._pointer.y >= self.region.bottom - 1
        above = lane is not None and self._pointer.y <= lane.region.y + HEADER_LINES
        if lane is not None and (above or below) and lane.scroll_lines(1 if below else -1):
            self._carry_to(self._press[0], self._pointer)
        self._turn_at_sides()

    def _turn_at_sides(self) -> None:
        right = self._pointer.x >= self.region.right - 1 and self._first + self._count < len(COLUMNS)
        left = self._pointer.x <= self.region.x and self._first > 0
        if not (left or right):
            self._at_side_since = None
            return
        now = monotonic()
        if self._at_side_since is None:
            self._at_side_since = now
        elif now - self._at_side_since >= TURN_AFTER_S:
            self._at_side_since = now
            index = self._first + self._count if right else self._first - 1
            self.bring_into_view(COLUMNS[index])
            if self._press is not None:
                self.call_after_refresh(self._carry_to, self._press[0], self._pointer)
