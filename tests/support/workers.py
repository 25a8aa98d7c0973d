"""Workers for tests: the real program, started as a runner would, beside the process's record in the store."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any, Final

from core.dispatch import WORKER_ARGV, DispatcherService
from core.services import HostLease, ServiceHost
from storage import (
    AgentKind,
    Authorship,
    Database,
    Desired,
    Door,
    Process,
    ProcessId,
    ProcessKind,
    ProcessSpec,
    ProcessState,
    Role,
    Room,
    Run,
    new_process_id,
    utc_now,
)  # fmt: skip
from tests.support.measured_program import measured
from tests.support.users import User

PATIENCE_S: Final = 40.0
END_S: Final = 1.0


class Workers:
    """The worker processes of a room: their programs, and what a supervisor would record of them."""

    def __init__(self, owner: User) -> None:
        self.owner = owner
        self.database = owner.database
        self.programs: dict[ProcessId, subprocess.Popen[bytes]] = {}
        self._starts = 0
        owner.call("get_room")

    @property
    def _by(self) -> Authorship:
        return Authorship(agent_id=self.owner.id, door=Door.SERVICE, operation="test")

    def add(self, name: str, *, capacity: int = 1, kind: ProcessKind = ProcessKind.WORKER, **spec: Any) -> Process:
        """A worker that is up."""
        with self.database.write("test") as writer:
            room = writer.room_by_name(self.owner.room or "")
            assert room is not None
            now = utc_now()
            process = writer.insert(
                Process(
                    id=new_process_id(), room_id=room.id, name=name, declared_name=name,
                    spec=ProcessSpec(kind=kind, capacity=capacity, **spec), desired=Desired.RUNNING, state_at=now,
                    created_at=now, updated_at=now,
                ),
                self._by,
            )  # fmt: skip
        return self.start(process.id)

    def start(self, process: ProcessId) -> Process:
        """Start the program anew, under a new runner."""
        self._starts += 1
        runner = f"r{self._starts}"
        known = self.get(process)
        pid = None
        if known.spec.kind is ProcessKind.WORKER:
            folder = self.database.home.run / "processes" / process / runner
            folder.mkdir(parents=True, mode=0o700)
            program = subprocess.Popen(
                measured(WORKER_ARGV), env={**os.environ, "WZP_RUNNER_FOLDER": str(folder)}, cwd=str(self.root),
                stdout=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
            self.programs[process] = program
            pid = program.pid
            deadline = time.monotonic() + PATIENCE_S
            while not (folder / "worker.sock").exists():
                assert program.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.005)
        return self.tell(process, state=ProcessState.RUNNING, runner=runner, pid=pid)

    @property
    def root(self) -> str:
        with self.database.read() as rows:
            room = rows.room_by_name(self.owner.room or "")
            assert room is not None
            return room.root

    def get(self, process: ProcessId) -> Process:
        with self.database.read() as rows:
            found = rows.get(Process, process)
            assert found is not None
            return found

    def tell(self, process: ProcessId, **observed: Any) -> Process:
        """Record what a supervisor would have observed."""
        with self.database.write("test") as writer:
            found = writer.get(Process, process)
            assert found is not None
            told = replace(found, state_at=utc_now(), **observed)
            return writer.update(found, told, self._by, type="observed")

    def kill(self, process: ProcessId, *, restart: bool = True) -> None:
        """Kill a worker with -9; the supervisor notices it, and starts it again."""
        program = self.programs.pop(process)
        program.kill()
        program.wait()
        self.tell(process, state=ProcessState.FAILED, exit_signal="SIGKILL")
        if restart:
            self.start(process)

    def close(self) -> None:
        for program in self.programs.values():
            program.send_signal(signal.SIGCONT)
            program.terminate()
        for program in self.programs.values():
            try:
                program.wait(END_S)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()


@contextmanager
def workers_of(owner: User) -> Iterator[Workers]:
    workers = Workers(owner)
    try:
        yield workers
    finally:
        workers.close()


@asynccontextmanager
async def dispatching(database: Database, **how: Any) -> AsyncIterator[DispatcherService]:
    """A host whose only service is the dispatcher."""
    lease = HostLease(database)
    service = DispatcherService(database, lease, **how)
    host = ServiceHost([service], lease, lambda report: None)
    task = asyncio.create_task(host.supervise(service))
    try:
        yield service
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        host.close()


async def until(condition: Callable[[], Any], *, patience_s: float = PATIENCE_S) -> Any:
    """Wait until something is so; what it gave."""
    deadline = time.monotonic() + patience_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "it has not come to be"
        await asyncio.sleep(0.01)
    return found


def runs_of(user: User, task: Any) -> list[Run]:
    """A task's runs, oldest first."""
    return list(reversed(user.call("list_runs", task=task)))


def operator(owner: User) -> User:
    """Another who may do anything with runs."""
    return User(owner.database, "olga", room=owner.room, role=Role.OPERATOR, kind=AgentKind.PERSON)


def room_of(owner: User) -> Room:
    found = owner.call("get_room")
    assert isinstance(found, Room)
    return found
