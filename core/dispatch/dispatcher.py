"""The dispatcher: brings queued runs to workers and agents, and records what became of them.

It holds no state of its own that matters: which run is where stands in the store, and what a worker has, the worker
says when one connects. So another host may go on at any moment. In each turn it takes in what has happened (events of
the store, messages of the workers), records ends and begins runs in one transaction a room, and then speaks to the
workers: nothing is asked of a worker before it is stored.
"""

import asyncio
import logging
from collections import ChainMap, defaultdict, deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from core.dispatch import offices
from core.dispatch.burials import Burials
from core.dispatch.choosing import BATCH, Choosing
from core.dispatch.desks import Desks
from core.dispatch.known import Known
from core.dispatch.places import make_folder
from core.dispatch.policy import Policy, choose
from core.errors import HostLost, InvalidData, NotFound
from core.execute import Call, execute
from core.operations import find
from core.operations.settled import RunEnd, RunStart, RunStuck, Settled
from core.services.lease import HostLease
from storage import (
    ChangeFeed,
    Database,
    Event,
    MetricsReader,
    Process,
    ProcessKind,
    RoomId,
    Run,
    RunId,
    RunState,
    utc_now,
)  # fmt: skip

FRESH_S: Final = 15.0
"""What was measured longer ago says nothing of the present load."""

LOOK_S: Final = 5.0
"""Between two looks at what has no event: sessions that have ended, times that have come, loads."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """What is to be recorded of a room's runs."""

    ends: list[RunEnd] = field(default_factory=list)
    starts: list[RunStart] = field(default_factory=list)
    stuck: list[RunStuck] = field(default_factory=list)


