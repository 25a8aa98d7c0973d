"""What begins now, and where: off the event loop, and nobody is asked about a room in which no worker is free."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from core.dispatch.choosing import BATCH, Choosing
from core.dispatch.known import Known
from core.dispatch.order import Queued
from core.dispatch.policy import WorkerLoad, choose
from storage import (
    AgentId,
    Desired,
    Process,
    ProcessId,
    ProcessKind,
    ProcessSpec,
    ProcessState,
    Room,
    RoomId,
    Run,
    RunId,
    RunState,
    Task,
    TaskId,
)  # fmt: skip

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PERSON = AgentId("agt_person")


class Answering:
    """Workers that answer, each under its present runner."""

    def lease_of(self, process: Process) -> str | None:
        return process.runner


def room(name: str) -> Room:
    return Room(id=RoomId(name), name=name, root="/", created_at=NOW, updated_at=NOW)


def worker(name: str, where: str, capacity: int = 1) -> Process:
    return Process(
        id=ProcessId(f"prc_{name}"), room_id=RoomId(where), name=name, declared_name=name, runner=f"runner of {name}",
        spec=ProcessSpec(kind=ProcessKind.WORKER, capacity=capacity), desired=Desired.RUNNING,
        state=ProcessState.RUNNING, state_at=NOW, created_at=NOW, updated_at=NOW,
    )  # fmt: skip


def queue(known: Known, number: int, where: str) -> RunId:
    task = Task(
        id=TaskId(f"tsk_{number}"), room_id=RoomId(where), number=number, title="t", rank="a", created_by=PERSON,
        command="true", command_approved=True, created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    run = Run(
        id=RunId(f"run_{number:05}"), room_id=RoomId(where), task_id=task.id, attempt=1, command="true",
        queued_by=PERSON, created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    known.tasks[task.id], known.runs[run.id] = task, run
    return run.id


def known_of(*workers: Process) -> Known:
    rooms = {each.room_id: room(each.room_id) for each in workers}
    return Known(rooms=rooms, processes={each.id: each for each in workers})


async def test_many_that_wait_for_a_busy_room_hold_up_neither_the_loop_nor_another_room():
    full, free = worker("full", "rom_a"), worker("free", "rom_b", capacity=2)
    known = known_of(full, free)
    busy = queue(known, 0, "rom_a")
    known.runs[busy] = replace(known.runs[busy], state=RunState.RUNNING, process_id=full.id, lease=full.runner)
    for number in range(1, 2001):
        queue(known, number, "rom_a")
    wanted = [queue(known, number, "rom_b") for number in (2001, 2002, 2003)]
    asked: list[tuple[str, bool]] = []

    def policy(queued: Queued, offered: Sequence[WorkerLoad]) -> WorkerLoad | None:
        asked.append((queued.run.room_id, threading.current_thread() is threading.main_thread()))
        return choose(queued, offered)

    choosing = Choosing(known, Answering(), policy)  # type: ignore[arg-type]
    starts = await choosing.starts(())
    assert [(each.run, each.process, each.lease) for each in starts] == [
        (run, free.id, "runner of free") for run in wanted[:2]
    ]
    assert asked == [("rom_b", False)] * 2


async def test_no_more_begin_at_once_than_one_transaction_takes():
    known = known_of(worker("large", "rom_a", capacity=1000))
    runs = [queue(known, number, "rom_a") for number in range(2 * BATCH)]
    choosing = Choosing(known, Answering(), choose)  # type: ignore[arg-type]
    assert [each.run for each in await choosing.starts(())] == runs[:BATCH]


async def test_failures_count_against_their_worker_for_a_while(monkeypatch):
    first, second = worker("first", "rom_a"), worker("second", "rom_a")
    known = known_of(first, second)
    queue(known, 1, "rom_a")
    choosing = Choosing(known, Answering(), choose)  # type: ignore[arg-type]
    choosing.note_failure(first.id)
    assert [each.process for each in await choosing.starts(())] == [second.id]
    monkeypatch.setattr("core.dispatch.choosing.LATELY_S", -1.0)
    assert [each.process for each in await choosing.starts(())] == [first.id]
