"""The catalogue: everything that is measured, with its unit and what it says. Doors, screen and endpoint read here.

A series is named `kind.value`. What is measured once for each core, disk, process or room has that as its subject.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from storage import COLUMNS, Status


class Unit(StrEnum):
    """What a number counts."""

    PERCENT = "percent"
    BYTES = "bytes"
    BYTES_PER_SECOND = "bytes_per_second"
    SECONDS = "seconds"
    COUNT = "count"
    PER_HOUR = "per_hour"


class Span(StrEnum):
    """How far back one looks."""

    MINUTE = "1m"
    MINUTES_5 = "5m"
    MINUTES_15 = "15m"
    HOUR = "1h"
    HOURS_6 = "6h"
    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"

    @property
    def seconds(self) -> int:
        """How long that is."""
        return int(self[:-1]) * {"m": 60, "h": 3600, "d": 86_400}[self[-1]]


class Kind(StrEnum):
    """What a value is measured of."""

    CPU = "cpu"
    LOAD = "load"
    MEMORY = "memory"
    DISK = "disk"
    IO = "io"
    NETWORK = "network"
    PROCESS = "process"
    BOARD = "board"
    QUEUE = "queue"


@dataclass(frozen=True, slots=True)
class Series:
    """One thing that is measured. `help` is a sentence about it.

    Most are one stored value. A rate or a mean is made of stored sums when it is read, so that it is right over any
    span: `value` divided by `per`, both summed; `factor` brings it into its unit.
    """

    kind: Kind
    name: str
    unit: Unit
    help: str
    value: str = ""
    per: str | None = None
    factor: float = 1.0

    @property
    def full_name(self) -> str:
        """`process.cpu`."""
        return f"{self.kind}.{self.name}"

    @property
    def stored(self) -> tuple[str, ...]:
        """The stored values of which it is made."""
        value = self.value or self.name
        return (value,) if self.per is None else (value, self.per)


OPEN: Final = tuple(status for status in COLUMNS if status is not Status.DONE)
"""The columns in which a task has an age."""


def _board() -> list[Series]:
    found = [Series(Kind.BOARD, status, Unit.COUNT, f"Tasks in {status}.") for status in COLUMNS]
    found += [Series(Kind.BOARD, f"oldest_{s}", Unit.SECONDS, f"Age of the oldest task in {s}.") for s in OPEN]
    found += [
        Series(Kind.BOARD, f"time_in_{status}", Unit.SECONDS, f"Mean time in {status} of the tasks that left it.",
               value=f"stay_{status}", per=f"left_{status}")
        for status in OPEN
    ]  # fmt: skip
    return [
        *found,
        Series(Kind.BOARD, "throughput", Unit.PER_HOUR, "Tasks that were done.", value="finished", factor=3600),
        Series(Kind.BOARD, "cycle_time", Unit.SECONDS, "Mean time from first begun to done.", value="cycle",
               per="cycled"),
        Series(Kind.BOARD, "lead_time", Unit.SECONDS, "Mean time from created to done.", value="lead", per="led"),
    ]  # fmt: skip


CATALOGUE: Final[tuple[Series, ...]] = (
    Series(Kind.CPU, "percent", Unit.PERCENT, "CPU of the machine, of all cores together."),
    Series(Kind.LOAD, "one", Unit.COUNT, "Load average of one minute."),
    Series(Kind.LOAD, "five", Unit.COUNT, "Load average of five minutes."),
    Series(Kind.LOAD, "fifteen", Unit.COUNT, "Load average of fifteen minutes."),
    Series(Kind.MEMORY, "used", Unit.BYTES, "Memory that is not available to programs."),
    Series(Kind.MEMORY, "total", Unit.BYTES, "Memory of the machine."),
    Series(Kind.MEMORY, "swap_used", Unit.BYTES, "Swap space in use."),
    Series(Kind.MEMORY, "swap_total", Unit.BYTES, "Swap space."),
    Series(Kind.DISK, "used", Unit.BYTES, "Space in use on a disk that holds a room or our home."),
    Series(Kind.DISK, "total", Unit.BYTES, "Space on that disk."),
    Series(Kind.IO, "read", Unit.BYTES_PER_SECOND, "Read from all disks."),
    Series(Kind.IO, "written", Unit.BYTES_PER_SECOND, "Written to all disks."),
    Series(Kind.NETWORK, "received", Unit.BYTES_PER_SECOND, "Received from the network, loopback left out."),
    Series(Kind.NETWORK, "sent", Unit.BYTES_PER_SECOND, "Sent to the network, loopback left out."),
    Series(Kind.PROCESS, "cpu", Unit.PERCENT, "CPU of the process's tree, of one core."),
    Series(Kind.PROCESS, "memory", Unit.BYTES, "Resident memory of the process's tree."),
    Series(Kind.PROCESS, "threads", Unit.COUNT, "Threads of the process's tree."),
    Series(Kind.PROCESS, "processes", Unit.COUNT, "Processes in its tree."),
    *_board(),
    Series(Kind.QUEUE, "queued", Unit.COUNT, "Runs that wait."),
    Series(Kind.QUEUE, "running", Unit.COUNT, "Runs that run."),
    Series(Kind.QUEUE, "oldest", Unit.SECONDS, "How long the first run in the queue has waited."),
    Series(Kind.QUEUE, "throughput", Unit.PER_HOUR, "Runs that ended.", value="ended", factor=3600),
    Series(Kind.QUEUE, "failures", Unit.PER_HOUR, "Runs that failed.", value="failed", factor=3600),
    Series(Kind.QUEUE, "wait_time", Unit.SECONDS, "Mean time from queued to begun.", value="wait", per="begun"),
    Series(Kind.QUEUE, "run_time", Unit.SECONDS, "Mean time from begun to ended.", value="took", per="took_count"),
)

CORE: Final = "core_"
"""Before the number of a core, in the names of the CPU's values: there are as many as there are cores."""

BY_NAME: Final[Mapping[str, Series]] = {each.full_name: each for each in CATALOGUE}


def find_series(name: str) -> Series | None:
    """The series of a full name; a core's (`cpu.core_3`) too."""
    kind, _, value = name.partition(".")
    if kind == Kind.CPU and value.startswith(CORE) and value.removeprefix(CORE).isdigit():
        return Series(Kind.CPU, value, Unit.PERCENT, f"CPU of core {value.removeprefix(CORE)}.")
    return BY_NAME.get(name)
