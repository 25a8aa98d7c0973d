"""How the work flows: the tasks' and runs' metrics, kept up to date by events alone.

What happened in a second is stored as sums and counts (`stay_todo`, `left_todo`): a mean of sums over a count is right
over any span, and a mean of means is not.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from core.metrics.series import OPEN, Kind
from core.metrics.system import Measured
from storage import (
    COLUMNS,
    EntityKind,
    Reader,
    RoomId,
    RunState,
    Status,
    Subject,
    TaskId,
    Transition,
    counts_by_status,
    open_tasks,
    times_of,
)  # fmt: skip

_ENDED: Final = frozenset(RunState) - {RunState.QUEUED, RunState.RUNNING}
_FAILED: Final = frozenset({RunState.FAILED, RunState.QUARANTINED})
_SUMS: Final = (
    *(f"{what}_{status}" for status in OPEN for what in ("stay", "left")),
    "finished", "cycle", "cycled", "lead", "led",
)  # fmt: skip
_RUN_SUMS: Final = ("begun", "wait", "ended", "failed", "took", "took_count")


class FlowMeter:
    """What stands where in each room, and since when."""

    def __init__(self) -> None:
        self._counts: dict[RoomId, Counter[Status]] = {}
        self._since: dict[RoomId, dict[Status, dict[str, datetime]]] = {}
        """By room and column: the tasks and when they came, the first first."""
        self._runs: dict[RoomId, dict[RunState, dict[str, datetime]]] = {}
        self._sums: dict[RoomId, dict[str, float]] = defaultdict(lambda: defaultdict(float))

    def begin(self, rows: Reader) -> None:
        """Take in how everything stands: at first, and after a restore, which tells not of all that it has changed."""
        self._counts, self._since, self._runs = {}, {}, {}
        for room in rows.rooms():
            self._meet(room.id)
        for name, counts in counts_by_status(rows).items():
            self._meet(name)
            self._counts[name].update(counts)
        for task in open_tasks(rows):
            self._since[task.room][task.status][task.id] = task.status_changed_at
        for run in reversed(rows.runs(states=(RunState.QUEUED, RunState.RUNNING))):
            self._meet(run.room_id)
            since = run.started_at if run.state is RunState.RUNNING else run.not_before
            self._runs[run.room_id][run.state][run.id] = since or run.created_at

    def take(self, transitions: Iterable[Transition], rows: Reader) -> None:
        """Take in what has happened since, in order. `rows` tells when a task that is done was created and begun."""
        for each in transitions:
            self._meet(each.room)
            if each.entity is EntityKind.TASK and each.after is not None:
                self._move(each, rows)
            elif each.entity is EntityKind.RUN and each.after is not None:
                self._run(each)

    def measure(self, now: datetime) -> Measured:
        """The values of now; sums begin anew."""
        measured: Measured = {}
        for room, counts in self._counts.items():
            sums = self._sums.get(room, {})
            board: dict[str, float | None] = {status.value: max(0, counts[status]) for status in COLUMNS}
            board.update((f"oldest_{status}", _age(self._since[room][status], now)) for status in OPEN)
            board.update((name, sums.get(name, 0.0)) for name in _SUMS)
            measured[Subject(Kind.BOARD, room)] = board
            queued = self._runs[room][RunState.QUEUED]
            queue: dict[str, float | None] = {
                "queued": len(queued), "running": len(self._runs[room][RunState.RUNNING]), "oldest": _age(queued, now),
            }  # fmt: skip
            queue.update((name, sums.get(name, 0.0)) for name in _RUN_SUMS)
            measured[Subject(Kind.QUEUE, room)] = queue
        self._sums.clear()
        return measured

    def _meet(self, room: RoomId) -> None:
        if room not in self._counts:
            self._counts[room] = Counter()
            self._since[room] = {status: {} for status in Status}
            self._runs[room] = {state: {} for state in RunState}

    def _move(self, moved: Transition, rows: Reader) -> None:
        counts, since, sums = self._counts[moved.room], self._since[moved.room], self._sums[moved.room]
        after = Status(str(moved.after))
        if moved.before is not None:
            before = Status(moved.before)
            counts[before] -= 1
            came = since[before].pop(moved.entity_id, None)
            if came is not None and before in OPEN:
                sums[f"stay_{before}"] += _seconds(moved.at, came)
                sums[f"left_{before}"] += 1
        counts[after] += 1
        if after in OPEN:
            since[after][moved.entity_id] = moved.at
        elif after is Status.DONE and moved.before is not None:  # what was imported as done is not done now
            self._finish(moved, rows, sums)

    def _finish(self, moved: Transition, rows: Reader, sums: dict[str, float]) -> None:
        sums["finished"] += 1
        created, begun = times_of(rows, TaskId(moved.entity_id))
        if begun is not None:
            sums["cycle"] += _seconds(moved.at, begun)
            sums["cycled"] += 1
        if created is not None:
            sums["lead"] += _seconds(moved.at, created)
            sums["led"] += 1

    def _run(self, changed: Transition) -> None:
        runs, sums = self._runs[changed.room], self._sums[changed.room]
        after = RunState(str(changed.after))
        came: datetime | None = None
        if changed.before is not None:
            before = RunState(changed.before)
            came = runs[before].pop(changed.entity_id, None)
            if before is RunState.QUEUED and after is RunState.RUNNING and came is not None:
                sums["wait"] += _seconds(changed.at, came)
                sums["begun"] += 1
            if before is RunState.RUNNING and came is not None and after in _ENDED:
                sums["took"] += _seconds(changed.at, came)
                sums["took_count"] += 1
        if after in _ENDED:
            sums["ended"] += 1
            sums["failed"] += after in _FAILED
        else:
            runs[after][changed.entity_id] = changed.at


def _age(stand: dict[str, datetime], now: datetime) -> float:
    """How long the first of those that stand has stood, in seconds; 0 where none does."""
    return _seconds(now, next(iter(stand.values()))) if stand else 0.0


def _seconds(now: datetime, since: datetime) -> float:
    return max(0.0, (now - since).total_seconds())
