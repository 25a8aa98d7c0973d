"""Whether what was asked of a process has come true."""

from dataclasses import replace

import pytest

from core.processes.standing import Standing, standing_of
from storage import Desired, Probe, Process, ProcessId, ProcessSpec, ProcessState, RoomId, utc_now

READY = ProcessSpec(command=("x",), readiness=Probe(tcp="localhost:1"))


def process(state: ProcessState, desired: Desired = Desired.RUNNING, **more: object) -> Process:
    now = utc_now()
    made = Process(
        id=ProcessId("prc_1"), room_id=RoomId("rom_1"), name="web", declared_name="web", desired=desired, state=state,
        generation=2, observed_generation=2, spec=ProcessSpec(command=("x",)), state_at=now, created_at=now,
        updated_at=now,
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "standing"),
    [
        (process(ProcessState.RUNNING), Standing.ARRIVED),
        (process(ProcessState.RUNNING, spec=READY), Standing.WAITING),
        (process(ProcessState.READY, spec=READY), Standing.ARRIVED),
        (process(ProcessState.EXITED), Standing.ARRIVED),
        (process(ProcessState.FAILED), Standing.FAILED),
        (process(ProcessState.PENDING), Standing.WAITING),
        (process(ProcessState.UNHEALTHY), Standing.WAITING),
        (process(ProcessState.RUNNING, observed_generation=1), Standing.WAITING),
        (process(ProcessState.RUNNING, generation=3), Standing.SUPERSEDED),
        (process(ProcessState.STOPPED, Desired.STOPPED), Standing.ARRIVED),
        (process(ProcessState.FAILED, Desired.STOPPED), Standing.ARRIVED),
        (process(ProcessState.STOPPING, Desired.STOPPED), Standing.WAITING),
        (process(ProcessState.RUNNING, Desired.KILLED), Standing.WAITING),
        (process(ProcessState.UNKNOWN, Desired.STOPPED), Standing.WAITING),
        (process(ProcessState.RUNNING, removed=True), Standing.WAITING),
        (process(ProcessState.STOPPED, Desired.STOPPED, observed_generation=1, pid=7), Standing.WAITING),
        (process(ProcessState.STOPPED, Desired.STOPPED, observed_generation=0), Standing.ARRIVED),
    ],
    ids=lambda given: f"{given.desired}-{given.state}" if isinstance(given, Process) else None,
)
def test_where_a_process_stands(given: Process, standing: Standing):
    assert standing_of(given, 2) is standing
