"""Metrics: what the machine, the room's processes and its board used and did. Measured by the host of the services."""

import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Final

from core.errors import InvalidData
from core.metrics.cumulative import FlowPoint, cumulative_flow
from core.metrics.reading import Line as Place
from core.metrics.reading import read_lines, subjects_of
from core.metrics.series import CATALOGUE, CORE, Kind, Series, Span, Unit, find_series
from core.operation import Line, ProcessRef, operation
from core.processes.references import processes_meant
from core.work import Work
from storage import LIVING, MetricsReader, ProcessId, ProcessState, Role, Subject, span_seconds, utc_now

MOST_POINTS: Final = 3600
FRESH_S: Final = 10
"""What was measured longer ago tells nothing of now: the host has gone."""


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """What was measured in the span of time that begins at `at`."""

    at: datetime
    min: float
    mean: float
    max: float


@dataclass(frozen=True, slots=True)
class MetricSeries:
    """One series of one subject: the machine, a disk, a process, a room. `step_seconds` lie between two points."""

    name: str
    subject: str
    subject_name: str
    unit: Unit
    help: str
    step_seconds: int
    points: tuple[MetricPoint, ...]


@dataclass(frozen=True, slots=True)
class ProcessUsage:
    """What one process uses now; None where it is not known. `cpu_percent` is of one core."""

    id: ProcessId
    name: str
    state: ProcessState
    pid: int | None
    cpu_percent: float | None
    memory_bytes: int | None
    threads: int | None
    processes: int | None
    restarts: int
    started_at: datetime | None


@dataclass(frozen=True, slots=True)
class Usage:
    """What the machine and the room's processes use. `at` is when it was measured; None where nobody measures.

    `machine`, `board` and `queue` have the values by name, as they stand in the catalogue.
    """

    at: datetime | None
    machine: Mapping[str, float]
    board: Mapping[str, float]
    queue: Mapping[str, float]
    processes: tuple[ProcessUsage, ...]


@operation(role=Role.VIEWER, changes=False, command="metrics")
def list_metrics(
    work: Work,
    series: tuple[Line, ...] = (),
    *,
    process: ProcessRef | None = None,
    last: Span = Span.HOUR,
    points: int = 60,
) -> tuple[MetricSeries, ...]:
    """Show what was measured: the machine, the room's processes, its board and its queue.

    Args:
        series: only these, such as `process.cpu`, or all of a kind, such as `memory`.
        process: only this process: by name, by `@label`, or by the end of its id.
        last: how far back.
        points: in about so many points each, 1 to 3600.

    Raises:
        InvalidData: there is no such series, or too many points are asked for.
        NotFound: the room has no such process.
    """
    if not 1 <= points <= MOST_POINTS:
        raise InvalidData(f"{points} points cannot be shown.", f"Ask for 1 to {MOST_POINTS}.")
    reader = MetricsReader(work.rows.home)
    try:
        return _read(work, reader, series, process, last, points)
    finally:
        reader.close()


@operation(
    role=Role.VIEWER, changes=False, command="top",
    not_at={"cli": "`wzp top` calls it again each second where a person looks, and so is written by hand"},
)  # fmt: skip
def get_usage(work: Work) -> Usage:
    """Show what the machine and the room's processes use now."""
    reader = MetricsReader(work.rows.home)
    try:
        at, measured = reader.newest()
        is_fresh = abs(time.time() - at) < FRESH_S
        samples = reader.latest() if is_fresh else {}
    finally:
        reader.close()
    if not is_fresh:
        measured = {}
    machine = {
        f"{subject.kind}.{name}" + (f"[{subject.name}]" if subject.name else ""): value
        for subject, values in measured.items()
        if subject.kind not in (Kind.PROCESS, Kind.BOARD, Kind.QUEUE)
        for name, value in values.items()
    }
    processes = []
    for each in work.rows.processes(work.room.id):
        sample = samples.get(each.id) if each.state in LIVING else None
        processes.append(
            ProcessUsage(
                each.id, each.name, each.state, each.pid,
                sample.cpu_percent if sample else None, sample.memory_bytes if sample else None,
                sample.threads if sample else None, sample.children + 1 if sample else None,
                each.restarts, each.started_at,
            )
        )  # fmt: skip
    return Usage(
        datetime.fromtimestamp(at, UTC) if is_fresh else None,
        machine,
        _shown(measured, Kind.BOARD, work),
        _shown(measured, Kind.QUEUE, work),
        tuple(processes),
    )


