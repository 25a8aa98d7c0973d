"""Watching processes: what their trees use, the last line that each has printed, whether room.yaml is approved.

`Watch.look` reads, and so belongs into a thread; what it gives is immutable, and `Watch.take` keeps it.
"""

import logging
import os
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Final

from core.logs.window import output_folders
from core.metrics.proctable import ProcessRow, ProcessTable
from core.processes.room_file import content_hash, read_room_file, room_file
from core.processes.watched import as_seen, is_watched
from core.text import for_screen
from storage import Home, MetricsReader, ParallelError, Process, ProcessId, ProcessSample, Room, utc_now

KEPT_S: Final = 60
"""How many seconds the sparklines go back."""
STEADY: Final = 5
"""Over how many seconds CPU is averaged for the order of rows: they would hop about each second otherwise."""
STALE_S: Final = 5.0
"""What was measured longer ago says nothing of now: nobody measures, or the process is gone."""
TREE_EVERY: Final = 3
"""Each how many looks the tree of children is read."""
TABLE_ANEW: Final = 20
"""Each how many times all processes of the machine are read for that, not those of the tree alone."""
UNWATCHED_S: Final = 5.0
"""After so long without a host it is said that none acts: one that has ended is followed within that time."""
LINE_LIMIT: Final = 400
"""Characters of a last line: as many as the widest screen shows."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Usage:
    """What the tree of a process uses: now, and in the last minute, oldest first."""

    cpu_percent: float | None = None
    memory_bytes: int = 0
    threads: int = 0
    cpu: tuple[float | None, ...] = ()
    memory: tuple[float, ...] = ()

    @property
    def steady_cpu(self) -> int:
        """CPU over the last seconds, in whole percent of a core."""
        known = [each for each in self.cpu[-STEADY:] if each is not None]
        return round(sum(known) / len(known)) if known else 0


@dataclass(frozen=True, slots=True)
class RoomFile:
    """What is known of room.yaml: whether it is there, its hash, and why it cannot be read."""

    exists: bool = False
    hash: str = ""
    problem: str = ""

    def waits_for(self, room: Room) -> bool:
        """Whether the person has to approve it before anything of it starts."""
        return self.exists and self.hash != room.trusted_hash


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at one look."""

    samples: Mapping[ProcessId, ProcessSample] = field(default_factory=dict)
    history: Mapping[ProcessId, list[ProcessSample]] | None = None
    lines: Mapping[ProcessId, str] = field(default_factory=dict)
    tree: tuple[ProcessId, tuple[ProcessRow, ...]] | None = None
    room_file: RoomFile = RoomFile()
    is_watched: bool = True
    seen_as: Mapping[ProcessId, Process] = field(default_factory=dict)


class _Minute:
    """What a process has used in the last minute, the newest last."""

    __slots__ = ("at", "cpu", "memory")

    def __init__(self) -> None:
        self.at: datetime | None = None
        self.cpu: deque[float | None] = deque(maxlen=KEPT_S)
        self.memory: deque[float] = deque(maxlen=KEPT_S)

    def add(self, sample: ProcessSample) -> bool:
        """Take in a sample; whether it is a new one."""
        if sample.at == self.at:
            return False
        if self.at is not None and sample.at < self.at:  # the clock was set back: nobody knows what was when
            self.cpu.clear()
            self.memory.clear()
        self.at = sample.at
        self.cpu.append(sample.cpu_percent)
        self.memory.append(float(sample.memory_bytes))
        return True


