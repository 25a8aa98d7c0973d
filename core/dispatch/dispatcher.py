"""The dispatcher: brings queued runs to workers and agents, and records what became of them.

It holds no state of its own that matters: which run is where stands in the store, and what a worker has, the worker
says when one connects. So another host may go on at any moment. In each turn it takes in what has happened (events of
the store, messages of the workers), records ends and begins runs in one transaction a room, and then speaks to the
workers: nothing is asked of a worker before it is stored.
"""

import asyncio
import logging
import time
from collections import defaultdict, deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, Final

from core.board.runs import is_agents
from core.dispatch import offices, reports
from core.dispatch.known import Known, is_gone, is_wanted
from core.dispatch.leftovers import PATIENCE_S
from core.dispatch.link import Told, WorkerLink
from core.dispatch.order import Queued, in_order
from core.dispatch.places import output_path, result_path, tidy
from core.dispatch.policy import Policy, WorkerLoad, choose
from core.dispatch.ready import why_not_ready
from core.errors import BackendUnavailable, HostLost, InvalidData, NotFound
from core.execute import Call, execute
from core.operations import find
from core.operations.settled import RunEnd, RunStart, Settled
from core.services.lease import HostLease
from storage import (
    ChangeFeed,
    Database,
    Event,
    MetricsReader,
    Process,
    ProcessId,
    ProcessKind,
    ProcessSample,
    RoomId,
    Run,
    RunId,
    RunState,
    utc_now,
)  # fmt: skip

BATCH: Final = 64
"""Most runs begun in one transaction, so that no other writer waits long."""

TIDY_S: Final = 86_400.0
"""How often outputs that are too old are dropped."""

LOOK_S: Final = 5.0
"""Between two looks at what has no event: sessions that have ended, times that have come, loads."""
SOON_S: Final = 0.2
"""Before a worker that did not answer is tried again."""
LATELY_S: Final = 600.0
"""For how long a failure counts against the worker on which it was."""

logger = logging.getLogger(__name__)


