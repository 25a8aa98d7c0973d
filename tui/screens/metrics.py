"""The metrics: what the machine, the processes and the board used and did, as sparklines over a minute to a month."""

import asyncio
import time
from datetime import UTC, datetime
from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.widgets import Static

from core.metrics.series import Span
from core.metrics.units import with_unit
from storage import MetricsReader, Process, Subject
from tui import cells
from tui.actions import Action, bindings_of
from tui.measured import COMPARED, FRESH_S, Picture, Row, View, fitting_span, take_picture, title_of
from tui.screens.place import Place
from tui.translation import _
from tui.widgets.chart import SCALE, Chart, moment
from tui.widgets.footer import KeysFooter
from tui.widgets.line_list import LineList, Piece
from tui.widgets.spark_list import SparkList, Tabs, mark_place, widened
from tui.widgets.sparkline import fitted, sparkline
from tui.wording import age

LOOK_S: Final = 1.0
SLOWEST_S: Final = 60.0
"""However long a cell is, the newest value is shown anew so often."""

_NAME: Final = 22
_VALUE: Final = 12

METRICS_ACTIONS = (
    Action("metrics.view", "tab", "turn(1)", "View", "Machine, processes, board and queue, cumulative flow.",
           "Metrics", True),
    Action("metrics.view_back", "shift+tab", "turn(-1)", "View before", "Go one view back.", "Metrics"),
    Action("metrics.shorter", "plus,equals_sign", "zoom(-1)", "Shorter", "Show a shorter time, down to a minute.",
           "Metrics", True),
    Action("metrics.longer", "minus", "zoom(1)", "Longer", "Show a longer time, up to 30 days.", "Metrics", True),
    Action("metrics.measure", "m", "measure(1)", "Compare", "Compare the processes by CPU, memory, threads, number.",
           "Metrics", True),
    Action("metrics.sort", "s", "sort", "Sort", "Put the processes that used most first, or sort them by name.",
           "Metrics", True),
    Action("metrics.older", "left,h", "step(-1)", "Earlier", "Read the values of an earlier moment.", "Metrics", True,
           False),
    Action("metrics.newer", "right,l", "step(1)", "Later", "Read the values of a later moment.", "Metrics", True,
           False),
    Action("metrics.much_older", "shift+left,H", "step(-10)", "Much earlier", "Go ten steps back in time.", "Metrics",
           in_palette=False),
    Action("metrics.much_newer", "shift+right,L", "step(10)", "Much later", "Go ten steps on in time.", "Metrics",
           in_palette=False),
    Action("metrics.back", "escape", "back", "Back", "From an earlier moment to now, and to the board.", "Metrics",
           True, False),
)  # fmt: skip


