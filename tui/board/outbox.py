"""My own changes on their way: sent in order, each on top of the one before, and shown at once as pending until the
change feed confirms them or the refusal puts them back."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from core.execute import Outcome
from storage import Status, Task, TaskId


@dataclass(frozen=True, slots=True)
class Move:
    """Where moved tasks will stand: in their order, in column `to`, before the task `before` or last."""

    tasks: tuple[Task, ...]
    to: Status
    before: TaskId | None


@dataclass(slots=True, eq=False)
class Parcel:
    """One change on its way. `behind` are the tasks that had an earlier change on its way when this one was made:
    what the person saw of them is what that one will make."""

    tasks: frozenset[TaskId]
    move: Move | None
    behind: frozenset[TaskId]
    sequence: int | None = None


@dataclass(slots=True)
class Outbox:
    """The changes on their way, oldest first."""

    _parcels: list[Parcel] = field(default_factory=list)
    _results: dict[TaskId, Task] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def pending(self) -> frozenset[TaskId]:
        """The tasks with a change on its way."""
        return frozenset(task for parcel in self._parcels for task in parcel.tasks)

    def post(self, tasks: Iterable[TaskId], move: Move | None = None) -> Parcel:
        """Take a change into the queue: from now on it is shown."""
        parcel = Parcel(frozenset(tasks), move, self.pending)
        self._parcels.append(parcel)
        return parcel

    async def send(
        self,
        parcel: Parcel,
        bases: Sequence[Task],
        sending: Callable[[list[Task]], Awaitable[Outcome | None]],
        known: Callable[[], int],
    ) -> Outcome | None:
        """Send a posted change when its turn has come. `sending` is given the tasks to stand on.

        Args:
            bases: the tasks as the person saw them.
            known: the sequence number up to which the board is drawn: until then a change counts as one's own.
        """
        outcome: Outcome | None = None
        try:
            async with self._turn:
                outcome = await sending([self._newest(parcel, base) for base in bases])
                if outcome is not None:
                    rows = outcome.value if isinstance(outcome.value, tuple) else (outcome.value,)
                    self._results.update({row.id: row for row in rows if isinstance(row, Task)})
        finally:
            parcel.sequence = outcome.last_sequence if outcome is not None else None
            if parcel.sequence is None or parcel.sequence <= known():
                self._forget([parcel])
        return outcome

    def confirm(self, sequence: int) -> None:
        """The state has taken in everything up to `sequence`."""
        self._forget([each for each in self._parcels if each.sequence is not None and each.sequence <= sequence])

    def is_on_its_way(self, parcel: Parcel) -> bool:
        """Whether a change has not been confirmed yet."""
        return parcel in self._parcels

    def overlay(self, status: Status, tasks: Sequence[Task]) -> Sequence[Task]:
        """A column as it will be when what is on its way has arrived."""
        for parcel in self._parcels:
            if (move := parcel.move) is None:
                continue
            moving = parcel.tasks
            if move.to is status or any(task.id in moving for task in tasks):
                tasks = [task for task in tasks if task.id not in moving]
            if move.to is status:
                arriving = [replace(task, status=status) for task in move.tasks]
                place = next((index for index, task in enumerate(tasks) if task.id == move.before), len(tasks))
                tasks = [*tasks[:place], *arriving, *tasks[place:]]
        return tasks

    def _newest(self, parcel: Parcel, base: Task) -> Task:
        result = self._results.get(base.id)
        if base.id in parcel.behind and result is not None and result.version > base.version:
            return result
        return base

    def _forget(self, parcels: Iterable[Parcel]) -> None:
        for parcel in parcels:
            self._parcels.remove(parcel)
        if not self._parcels:
            self._results.clear()
