"""Reading series: from what is stored to what the catalogue promises, rates and means made over whole spans of time."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from core.metrics.series import Kind, Series
from storage import MetricsReader, Point, Subject


class Line(NamedTuple):
    """A series of one subject, as one line of a chart."""

    series: Series
    subject: str = ""


def read_lines(
    reader: MetricsReader, lines: Iterable[Line], since: int, until: int, points: int
) -> dict[Line, list[Point]]:
    """The points of some lines from `since` to before `until`, in seconds since the epoch; see MetricsReader.series."""
    lines = list(lines)
    wanted: dict[Subject, set[str]] = defaultdict(set)
    for line in lines:
        wanted[Subject(line.series.kind, line.subject)].update(line.series.stored)
    found = reader.series(wanted, since, until, points)
    told: dict[Line, list[Point]] = {}
    for line in lines:
        subject = Subject(line.series.kind, line.subject)
        values = [found.get((subject, name), []) for name in line.series.stored]
        told[line] = _made(line.series, values)
    return told


def _made(series: Series, values: list[list[Point]]) -> list[Point]:
    """The points of a series from those of its stored values."""
    if not series.value:
        return values[0]
    if series.per is None:
        return [_flat(point.at, point.mean * series.factor) for point in values[0]]
    counts = {point.at: point.mean for point in values[1]}
    return [
        _flat(point.at, point.mean / counts[point.at] * series.factor)
        for point in values[0]
        if counts.get(point.at, 0) > 0
    ]


def _flat(at: int, mean: float) -> Point:
    """A rate or a mean over a span is one number: the least second of it says nothing."""
    return Point(at, mean, mean, mean)


def subjects_of(reader: MetricsReader, kind: Kind) -> list[str]:
    """The subjects of a kind that have ever been measured."""
    return [subject.name for subject in reader.subjects() if subject.kind == kind]
