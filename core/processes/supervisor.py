"""The supervisor: brings what runs in line with what is wanted, in all rooms of a home, as long as its host lives.

Around the pure machine (machine.py) it has hands (running.py), a journal (journal.py), probes and a clock. It never
stops a process because it ends itself: the runners live on, and the next host adopts them.
"""

import asyncio
import logging
import random
import secrets
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from core.alerts.findings import over
from core.processes.adoption import Inventory, take_stock
from core.processes.environment_watch import EnvironmentWatch
from core.processes.happenings import (
    Action,
    Adopted,
    CancelTimer,
    Clear,
    Event,
    Fired,
    Forget,
    Kill,
    Observation,
    Quit,
    Raise,
    Record,
    Release,
    Resolve,
    SetTimer,
    Start,
    StartProbe,
    Stop,
    StopProbe,
    Timer,
    Wanted,
)  # fmt: skip
from core.processes.journal import Journal
from core.processes.machine import Machine
from core.processes.probing import Probing
from core.processes.room_watch import LOOK_S, RoomWatch
from core.processes.running import Runners
from core.services.lease import HostLease
from core.services.own_thread import in_own_thread
from storage import ChangeFeed, Database, EntityKind, Process, ProcessId, Room, RoomId
from storage import Event as StoredEvent

RULES: Final = ("process_failed", "restart_storm")
"""The alerts that this service raises about a process."""

AT_ONCE: Final = 50
"""Most events taken in before the event loop has its turn."""

logger = logging.getLogger(__name__)


class SupervisorService:
    """Supervises the processes of all rooms, for the host that has the lease."""

    name = "supervisor"

    def __init__(self, database: Database, lease: HostLease) -> None:
        self._database = database
        self._lease = lease

    async def run(self) -> None:
        """Adopt what runs, then supervise until cancelled.

        Raises:
            HostLost: another host has taken over.
        """
        stock = await asyncio.to_thread(take_stock, self._database)
        supervision = _Supervision(self._database, self._lease, stock)
        try:
            await supervision.run()
        finally:
            await supervision.close()