class MetricsScreen(Place):
    """Sparklines of everything that is measured, and the one under the cursor large."""

    ACTIONS = METRICS_ACTIONS
    BINDINGS: ClassVar = bindings_of(METRICS_ACTIONS)
    CSS_PATH = "metrics.tcss"

    def __init__(self) -> None:
        super().__init__()
        self._reader: MetricsReader | None = None
        self._view = View.MACHINE
        self._span = Span.HOUR
        self._has_fitted_span = False
        self._measure = 0
        self._greatest_first = False
        self._picture: Picture | None = None
        self._moment: int | None = None
        """What the cursor of time is at, in seconds since the epoch; None for now."""
        self._read_at = 0.0
        self._now: tuple[int, dict[Subject, dict[str, float]]] = (0, {})
        """The newest second, and what was measured in it."""

    def compose(self) -> ComposeResult:
        yield Tabs(id="heading")
        yield SparkList(self._paint, id="series")
        yield Chart(id="chart")
        yield Static("", id="empty", markup=False)
        yield KeysFooter(id="keys")

    def on_mount(self) -> None:
        self._reader = MetricsReader(self.desk.database.home)
        self.set_interval(LOOK_S, self._look)
        self.query_one(SparkList).focus()

    def on_unmount(self) -> None:
        if self._reader is not None:
            self._reader.close()

    def on_screen_resume(self) -> None:
        self.load()

    def show_view(self, view: View) -> None:
        """Show another view."""
        self._view = view
        self._show_mark()
        self.load()

    # reading

    def _look(self) -> None:
        """Read again where a new cell has begun; nothing while another screen is shown."""
        picture = self._picture
        if self.app.screen is not self or picture is None:
            return
        if time.monotonic() - self._read_at >= min(SLOWEST_S, picture.step):
            self.load()
        elif picture.view is not View.FLOW:
            self.follow()

    @work(group="follow", exclusive=True, exit_on_error=False)
    async def follow(self) -> None:
        """Show the values of now, however long a cell of the picture is."""
        if self._reader is None:
            return
        now = await asyncio.to_thread(self._reader.newest)
        if now != self._now:
            self._now = now
            if self._moment is None:
                self._redraw()

    def _value(self, row: Row, mark: int | None) -> float | None:
        """What a row tells at a cell; without one, now: nothing, where nobody measures any more."""
        point = row.at(mark)
        series, (at, measured) = row.line.series, self._now
        if mark is None and abs(time.time() - at) > FRESH_S:
            return None
        if mark is None and not series.value:
            return measured.get(Subject(series.kind, row.line.subject), {}).get(series.name)
        return None if point is None else point.mean

    @work(group="load", exclusive=True, exit_on_error=False)
    async def load(self) -> None:
        """Read the view and show it."""
        width = self.size.width - SCALE - 2  # not the chart's own, which has none while it is hidden
        if self._reader is None or width < 2:
            return
        self._read_at = time.monotonic()
        processes = sorted(self.state.processes.values(), key=lambda each: each.name)
        reading = asyncio.to_thread(
            self._take, self._reader, self._view, self._span, width, tuple(processes), self._measure,
            self._greatest_first,
        )  # fmt: skip
        picture = await self.parallel.attempt(reading)
        if picture is not None and not self._has_fitted_span:  # in a young home an hour would be one narrow column
            fitting = fitting_span(picture)  # the finer, the shorter; so it is looked at again
            self._has_fitted_span = fitting is self._span
            if not self._has_fitted_span:
                self._span = fitting
                self.load()
                return
        if picture is not None:
            self._keep_cursor(self._picture, picture)
            self._picture = picture
            self._now = await asyncio.to_thread(self._reader.newest)
            self._show()

    def _take(
        self, reader: MetricsReader, view: View, span: Span, width: int, processes: tuple[Process, ...], measure: int,
        greatest_first: bool,
    ) -> Picture:  # fmt: skip
        database = self.desk.database
        try:
            return take_picture(
                database, reader, self.desk.room.id, view, span, width,
                compared=COMPARED[measure], processes=processes, greatest_first=greatest_first,
            )  # fmt: skip
        finally:
            if view is View.FLOW:
                database.close_thread()

    def _keep_cursor(self, before: Picture | None, after: Picture) -> None:
        """Leave the cursor on its line, wherever that stands now."""
        lines = self.query_one(SparkList)
        if before is not None and lines.cursor < len(before.rows):
            line = before.rows[lines.cursor].line
            place = next((place for place, row in enumerate(after.rows) if row.line == line), None)
            if place is not None and place != lines.cursor:
                self._picture = after
                lines.show(len(after.rows), cursor=place)

    # showing

    def _show(self) -> None:
        picture = self._picture
        assert picture is not None
        lines = self.query_one(SparkList)
        nothing = self._nothing(picture)
        self.set_class(bool(nothing), "-empty")
        self.set_class(picture.view is View.FLOW, "-flow")
        self.query_one("#empty", Static).update(nothing)
        lines.styles.height = min(len(picture.rows), max(3, (self.size.height - 2) * 3 // 5))  # the chart has the rest
        if lines.count != len(picture.rows):
            lines.show(len(picture.rows))
        else:
            lines.refresh_changed()
        self._show_mark()

    def _show_mark(self) -> None:
        """Show the chart and the heading anew: the cursor of time or the row may be another."""
        picture = self._picture
        if picture is None:
            return
        row = self.query_one(SparkList).cursor
        mark = picture.cell_of(self._moment)
        chosen = picture.rows[row] if row < len(picture.rows) else None
        now = None if chosen is None or mark is not None else self._value(chosen, None)
        self.query_one(Chart).show(picture, chosen, mark, now)
        self.query_one(Tabs).tell(self._view, self._summary(picture, mark))

    def _summary(self, picture: Picture, mark: int | None) -> str:
        parts = [_("last {span}").format(span=self._span)]
        if self._view is View.PROCESSES:
            parts.append(title_of(COMPARED[self._measure]))
        if mark is not None:
            parts.append(moment(picture.time_of(mark), picture.step))
        elif picture.measured_at and time.time() - picture.measured_at > FRESH_S:
            measured = datetime.fromtimestamp(picture.measured_at, UTC)
            parts.append(_("measured {age} ago").format(age=age(measured)))
        return "  ".join(parts)

    def _nothing(self, picture: Picture) -> str:
        """What to say where there is nothing to see; empty where there is something."""
        if picture.view is View.FLOW:
            return ""
        if not picture.measured_at:
            return _(
                "Nothing has been measured yet. The first values come within two seconds of the services' start; they "
                "run as long as this app or `wzp serve` does."
            )
        if picture.view is View.PROCESSES and not picture.rows:
            return _("No process runs. Press 5 and start one, or declare some in room.yaml.")
        return ""

    def _paint(self, index: int) -> list[Piece]:
        picture = self._picture
        if picture is None or index >= len(picture.rows):
            return []
        row = picture.rows[index]
        width = self.query_one(SparkList).size.width
        spark = self._spark_room(width)
        mark = picture.cell_of(self._moment)
        value = with_unit(self._value(row, mark), row.unit)
        means = widened(row.means, spark)
        drawn = sparkline(means, spark, high=row.high, ascii=self._is_plain)
        pieces: list[Piece] = [(f" {cells.fit(row.title, _NAME)} ", "plain")]
        if mark is None:
            pieces.append((drawn, "accent"))
        else:
            first, after = mark_place(mark, picture.count, len(fitted(means, spark)), spark)
            marked = "".join(each if each != " " else "│" for each in drawn[first:after])
            pieces += [(drawn[:first], "accent"), (marked, "warning"), (drawn[after:], "accent")]
        pieces.append((f" {value:>{_VALUE}}", "strong"))
        pieces.append((f"  {_('of')} {with_unit(row.high, row.unit)}", "dim"))
        return pieces

    @staticmethod
    def _spark_room(width: int) -> int:
        return max(8, width - _NAME - 2 - _VALUE - 1 - 15)

    @property
    def _is_plain(self) -> bool:
        """Whether the terminal cannot show blocks."""
        return not self.app.console.encoding.lower().startswith("utf")

    # what the person does

    @on(LineList.Moved)
    def _moved(self) -> None:
        self._show_mark()

    @on(SparkList.Pointed)
    def _pointed_at_row(self, event: SparkList.Pointed) -> None:
        picture = self._picture
        spark = self._spark_room(self.query_one(SparkList).size.width)
        place = event.x - _NAME - 2
        if picture is not None and 0 <= place < spark:
            wide = len(widened([None] * picture.count, spark))
            self._mark(max(0, place - max(0, spark - wide)) * picture.count // max(1, min(wide, spark)))

    @on(Chart.Pointed)
    def _pointed(self, event: Chart.Pointed) -> None:
        self._mark(event.cell)

    @on(Chart.Widened)
    def _resized(self) -> None:
        self.load()

    @on(Tabs.Chosen)
    def _chosen(self, event: Tabs.Chosen) -> None:
        self.show_view(event.view)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        return action not in ("measure", "sort") or self._view is View.PROCESSES

    def action_turn(self, by: int) -> None:
        """Show the next view."""
        views = list(View)
        self.show_view(views[(views.index(self._view) + by) % len(views)])
        self.refresh_bindings()

    def action_zoom(self, by: int) -> None:
        """Show a longer or a shorter time."""
        spans = list(Span)
        self._has_fitted_span = True
        self._span = spans[max(0, min(spans.index(self._span) + by, len(spans) - 1))]
        self.load()

    def action_measure(self, by: int) -> None:
        """Compare the processes by something else."""
        self._measure = (self._measure + by) % len(COMPARED)
        self.load()

    def action_sort(self) -> None:
        """Sort the processes the other way."""
        self._greatest_first = not self._greatest_first
        self.load()

    def action_step(self, by: int) -> None:
        """Move the cursor of time."""
        picture = self._picture
        if picture is None or not picture.count:
            return
        mark = picture.cell_of(self._moment)
        if mark is None:
            if by > 0:
                return
            mark = picture.count
        if mark + by >= picture.count:
            self._moment = None
            self._redraw()
        else:
            self._mark(max(0, mark + by))

    def _mark(self, cell: int) -> None:
        if self._picture is not None:
            self._moment = self._picture.time_of(min(cell, self._picture.count - 1))
            self._redraw()

    def _redraw(self) -> None:
        self.query_one(SparkList).refresh_changed()
        self._show_mark()

    async def action_back(self) -> None:
        """From an earlier moment to now; from there to the board."""
        if self._moment is not None:
            self._moment = None
            self._redraw()
        else:
            await self.parallel.action_go("board")