class _Desk:
    """A worker process as the dispatcher deals with it: the connection, and what was told of its runs."""

    def __init__(self, lease: str) -> None:
        self.lease = lease
        self.link: WorkerLink | None = None
        self.has_told = False
        self.told: dict[RunId, str] = {}
        """The state of each of its runs as it told last; a run that was asked for and not answered is `asked`."""
        self.next_try = 0.0


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
        self._known = Known()
        self._desks: dict[ProcessId, _Desk] = {}
        self._ends: dict[RunId, RunEnd] = {}
        self._buried: set[RunId] = set()
        """Lost runs whose ends are not stored yet."""
        self._stubborn: set[RunId] = set()
        """Lost runs of which something would not go."""
        self._events: deque[Event] = deque()
        self._woken = asyncio.Event()
        self._served: dict[RoomId, int] = {}
        self._turns = 0
        self._next_tidying = 0.0
        self._failures: deque[tuple[float, ProcessId]] = deque()
        self._samples: dict[ProcessId, ProcessSample] = {}
        self._is_refused = False
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
            for desk in self._desks.values():
                if desk.link is not None:
                    await desk.link.close()
            self._metrics.close()

    def _begin(self) -> int:
        try:
            self._tidy()
            return self._known.load(self._database)
        finally:
            self._database.close_thread()

    # a turn

    async def _turn(self) -> None:
        if self._is_refused:
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
        await self._meet_workers()
        await self._bury_lost()
        ends, self._ends = self._ends, {}
        starts = await self._starts()
        if ends or starts:
            try:
                begun = await asyncio.to_thread(self._in_thread, self._settle, ends, starts)
            except BaseException:
                self._ends = {**ends, **self._ends}
                raise
            self._acknowledge(ends)
            for run in begun:
                self._ask(run)
        await self._serve_agents()
        self._steer()

    def _in_thread(self, act: Any, *arguments: Any) -> Any:
        try:
            return act(*arguments)
        finally:
            self._database.close_thread()

    def _look(self, events: Sequence[Event], is_look: bool) -> None:
        self._known.refresh(self._database, events)
        self._known.look_ahead()
        if is_look:
            self._tidy()
            self._samples = self._metrics.latest(tuple(each.id for each in self._known.of_kind(ProcessKind.WORKER)))
            self._ends.update(offices.lost_sessions(self._database, self._known))

    def _tidy(self) -> None:
        if time.monotonic() >= self._next_tidying:
            tidy(self._database.home)
            self._next_tidying = time.monotonic() + TIDY_S

    def _settle(self, ends: dict[RunId, RunEnd], starts: Sequence[RunStart]) -> list[Run]:
        """Record ends and starts, room by room; what has begun."""
        by_room: dict[RoomId, tuple[list[RunEnd], list[RunStart]]] = defaultdict(lambda: ([], []))
        for end in ends.values():
            if (run := self._known.runs.get(end.run)) is not None:
                by_room[run.room_id][0].append(end)
        for start in starts:
            by_room[self._known.runs[start.run].room_id][1].append(start)
        begun: list[Run] = []
        for room, (over, beginning) in by_room.items():
            try:
                settled = self._settle_room(room, over, beginning)
            except NotFound:  # a restored backup knows them not
                self._known.load(self._database)
                continue
            begun += settled.begun
            with self._database.read() as rows:
                self._known.read_runs(rows, [run.id for run in (*settled.begun, *settled.ended, *settled.queued)])
        self._known.look_ahead()
        stored = self._buried & ends.keys()
        reports.forget(self._database.home, stored)  # only now: a host that dies before finds them again
        self._buried -= stored
        return begun

    def _settle_room(self, room: RoomId, ends: Sequence[RunEnd], starts: Sequence[RunStart]) -> Settled:
        try:
            return self._call("settle_runs", room, ends=tuple(ends), starts=tuple(starts))  # type: ignore[no-any-return]
        except InvalidData:
            # better a result without what cannot be stored than a queue that stands still
            logger.exception("results could not be stored as they came; their output is left out")
            bare = tuple(replace(end, output=None, files=(), reason=None) for end in ends)
            return self._call("settle_runs", room, ends=bare, starts=tuple(starts))  # type: ignore[no-any-return]

    def _call(self, operation: str, room: RoomId, **arguments: Any) -> Any:
        call = Call(operation=find(operation), arguments=arguments, actor=self._lease.actor, room=room)
        return execute(self._database, call).value

    def _patience(self) -> float:
        """How long nothing is due, in seconds."""
        now = asyncio.get_running_loop().time()
        due = self._next_look
        for desk in self._desks.values():
            if desk.link is None:
                due = min(due, desk.next_try)
        if self._known.next_begin is not None:
            due = min(due, now + (self._known.next_begin - utc_now()).total_seconds() + 0.001)
        return max(0.001, due - now)

    # workers

    async def _meet_workers(self) -> None:
        """Connect to the workers that are up, and leave those that are not."""
        loop = asyncio.get_running_loop()
        for process in self._known.of_kind(ProcessKind.WORKER):
            desk = self._desks.get(process.id)
            if desk is not None and is_gone(process, desk.lease):
                await self._leave(process.id)
                desk = None
            if process.runner is None or is_gone(process, process.runner):
                continue
            if desk is None:
                desk = self._desks[process.id] = _Desk(process.runner)
            if desk.link is None and loop.time() >= desk.next_try:
                try:
                    tell = partial(self._hear, process.id, desk)
                    folder = offices.runner_folder(self._database.home, process)
                    desk.link = await WorkerLink.connect(folder, self._lease.token, tell)
                except BackendUnavailable:
                    desk.next_try = loop.time() + SOON_S
        for gone in self._desks.keys() - self._known.processes.keys():
            await self._leave(gone)

    async def _leave(self, process: ProcessId) -> None:
        desk = self._desks.pop(process)
        if desk.link is not None:
            await desk.link.close()

    def _hear(self, process: ProcessId, desk: _Desk, told: Told | None) -> None:
        """Take in what a worker tells. On the event loop, between turns or in one."""
        if told is None:
            desk.link, desk.has_told, desk.told = None, False, {}
            desk.next_try = asyncio.get_running_loop().time() + SOON_S
        elif told["tell"] == "refused":
            self._is_refused = True
        elif told["tell"] == "jobs":
            desk.has_told = True
            for each in told["runs"]:
                self._hear_run(process, desk, each)
        elif told["tell"] == "run":
            self._hear_run(process, desk, told)
        elif told["tell"] == "unknown":
            desk.told.pop(RunId(told["run"]), None)
        else:
            logger.error("worker %s: %s", process, told)
        self._woken.set()

    def _hear_run(self, process: ProcessId, desk: _Desk, told: Told) -> None:
        run = RunId(told["run"])
        desk.told[run] = told["state"]
        if told["state"] != "ended":
            return
        known = self._known.runs.get(run)
        if known is None or known.process_id != process or known.lease != desk.lease:
            desk.told[run] = "stale"  # settled before the last host could say so
            return
        end = reports.end_of(run, desk.lease, told)
        self._ends[run] = end
        if end.state is RunState.FAILED:
            self._failures.append((asyncio.get_running_loop().time(), process))

    def _acknowledge(self, ends: dict[RunId, RunEnd]) -> None:
        """Let workers forget what is recorded."""
        for desk in self._desks.values():
            past = [run for run, state in desk.told.items() if run in ends or state == "stale"]
            if past and desk.link is not None:
                desk.link.send("forget", runs=past)
                for run in past:
                    del desk.told[run]

    def _steer(self) -> None:
        """Tell each worker what its runs are to do that they do not: begin, end, stand still, go on."""
        for process, desk in self._desks.items():
            if desk.link is None or not desk.has_told:
                continue
            here = {run.id: run for run in self._known.running() if run.process_id == process}
            for run in here.values():
                state = desk.told.get(run.id)
                if state is None:  # begun in the store by a host that died before it could ask
                    self._ask(run)
                elif run.cancelled_by is not None and state in ("running", "paused"):
                    desk.told[run.id] = "ending"
                    desk.link.send("cancel", run=run.id)
                elif run.paused and state == "running":
                    desk.told[run.id] = "paused"
                    desk.link.send("pause", run=run.id)
                elif not run.paused and state == "paused":
                    desk.told[run.id] = "running"
                    desk.link.send("continue", run=run.id)
            for stray in [each for each, state in desk.told.items() if each not in here]:
                if desk.told[stray] in ("running", "paused"):  # not in the store any more: a backup was restored
                    desk.told[stray] = "ending"
                    desk.link.send("cancel", run=stray)
                elif desk.told[stray] in ("ended", "stale"):
                    del desk.told[stray]
                    desk.link.send("forget", runs=[stray])

    def _ask(self, run: Run) -> None:
        """Ask the worker that has a run to begin it; who has begun it already says so."""
        assert run.process_id is not None
        desk = self._desks.get(run.process_id)
        task, room = self._known.tasks.get(run.task_id), self._known.rooms.get(run.room_id)
        process = self._known.processes.get(run.process_id)
        if desk is None or desk.link is None or task is None or room is None or process is None:
            return  # asked when it answers, or settled when it is seen to be gone
        desk.told[run.id] = "asked"
        home = self._database.home
        desk.link.send(
            "run", run=run.id, attempt=run.attempt, shell=run.command, cwd=offices.working_directory(room, process),
            env=offices.environment(run, task, room, process), time_limit_s=task.time_limit_seconds,
            grace_s=process.spec.stop_grace_seconds, collects_files=task.collects_files,
            output=str(output_path(home, run.id)), result=str(result_path(home, run.id)),
            max_bytes=process.spec.log.max_bytes,
        )  # fmt: skip

    async def _bury_lost(self) -> None:
        """Find the runs whose worker is gone, prove them dead, and take what result was left."""
        lost: list[tuple[Run, Process | None]] = []
        for run in self._known.running():
            if run.id in self._ends or is_agents(run) or run.process_id is None:
                continue
            process = self._known.processes.get(run.process_id)
            if is_gone(process, run.lease):
                lost.append((run, process))
        if not lost:
            return
        patience_s = 0.0 if self._stubborn.issuperset(run.id for run, _ in lost) else PATIENCE_S
        found = await asyncio.to_thread(reports.bury, self._database.home, [run for run, _ in lost], patience_s)
        self._stubborn = {run.id for run, _ in lost} - found.keys()  # looked at again in the next turn
        now = asyncio.get_running_loop().time()
        for run, process in lost:
            if run.id not in found:
                continue
            self._ends[run.id] = reports.end_of_lost(run, process, found[run.id])
            self._buried.add(run.id)
            if process is not None and self._ends[run.id].lost_worker:
                self._failures.append((now, process.id))

    # choosing

    async def _starts(self) -> list[RunStart]:
        """What is to begin now, and where."""
        if not self._known.has_queued() or not any(each.is_free for each in self._loads().values()):
            return []
        ordered = await asyncio.to_thread(self._ordered, for_agents=False)
        loads = self._loads()  # what has ended meanwhile has made room
        starts: list[RunStart] = []
        for candidate in ordered:
            chosen = self._policy(candidate, tuple(loads.values()))
            if chosen is None:
                continue
            loads[chosen.process] = offices.with_one_more(chosen, candidate.task)
            starts.append(RunStart(candidate.run.id, chosen.process, self._desks[chosen.process].lease))
            self._served[candidate.run.room_id] = self._turns * BATCH + len(starts)
            if len(starts) >= BATCH or not any(each.is_free for each in loads.values()):
                break
        return starts

    def _ordered(self, *, for_agents: bool) -> list[Queued]:
        """The runs that may begin, in order. In a thread: a queue may be long, and nothing changes it meanwhile."""
        now = utc_now()
        ready = []
        for run in self._known.queued():
            task, room = self._known.tasks.get(run.task_id), self._known.rooms.get(run.room_id)
            if task is None or room is None or why_not_ready(run, task, room, now) is not None:
                continue
            if offices.goes_to_agent(task, room, self._known) is for_agents:
                ready.append(Queued(run, task))
        return list(in_order(ready, now, self._served))

    def _loads(self) -> dict[ProcessId, WorkerLoad]:
        """The workers that answer, each with what it has to do."""
        now = asyncio.get_running_loop().time()
        while self._failures and self._failures[0][0] < now - LATELY_S:
            self._failures.popleft()
        running: dict[ProcessId, list[Run]] = defaultdict(list)
        for run in self._known.running():
            if run.process_id is not None and run.id not in self._ends:
                running[run.process_id].append(run)
        loads = {}
        for process in self._known.of_kind(ProcessKind.WORKER):
            desk = self._desks.get(process.id)
            is_up = desk is not None and desk.link is not None and desk.has_told and is_wanted(process)
            if not is_up or process.runner != desk.lease:  # type: ignore[union-attr]
                continue
            tasks = [task for run in running[process.id] if (task := self._known.tasks.get(run.task_id)) is not None]
            failures = sum(where == process.id for _, where in self._failures)
            loads[process.id] = offices.load_of(process, tasks, self._samples.get(process.id), failures)
        return loads

    async def _serve_agents(self) -> None:
        """Give to agents' sessions what is theirs to do."""
        if not any(True for _ in self._known.of_kind(ProcessKind.AGENT)):
            return
        for candidate in (await asyncio.to_thread(self._ordered, for_agents=True))[:BATCH]:
            given = await asyncio.to_thread(self._in_thread, self._give, candidate)
            if given:
                self._served[candidate.run.room_id] = self._turns * BATCH

    def _give(self, candidate: Queued) -> bool:
        office = offices.free_agent(self._database, self._known, candidate)
        if office is None:
            return False
        given = self._call(
            "give_run", candidate.run.room_id, run=candidate.run.id, process=office.process, session=office.session
        )
        with self._database.read() as rows:
            self._known.read_runs(rows, [candidate.run.id])
        return given is not None