class _Supervision:
    """One run of the service: all that is known is known anew."""

    def __init__(self, database: Database, lease: HostLease, stock: Inventory) -> None:
        self._database = database
        self._rooms = dict(stock.rooms)
        self._processes = {each.process.id: each.process for each in stock.found}
        self._stock = stock
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._timers: dict[Timer, asyncio.TimerHandle] = {}
        self._machine = Machine(random=random.SystemRandom().random, new_runner=lambda: secrets.token_hex(4))
        self._journal = Journal(database, lease.actor)
        self._runners = Runners(database.home, lease.token, self._events.put_nowait, self._room_of)
        self._probing = Probing(database.home, self._events.put_nowait, self._room_of, self._runners.link)
        self._feed = ChangeFeed(database, self._hear, after=stock.sequence)

    async def run(self) -> None:
        self._feed.start()
        for process, folder in self._stock.strays:
            self._runners.clear_stray(process, folder, is_known=process in self._processes)
        self._events.put_nowait(Adopted(self._stock.found))
        watching = in_own_thread("file-watch", self._watch_files)
        parts = [asyncio.create_task(part) for part in (self._supervise(), self._journal.keep(), watching)]
        try:
            done, _ = await asyncio.wait([*parts, self._runners.failure], return_when=asyncio.FIRST_COMPLETED)
            for part in done:
                part.result()
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)

    async def close(self) -> None:
        for action in self._machine.step(Quit(), self._loop.time()):
            self._do(action)
        await self._probing.close()
        await self._runners.close()
        self._journal.close()
        await asyncio.to_thread(self._feed.stop)

    async def _supervise(self) -> None:
        adopted = [(each.process.id, each.runner) for each in self._stock.found if each.runner is not None]
        while True:
            for _ in range(min(AT_ONCE, max(1, self._events.qsize()))):
                event = await self._events.get()
                for action in self._machine.step(event, self._loop.time()):
                    self._do(action)
            for process, runner in adopted:  # after the machine has heard of them
                self._runners.adopt(process, runner)
            adopted.clear()
            await asyncio.sleep(0)

    def _do(self, action: Action) -> None:
        match action:
            case Record(observation):
                self._record(observation)
            case Start(process, runner):
                self._runners.start(process, runner)
            case Stop() | Kill():
                self._runners.stop(action)
            case Clear(process, runner):
                self._runners.clear(self._processes[process], runner)
            case Release(ended, runner):
                self._journal.afterwards(lambda: self._runners.release(ended, runner))
            case SetTimer(timer, delay_s):
                self._timers[timer] = self._loop.call_later(delay_s, self._fire, timer)
            case CancelTimer(timer):
                handle = self._timers.pop(timer, None)
                if handle is not None:
                    handle.cancel()
            case StartProbe():
                self._probing.begin(action)
            case StopProbe(process, kind):
                self._probing.end(process, kind)
            case Raise() | Resolve():
                self._alert(action)
            case Forget(gone):
                self._processes.pop(gone, None)
                self._journal.afterwards(lambda: self._runners.forget(gone))

    def _fire(self, timer: Timer) -> None:
        self._timers.pop(timer, None)
        self._events.put_nowait(Fired(timer))

    def _record(self, seen: Observation) -> None:
        process, sight = self._processes[seen.process], seen.sight
        observed = replace(
            process, state=seen.state, reason=seen.reason, runner=seen.runner, restarts=seen.restarts,
            observed_generation=seen.generation,
            pid=sight.pid if sight else None,
            pid_started=sight.pid_started if sight else None,
            boot_id=sight.boot_id if sight else None,
            exit_code=sight.exit_code if sight else None,
            exit_signal=sight.exit_signal if sight else None,
            started_at=sight.started_at if sight else None,
            ended_at=sight.ended_at if sight else None,
        )  # fmt: skip
        self._processes[seen.process] = observed
        self._journal.note(process.room_id, observed)

    def _alert(self, action: Raise | Resolve) -> None:
        if isinstance(action, Raise):
            self._journal.find(self._processes[ProcessId(action.finding.subject)].room_id, action.finding)
            return
        process = self._processes[action.process]
        for rule in RULES:
            self._journal.find(process.room_id, over(rule, process.id))

    # what others change

    def _hear(self, events: Sequence[StoredEvent]) -> None:
        """On the feed's thread: read what has changed. What cannot be read must not pass unheard: all begins anew."""
        try:
            self._read_changed(events)
        except Exception as error:  # the feed would go on with the next
            self._loop.call_soon_threadsafe(self._runners.fail, error)

    def _read_changed(self, events: Sequence[StoredEvent]) -> None:
        ours = "observe_processes"
        changed = {each.entity_id for each in events if each.entity is EntityKind.PROCESS and each.operation != ours}
        rooms = {each.room_id for each in events if each.entity is EntityKind.ROOM}
        if not changed and not rooms:
            return
        with self._database.read() as rows:
            processes = tuple(filter(None, (rows.get(Process, each) for each in changed)))
            rooms |= {each.room_id for each in processes}
            known = tuple(filter(None, (rows.get(Room, each) for each in rooms)))
        self._loop.call_soon_threadsafe(self._take_in, known, processes)

    def _take_in(self, rooms: Sequence[Room], processes: tuple[Process, ...]) -> None:
        self._rooms.update((room.id, room) for room in rooms)
        for process in processes:
            known = self._processes.get(process.id, process)
            self._processes[process.id] = _with_wishes(known, process)
        if processes:
            self._events.put_nowait(Wanted(processes))

    def _room_of(self, room: RoomId) -> Room:
        return self._rooms[room]

    def _watch_files(self, stopped: threading.Event) -> None:
        """On a thread of its own, since it looks each second: tell the loop what has become of files that count."""
        watch, environments = RoomWatch(), EnvironmentWatch(self._database.home)
        while not stopped.is_set():
            for room, finding in watch.look(tuple(self._rooms.values())):
                self._loop.call_soon_threadsafe(self._journal.find, room, finding)
            reading = [each for each in tuple(self._processes.values()) if each.spec.env_file is not None]
            for news in environments.look([(each, self._rooms[each.room_id]) for each in reading]):
                self._loop.call_soon_threadsafe(self._events.put_nowait, news)
            stopped.wait(LOOK_S)


def _with_wishes(known: Process, stored: Process) -> Process:
    """What we have observed of a process, with what the store says is wanted of it."""
    from core.operations.observed import OBSERVED

    return replace(stored, state_at=known.state_at, **{name: getattr(known, name) for name in OBSERVED})
