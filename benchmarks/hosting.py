"""What the benchmarks of processes share: `wzp serve` beside, processes in the room, waiting for what is recorded."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from figures import REPOSITORY, call

from core.processes.link import runner_folders
from core.services.lease import current_host
from storage import (
    HOME_VARIABLE,
    Database,
    Desired,
    Door,
    Process,
    ProcessSpec,
    ProcessState,
    Restart,
    RestartPolicy,
    new_process_id,
    utc_now,
)  # fmt: skip
from storage.writer import Authorship

DEADLINE_S = 120.0
ALWAYS = Restart(policy=RestartPolicy.ALWAYS, limit=1000)


@contextmanager
def host(database: Database) -> Iterator[subprocess.Popen[bytes]]:
    """`wzp serve`, as it is, until the block ends; then nothing is left of what it ran."""
    program = [sys.executable, str(REPOSITORY / "wezterm_parallel.py"), "serve"]
    environment = {**os.environ, HOME_VARIABLE: str(database.home.path)}
    with subprocess.Popen(program, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as serving:
        try:
            until(lambda: current_host(database.home) is not None)
            yield serving
        finally:
            call(database, "stop_processes", all=True)
            until(lambda: all_are(database, ProcessState.STOPPED, ProcessState.EXITED, ProcessState.FAILED))
            until(lambda: not any(runner_folders(database.home).values()))
            serving.terminate()
            serving.wait()


def declare(
    database: Database, names: Sequence[str], command: Sequence[str] = ("sleep", "100000"), restart: Restart = ALWAYS
) -> None:
    """Processes of the room, not started, in one transaction, as an approved room.yaml makes them."""
    with database.write("benchmark") as writer:
        room = writer.rooms()[0]
        by = Authorship(agent_id=writer.agents(room.id)[0].id, door=Door.CLI, operation="benchmark")
        for name in names:
            process = Process(
                id=new_process_id(), room_id=room.id, name=name, declared_name=name, desired=Desired.STOPPED,
                spec=ProcessSpec(command=tuple(command), restart=restart), state_at=utc_now(), created_at=utc_now(),
                updated_at=utc_now(),
            )  # fmt: skip
            writer.insert(process, by)


def present(database: Database) -> list[Process]:
    """What is recorded of the processes."""
    with database.read() as rows:
        return rows.processes()


def all_are(database: Database, *states: ProcessState) -> bool:
    """Whether all have come to some states, at the present wish."""
    return all(
        each.state in states and each.observed_generation >= each.generation for each in present(database)
    )  # fmt: skip


def until(holds: Callable[[], object], every_s: float = 0.001) -> None:
    """Wait for something. A look at many processes costs milliseconds: `every_s` leaves the core to who is measured."""
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError("what the benchmark waits for has not come to be")
        time.sleep(every_s)
