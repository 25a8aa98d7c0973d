"""The collector: once a second it measures everything and writes it down, and it tidies up what is old.

A thread of its own runs it, since it reads files and two databases; each second it asks state.db only for the events
since the second before. What cannot be written (a full disk) is dropped and told in the log once; measuring goes on.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Final

from core.metrics.flow import FlowMeter
from core.metrics.proctable import ProcessTable
from core.metrics.series import Kind
from core.metrics.system import Measured, SystemMeter
from storage import (
    CorruptedData,
    Database,
    EntityKind,
    MetricsStore,
    Process,
    Reader,
    RoomId,
    StorageError,
    Subject,
    boot_id,
    living_processes,
    transitions,
    utc_now,
)  # fmt: skip

TICK_S: Final = 1.0
TIDY_TICKS: Final = 15
"""Between two times of tidying up, while there is little to do: a minute's rows are then made and cut in one go."""
ANEW_TICKS: Final = 60
"""Between two times that also those processes are read which belong to no tree of ours."""
BATCH: Final = 2000
"""Transitions read in one go; a flood is taken in over several seconds."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tick:
    """All that was measured in one second."""

    at: int
    measured: Measured
    processes: tuple[Process, ...] = ()
    rooms: Mapping[RoomId, str] = field(default_factory=dict)
    counters: Mapping[str, float] = field(default_factory=dict)
    """The machine's own, see `SystemMeter.counters`."""


class Collector:
    """Measures and writes. For one thread: `run` until `stopped` is set."""

    def __init__(self, database: Database, *, tell: Callable[[Tick], None] = lambda _: None) -> None:
        """Args:
        tell: is given each second's values, in the collector's thread.
        """
        self._database = database
        self._tell = tell
        self._store = MetricsStore(database.home)
        self._system = SystemMeter()
        self._flow = FlowMeter()
        self._after = 0
        self._processes: list[Process] = []
        self._folders: list[Path] = []
        self._rooms: dict[RoomId, str] = {}
        self._table: ProcessTable | None = None
        self._ticks = 0
        self._has_failed = False

    def run(self, stopped: Event) -> None:
        """Measure each second until `stopped` is set.

        Raises:
            ParallelError: state.db cannot be read.
        """
        try:
            self.begin()
            while not stopped.wait(TICK_S - time.time() % TICK_S + 0.005):  # just after each full second
                self.tick(int(time.time()))
        finally:
            self._store.close()
            self._database.close_thread()

    def begin(self) -> None:
        """Open the file, and take in how everything stands."""
        try:
            self._store.open()
        except StorageError as error:
            self._fail(error)
        with self._database.read() as rows:
            self._after = rows.last_sequence()
            self._flow.begin(rows)
            self._read_processes(rows)
            self._read_rooms(rows)

    def tick(self, at: int) -> Tick:
        """Measure now and write it as of the second `at`."""
        self._take_in_events()
        measured = self._system.measure(self._folders)
        measured.update(self._flow.measure(utc_now()))
        measured.update(self._measure_processes())
        tick = Tick(at, measured, tuple(self._processes), self._rooms, self._system.counters)
        self._write(tick)
        self._tell(tick)
        return tick

    def _take_in_events(self) -> None:
        self._database.require_same_file()
        with self._database.read() as rows:
            news = transitions(rows, after=self._after, limit=BATCH)
            if not news:
                return
            self._after = news[-1].sequence
            self._flow.take(news, rows)
            kinds = {each.entity for each in news}
            if EntityKind.PROCESS in kinds:
                self._read_processes(rows)
            if EntityKind.ROOM in kinds:  # edited, or restored
                self._read_rooms(rows)
                self._flow.begin(rows)

    def _read_processes(self, rows: Reader) -> None:
        here = boot_id()
        self._processes = [each for each in living_processes(rows) if each.boot_id == here]

    def _read_rooms(self, rows: Reader) -> None:
        rooms = rows.rooms()
        self._rooms = {room.id: room.name for room in rooms}
        self._folders = [self._database.home.path, *(Path(room.root) for room in rooms)]

    def _measure_processes(self) -> Measured:
        """What each process's tree uses: one pass over the process list, whatever their number; none without any."""
        before, self._table = self._table, None
        measured: Measured = {}
        if not self._processes:
            return measured
        if before is None or self._ticks % ANEW_TICKS == 0:
            table = ProcessTable.read()
        else:
            table = before.again((each.pid, each.pid_started) for each in self._processes if each.pid is not None)
        self._table = table
        for process in self._processes:
            assert process.pid is not None
            usage = table.usage(process.pid, process.pid_started, before)
            if usage is not None:
                measured[Subject(Kind.PROCESS, process.id)] = {
                    "cpu": usage.cpu_percent, "memory": usage.memory_bytes,
                    "threads": usage.threads, "processes": usage.processes,
                }  # fmt: skip
        return measured

    def _write(self, tick: Tick) -> None:
        try:
            if not self._store.is_open:
                self._store.open()
            self._store.put(tick.at, tick.measured)
            self._ticks += 1
            if self._ticks % TIDY_TICKS == 0 and self._store.tidy(tick.at):
                self._ticks -= 1  # more to do: at the next second already
        except CorruptedData as error:
            self._begin_anew(error)
        except StorageError as error:
            self._fail(error)
        else:
            if self._has_failed:
                logger.warning("what is measured is written again")
            self._has_failed = False

    def _begin_anew(self, error: CorruptedData) -> None:
        try:
            self._store.begin_anew(f"is damaged ({error.message})")
        except (StorageError, OSError) as failure:
            self._fail(failure)

    def _fail(self, error: Exception) -> None:
        if not self._has_failed:
            logger.warning("what is measured cannot be written; it is dropped until it can be: %s", error)
        self._has_failed = True
