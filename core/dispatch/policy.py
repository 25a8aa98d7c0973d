"""Which worker a run goes to: a small function that can be replaced, over loads that are measured elsewhere. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from core.dispatch.order import Queued
from storage import ProcessId, RoomId

FULL_MEMORY_BYTES: Final = 4 * 2**30
"""A tree of this size counts as a worker that is full."""
LONG_MINUTES: Final = 60.0
"""So much estimated work in hand counts as a worker that is full."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLoad:
    """A worker process and what it has to do.

    Args:
        running: the runs that it has; `capacity` how many it may have.
        cpu_percent: of one core, of its whole tree; 0 where it is not measured. Likewise `memory_bytes`.
        estimate_minutes: the estimates of what it has, together.
        failures: how many runs failed or were lost on it lately.
    """

    process: ProcessId
    room: RoomId
    name: str
    running: int
    capacity: int
    labels: tuple[str, ...] = ()
    cpu_percent: float = 0.0
    memory_bytes: int = 0
    estimate_minutes: float = 0.0
    failures: int = 0

    @property
    def is_free(self) -> bool:
        """Whether it may have one more."""
        return self.running < self.capacity

    @property
    def load(self) -> float:
        """How loaded it is: 0 for idle, about 1 a full share; each part counts at most 1, failures one third each."""
        return (
            2 * self.running / max(1, self.capacity)
            + min(1.0, self.cpu_percent / 100)
            + min(1.0, self.memory_bytes / FULL_MEMORY_BYTES)
            + min(1.0, self.estimate_minutes / LONG_MINUTES)
            + min(1.0, self.failures / 3)
        )


Policy = Callable[[Queued, Sequence[WorkerLoad]], WorkerLoad | None]
"""Gives the worker for a run, one of those offered that is free; None lets it wait."""


def choose(queued: Queued, workers: Sequence[WorkerLoad]) -> WorkerLoad | None:
    """The free worker of the room that shares most labels with the task; of equals the least loaded, then by name.

    A worker whose labels a task does not ask for may have it all the same: labels attract, they do not forbid. They go
    before the load, which is measured and so never quite equal.
    """
    free = [each for each in workers if each.room == queued.run.room_id and each.is_free]
    asked = set(queued.task.labels)
    return min(free, key=lambda each: (-len(asked & set(each.labels)), each.load, each.name), default=None)
