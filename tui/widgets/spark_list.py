"""What the metrics screen is made of: rows with sparklines that can be pointed at, and tabs in its heading."""

from dataclasses import dataclass

from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widgets import Static

from tui import cells
from tui.measured import VIEW_NAMES, View
from tui.translation import _
from tui.widgets.line_list import LineList


class SparkList(LineList):
    """The rows, each with its sparkline. `Pointed` says where on a row the person has clicked."""

    @dataclass
    class Pointed(Message):
        """The person has clicked so many cells from the left."""

        x: int

    def on_click(self, event: Click) -> None:
        super().on_click(event)
        self.post_message(self.Pointed(event.x))


class Tabs(Static):
    """The heading: the views, the one that is shown marked, and the range. A click shows another."""

    @dataclass
    class Chosen(Message):
        """The person wants another view."""

        view: View

    def __init__(self, *, id: str) -> None:
        super().__init__("", id=id, markup=False)
        self._places: list[tuple[int, View]] = []

    def tell(self, shown: View, rest: str) -> None:
        """Say which view is shown, and what else there is to say."""
        parts: list[Content] = []
        self._places, end = [], 0
        for view, name in VIEW_NAMES.items():
            text = f" {_(name)} "
            parts.append(Content.styled(text, "reverse" if view is shown else "dim"))
            end += cells.width(text)
            self._places.append((end, view))
        self.update(Content.assemble(*parts, f"  {rest}"))

    def on_click(self, event: Click) -> None:
        x = event.get_content_offset(self)
        view = next((view for end, view in self._places if x is not None and x.x < end), None)
        if view is not None:
            self.post_message(self.Chosen(view))


def widened(values: list[float | None], width: int) -> list[float | None]:
    """Values as they fill a width: each several times, where there is room for it."""
    wide = max(1, width // max(1, len(values)))
    return [value for value in values for _ in range(wide)]


def mark_place(mark: int, count: int, shown: int, width: int) -> tuple[int, int]:
    """From which to before which cell of a sparkline a cell of time stands."""
    wide = width // count
    if wide >= 1:
        first = shown - wide * count + mark * wide
        return first, first + wide
    first = mark * width // count
    return first, first + 1
