"""The metrics as text for scrapers, in the OpenMetrics format (prometheus.io/docs/specs/om/open_metrics_spec).

Names have our prefix and their unit; gauges are what stands now, counters and summaries what has been counted since
the service started (those of the machine: since it did), so that a scraper that comes seldom misses nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from core.metrics.collector import Tick
from core.metrics.series import CORE, OPEN, Kind
from storage import COLUMNS, Subject

CONTENT_TYPE: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PREFIX: Final = "wezterm_parallel_"

Labels = Mapping[str, str]


@dataclass(slots=True)
class Family:
    """One metric: its name without prefix, its type, and its samples, each with what follows the name and labels."""

    name: str
    type: str
    help: str
    unit: str = ""
    samples: list[tuple[str, Labels, float]] = field(default_factory=list)

    def add(self, value: float | None, labels: Labels = {}, end: str = "") -> None:  # noqa: B006  never written to
        """Add a sample, if it was measured."""
        if value is not None:
            self.samples.append((end, labels, value))

    def text(self) -> Iterator[str]:
        """The lines."""
        name = PREFIX + self.name
        yield f"# TYPE {name} {self.type}"
        if self.unit:
            yield f"# UNIT {name} {self.unit}"
        yield f"# HELP {name} {_escaped(self.help)}"
        for end, labels, value in self.samples:
            told = ",".join(f'{key}="{_escaped(each)}"' for key, each in labels.items())
            yield f"{name}{end}{{{told}}} {_number(value)}" if told else f"{name}{end} {_number(value)}"


class Exposition:
    """Keeps the newest second and what has been counted up to it, and gives both as text."""

    def __init__(self) -> None:
        self._tick: Tick | None = None
        self._sums: dict[tuple[str, str], float] = {}
        """By room and name of a board's or queue's sum: what it is up to now."""

    def take(self, tick: Tick) -> None:
        """Take in a second."""
        self._tick = tick
        for subject, values in tick.measured.items():
            if subject.kind in (Kind.BOARD, Kind.QUEUE):
                for name, value in values.items():
                    key = (subject.name, f"{subject.kind}.{name}")
                    self._sums[key] = self._sums.get(key, 0.0) + (value or 0.0)

    def text(self) -> str:
        """All that is measured now, ending as the format wants it."""
        lines = [line for family in self._families() if family.samples for line in family.text()]
        return "\n".join([*lines, "# EOF", ""])

    def _families(self) -> Iterator[Family]:
        tick = self._tick
        if tick is None:
            return
        yield from _machine(tick)
        yield from _processes(tick)
        yield from self._boards(tick)
        yield from self._queues(tick)

    def _boards(self, tick: Tick) -> Iterator[Family]:
        tasks = Family("tasks", "gauge", "Tasks by column.")
        oldest = Family("oldest_task_age_seconds", "gauge", "Age of the oldest task of a column.", "seconds")
        stay = Family("task_stay_seconds", "summary", "Time that tasks stood in a column that they left.", "seconds")
        done = Family("tasks_done", "counter", "Tasks that were done.")
        cycle = Family("task_cycle_seconds", "summary", "Time of tasks from first begun to done.", "seconds")
        lead = Family("task_lead_seconds", "summary", "Time of tasks from created to done.", "seconds")
        for room, name in tick.rooms.items():
            board = tick.measured.get(Subject(Kind.BOARD, room), {})
            for status in COLUMNS:
                tasks.add(board.get(status), {"room": name, "column": status})
            for status in OPEN:
                oldest.add(board.get(f"oldest_{status}"), {"room": name, "column": status})
                self._summary(stay, room, f"board.left_{status}", f"board.stay_{status}",
                              {"room": name, "column": status})  # fmt: skip
            done.add(self._sums.get((room, "board.finished")), {"room": name}, "_total")
            self._summary(cycle, room, "board.cycled", "board.cycle", {"room": name})
            self._summary(lead, room, "board.led", "board.lead", {"room": name})
        yield from (tasks, oldest, stay, done, cycle, lead)

    def _queues(self, tick: Tick) -> Iterator[Family]:
        runs = Family("runs", "gauge", "Runs that wait or run.")
        oldest = Family("oldest_run_age_seconds", "gauge", "How long the first run in the queue has waited.", "seconds")
        ended = Family("runs_ended", "counter", "Runs that ended.")
        failed = Family("runs_failed", "counter", "Runs that failed.")
        wait = Family("run_wait_seconds", "summary", "Time of runs from queued to begun.", "seconds")
        took = Family("run_duration_seconds", "summary", "Time of runs from begun to ended.", "seconds")
        for room, name in tick.rooms.items():
            queue = tick.measured.get(Subject(Kind.QUEUE, room), {})
            for state in ("queued", "running"):
                runs.add(queue.get(state), {"room": name, "state": state})
            oldest.add(queue.get("oldest"), {"room": name})
            ended.add(self._sums.get((room, "queue.ended")), {"room": name}, "_total")
            failed.add(self._sums.get((room, "queue.failed")), {"room": name}, "_total")
            self._summary(wait, room, "queue.begun", "queue.wait", {"room": name})
            self._summary(took, room, "queue.took_count", "queue.took", {"room": name})
        yield from (runs, oldest, ended, failed, wait, took)

    def _summary(self, family: Family, room: str, count: str, total: str, labels: Labels) -> None:
        family.add(self._sums.get((room, count)), labels, "_count")
        family.add(self._sums.get((room, total)), labels, "_sum")


def _machine(tick: Tick) -> Iterator[Family]:
    def values(kind: Kind) -> Mapping[str, float | None]:
        return tick.measured.get(Subject(kind), {})

    cpu = Family("cpu_usage_ratio", "gauge", "CPU in use, of a core.", "ratio")
    for name, value in values(Kind.CPU).items():
        if name.startswith(CORE) and value is not None:
            cpu.add(value / 100, {"core": name.removeprefix(CORE)})
    yield cpu
    for name, value in values(Kind.LOAD).items():
        load = Family(f"load_{name}", "gauge", f"Load average of {name} minute{'s' if name != 'one' else ''}.")
        load.add(value)
        yield load
    for name, value in values(Kind.MEMORY).items():
        memory = Family(f"{'' if name.startswith('swap') else 'memory_'}{name}_bytes", "gauge",
                        f"Memory of the machine: {name.replace('_', ' ')}.", "bytes")  # fmt: skip
        memory.add(value)
        yield memory
    used = Family("disk_used_bytes", "gauge", "Space in use on a disk.", "bytes")
    total = Family("disk_total_bytes", "gauge", "Space on a disk.", "bytes")
    for subject, told in tick.measured.items():
        if subject.kind == Kind.DISK:
            used.add(told["used"], {"mountpoint": subject.name})
            total.add(told["total"], {"mountpoint": subject.name})
    yield from (used, total)
    for name, where in (("read", "disk"), ("written", "disk"), ("received", "network"), ("sent", "network")):
        counter = Family(f"{where}_{name}_bytes", "counter", f"Bytes {name}, since the machine started.", "bytes")
        counter.add(tick.counters.get(name), end="_total")
        yield counter


def _processes(tick: Tick) -> Iterator[Family]:
    families = {
        "cpu": Family("process_cpu_usage_ratio", "gauge", "CPU of a process's tree, of one core.", "ratio"),
        "memory": Family("process_resident_memory_bytes", "gauge", "Resident memory of a process's tree.", "bytes"),
        "threads": Family("process_threads", "gauge", "Threads of a process's tree."),
        "processes": Family("process_members", "gauge", "Processes in a process's tree."),
    }
    restarts = Family("process_restarts", "gauge", "Restarts of a process since somebody started it.")
    for process in tick.processes:
        labels = {"room": tick.rooms.get(process.room_id, ""), "process": process.name}
        measured = tick.measured.get(Subject(Kind.PROCESS, process.id), {})
        for name, family in families.items():
            value = measured.get(name)
            family.add(value / 100 if name == "cpu" and value is not None else value, labels)
        restarts.add(process.restarts, labels)
    yield from (*families.values(), restarts)


def _escaped(text: str) -> str:
    """A label's value or a help, as the format writes it."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
