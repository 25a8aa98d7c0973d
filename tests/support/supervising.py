"""Processes in a room, a host that supervises them, and waiting for what is recorded of them."""

import asyncio
import itertools
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.processes.link import read_status, runner_folders
from core.processes.running import kill_runner
from core.processes.supervisor import SupervisorService
from core.services.lease import HostLease
from storage import (
    Alert,
    Database,
    Desired,
    Door,
    Process,
    ProcessId,
    ProcessSpec,
    ProcessState,
    Restart,
    RestartPolicy,
    Room,
    new_process_id,
    utc_now,
)  # fmt: skip
from storage.writer import Authorship

DEADLINE_S = 40.0
QUICK = Restart(policy=RestartPolicy.ALWAYS, first_delay_seconds=0.05, limit=100)
LASTING = ("sleep", "1000")


class Supervised:
    """A room's processes, changed as operations change them and read as the screens read them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.read() as rows:
            self.room = rows.rooms()[0]
            self._agent = rows.agents(self.room.id)[0].id

    def add(self, name: str, command: Iterable[str] = LASTING, *, wanted: bool = True, **spec: Any) -> ProcessId:
        """Declare a process that shall run, or not yet."""
        return self.add_all([(name, command)], wanted=wanted, **spec)[0]

    def add_all(
        self, named: Iterable[tuple[str, Iterable[str]]], *, wanted: bool = True, **spec: Any
    ) -> list[ProcessId]:
        """Declare several at once."""
        ids = []
        with self.database.write("test") as writer:
            for name, command in named:
                process = Process(
                    id=new_process_id(), room_id=self.room.id, name=name, declared_name=name.partition(".")[0],
                    spec=ProcessSpec(command=tuple(command), **spec),
                    desired=Desired.RUNNING if wanted else Desired.STOPPED, generation=1, state_at=utc_now(),
                    created_at=utc_now(), updated_at=utc_now(),
                )  # fmt: skip
                writer.insert(process, self._by())
                ids.append(process.id)
        return ids

    def want(self, desired: Desired, *processes: ProcessId, **fields: Any) -> None:
        """Want something else of some, as `wzp start`, `stop`, `kill`, `restart` do."""
        with self.database.write("test") as writer:
            for each in processes:
                current = writer.get(Process, each)
                assert current is not None
                after = replace(current, desired=desired, generation=current.generation + 1, **fields)
                writer.update(current, after, self._by(), type="wanted")

    def declare(self, process: ProcessId, **spec: Any) -> None:
        """Change a declaration."""
        with self.database.write("test") as writer:
            current = writer.get(Process, process)
            assert current is not None
            writer.update(current, replace(current, spec=replace(current.spec, **spec)), self._by(), type="declared")

    def remove(self, *processes: ProcessId) -> None:
        """Remove processes."""
        self.want(Desired.STOPPED, *processes, removed=True)

    def edit_room(self, **fields: Any) -> None:
        """Change the room."""
        with self.database.write("test") as writer:
            current = writer.get(Room, self.room.id)
            assert current is not None
            writer.update(current, replace(current, **fields), self._by(), type="changed")

    def _by(self) -> Authorship:
        return Authorship(agent_id=self._agent, door=Door.CLI, operation="test")

    def get(self, process: ProcessId) -> Process:
        """What is recorded of a process."""
        with self.database.read() as rows:
            found = rows.get(Process, process)
        assert found is not None
        return found

    def states(self, process: ProcessId) -> list[str]:
        """The states through which a process went, as its events tell."""
        with self.database.read() as rows:
            events = rows.events(entity_id=process)
        return [str(each.after["state"]) for each in events[1:] if "state" in each.after]

    def alerts(self) -> dict[str, Alert]:
        """The open alerts by rule."""
        with self.database.read() as rows:
            return {each.rule: each for each in rows.alerts(self.room.id)}

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something."""
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                await asyncio.sleep(0.01)

    async def until_state(self, process: ProcessId, *states: ProcessState) -> Process:
        """Wait until one of some states is recorded at the present wish."""
        async with asyncio.timeout(DEADLINE_S):
            while (found := self.get(process)).state not in states or found.observed_generation < found.generation:
                await asyncio.sleep(0.01)
        return found


@asynccontextmanager
async def hosted(database: Database) -> AsyncIterator[asyncio.Task[None]]:
    """A host that supervises while the block lasts; then it is gone without a word, as one that was killed."""
    lease = HostLease(database)
    assert lease.try_take()
    task = asyncio.create_task(SupervisorService(database, lease).run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        lease.give_up()


def end_all(database: Database) -> None:
    """Kill what still runs of a test's home."""
    from core.processes.link import end_leftovers

    for folder in itertools.chain.from_iterable(runner_folders(database.home).values()):
        status = read_status(folder)
        if status is not None:
            kill_runner(status)
        for _ in range(200):
            try:
                end_leftovers(folder, status)
                break
            except Exception:
                os.sched_yield()


def is_alive(pid: int | None) -> bool:
    """Whether a process lives; a zombie does not."""
    assert pid is not None
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def kill(pid: int | None, number: signal.Signals = signal.SIGKILL) -> None:
    """Signal one process."""
    assert pid is not None
    os.kill(pid, number)