class Watch:
    """What has been seen of the processes of a room so far."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._metrics = MetricsReader(home)
        self._minutes: dict[ProcessId, _Minute] = {}
        self._output_folders = str(output_folders(home))
        self._outputs: dict[ProcessId, tuple[int, int]] = {}
        self._file_stamp: tuple[int, int, int] | None = None
        self._looks = 0
        self._tree_of: ProcessId | None = None
        self._table: ProcessTable | None = None
        self._trees = 0
        self.usage: dict[ProcessId, Usage] = {}
        self.lines: dict[ProcessId, str] = {}
        self.tree: tuple[ProcessId, tuple[ProcessRow, ...]] | None = None
        self.room_file = RoomFile()
        self._watched_at = monotonic()
        self.is_watched = True
        """Whether a host acts, so that what is stored of the processes is how they are."""
        self.seen_as: Mapping[ProcessId, Process] = {}
        """Without a host: the processes that are not what is stored of them, as nobody has recorded it yet."""

    def look(self, room: Room, processes: Collection[Process], chosen: Process | None) -> Look:
        """Read what there is now. Blocks; one look at a time.

        Args:
            chosen: whose tree of children is wanted.
        """
        is_first = self._looks == 0
        self._looks += 1
        wanted = chosen.id if chosen is not None else None
        tree = None
        if chosen is not None and (wanted != self._tree_of or self._looks % TREE_EVERY == 0):
            tree = chosen.id, self._tree(chosen)
        self._tree_of = wanted
        if is_watched(self._home):
            self._watched_at = monotonic()
        watched = monotonic() - self._watched_at < UNWATCHED_S
        now = {} if watched else {each.id: as_seen(each, watched=False) for each in processes}
        return Look(
            is_watched=watched,
            seen_as={each.id: now[each.id] for each in processes if now and now[each.id] is not each},
            samples=self._metrics.latest(),
            history=self._metrics.recent_all(KEPT_S) if is_first else None,
            lines={each.id: line for each in processes if (line := self._last_line(each.id)) is not None},
            tree=tree,
            room_file=self._look_at_file(room),
        )

    def take(self, look: Look) -> bool:
        """Keep what was seen, on the event loop; whether any of it is news."""
        before = (self.tree, self.room_file, self.is_watched, self.seen_as)
        for process, samples in (look.history or {}).items():
            minute = self._minutes[process] = _Minute()
            for sample in samples:
                minute.add(sample)
        is_news = self._take_samples(look.samples)
        for process, line in look.lines.items():
            is_news |= self.lines.get(process) != line
            self.lines[process] = line
        if look.tree is not None:
            self.tree = look.tree
        self.room_file = look.room_file
        self.is_watched, self.seen_as = look.is_watched, look.seen_as
        return is_news or before != (self.tree, self.room_file, self.is_watched, self.seen_as)

    def _take_samples(self, samples: Mapping[ProcessId, ProcessSample]) -> bool:
        is_news = False
        now = utc_now()
        for process, sample in samples.items():
            minute = self._minutes.setdefault(process, _Minute())
            is_new = minute.add(sample)
            if (now - sample.at).total_seconds() > STALE_S or (not is_new and process in self.usage):
                continue
            usage = Usage(
                sample.cpu_percent, sample.memory_bytes, sample.threads, tuple(minute.cpu), tuple(minute.memory)
            )  # fmt: skip
            if self.usage.get(process) != usage:  # what is the same stays the same object: rows are compared by it
                self.usage[process] = usage
                is_news = True
        for process, minute in list(self._minutes.items()):
            silent_s = (now - minute.at).total_seconds() if minute.at is not None else KEPT_S + 1.0
            if silent_s > KEPT_S:
                del self._minutes[process]
            if silent_s > STALE_S:
                is_news |= self.usage.pop(process, None) is not None
        return is_news

    def close(self) -> None:
        """Let go of the metrics."""
        self._metrics.close()

    def _tree(self, process: Process) -> tuple[ProcessRow, ...]:
        """The process and all below it as they are now."""
        if process.pid is None or process.pid_started is None:
            return ()
        root = process.pid, process.pid_started
        self._trees += 1
        is_anew = self._table is None or self._trees % TABLE_ANEW == 0
        self._table = ProcessTable.read() if self._table is None or is_anew else self._table.again([root])
        return self._table.tree_of(*root)

    def _last_line(self, process: ProcessId) -> str | None:
        """The last line that a process has printed; None where it is the one that is known."""
        folder = f"{self._output_folders}/{process}"  # one a process and second: a Path takes four times as long
        try:
            status = os.stat(f"{folder}/output.log")  # noqa: PTH116
        except OSError:
            return None
        stamp = status.st_size, status.st_mtime_ns
        if self._outputs.get(process) == stamp:
            return None
        self._outputs[process] = stamp
        return last_line(Path(folder))

    def _look_at_file(self, room: Room) -> RoomFile:
        path = room_file(room)
        try:
            status = path.stat()
        except OSError:
            self._file_stamp = None
            return RoomFile(exists=path.is_symlink(), problem="")
        stamp = status.st_ino, status.st_size, status.st_mtime_ns
        if stamp == self._file_stamp:
            return self.room_file
        self._file_stamp = stamp
        try:
            content = read_room_file(room)
        except ParallelError as error:
            return RoomFile(exists=True, problem=error.message)
        return RoomFile(exists=content is not None, hash=content_hash(content) if content is not None else "")


def last_lines(folder: Path, count: int) -> list[str]:
    """The last lines of an output that hold something, ready for the screen; blocks."""
    from storage import OutputReader, strip_ansi

    try:
        found = OutputReader(folder).tail(count)
    except (OSError, ParallelError):
        logger.warning("the output in %s cannot be read", folder, exc_info=True)
        return []
    return [for_screen(strip_ansi(each.text)[:LINE_LIMIT]).rstrip() for each in found]


def last_line(folder: Path) -> str:
    """The last line of an output that holds something; empty where there is none."""
    return next((line for line in reversed(last_lines(folder, 5)) if line.strip()), "")