@operation(role=Role.VIEWER, changes=False, command="flow")
def get_flow(work: Work, *, last: Span = Span.WEEK, points: int = 60) -> tuple[FlowPoint, ...]:
    """Show the cumulative flow of the board: how many tasks stood in each column over time.

    It is made from the history, and so needs nobody to have measured.

    Args:
        last: how far back.
        points: so many, 2 to 3600.

    Raises:
        InvalidData: fewer or more points are asked for.
    """
    if not 2 <= points <= MOST_POINTS:
        raise InvalidData(f"{points} points cannot be shown.", f"Ask for 2 to {MOST_POINTS}.")
    return cumulative_flow(work.rows, work.room.id, last, points, utc_now())


def _read(
    work: Work, reader: MetricsReader, names: Collection[str], process: ProcessRef | None, last: Span, points: int
) -> tuple[MetricSeries, ...]:  # fmt: skip
    meant = work.rows.processes(work.room.id) if process is None else processes_meant(work.rows, work.room, [process])
    processes = {each.id: each.name for each in meant}
    places: list[Place] = []
    for each in _wanted(reader, names, process is not None):
        places += [Place(each, subject) for subject in _subjects(reader, each.kind, work, processes)]
    until = int(time.time()) + 1
    since = until - last.seconds
    found = read_lines(reader, places, since, until, points)
    step = span_seconds(since, until, points)
    shown = []
    for place, told in found.items():
        if told or (names and place.subject in ("", work.room.id, *processes)):
            made = tuple(
                MetricPoint(datetime.fromtimestamp(each.at, UTC), each.low, each.mean, each.high) for each in told
            )
            shown.append(
                MetricSeries(
                    place.series.full_name, place.subject, _subject_name(place, work, processes),
                    place.series.unit, place.series.help, step, made,
                )
            )  # fmt: skip
    return tuple(shown)


def _wanted(reader: MetricsReader, names: Collection[str], of_process: bool) -> Iterator[Series]:
    """The series of some names; all, if none is named; of a process alone, if one is."""
    catalogue = list(CATALOGUE)
    cores = [name for name in reader.subjects().get(Subject(Kind.CPU), ()) if name.startswith(CORE)]
    catalogue[1:1] = [core for name in cores if (core := find_series(f"{Kind.CPU}.{name}")) is not None]
    if of_process:
        catalogue = [each for each in catalogue if each.kind is Kind.PROCESS]
    if not names:
        yield from catalogue
    for name in dict.fromkeys(names):
        found = [each for each in catalogue if name in (each.full_name, each.kind)]
        if not found:
            known = dict.fromkeys(word for each in catalogue for word in (each.full_name, each.kind))
            near = get_close_matches(name, known, 1)
            raise InvalidData(
                f"There is no series {name!r}" + (" of a process." if of_process else "."),
                f"Did you mean {near[0]}?" if near else "See all with `wzp metrics`.",
            )
        yield from found


def _subjects(reader: MetricsReader, kind: Kind, work: Work, processes: Mapping[ProcessId, str]) -> list[str]:
    if kind is Kind.PROCESS:
        return list(processes)
    if kind in (Kind.BOARD, Kind.QUEUE):
        return [work.room.id]
    return subjects_of(reader, kind) if kind is Kind.DISK else [""]


def _subject_name(place: Place, work: Work, processes: Mapping[ProcessId, str]) -> str:
    if place.series.kind in (Kind.BOARD, Kind.QUEUE):
        return work.room.name
    return processes.get(ProcessId(place.subject), place.subject)


def _shown(measured: Mapping[Subject, Mapping[str, float]], kind: Kind, work: Work) -> dict[str, float]:
    """The values of the room that are series as they are stored; a sum of one second says nothing to anybody."""
    values = measured.get(Subject(kind, work.room.id), {})
    plain = {each.name for each in CATALOGUE if each.kind is kind and not each.value}
    return {name: value for name, value in values.items() if name in plain}
