"""Whether what was asked of a process has come true: for whoever waits for it."""

from enum import StrEnum
from typing import Final

from storage import Desired, Process, ProcessState

DOWN: Final = (ProcessState.STOPPED, ProcessState.EXITED, ProcessState.FAILED)


class Standing(StrEnum):
    """Where a process stands against what was asked of it."""

    WAITING = "waiting"
    ARRIVED = "arrived"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    """Somebody has asked for something else since."""


def standing_of(process: Process, generation: int) -> Standing:
    """Where a process stands against what its `generation` asked for."""
    if process.generation > generation:
        return Standing.SUPERSEDED
    if process.observed_generation < generation:
        is_untouched = process.state in DOWN and process.desired is not Desired.RUNNING and process.pid is None
        return Standing.ARRIVED if is_untouched and process.runner is None else Standing.WAITING
    if process.desired is not Desired.RUNNING or process.removed:
        return Standing.ARRIVED if process.state in DOWN else Standing.WAITING
    if process.state is ProcessState.FAILED:
        return Standing.FAILED
    up = (ProcessState.READY, ProcessState.EXITED)
    if process.state in up or (process.state is ProcessState.RUNNING and process.spec.readiness is None):
        return Standing.ARRIVED
    return Standing.WAITING
