"""The process table: all processes of the machine, read in one pass, and what the tree under a process uses.

One pass gives one map from parents to children, from which every tree is cut: a tree walk for each process would
read the table again for each (802 ms for 200 processes, against 4; reference/supervision.md). On Linux the pass reads
`/proc/<pid>/stat` itself, elsewhere psutil's iterator. Who asks for the same trees again and again (`again`) pays for
them, and not for whatever else the machine runs.
"""

import os
import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")

RUNNER: Final = b"/runner/start.py"
"""How the path of the program ends that stands above each managed process (core/processes/backends/launching.py)."""
DETACHED: Final = b"WZP_DETACHED=1"
"""In the environment of who belongs to no tree: a host of the services that a managed process has started."""
MARKER: Final = b"WZP_RUNNER="
"""In the environment of whatever was started under a runner; then it belongs there, whatever else it says."""


class _Entry(NamedTuple):
    """What one line of the table says. `own` and `reaped` are seconds of CPU: its own, and its dead children's."""

    parent: int
    started: int
    own: float
    reaped: float
    memory: int
    threads: int
    name: str
    state: str


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """One process of a tree. `started` is as `Process.pid_started` has it; `depth` 0 is the root of the tree."""

    pid: int
    parent: int
    started: int
    name: str
    state: str
    cpu_seconds: float
    memory_bytes: int
    threads: int
    depth: int


@dataclass(frozen=True, slots=True)
class TreeUsage:
    """What the tree of a process uses. `cpu_percent` is of one core, since the table before; None without one.

    `memory_bytes` is the sum of what is resident, in which shared pages count once a process.
    """

    cpu_percent: float | None
    memory_bytes: int
    threads: int
    processes: int


