"""metrics.db: what was measured, each second for an hour and each minute for thirty days.

A file of its own, written with `synchronous=NORMAL` by the one host of the services: what is lost with it is no
acknowledged change. What is measured of one *subject* (the machine, a disk, a process, a room) is a row of up to
eight values a second; `source` says which value stands in which column. Minutes are made from the seconds in SQL,
after they have passed, and `aggregated` says up to which: a host that dies loses no minute, the next one makes it up.

Times are whole seconds since the epoch. A file that cannot be used is moved to the trash, and a new one begun.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import apsw

from storage.engine import APPLICATION_ID, Engine, connect, connect_read_only, file_error, storage_errors
from storage.errors import CorruptedData, SchemaTooNew, StorageError
from storage.home import Home
from storage.trash import move_to_trash

VERSION: Final = 1
"""The file's `PRAGMA user_version`. Another one is set aside: what was measured is not worth a migration."""

RAW_SECONDS: Final = 3600
MINUTE_SECONDS: Final = 30 * 24 * 3600
QUOTA_BYTES: Final = 1024 * 1024 * 1024
"""The file never stays larger: the oldest minutes go first. 50 processes for 30 days take about 330 MB."""

COLUMNS: Final = 8
"""Values in a row; what has more is spread over several rows."""

_MOST_MINUTES_AT_ONCE: Final = 5
"""Minutes made in one call: after a break there may be sixty, and each takes some milliseconds."""
_MOST_ROWS_AT_ONCE: Final = 20_000
"""Rows deleted in one call, a few milliseconds' work."""

_VALUES: Final = tuple(f"v{number}" for number in range(COLUMNS))
_SCHEMA: Final = (
    """CREATE TABLE source (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, fields TEXT NOT NULL,
        UNIQUE (kind, subject, fields)) STRICT""",
    # by time first: a tick is appended in one place, and what is old is cut off in one piece
    f"""CREATE TABLE raw (at INTEGER NOT NULL, source INTEGER NOT NULL, {", ".join(f"{v} REAL" for v in _VALUES)},
        PRIMARY KEY (at, source)) STRICT, WITHOUT ROWID""",
    f"""CREATE TABLE minute (source INTEGER NOT NULL, at INTEGER NOT NULL, n INTEGER NOT NULL,
        {", ".join(f"{v}_low REAL, {v} REAL, {v}_high REAL" for v in _VALUES)},
        PRIMARY KEY (source, at)) STRICT, WITHOUT ROWID""",
    "CREATE INDEX minute_at ON minute (at)",
    "CREATE TABLE progress (id INTEGER PRIMARY KEY CHECK (id = 1), aggregated INTEGER NOT NULL) STRICT",
    "INSERT INTO progress (id, aggregated) VALUES (1, 0)",
)
_PUT: Final = f"INSERT OR REPLACE INTO raw VALUES (?, ?{', ?' * COLUMNS})"
_MAKE_MINUTE: Final = (
    f"INSERT OR REPLACE INTO minute SELECT source, ?1, count(*), "
    f"{', '.join(f'min({v}), max(min({v}), min(avg({v}), max({v}))), max({v})' for v in _VALUES)} "
    "FROM raw WHERE at >= ?1 AND at < ?1 + 60 GROUP BY source"
)

logger = logging.getLogger(__name__)


class Subject(NamedTuple):
    """What is measured: `kind` says what it is (`cpu`, `process`), `name` which one; empty where there is but one."""

    kind: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """What was measured in one span of time that begins at `at`: the least, the mean, the greatest value."""

    at: int
    low: float
    mean: float
    high: float


