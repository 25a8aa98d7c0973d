"""A metrics.db with something in it, for screens, commands and pictures."""

import math
import time
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from core.agents.expiry import PROGRAM
from core.execute import Call, execute
from core.metrics.flow import FlowMeter
from core.operations import find
from core.processes.identity import process_started
from storage import (
    COLUMNS,
    Home,
    MetricsStore,
    Process,
    ProcessId,
    ProcessState,
    RoomId,
    Subject,
    boot_id,
    utc_now,
)  # fmt: skip
from tests.support.users import User


def fill_metrics(
    home: Home, room: RoomId, processes: Collection[ProcessId] = (), *, seconds: int = 3600, until: int | None = None
) -> int:
    """Write so many seconds up to now, in waves; the last of them."""
    store = MetricsStore(home)
    store.open()
    end = int(time.time()) if until is None else until
    for at in range(end - seconds + 1, end + 1):
        store.put(at, _measured(at, room, processes))
    while store.tidy(end):
        pass
    store.close()
    return end


def _measured(at: int, room: RoomId, processes: Collection[ProcessId]) -> dict[Subject, dict[str, float | None]]:
    wave = (1 + math.sin(at / 200)) / 2
    meter = FlowMeter()
    meter._meet(room)
    told = meter.measure(utc_now())
    board = told[Subject("board", room)]
    board.update({status.value: float(number) for number, status in enumerate(COLUMNS)})
    return {
        Subject("cpu"): {"percent": 80 * wave, "core_0": 90 * wave, "core_1": 70 * wave},
        Subject("load"): {"one": 4 * wave, "five": 2.0, "fifteen": 1.5},
        Subject("memory"): {"used": 6e9 + 2e9 * wave, "total": 16e9, "swap_used": 0.0, "swap_total": 2e9},
        Subject("disk", "/"): {"used": 4e11, "total": 5e11},
        Subject("io"): {"read": 1e6 * wave, "written": 5e6 * wave},
        Subject("network"): {"received": 2e5 * wave, "sent": 1e4},
        **told,
        **{
            Subject("process", each): {
                "cpu": 40.0 * (number + 1) * wave, "memory": 1e8 * (number + 1), "threads": 4.0, "processes": 2.0,
            }
            for number, each in enumerate(processes)
        },
    }  # fmt: skip


def note_running(board: User, name: str, pid: int) -> Process:
    """Let the room have a process that the supervisor has seen running under a pid of this machine."""
    process: Process = board.call("add_process", name=name, command=("sleep", "60"), autostart="off")[0].process
    return note_state(board, process, ProcessState.RUNNING, pid=pid, pid_started=process_started(pid))


def note_state(board: User, process: Process, state: ProcessState, **observed: Any) -> Process:
    """Let the supervisor have seen a process in a state."""
    seen = replace(process, state=state, boot_id=boot_id(), started_at=utc_now(), **observed)
    call = Call(operation=find("observe_processes"), arguments={"observed": (seen,)}, actor=PROGRAM, room=board.room)
    stored: tuple[Process, ...] = execute(board.database, call).value
    return stored[0]
