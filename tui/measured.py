"""What the metrics screen shows: which lines each of its views has, and their points over a range, cell by cell.

Read in a thread; what is read is immutable, and knows nothing of widgets.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from core.metrics.cumulative import FlowPoint, cumulative_flow
from core.metrics.reading import Line, read_lines, subjects_of
from core.metrics.series import BY_NAME, CORE, OPEN, Kind, Series, Span, Unit, find_series
from core.text import for_screen
from storage import (
    COLUMNS,
    Database,
    MetricsReader,
    Point,
    Process,
    ProcessState,
    RoomId,
    Subject,
    span_seconds,
    utc_now,
)
from tui.translation import _, mark
from tui.wording import status_name

FRESH_S: Final = 10
"""What was measured longer ago tells nothing of now."""


class View(StrEnum):
    """What the screen shows."""

    MACHINE = "machine"
    PROCESSES = "processes"
    BOARD = "board"
    FLOW = "flow"


VIEW_NAMES: Final[Mapping[View, str]] = {
    View.MACHINE: mark("Machine"),
    View.PROCESSES: mark("Processes"),
    View.BOARD: mark("Board and queue"),
    View.FLOW: mark("Cumulative flow"),
}

COMPARED: Final = tuple(BY_NAME[f"process.{name}"] for name in ("cpu", "memory", "threads", "processes"))
"""The series in which processes are compared, one after the other."""

_TITLES: Final[Mapping[str, str]] = {
    "cpu.percent": mark("CPU"),
    "load.one": mark("Load, 1 min"),
    "load.five": mark("Load, 5 min"),
    "load.fifteen": mark("Load, 15 min"),
    "memory.used": mark("Memory"),
    "memory.swap_used": mark("Swap"),
    "disk.used": mark("Disk"),
    "io.read": mark("Disks read"),
    "io.written": mark("Disks written"),
    "network.received": mark("Network in"),
    "network.sent": mark("Network out"),
    "process.cpu": mark("CPU"),
    "process.memory": mark("Memory"),
    "process.threads": mark("Threads"),
    "process.processes": mark("Processes"),
    "board.throughput": mark("Tasks done"),
    "board.cycle_time": mark("Cycle time"),
    "board.lead_time": mark("Lead time"),
    "queue.queued": mark("Queue"),
    "queue.running": mark("Runs running"),
    "queue.oldest": mark("First in the queue"),
    "queue.throughput": mark("Runs ended"),
    "queue.failures": mark("Runs failed"),
    "queue.wait_time": mark("Wait of a run"),
    "queue.run_time": mark("Length of a run"),
}

_TOTALS: Final = {"memory.used": "memory.total", "memory.swap_used": "memory.swap_total", "disk.used": "disk.total"}
"""Series that fill up something: its size is their scale."""


_DOWN: Final = frozenset({ProcessState.STOPPED, ProcessState.EXITED, ProcessState.FAILED})
"""Processes that are compared only where they ran within the range."""


def title_of(series: Series) -> str:
    """What a series is called on the screen."""
    if series.kind is Kind.CPU and series.name.startswith(CORE):
        return _("Core {number}").format(number=series.name.removeprefix(CORE))
    for prefix, text in (("oldest_", _("Oldest in {column}")), ("time_in_", _("Time in {column}"))):
        if series.kind is Kind.BOARD and series.name.startswith(prefix):
            return text.format(column=status_name(series.name.removeprefix(prefix)))
    if series.kind is Kind.BOARD and series.name in COLUMNS:
        return status_name(series.name)
    return _(_TITLES[series.full_name])


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the screen: a series of one subject, a point or None for each cell of time; `high` is its scale."""

    line: Line
    title: str
    unit: Unit
    high: float
    cells: tuple[Point | None, ...]

    @property
    def means(self) -> list[float | None]:
        """The mean of each cell."""
        return [None if cell is None else cell.mean for cell in self.cells]

    def at(self, cell: int | None) -> Point | None:
        """The point of a cell; the newest, if none is named."""
        if cell is not None:
            return self.cells[cell] if 0 <= cell < len(self.cells) else None
        return next((each for each in reversed(self.cells) if each is not None), None)


@dataclass(frozen=True, slots=True)
class Picture:
    """What one view shows of one range: `count` cells of `step` seconds from `start`."""

    view: View
    span: Span
    start: int
    step: int
    count: int
    rows: tuple[Row, ...] = ()
    flow: tuple[FlowPoint, ...] = ()
    measured_at: int = 0
    """The newest second that was measured; 0 if nothing ever was."""

    @property
    def end(self) -> int:
        """The moment after the last cell."""
        return self.start + self.step * self.count

    def cell_of(self, at: int | None) -> int | None:
        """The cell in which a moment lies; None if it is not on the picture."""
        if at is None or not self.count:
            return None
        cell = (at - self.start) // self.step
        return cell if 0 <= cell < self.count else None

    def time_of(self, cell: int) -> int:
        """When a cell begins."""
        return self.start + cell * self.step