class MetricsStore:
    """The writer. For one thread at a time; `open` sets a file aside that cannot be used.

    Raises everywhere, when the disk says so: StorageFull, StorageReadOnly, StorageTimeout. What was to be written is
    then not there, and everything else is.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._path = home.metrics
        self._engine: Engine | None = None
        self._sources: dict[tuple[str, str, str], int] = {}
        self._layouts: dict[tuple[Subject, tuple[str, ...]], list[int]] = {}
        self._last_at = 0

    @property
    def is_open(self) -> bool:
        """Whether it can be written to."""
        return self._engine is not None

    def open(self) -> str | None:
        """Open or create the file; where the one that was there has been set aside, a sentence that says why."""
        if why := unusable(self._home):
            return self.begin_anew(why)
        try:
            self._connect()
        except CorruptedData:
            return self.begin_anew("is damaged")
        return None

    def begin_anew(self, why: str) -> str:
        """Set the file aside, and open a new one; the sentence that says so."""
        self.close()
        try:
            folder = move_to_trash(self._home, _files(self._home))
        except OSError as error:
            raise file_error(error, self._path) from error
        warning = f"{self._path} {why}; it was moved to {folder}, and a new one was begun."
        logger.warning("%s", warning)
        self._connect()
        return warning

    def close(self) -> None:
        """Close the file, with all in it: where a reader closes last, it would stay in the -wal beside it."""
        if self._engine is not None:
            with suppress(apsw.Error):
                self._engine.connection().execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            self._engine.close()
            self._engine = None
        self._forget_sources()

    def put(self, at: int, measured: Mapping[Subject, Mapping[str, float | None]]) -> None:
        """Write one second: each subject's values by name. None says that a value could not be measured.

        Where the clock has been set back, what was measured in the time to come is dropped: it was never then.
        """
        with self._writing() as connection:
            if at < self._last_at:
                self._clock_set_back(connection, at)
            rows: list[tuple[float | None, ...]] = []
            for subject, values in measured.items():
                names = tuple(values)
                layout = self._layouts.get((subject, names)) or self._layout(connection, subject, names)
                told = tuple(values.values())
                for index, source in enumerate(layout):
                    part = told[index * COLUMNS : (index + 1) * COLUMNS]
                    rows.append((at, source, *part, *(None,) * (COLUMNS - len(part))))
            connection.executemany(_PUT, rows)
        self._last_at = at

    def tidy(self, now: int) -> bool:
        """Make the minutes that are over, and delete what is too old; some at a time. Whether there is more to do."""
        with self._writing() as connection:
            more = _make_minutes(connection, now // 60 * 60)
            return _delete_old(connection, now) or more

    def _clock_set_back(self, connection: apsw.Connection, now: int) -> None:
        logger.warning("the clock was set back by %d s; what was measured since then is dropped", self._last_at - now)
        minute = now // 60 * 60
        connection.execute("DELETE FROM raw WHERE at > ?", (now,)).fetchall()
        connection.execute("DELETE FROM minute WHERE at >= ?", (minute,)).fetchall()
        connection.execute("UPDATE progress SET aggregated = min(aggregated, ?)", (minute,)).fetchall()

    def _layout(self, connection: apsw.Connection, subject: Subject, names: tuple[str, ...]) -> list[int]:
        """The sources in whose columns the values of these names stand, in order."""
        layout: list[int] = []
        for start in range(0, len(names), COLUMNS):
            key = (subject.kind, subject.name, json.dumps(names[start : start + COLUMNS]))
            source = self._sources.get(key)
            if source is None:
                sql = "INSERT INTO source (kind, subject, fields) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
                connection.execute(sql, key).fetchall()
                sql = "SELECT id FROM source WHERE kind = ? AND subject = ? AND fields = ?"
                source = number_of(connection, sql, *key)
                self._sources[key] = source
            layout.append(source)
        self._layouts[subject, names] = layout
        return layout

    @contextmanager
    def _writing(self) -> Iterator[apsw.Connection]:
        if self._engine is None:
            raise StorageError(f"{self._path} is not open.", "Look at the log, then start this program again.")
        try:
            with storage_errors(self._path), self._engine.atomic("IMMEDIATE"):
                yield self._engine.connection()
        except StorageError:
            self._forget_sources()  # some may have been undone with the rest
            raise

    def _forget_sources(self) -> None:
        self._sources.clear()
        self._layouts.clear()

    def _connect(self) -> None:
        with storage_errors(self._path):
            self._home.create()
            engine = connect(self._path, synchronous="NORMAL", create=True)
            try:
                self._last_at = _prepared(engine)
            except BaseException:
                engine.close()
                raise
        for path in _files(self._home):  # what lay beside the file before its mode was ours
            with suppress(FileNotFoundError):
                path.chmod(0o600)
        self._engine = engine


def _prepared(engine: Engine) -> int:
    """Give a new file its tables; the newest second in it."""
    connection: apsw.Connection = engine.connection()
    if connection.pragma("user_version") != VERSION:
        connection.pragma("auto_vacuum", "incremental")  # before the first table, or it counts for nothing
        connection.pragma("journal_mode", "wal")
        with engine.atomic("EXCLUSIVE"):
            for statement in _SCHEMA:
                connection.execute(statement).fetchall()
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}").fetchall()
            connection.execute(f"PRAGMA user_version = {VERSION}").fetchall()
    return number_of(connection, "SELECT max(at) FROM raw")


def number_of(connection: apsw.Connection, sql: str, *values: str | int) -> int:
    """The one number that a query gives; 0 for null."""
    rows: Any = connection.execute(sql, values).fetchall()
    return int(rows[0][0] or 0)


def unusable(home: Home) -> str | None:
    """Why the file of a home cannot be used; None where it can, or there is none."""
    path = home.metrics
    if not path.exists() or path.stat().st_size == 0:
        return None
    try:
        with storage_errors(path):
            connection = connect_read_only(path)
            try:
                version = int(connection.pragma("user_version"))
                ours = connection.pragma("application_id") == APPLICATION_ID
                is_empty = connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall() == []
                damage = connection.execute("PRAGMA quick_check(1)").fetchall() if path.stat().st_size < 1 << 24 else []
            finally:
                connection.close()
    except (CorruptedData, SchemaTooNew) as error:
        return f"is damaged ({error.message})"
    if is_empty and not ours:
        return None
    if not ours:
        return "belongs to another program"
    if version != VERSION:
        return f"has schema {version}, and this program knows {VERSION}"
    return None if damage in ([], [("ok",)]) else f"is damaged ({damage[0][0]})"


def _files(home: Home) -> tuple[Path, ...]:
    path = home.metrics
    return tuple(path.with_name(path.name + end) for end in ("", "-wal", "-shm"))


def _make_minutes(connection: apsw.Connection, until: int) -> bool:
    """Make the minutes before `until` that have seconds and are not made yet; whether more are left."""
    after = number_of(connection, "SELECT aggregated FROM progress")
    for _ in range(_MOST_MINUTES_AT_ONCE):
        first = number_of(connection, "SELECT min(at) FROM raw WHERE at >= ? AND at < ?", after, until)
        if not first:
            after = max(after, until)
            break
        minute = first // 60 * 60
        connection.execute(_MAKE_MINUTE, (minute,)).fetchall()
        after = minute + 60
    connection.execute("UPDATE progress SET aggregated = ?1 WHERE aggregated < ?1", (after,)).fetchall()
    return after < until


def _delete_old(connection: apsw.Connection, now: int) -> bool:
    """Delete some of what is too old, never a second whose minute is not made; whether more is left."""
    more = False
    oldest_raw = min(now - RAW_SECONDS, number_of(connection, "SELECT aggregated FROM progress"))
    oldest_minute = now - MINUTE_SECONDS
    size = _used_bytes(connection)
    if size > QUOTA_BYTES:
        oldest_minute = max(oldest_minute, number_of(connection, "SELECT min(at) FROM minute") + 3600)
    for sql, before in (
        ("DELETE FROM raw WHERE (at, source) IN (SELECT at, source FROM raw WHERE at < ? LIMIT ?)", oldest_raw),
        (
            "DELETE FROM minute WHERE (source, at) IN (SELECT source, at FROM minute WHERE at < ? LIMIT ?)",
            oldest_minute,
        ),
    ):
        connection.execute(sql, (before, _MOST_ROWS_AT_ONCE)).fetchall()
        more |= connection.changes() >= _MOST_ROWS_AT_ONCE
    connection.execute("PRAGMA incremental_vacuum(256)").fetchall()
    return more or _used_bytes(connection) > QUOTA_BYTES


def _used_bytes(connection: apsw.Connection) -> int:
    pages = int(connection.pragma("page_count")) - int(connection.pragma("freelist_count"))
    return pages * int(connection.pragma("page_size"))
