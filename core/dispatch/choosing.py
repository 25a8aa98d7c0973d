"""Which queued runs begin now and on which worker: in the order of the queue, by the policy, over the present loads."""

import asyncio
from collections import Counter, deque
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from core.dispatch import offices
from core.dispatch.desks import Desks
from core.dispatch.known import Known
from core.dispatch.order import Queued, in_order
from core.dispatch.policy import Policy, WorkerLoad
from core.dispatch.ready import why_not_ready
from core.operations.settled import RunStart
from storage import ProcessId, ProcessKind, ProcessSample, RoomId, RunId, utc_now

BATCH: Final = 64
"""Most runs begun in one transaction, so that no other writer waits long."""

LATELY_S: Final = 600.0
"""For how long a failure counts against the worker on which it was."""


class Choosing:
    """Chooses, and remembers what the choice depends on beside the store: failures, samples, the turns of rooms."""

    def __init__(self, known: Known, desks: Desks, policy: Policy) -> None:
        self._known = known
        self._desks = desks
        self._policy = policy
        self._failures: deque[tuple[float, ProcessId]] = deque()
        self._failed: Counter[ProcessId] = Counter()
        """How many of them each worker has: thousands, where a flood of runs fails."""
        self._served: dict[RoomId, int] = {}
        self._servings = 0
        self.samples: dict[ProcessId, ProcessSample] = {}
        """What the tree of each worker used when it was measured last."""

    def note_failure(self, process: ProcessId) -> None:
        """Count a failure against a worker, for a while."""
        self._failures.append((asyncio.get_running_loop().time(), process))
        self._failed[process] += 1

    def note_turn(self, room: RoomId) -> None:
        """A room has had its turn; the others come first now."""
        self._servings += 1
        self._served[room] = self._servings

    async def starts(self, ended: Collection[RunId]) -> list[RunStart]:
        """What is to begin now, and where. What has `ended`, though that is not stored yet, takes no place any more."""
        if not self._known.has_queued() or not any(each.is_free for each in self._loads(ended).values()):
            return []
        ordered = await asyncio.to_thread(self.ordered, for_agents=False)
        loads = self._loads(ended)  # what has ended meanwhile has made room
        starts = await asyncio.to_thread(self._chosen, ordered, loads)
        for start in starts:
            self.note_turn(self._known.runs[start.run].room_id)
        return starts

    def _chosen(self, ordered: Sequence[Queued], loads: Mapping[ProcessId, WorkerLoad]) -> list[RunStart]:
        """What goes where. In a thread: thousands may be asked about that find no worker free."""
        leases = {each: self._known.processes[each].runner for each in loads}
        rooms: dict[RoomId, dict[ProcessId, WorkerLoad]] = {}
        for each, load in loads.items():
            rooms.setdefault(load.room, {})[each] = load
        for full in [room for room, offered in rooms.items() if not any(each.is_free for each in offered.values())]:
            del rooms[full]
        starts: list[RunStart] = []
        for candidate in ordered:
            offered = rooms.get(candidate.run.room_id)
            if not offered:
                continue
            chosen = self._policy(candidate, tuple(offered.values()))
            if chosen is None:
                continue
            lease = leases[chosen.process]
            assert lease is not None
            offered[chosen.process] = offices.with_one_more(chosen, candidate.task)
            starts.append(RunStart(candidate.run.id, chosen.process, lease))
            if not any(each.is_free for each in offered.values()):
                del rooms[candidate.run.room_id]
            if len(starts) >= BATCH or not rooms:
                break
        return starts

    def ordered(self, *, for_agents: bool) -> list[Queued]:
        """The runs that may begin, in order. In a thread: a queue may be long, and nothing changes it meanwhile."""
        now = utc_now()
        ready = []
        for run in self._known.queued():
            task, room = self._known.tasks.get(run.task_id), self._known.rooms.get(run.room_id)
            if task is None or room is None or why_not_ready(run, task, room, now) is not None:
                continue
            if offices.goes_to_agent(task, room, self._known) is for_agents:
                ready.append(Queued(run, task))
        return list(in_order(ready, self._served))

    def _loads(self, ended: Collection[RunId]) -> dict[ProcessId, WorkerLoad]:
        """The workers that answer, each with what it has to do. What is killed and does not go takes no place: it does
        nothing any more, and others should not wait for it."""
        now = asyncio.get_running_loop().time()
        while self._failures and self._failures[0][0] < now - LATELY_S:
            self._failed[self._failures.popleft()[1]] -= 1
        held = self._known.by_worker()
        loads = {}
        for process in self._known.of_kind(ProcessKind.WORKER):
            lease = self._desks.lease_of(process)
            if lease is None:
                continue
            here = [run for run in held.get((process.id, lease), ()) if run.id not in ended and run.stuck_since is None]
            tasks = [task for run in here if (task := self._known.tasks.get(run.task_id)) is not None]
            sample = self.samples.get(process.id)
            loads[process.id] = offices.load_of(process, tasks, sample, self._failed[process.id])
        return loads