def fitting_span(picture: Picture) -> Span:
    """The shortest span that holds all that was measured within a picture; its own, where nothing was."""
    measured = (index for row in picture.rows for index, cell in enumerate(row.cells) if cell is not None)
    seconds = picture.end - picture.time_of(min(measured, default=0))
    return next((span for span in Span if picture.span.seconds >= span.seconds >= seconds), picture.span)


def take_picture(
    database: Database, reader: MetricsReader, room: RoomId, view: View, span: Span, width: int, *,
    compared: Series = COMPARED[0], processes: Iterable[Process] = (), greatest_first: bool = False,
) -> Picture:  # fmt: skip
    """Read one view over the last `span`, in at most `width` cells."""
    now = int(time.time()) + 1
    if view is View.FLOW:
        step = -(-span.seconds // max(2, width))
        count = max(2, span.seconds // step)
        with database.read() as rows:
            flow = cumulative_flow(rows, room, span, count, utc_now())
        return Picture(view, span, now - step * count, step, count, (), flow, now)
    step = span_seconds(now - span.seconds, now, width)
    end = -(-now // step) * step
    count = min(width, -(-span.seconds // step))
    start = end - step * count
    processes = tuple(processes)
    lines = _lines_of(reader, room, view, compared, processes)
    totals = [
        Line(BY_NAME[_TOTALS[line.series.full_name]], line.subject)
        for line, _title in lines
        if line.series.full_name in _TOTALS
    ]
    found = read_lines(reader, [*(line for line, _title in lines), *totals], start, end, count)
    made = tuple(_row(line, title, found, start, step, count) for line, title in lines)
    if view is View.PROCESSES:  # a common scale, or nothing could be compared
        down = {each.id for each in processes if each.state in _DOWN}
        made = tuple(row for row in made if row.line.subject not in down or any(row.cells))
        high = max((row.high for row in made), default=0.0)
        made = tuple(Row(row.line, row.title, row.unit, high, row.cells) for row in made)
        if greatest_first:
            made = tuple(sorted(made, key=lambda row: -sum(cell.mean for cell in row.cells if cell is not None)))
    return Picture(view, span, start, step, count, made, (), reader.newest()[0])


def _lines_of(
    reader: MetricsReader, room: RoomId, view: View, compared: Series, processes: Iterable[Process]
) -> list[tuple[Line, str]]:
    """The lines of a view and their titles, in order."""
    if view is View.PROCESSES:
        return [(Line(compared, each.id), for_screen(each.name)) for each in processes]
    if view is View.BOARD:
        names = [
            *(f"board.{status}" for status in COLUMNS), "board.throughput", "board.cycle_time", "board.lead_time",
            *(f"board.oldest_{status}" for status in OPEN), *(f"board.time_in_{status}" for status in OPEN),
            *(name for name in BY_NAME if name.startswith("queue.")),
        ]  # fmt: skip
        return [(Line(BY_NAME[name], room), title_of(BY_NAME[name])) for name in names]
    names = ["cpu.percent"]
    names += [f"cpu.{name}" for name in reader.subjects().get(Subject(Kind.CPU), ()) if name.startswith(CORE)]
    names += ["load.one", "load.five", "load.fifteen", "memory.used", "memory.swap_used"]
    lines = [(Line(series), title_of(series)) for name in names if (series := find_series(name)) is not None]
    disk = BY_NAME["disk.used"]
    lines += [(Line(disk, mount), f"{title_of(disk)} {for_screen(mount)}") for mount in subjects_of(reader, Kind.DISK)]
    names = ["io.read", "io.written", "network.received", "network.sent"]
    return lines + [(Line(BY_NAME[name]), title_of(BY_NAME[name])) for name in names]


def _row(
    line: Line, title: str, found: Mapping[Line, Sequence[Point]], start: int, step: int, count: int
) -> Row:  # fmt: skip
    cells: list[Point | None] = [None] * count
    for point in found.get(line, ()):
        cell = (point.at - start) // step
        if 0 <= cell < count:
            cells[cell] = point
    return Row(line, title, line.series.unit, _scale(line, found), tuple(cells))


def _scale(line: Line, found: Mapping[Line, Sequence[Point]]) -> float:
    """The value of a full cell: what there is at most, or else a round number above all that was measured."""
    series = line.series
    if series.kind is Kind.CPU:
        return 100.0
    if total := _TOTALS.get(series.full_name):
        points = found.get(Line(BY_NAME[total], line.subject), ())
        if points:
            return points[-1].high
    top = max((point.high for point in found.get(line, ())), default=0.0)
    return round_up(top, binary=series.unit in (Unit.BYTES, Unit.BYTES_PER_SECOND))


def round_up(value: float, *, binary: bool) -> float:
    """The next of 1, 2, 5, 10, 20, … that is not less (of bytes: the next power of two from 1 KiB); 1 of nothing."""
    if binary:
        power = 1024.0
        while power < value:
            power *= 2
        return power
    if value <= 0:
        return 1.0
    power = 1.0
    while power < value:
        power *= 10
    while power / 10 >= value:
        power /= 10
    return next(power * part for part in (0.1, 0.2, 0.5, 1.0) if power * part >= value)
