"""Reading metrics.db: what a process uses now and used lately, and any series down-sampled to so many points.

Nothing here raises for the file's sake: without one, or with one that cannot be read, nothing was measured, which
every reader has to show anyway. The log says why, once.
"""

import json
import logging
import math
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import apsw

from storage.engine import connect_read_only, storage_errors
from storage.errors import StorageError
from storage.home import Home
from storage.metrics import VERSION, Point, Subject
from storage.metrics_queries import SECONDS, Column, Sum, boundary, from_minutes, from_seconds, newest
from storage.vocabulary import ProcessId

PROCESS: Final = "process"
"""The kind of subject that a process is; its values are `cpu`, `memory`, `threads` and `processes`."""

_VALUES: Final = ("cpu", "memory", "threads", "processes")
_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_Place = tuple[ProcessId, int, int, int, int]

T = TypeVar("T")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProcessSample:
    """What the tree of a process used in one second.

    `cpu_percent` is of one core, and so may be more than 100; None where there was no second before. `memory_bytes`
    is resident memory, in which shared pages count once a process. `children` are the processes below the leader.
    """

    at: datetime
    cpu_percent: float | None
    memory_bytes: int
    threads: int
    children: int


class MetricsReader:
    """The queries. Opens the file when it is first asked; may be asked from any thread."""

    def __init__(self, home: Home) -> None:
        self._path = home.metrics
        self._lock = threading.Lock()
        self._connection: apsw.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._sources: dict[int, tuple[Subject, tuple[str, ...]]] = {}
        self._processes: dict[int, _Place | None] = {}
        self._is_told = False

    def close(self) -> None:
        """Close the file; the next question opens it again."""
        with self._lock:
            self._close()

    # processes

    def latest(self, processes: Collection[ProcessId] = ()) -> dict[ProcessId, ProcessSample]:
        """What each process (each of `processes`, if any is named) used in the newest second; see its `at` for its age.

        A process that has ended is not in it.
        """

        def ask(connection: apsw.Connection) -> dict[ProcessId, ProcessSample]:
            sql = "SELECT * FROM raw WHERE at = (SELECT max(at) FROM raw)"
            found = self._samples(connection, connection.execute(sql))
            return {name: each[-1] for name, each in found.items() if not processes or name in processes}

        return self._ask(ask, {})

    def recent(self, process: ProcessId, seconds: int = 60) -> list[ProcessSample]:
        """What a process used in the last seconds before the newest, oldest first."""

        def ask(connection: apsw.Connection) -> list[ProcessSample]:
            sources = [
                source for source, (subject, _) in self._known(connection).items() if subject == (PROCESS, process)
            ]
            sql = f"{SECONDS} SELECT raw.* FROM second CROSS JOIN raw ON raw.at = second.at AND source = ?"
            last = newest(connection)
            rows = (row for each in sources for row in connection.execute(sql, (last - seconds + 1, last + 1, each)))
            return self._samples(connection, rows).get(process, [])

        return self._ask(ask, [])

    def recent_all(self, seconds: int = 60) -> dict[ProcessId, list[ProcessSample]]:
        """What every process used in the last seconds before the newest, oldest first. One query."""

        def ask(connection: apsw.Connection) -> dict[ProcessId, list[ProcessSample]]:
            rows = connection.execute("SELECT * FROM raw WHERE at > ? ORDER BY at", (newest(connection) - seconds,))
            return self._samples(connection, rows)

        return self._ask(ask, {})

    def _samples(self, connection: apsw.Connection, rows: Iterable[Any]) -> dict[ProcessId, list[ProcessSample]]:
        found: dict[ProcessId, list[ProcessSample]] = defaultdict(list)
        known = self._processes
        second, moment = 0, _EPOCH
        for row in rows:
            at, source = row[0], row[1]
            if source not in known:
                known = self._known_processes(connection)
            if (place := known[source]) is None:
                continue
            if at != second:
                second, moment = at, datetime.fromtimestamp(at, UTC)
            name, cpu, memory, threads, processes = place
            found[name].append(
                ProcessSample(
                    moment, row[cpu], int(row[memory] or 0), int(row[threads] or 0),
                    max(0, int(row[processes] or 1) - 1),
                )
            )  # fmt: skip
        return dict(found)

    def _known_processes(self, connection: apsw.Connection) -> dict[int, _Place | None]:
        """By source: which process it is, and where its values stand in a row; None for what is no process."""
        self._processes = {
            source: (ProcessId(subject.name), *(2 + fields.index(name) for name in _VALUES))  # type: ignore[misc]
            if subject.kind == PROCESS
            else None
            for source, (subject, fields) in self._known(connection).items()
        }
        return self._processes

    # any series

    def subjects(self) -> dict[Subject, tuple[str, ...]]:
        """What has ever been measured, each with the names of its values."""

        def ask(connection: apsw.Connection) -> dict[Subject, tuple[str, ...]]:
            names: dict[Subject, dict[str, None]] = defaultdict(dict)
            for subject, fields in self._known(connection).values():
                names[subject].update(dict.fromkeys(fields))
            return {subject: tuple(fields) for subject, fields in names.items()}

        return self._ask(ask, {})

    def newest(self) -> tuple[int, dict[Subject, dict[str, float]]]:
        """The newest second and all that was measured in it; 0 and nothing before the first."""

        def ask(connection: apsw.Connection) -> tuple[int, dict[Subject, dict[str, float]]]:
            measured: dict[Subject, dict[str, float]] = defaultdict(dict)
            at, known = 0, self._sources
            for row in connection.execute("SELECT * FROM raw WHERE at = (SELECT max(at) FROM raw)"):
                at, source, *values = row
                if source not in known:
                    known = self._known(connection)
                subject, fields = known[source]
                told = zip(fields, values, strict=False)
                measured[subject].update((name, value) for name, value in told if value is not None)
            return at, dict(measured)

        nothing: tuple[int, dict[Subject, dict[str, float]]] = (0, {})
        return self._ask(ask, nothing)

    def series(
        self, wanted: Mapping[Subject, Collection[str]], since: int, until: int, points: int
    ) -> dict[tuple[Subject, str], list[Point]]:
        """The values of some names of some subjects, from `since` to before `until`, in about `points` points each.

        A span in which nothing was measured has no point. Spans begin at multiples of their length, so that they stay
        what they are while time goes on; `span_seconds` says how long one is.
        """
        span = span_seconds(since, until, points)

        def ask(connection: apsw.Connection) -> dict[tuple[Subject, str], list[Point]]:
            places = self._places(connection, wanted)
            merged: dict[tuple[Subject, str], dict[int, Sum]] = defaultdict(dict)
            edge = boundary(connection, since, span)
            for rows in (
                from_minutes(connection, places, since, min(edge, until), span),
                from_seconds(connection, places, max(since, edge), until, span),
            ):
                for key, at, told in rows:
                    before = merged[key].get(at)
                    merged[key][at] = told if before is None else before.plus(told)
            return {key: [spans[at].point(at) for at in sorted(spans)] for key, spans in merged.items()}

        return self._ask(ask, {})

    def _places(
        self, connection: apsw.Connection, wanted: Mapping[Subject, Collection[str]]
    ) -> dict[Column, tuple[Subject, str]]:
        return {
            Column(source, f"v{number}"): (subject, name)
            for source, (subject, fields) in self._known(connection).items()
            if subject in wanted
            for number, name in enumerate(fields)
            if name in wanted[subject]
        }

    def _known(self, connection: apsw.Connection) -> dict[int, tuple[Subject, tuple[str, ...]]]:
        # a few hundred short rows: read each time, since the writer adds to them at any moment
        rows: list[Any] = connection.execute("SELECT id, kind, subject, fields FROM source").fetchall()
        if len(rows) != len(self._sources):
            self._sources = {row[0]: (Subject(row[1], row[2]), tuple(json.loads(row[3]))) for row in rows}
        return self._sources

    # the file

    def _ask(self, question: Callable[[apsw.Connection], T], nothing: T) -> T:
        with self._lock:
            try:
                connection = self._open()
                if connection is None:
                    return nothing
                with storage_errors(self._path):
                    return question(connection)
            except StorageError as error:
                self._close()
                if not self._is_told:
                    logger.warning("the metrics cannot be read: %s", error.message)
                    self._is_told = True
                return nothing

    def _open(self) -> apsw.Connection | None:
        try:
            status = os.stat(self._path)  # noqa: PTH116  a Path's stat takes twice as long
        except OSError:
            self._close()
            return None
        file = (status.st_dev, status.st_ino)
        if self._connection is not None and file == self._file:
            return self._connection
        self._close()
        with storage_errors(self._path):
            connection = connect_read_only(self._path)
            if connection.pragma("user_version") != VERSION:  # being made, or about to be set aside
                connection.close()
                return None
        self._connection, self._file = connection, file
        return connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection, self._file = None, None
        self._sources, self._processes = {}, {}


def span_seconds(since: int, until: int, points: int) -> int:
    """How many seconds one of about `points` points between two times stands for: whole minutes from one on."""
    span = max(1, math.ceil((until - since) / max(1, points)))
    return span if span < 60 else -(-span // 60) * 60