class ProcessTable:
    """The processes of one moment. Immutable; compare two to learn what was used between them."""

    def __init__(self, at: float, entries: Mapping[int, _Entry], kept: Collection[int] = ()) -> None:
        """Args:
        kept: of whom `entries` only knows that they are there, and whose they are; see `again`.
        """
        self.at = at
        """When the pass began, in seconds of the monotonic clock."""
        self._entries = entries
        self._kept = kept
        self._walks: dict[tuple[int, int | None], list[tuple[int, int]]] = {}
        children: dict[int, list[int]] = {}
        for pid, entry in entries.items():
            siblings = children.get(entry.parent)
            if siblings is None:
                children[entry.parent] = [pid]
            else:
                siblings.append(pid)
        self._children = children

    @classmethod
    def read(cls) -> "ProcessTable":
        """Read the table of now. A process that vanishes meanwhile is left out."""
        at = time.monotonic()
        return cls(at, _read_proc({}, ())[0] if sys.platform == "linux" else _read_psutil())

    def again(self, trees: Iterable[tuple[int, int | None]]) -> "ProcessTable":
        """The table of now, when only the trees of these processes (pid and start) are asked for.

        Who was in none of them a moment ago is kept as he was while his parent is there: he can come into one as an
        orphan alone, and then his parent is gone. What a kept one uses is not known. A stranger's pid that another has
        a moment later is not noticed (the kernel gives pids in turn, so that takes seconds of forking): read anew now
        and then.
        """
        if sys.platform != "linux":
            return ProcessTable.read()
        at = time.monotonic()
        wanted: set[int] = set()
        for pid, started in trees:
            wanted.add(pid)
            if walk := self._walk(pid, started):
                wanted.add(self._root(pid, started))
                wanted.update(each for each, _ in walk)
        return ProcessTable(at, *_read_proc(self._entries, wanted))

    def __len__(self) -> int:
        return len(self._entries)

    def has(self, pid: int, started: int | None = None) -> bool:
        """Whether there is a process of that pid that is the one started then, and not one that has its pid now."""
        entry = self._entries.get(pid)
        return entry is not None and (started is None or entry.started == started)

    def tree_of(self, pid: int, started: int | None = None) -> tuple[ProcessRow, ...]:
        """A process and all below it, each before its children; empty where it is gone or another has its pid now."""
        return tuple(
            ProcessRow(
                each, entry.parent, entry.started, entry.name, entry.state,
                entry.own, entry.memory, entry.threads, depth,
            )
            for each, depth in self._walk(pid, started)
            for entry in (self._entries[each],)
        )  # fmt: skip

    def usage(self, pid: int, started: int | None, before: "ProcessTable | None") -> TreeUsage | None:
        """What the tree of a process uses, and has used since the table `before`; None where it is gone."""
        pids = [each for each, _ in self._walk(pid, started)]
        if not pids:
            return None
        entries = self._entries
        memory = threads = 0
        for each in pids:
            entry = entries[each]
            memory += entry.memory
            threads += entry.threads
        is_known = before is not None and pid not in before._kept
        percent = self._percent(pids, before, self._root(pid, started)) if before is not None and is_known else None
        return TreeUsage(percent, memory, threads, len(pids))

    def _percent(self, pids: Iterable[int], before: "ProcessTable", root: int) -> float | None:
        """CPU of the tree since `before`, in percent of one core; never below zero.

        What a process that died in between had used shows up in the counter of who has reaped it: of what was reaped
        only that is new which had not been counted as the dead one's own. Where nobody counts it (a parent that
        ignores SIGCHLD), what it used in its last moment is lost, and nothing is counted backwards.
        """
        elapsed = self.at - before.at
        if elapsed <= 0:
            return None
        entries, earlier = self._entries, before._entries
        own = reaped = 0.0
        for pid in pids:
            entry, was = entries[pid], earlier.get(pid)
            if was is not None and was.started == entry.started:
                own += max(0.0, entry.own - was.own)
                reaped += max(0.0, entry.reaped - was.reaped)
            else:
                own += entry.own
                reaped += entry.reaped
        top, was = entries.get(root), earlier.get(root)
        if root not in pids and top is not None and was is not None and was.started == top.started:
            reaped += max(0.0, top.reaped - was.reaped)
        if reaped:
            dead = (each for each, _ in before._walk(root, None) if not self.has(each, earlier[each].started))
            reaped = max(0.0, reaped - sum(earlier[each].own + earlier[each].reaped for each in dead))
        return round(100.0 * (own + reaped) / elapsed, 2)  # the kernel counts in hundredths of a second

    def _walk(self, pid: int, started: int | None) -> list[tuple[int, int]]:
        """The pids of a tree with their depths, each before its children.

        A child that was orphaned hangs below the runner, beside the process that it came from: it belongs to the tree.
        """
        known = self._walks.get((pid, started))
        if known is None:
            known = self._walks[pid, started] = self._walk_anew(pid, started)
        return known

    def _walk_anew(self, pid: int, started: int | None) -> list[tuple[int, int]]:
        if not self.has(pid, started):
            return []
        found: list[tuple[int, int]] = []
        root = self._root(pid, started)
        others: list[int] = []
        if root != pid:
            orphans = [each for each in self._children.get(root, ()) if each != pid]
            others = [each for each in orphans if not _is_detached(each, self._entries[each].started)]
        stack = [*((each, 1) for each in reversed(others)), (pid, 0)]
        seen = {root}  # a loop cannot be, but two lines may be of different moments
        while stack:
            each, depth = stack.pop()
            if each in seen and each != pid:
                continue
            seen.add(each)
            found.append((each, depth))
            below = self._children.get(each)
            if below:
                stack.extend((child, depth + 1) for child in reversed(below) if child not in seen)
        return found

    def _root(self, pid: int, started: int | None) -> int:
        """The runner above a process, below which all that it has started is; the process itself where there is none.

        Asked only for a process that is known by its start, a managed one: the parent of any other is a stranger.
        """
        if started is None:
            return pid
        parent = self._entries[pid].parent
        above = self._entries.get(parent)
        return parent if above is not None and _is_runner(parent, above.started) else pid


