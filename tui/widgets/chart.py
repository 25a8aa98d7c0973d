"""Charts by line: one series with its scale and times, or the cumulative flow of a board as stacked bands."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual.events import Click, Resize
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from core.metrics.cumulative import FlowPoint
from core.metrics.series import Unit
from core.metrics.units import with_unit
from storage import COLUMNS, Status
from tui import cells
from tui.measured import Picture, Row
from tui.translation import _
from tui.widgets.sparkline import chart, fitted
from tui.wording import status_name

SCALE: Final = 10
"""Cells at the left for the scale."""

BANDS: Final = (Status.DONE, Status.REVIEW, Status.BLOCKED, Status.IN_PROGRESS, Status.TODO, Status.BACKLOG)
"""From the ground up: work flows down to done."""
GLYPHS: Final = {
    Status.DONE: "█", Status.REVIEW: "▚", Status.BLOCKED: "╳", Status.IN_PROGRESS: "▓", Status.TODO: "▒",
    Status.BACKLOG: "░",
}  # fmt: skip
"""Each band is told by its glyph too, where there are no colours."""

Piece = tuple[str, str]
"""A text and its part of the chart's look."""


class Chart(Widget):
    """One row of a picture, large; or its flow. Drawn by line; `Pointed` says at which cell the person has clicked."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "chart--title", "chart--dim", "chart--bar", "chart--peak", "chart--cursor",
        *(f"chart--{status}" for status in BANDS),
    }  # fmt: skip
    DEFAULT_CSS = """
    Chart {
        background: $surface;
        .chart--title { color: $foreground; text-style: bold; }
        .chart--dim { color: $foreground 60%; }
        .chart--bar { color: $primary; }
        .chart--peak { color: $foreground 40%; }
        .chart--cursor { color: $text-accent; text-style: bold; }
        .chart--done { color: $success; }
        .chart--review { color: $secondary; }
        .chart--blocked { color: $error; }
        .chart--in_progress { color: $primary; }
        .chart--todo { color: $accent; }
        .chart--backlog { color: $foreground 60%; }
    }
    """

    @dataclass
    class Pointed(Message):
        """The person has clicked at a cell of time."""

        cell: int

    @dataclass
    class Widened(Message):
        """There is room for another number of cells now."""

        cells: int

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._picture: Picture | None = None
        self._row: Row | None = None
        self._cursor: int | None = None
        self._now: float | None = None
        self._lines: list[list[Piece]] = []
        self._styles: dict[str, Style] = {}

    @property
    def room(self) -> int:
        """How many cells of time there is room for."""
        return max(1, self.size.width - SCALE - 2)

    def show(self, picture: Picture, row: Row | None, cursor: int | None, now: float | None = None) -> None:
        """Draw a row of a picture (its flow, without one), with a mark at a cell, or with the value of now.

        Draws nothing that is the same.
        """
        if picture is not self._picture or (row, cursor, now) != (self._row, self._cursor, self._now):
            self._picture, self._row, self._cursor, self._now = picture, row, cursor, now
            self._make()

    def on_resize(self, _event: Resize) -> None:
        self._make()
        self.post_message(self.Widened(self.room))

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles.clear()
        self.refresh()

    def on_click(self, event: Click) -> None:
        picture = self._picture
        if picture is None or not picture.count:
            return
        cell = (event.x - self._left(picture)) // self._wide(picture)
        if 0 <= cell < picture.count:
            self.post_message(self.Pointed(cell))

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        segments = [Segment(text, self._look(part)) for text, part in self._lines[y]]
        return Strip(segments).adjust_cell_length(width, self.rich_style)

    def _look(self, part: str) -> Style:
        if part not in self._styles:
            styles = self.get_component_styles(f"chart--{part}")
            background = self.background_colors[1]
            colour = (background + styles.color).rich_color
            self._styles[part] = Style.from_color(colour, background.rich_color) + styles.text_style
        return self._styles[part]

    def _wide(self, picture: Picture) -> int:
        """How many cells of the terminal one cell of time takes: more than one, where there is room."""
        return max(1, self.room // max(1, picture.count))

    def _left(self, picture: Picture) -> int:
        """Where time begins; what is left over stays blank at the left, so that now is at the right."""
        return SCALE + 1 + self.room - self._wide(picture) * picture.count

    def _make(self) -> None:
        """Make the lines, as many as there is room for."""
        picture, height = self._picture, self.size.height
        self._lines = []
        if picture is not None and height >= 3 and self.size.width > SCALE + 8:
            titles = self._flow_titles(picture) if picture.flow else [self._title(picture)]
            room = max(1, height - 1 - len(titles))
            body = self._flow_body(picture, room) if picture.flow else self._body(picture, room)
            self._lines = [*titles, *body, self._axis(picture)]
        self.refresh()

    # one series

    def _title(self, picture: Picture) -> list[Piece]:
        row = self._row
        if row is None:
            return []
        if self._cursor is None:
            return [(f" {row.title}  ", "title"), (with_unit(self._now, row.unit), "cursor"), (f"  {_('now')}", "dim")]
        point = row.at(self._cursor)
        told = "-" if point is None else with_unit(point.mean, row.unit)
        if point is not None and point.low != point.high:
            told = _("{mean}  ({low} to {high})").format(
                mean=told, low=with_unit(point.low, row.unit), high=with_unit(point.high, row.unit)
            )
        when = moment(picture.time_of(self._cursor), picture.step)
        return [(f" {row.title}  ", "title"), (told, "cursor"), (f"  {when}", "dim")]

    def _body(self, picture: Picture, height: int) -> list[list[Piece]]:
        row = self._row
        if row is None:
            return []
        wide = self._wide(picture)
        means = [value for value in row.means for _ in range(wide)]
        highs = [None if each is None else each.high for each in row.cells for _ in range(wide)]
        bars = chart(fitted(means, self.room), self.room, height, high=row.high)
        peaks = chart(fitted(highs, self.room), self.room, height, high=row.high)
        lines: list[list[Piece]] = []
        for place, (bar, peak) in enumerate(zip(bars, peaks, strict=True)):
            scale = self._scale_at(place, height, row.high, row.unit)
            lines.append([(scale, "dim"), *self._marked(picture, bar, peak)])
        return lines

    def _marked(self, picture: Picture, bar: str, peak: str) -> list[Piece]:
        """One line of bars: above the mean a dot where the greatest value reaches, and the cursor's cells."""
        first, after = self._cursor_place(picture)
        pieces: list[Piece] = []
        text, part = "", ""
        for place, (own, above) in enumerate(zip(bar, peak, strict=True)):
            glyph, look = (own, "bar") if own != " " else ("·", "peak") if above != " " else (" ", "bar")
            if first <= place < after:
                glyph, look = (glyph if own != " " else "│"), "cursor"
            if look != part and text:
                pieces.append((text, part))
                text = ""
            text, part = text + glyph, look
        return [*pieces, (text, part)] if text else pieces

    def _cursor_place(self, picture: Picture) -> tuple[int, int]:
        """From which to before which cell of the terminal, counted from the scale, the cursor stands."""
        if self._cursor is None:
            return -1, -1
        wide = self._wide(picture)
        first = self._left(picture) - SCALE - 1 + self._cursor * wide
        return first, first + wide

    def _scale_at(self, place: int, height: int, high: float, unit: Unit) -> str:
        if place == 0:
            text = with_unit(high, unit)
        elif place == height - 1:
            text = with_unit(0, unit) if height > 1 else ""
        elif height >= 5 and place == height // 2:
            text = with_unit(high * (height - place) / height, unit)
        else:
            text = ""
        return f"{text:>{SCALE}} "

    def _axis(self, picture: Picture) -> list[Piece]:
        """The times: where it begins, the middle where there is room, and now; the cursor's in its place."""
        room, left = self.room, self._left(picture) - SCALE - 1
        line = [" "] * room
        for cell, align in ((0, 0), (picture.count // 2, 1), (picture.count - 1, 2)):
            text = moment(picture.time_of(cell), picture.step)
            place = left + cell * self._wide(picture) - (0, len(text) // 2, len(text))[align]
            place = max(0, min(place + (align == 2) * self._wide(picture), room - len(text)))
            if all(each == " " for each in line[max(0, place - 1) : place + len(text) + 1]):
                line[place : place + len(text)] = text
        return [(" " * (SCALE + 1) + "".join(line), "dim")]

    # the flow

    def _flow_titles(self, picture: Picture) -> list[list[Piece]]:
        """The legend, which tells the counts at the cursor; in as many lines as it takes."""
        cell = picture.count - 1 if self._cursor is None else self._cursor
        point = picture.flow[min(cell, len(picture.flow) - 1)]
        when = _("now") if self._cursor is None else moment(picture.time_of(cell), picture.step)
        lines: list[list[Piece]] = [[(f" {when}  ", "cursor")]]
        indent = used = cells.width(when) + 3
        for status in reversed(BANDS):
            told = f"{status_name(status)} {point.count(status):,}  "
            if used + 2 + cells.width(told.rstrip()) > self.size.width and used > indent:
                lines.append([(" " * indent, "title")])
                used = indent
            lines[-1] += [(f"{GLYPHS[status]} ", status), (told, "title")]
            used += 2 + cells.width(told)
        return lines

    def _flow_body(self, picture: Picture, height: int) -> list[list[Piece]]:
        before = min(point.done for point in picture.flow)
        top = max(1, max(sum(point.count(status) for status in COLUMNS) - before for point in picture.flow))
        wide = self._wide(picture)
        first, after = self._cursor_place(picture)
        lead = self._left(picture) - SCALE - 1
        lines: list[list[Piece]] = []
        stacks = [_stack(point, before) for point in picture.flow]
        for place in range(height):
            level = top * (height - place - 0.5) / height
            label = f"{top + before:,}" if place == 0 else f"{before:,}" if place == height - 1 else ""
            pieces: list[Piece] = [(f"{label:>{SCALE}} " + " " * lead, "dim")]
            for cell, stack in enumerate(stacks):
                band = next((status for status, upto in stack if level < upto), None)
                own = lead + cell * wide
                is_marked = first <= own < after
                glyph = "│" if band is None and is_marked else " " if band is None else GLYPHS[band]
                look = "cursor" if is_marked else "dim" if band is None else str(band)
                text, part = pieces[-1]
                if part == look and len(pieces) > 1:
                    pieces[-1] = (text + glyph * wide, part)
                else:
                    pieces.append((glyph * wide, look))
            lines.append(pieces)
        return lines


def _stack(point: FlowPoint, before: int) -> Sequence[tuple[Status, float]]:
    """The bands of a moment from the ground up, each with its upper edge; what was done before all is below ground."""
    upto, stack = -float(before), []
    for status in BANDS:
        upto += point.count(status)
        stack.append((status, upto))
    return stack


def moment(at: int, step: int) -> str:
    """A time on the axis, as fine as it needs to be: with the date where a cell is an hour or the day is another."""
    there = time.localtime(at)
    is_today = time.localtime()[:3] == there[:3]
    if step < 60:
        return time.strftime("%H:%M:%S", there)
    return time.strftime("%H:%M" if is_today and step < 3600 else "%m-%d %H:%M", there)