class DispatcherService:
    """Runs the queue of all rooms. `policy` may be replaced."""

    name = "dispatcher"

    def __init__(self, database: Database, lease: HostLease, *, policy: Policy = choose) -> None:
        self._database = database
        self._lease = lease
        self._policy = policy
        self._metrics = MetricsReader(database.home)
        self._reset()

    def _reset(self) -> None:
        self._woken = asyncio.Event()
        self._known = Known()
        self._desks = Desks(self._database.home, self._known, self._note_end, self._note_stuck, self._woken.set)
        self._choosing = Choosing(self._known, self._desks, self._policy)
        self._ends: dict[RunId, RunEnd] = {}
        self._stuck: dict[RunId, RunStuck] = {}
        self._burials = Burials(self._database.home, self._note_end, self._note_stuck)
        self._events: deque[Event] = deque()
        self._turns = 0
        self._next_look = 0.0

    async def run(self) -> None:
        """Dispatch until cancelled.

        Raises:
            HostLost: another host has taken over.
        """
        self._reset()
        loop = asyncio.get_running_loop()
        after = await asyncio.to_thread(self._begin)

        def deliver(events: Sequence[Event]) -> None:
            self._events.extend(events)
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._woken.set)

        feed = ChangeFeed(self._database, deliver, after=after)
        feed.start()
        try:
            while True:
                self._woken.clear()
                await self._turn()
                with suppress(TimeoutError):
                    # not wait_for: on Python 3.11 it loses a cancellation that meets the wake-up
                    async with asyncio.timeout(self._patience()):
                        await self._woken.wait()
        finally:
            await asyncio.to_thread(feed.stop)
            await self._burials.close()
            await self._desks.close()
            self._metrics.close()

    def _begin(self) -> int:
        try:
            make_folder(self._database.home)
            return self._known.load(self._database)
        finally:
            self._database.close_thread()

    # a turn

    async def _turn(self) -> None:
        if self._desks.is_refused:
            raise HostLost("A worker obeys another host by now.", "Stop acting; take the lease again.")
        self._turns += 1
        events = [self._events.popleft() for _ in range(len(self._events))]
        now = asyncio.get_running_loop().time()
        is_look = now >= self._next_look
        if is_look:
            self._next_look = now + LOOK_S
        if events or is_look:
            await asyncio.to_thread(self._in_thread, self._look, events, is_look)
        if self._known.next_begin is not None and self._known.next_begin <= utc_now():
            self._known.look_ahead()  # its time has come; the next one's is waited for from now on
        await self._desks.meet(self._lease.token)
        self._burials.begin(self._known)
        ends, self._ends = self._ends, {}
        stuck, self._stuck = self._stuck, {}
        starts = await self._choosing.starts(ChainMap(self._ends, ends))
        if ends or starts or stuck:
            try:
                begun = await asyncio.to_thread(self._in_thread, self._settle, ends, starts, stuck)
            except BaseException:
                self._ends = {**ends, **self._ends}
                self._stuck = {**stuck, **self._stuck}
                raise
            self._desks.acknowledge(ends)
            for run in begun:
                self._desks.ask(run)
        await self._serve_agents()
        self._desks.steer()

    def _in_thread(self, act: Any, *arguments: Any) -> Any:
        try:
            return act(*arguments)
        finally:
            self._database.close_thread()

    def _note_end(self, end: RunEnd, process: Process | None) -> None:
        """Record an end in the next turn. It counts against its worker, unless that was stopped under it."""
        self._ends[end.run] = end
        is_failure = end.state is RunState.FAILED and (end.lost_worker or not end.is_interrupted)
        if is_failure and process is not None:
            self._choosing.note_failure(process.id)
        self._woken.set()

    def _note_stuck(self, stuck: RunStuck) -> None:
        """Tell in the next turn that a run's processes do not go, unless that stands in the store."""
        known = self._known.runs.get(stuck.run)
        if known is not None and known.stuck_since is None:
            self._stuck[stuck.run] = stuck
            self._woken.set()

    def _look(self, events: Sequence[Event], is_look: bool) -> None:
        self._known.refresh(self._database, events)
        self._known.look_ahead()
        if is_look:
            make_folder(self._database.home)
            workers = tuple(each.id for each in self._known.of_kind(ProcessKind.WORKER))
            fresh = utc_now() - timedelta(seconds=FRESH_S)
            samples = self._metrics.latest(workers)
            self._choosing.samples = {process: each for process, each in samples.items() if each.at >= fresh}

    def _settle(self, ends: dict[RunId, RunEnd], starts: Sequence[RunStart], stuck: dict[RunId, RunStuck]) -> list[Run]:
        """Record ends, starts and what does not end, room by room; what has begun."""
        by_room: dict[RoomId, Told] = defaultdict(Told)
        for end in ends.values():
            if (run := self._known.runs.get(end.run)) is not None:
                by_room[run.room_id].ends.append(end)
        for each in stuck.values():
            if (run := self._known.runs.get(each.run)) is not None:
                by_room[run.room_id].stuck.append(each)
        for start in starts:
            by_room[self._known.runs[start.run].room_id].starts.append(start)
        begun: list[Run] = []
        for room, told in by_room.items():
            try:
                settled = self._settle_room(room, told)
            except NotFound:  # a restored backup knows them not
                self._known.load(self._database)
                continue
            begun += settled.begun
            with self._database.read() as rows:
                changed = [run.id for run in (*settled.begun, *settled.ended, *settled.queued)]
                self._known.read_runs(rows, [*changed, *(each.run for each in told.stuck)])
        self._known.look_ahead()
        self._burials.stored(tuple(ends))
        return begun

    def _settle_room(self, room: RoomId, told: Told) -> Settled:
        ends, starts, stuck = tuple(told.ends), tuple(told.starts), tuple(told.stuck)
        try:
            return self._call("settle_runs", room, ends=ends, starts=starts, stuck=stuck)  # type: ignore[no-any-return]
        except InvalidData:
            # better a result without what cannot be stored than a queue that stands still
            logger.exception("results could not be stored as they came; their output is left out")
            bare = tuple(replace(end, output=None, files=(), reason=None) for end in ends)
            return self._call("settle_runs", room, ends=bare, starts=starts, stuck=stuck)  # type: ignore[no-any-return]

    def _call(self, operation: str, room: RoomId, **arguments: Any) -> Any:
        call = Call(operation=find(operation), arguments=arguments, actor=self._lease.actor, room=room)
        return execute(self._database, call).value

    def _patience(self) -> float:
        """How long nothing is due, in seconds."""
        now = asyncio.get_running_loop().time()
        due = self._next_look
        if (again := self._desks.next_try()) is not None:
            due = min(due, again)
        if self._known.next_begin is not None:
            due = min(due, now + (self._known.next_begin - utc_now()).total_seconds() + 0.001)
        return max(0.001, due - now)

    # agents

    async def _serve_agents(self) -> None:
        """Give to agents' sessions what is theirs to do."""
        if not self._known.of_kind(ProcessKind.AGENT) or not self._known.has_queued():
            return
        for room in await asyncio.to_thread(self._in_thread, self._give_to_agents):
            self._choosing.note_turn(room)

    def _give_to_agents(self) -> list[RoomId]:
        """The rooms of which something was given, each time it was."""
        candidates = self._choosing.ordered(for_agents=True)
        open_offices = offices.agents_offices(self._database, self._known) if candidates else []
        served: list[RoomId] = []
        for candidate in candidates:
            if len(served) >= BATCH or not any(each.is_free for each in open_offices):
                break
            office = offices.office_for(candidate, open_offices)
            if office is None:
                continue
            office.busy += 1
            given = self._call(
                "give_run", candidate.run.room_id, run=candidate.run.id, process=office.process.id,
                session=office.session,
            )  # fmt: skip
            with self._database.read() as rows:
                self._known.read_runs(rows, [candidate.run.id])
            served += [candidate.run.room_id] if given is not None else []
        return served