@lru_cache(4096)
def _is_runner(pid: int, started: int) -> bool:  # noqa: ARG001  a part of the identity for which the answer holds
    """Whether a process is one of our runners, as its command line says."""
    return any(word.endswith(RUNNER) for word in _told_of(pid, "cmdline")[:6])


@lru_cache(4096)
def _is_detached(pid: int, started: int) -> bool:  # noqa: ARG001
    """Whether a process says of itself that it belongs to no tree."""
    variables = _told_of(pid, "environ")
    return DETACHED in variables and not any(each.startswith(MARKER) for each in variables)


def _told_of(pid: int, what: str) -> list[bytes]:
    """The words of a process's command line, or the variables of its environment; none where we may not look."""
    try:
        if sys.platform == "linux":
            with open(f"/proc/{pid}/{what}", "rb") as file:  # noqa: PTH123  a fifth of Path's time
                return file.read().split(b"\0")
        import psutil

        process = psutil.Process(pid)
        if what == "cmdline":
            return [word.encode() for word in process.cmdline()]
        return [f"{name}={value}".encode() for name, value in process.environ().items()]
    except Exception:  # gone, or not ours to look at
        return []


def _read_proc(known: Mapping[int, _Entry], wanted: Collection[int]) -> tuple[dict[int, _Entry], set[int]]:
    """The table, and who of `known` was kept as he was; see `renewed`."""
    here = {int(name) for name in os.listdir("/proc") if name.isdigit()}  # noqa: PTH208
    return renewed(here, known, wanted, _read_stat)


def renewed(
    here: Collection[int], known: Mapping[int, _Entry], wanted: Collection[int], read: Callable[[int], _Entry | None]
) -> tuple[dict[int, _Entry], set[int]]:
    """The entries of the pids that are `here`, and who of them was kept as he is `known`: all but the `wanted`, those
    that have come, and those whose parent has gone."""
    entries: dict[int, _Entry] = {}
    kept: set[int] = set()
    for pid in here:
        entry = known.get(pid)
        if entry is None or pid in wanted or (entry.parent and entry.parent not in here):
            entry = read(pid)
        else:
            kept.add(pid)
        if entry is not None:
            entries[pid] = entry
    return entries, kept


def _read_stat(pid: int) -> _Entry | None:
    try:
        file = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # it has ended since
        return None
    try:
        line = os.read(file, 1024)
    except OSError:
        return None
    finally:
        os.close(file)
    return parse_stat(line) if line else None


def parse_stat(line: bytes) -> _Entry:
    """A line of `/proc/<pid>/stat` (proc_pid_stat(5)). The name is between the first and the last parenthesis."""
    start, end = line.index(b"("), line.rindex(b")")
    field = line[end + 2 :].split(b" ", 23)
    return _Entry(
        int(field[1]),
        int(field[19]),
        (int(field[11]) + int(field[12])) / _TICKS,
        (int(field[13]) + int(field[14])) / _TICKS,
        int(field[21]) * _PAGE,
        int(field[17]),
        line[start + 1 : end].decode("utf-8", "replace"),
        field[0].decode("ascii", "replace"),
    )


def _read_psutil() -> dict[int, _Entry]:
    import psutil

    wanted = ["pid", "ppid", "cpu_times", "memory_info", "num_threads", "create_time", "name", "status"]
    entries: dict[int, _Entry] = {}
    for process in psutil.process_iter(wanted):
        told = process.info
        times, memory = told["cpu_times"], told["memory_info"]
        entries[told["pid"]] = _Entry(
            told["ppid"] or 0,
            int(told["create_time"] or 0.0),  # in seconds since the epoch, as the runner tells it there
            times.user + times.system if times else 0.0,
            getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0) if times else 0.0,
            memory.rss if memory else 0,
            told["num_threads"] or 0,
            told["name"] or "",
            told["status"] or "",
        )
    return entries
