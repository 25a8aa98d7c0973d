"""The queries behind a series: spans of seconds and of minutes, each second counted once, merged into points."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import apsw

from storage.metrics import RAW_SECONDS, Point, Subject, number_of

_FEW: Final = 4
"""Up to so many sources, each second is looked up; of more, all rows of the time are gone through."""


@dataclass(frozen=True, slots=True)
class Column:
    """Where a value stands: the source's row and the column in it."""

    source: int
    column: str


@dataclass(slots=True)
class Sum:
    """What is known of a span: how many seconds, their least, sum and greatest."""

    n: float
    low: float
    total: float
    high: float

    def plus(self, other: "Sum") -> "Sum":
        """Both spans as one."""
        return Sum(self.n + other.n, min(self.low, other.low), self.total + other.total, max(self.high, other.high))

    def point(self, at: int) -> Point:
        """What it is as a point that begins at a time; rounding never puts the mean outside its bounds."""
        return Point(at, self.low, max(self.low, min(self.total / self.n, self.high)), self.high)


SECONDS: Final = "WITH RECURSIVE second(at) AS (SELECT ?1 UNION ALL SELECT at + 1 FROM second WHERE at + 1 < ?2)"

Found = Iterable[tuple[tuple[Subject, str], int, Sum]]


def newest(connection: apsw.Connection) -> int:
    """The newest second; 0 before the first."""
    return number_of(connection, "SELECT max(at) FROM raw")


def boundary(connection: apsw.Connection, since: int, span: int) -> int:
    """Where minutes end and seconds begin, for a question that begins at `since`: each second counts once."""
    oldest = number_of(connection, "SELECT min(at) FROM raw")
    if since >= oldest > 0 and span < 60:
        return since
    aggregated = number_of(connection, "SELECT aggregated FROM progress")
    if span >= 60:
        return aggregated
    begun = oldest // 60 * 60
    is_whole = begun == oldest or begun > newest(connection) + 60 - RAW_SECONDS  # too young to have lost a second
    return min(aggregated, begun if is_whole else begun + 60)


def _by_source(places: Mapping[Column, tuple[Subject, str]]) -> dict[int, list[tuple[str, tuple[Subject, str]]]]:
    found: dict[int, list[tuple[str, tuple[Subject, str]]]] = defaultdict(list)
    for place, key in places.items():
        found[place.source].append((place.column, key))
    return found


def _sums(rows: Iterable[Sequence[Any]], columns: Sequence[tuple[str, tuple[Subject, str]]]) -> Found:
    """Rows of (span, then n, low, sum, high of each column)."""
    for row in rows:
        for number, (_, key) in enumerate(columns):
            n, low, total, high = row[1 + 4 * number : 5 + 4 * number]
            if n and low is not None:
                yield key, row[0], Sum(n, low, total, high)


def from_seconds(
    connection: apsw.Connection, places: Mapping[Column, tuple[Subject, str]], since: int, until: int, span: int
) -> Found:
    """The spans of seconds from `since` to before `until`."""
    if since >= until:
        return
    sources = _by_source(places)
    if len(sources) > _FEW:
        yield from _from_many_seconds(connection, sources, since, until, span)
        return
    for source, columns in sources.items():
        told = ", ".join(f"count({c}), min({c}), sum({c}), max({c})" for c, _ in columns)
        sql = (
            f"{SECONDS} SELECT second.at / ?3 * ?3, {told} FROM second "
            "CROSS JOIN raw ON raw.at = second.at AND raw.source = ?4 GROUP BY 1"
        )
        yield from _sums(connection.execute(sql, (since, until, span, source)), columns)


def _from_many_seconds(
    connection: apsw.Connection,
    sources: Mapping[int, list[tuple[str, tuple[Subject, str]]]],
    since: int,
    until: int,
    span: int,
) -> Found:
    """One way through all rows of the time, in one group for each source and span."""
    used = sorted({column for columns in sources.values() for column, _ in columns})
    told = ", ".join(f"count({c}), min({c}), sum({c}), max({c})" for c in used)
    sql = (
        f"SELECT source, at / ?3 * ?3, {told} FROM raw WHERE at >= ?1 AND at < ?2 "
        f"AND source IN ({', '.join(map(str, sources))}) GROUP BY 1, 2"
    )
    for source, at, *values in connection.execute(sql, (since, until, span)):
        for column, key in sources[source]:
            place = 4 * used.index(column)
            n, low, total, high = values[place : place + 4]
            if n:
                yield key, at, Sum(n, low, total, high)


def from_minutes(
    connection: apsw.Connection, places: Mapping[Column, tuple[Subject, str]], since: int, until: int, span: int
) -> Found:
    """The spans of minutes that begin from `since` to before `until`."""
    if since >= until:
        return
    for source, columns in _by_source(places).items():
        told = ", ".join(
            f"sum(n) FILTER (WHERE {c} IS NOT NULL), min({c}_low), sum({c} * n), max({c}_high)" for c, _ in columns
        )
        sql = f"SELECT at / ?3 * ?3, {told} FROM minute WHERE source = ?4 AND at >= ?1 AND at < ?2 GROUP BY 1"
        yield from _sums(connection.execute(sql, (since, until, span, source)), columns)
