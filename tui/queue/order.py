"""The runs of a room in the order in which the queue's screen has them, kept true change by change. No widget.

What runs; what begins next, as the dispatcher has it; what has to wait; what is over, the newest first. Only what a
change names is put in its place anew: with thousands of runs, all of them would cost more than a frame.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime
from heapq import heappop, heappush

from core.dispatch.order import Queued, precedence
from core.dispatch.ready import Waiting, why_not_ready
from storage import Run, RunId, RunState
from tui.board_state import BoardChange, BoardState

Place = tuple[int, float, float, RunId]
"""Where a run stands: among what, by what, of equals by what."""

RUNNING, NEXT, HELD, OVER = range(4)


class RunOrder:
    """The runs in order, and how many there are of each state."""

    def __init__(self) -> None:
        self.counts: Counter[RunState] = Counter()
        self._ordered: list[Place] = []
        self._known: dict[RunId, tuple[Place, RunState]] = {}
        self._due: list[tuple[datetime, RunId]] = []
        """When those that wait for their time may begin, the next first; some may have begun otherwise."""

    def load(self, state: BoardState, now: datetime) -> None:
        """Take in all of them."""
        self._due = []
        self._known = {run.id: (self._place_of(run, state, now), run.state) for run in state.runs.values()}
        self._ordered = sorted(place for place, _ in self._known.values())
        self.counts = Counter(state for _, state in self._known.values())

    def take_in(self, change: BoardChange, state: BoardState, now: datetime) -> bool:
        """Take in what has become different; whether runs are known no more."""
        if change.everything or change.room_changed:  # a paused queue holds nothing else
            self.load(state, now)
            return True
        tasks = (state.latest_runs.get(task) for task in change.tasks)
        self._put({*change.runs, *(run.id for run in tasks if run is not None)}, state, now)
        if len(self._known) == len(state.runs):
            return False
        for gone in self._known.keys() - state.runs.keys():  # the oldest of those that are over have been forgotten
            self._drop(gone)
        return True

    def pass_time(self, state: BoardState, now: datetime) -> bool:
        """Take in that time has passed; whether some stand elsewhere now."""
        come: list[RunId] = []
        while self._due and self._due[0][0] <= now:
            come.append(heappop(self._due)[1])
        self._put(come, state, now)
        return bool(come)

    def ids(self, states: Collection[RunState]) -> list[str]:
        """The runs in some states, in order."""
        if len(states) == len(RunState):
            return [place[3] for place in self._ordered]
        return [place[3] for place in self._ordered if self._known[place[3]][1] in states]

    def count(self, states: Iterable[RunState]) -> int:
        """How many runs are in some states."""
        return sum(self.counts[each] for each in states)

    def _put(self, runs: Iterable[RunId], state: BoardState, now: datetime) -> None:
        for each in runs:
            self._drop(each)
            if (run := state.runs.get(each)) is not None:
                place = self._place_of(run, state, now)
                insort(self._ordered, place)
                self._known[each] = place, run.state
                self.counts[run.state] += 1

    def _drop(self, run: RunId) -> None:
        known = self._known.pop(run, None)
        if known is not None:
            place, state = known
            del self._ordered[bisect_left(self._ordered, place)]
            self.counts[state] -= 1

    def _place_of(self, run: Run, state: BoardState, now: datetime) -> Place:
        if run.state is RunState.RUNNING:
            return RUNNING, (run.started_at or run.created_at).timestamp(), 0.0, run.id
        if run.state is not RunState.QUEUED:
            return OVER, -(run.ended_at or run.created_at).timestamp(), 0.0, run.id
        task = state.tasks.get(run.task_id)
        if task is None:
            return HELD, 0.0, run.created_at.timestamp(), run.id
        waiting = why_not_ready(run, task, state.room, now)
        if run.not_before is not None and run.not_before > now:
            heappush(self._due, (run.not_before, run.id))
        among = NEXT if waiting in (None, Waiting.QUEUE_PAUSED) else HELD
        return among, precedence(Queued(run, task)), run.created_at.timestamp(), run.id
