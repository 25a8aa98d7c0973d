"""How many processes there are of each state. Pure, and light: the board says it too."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from storage import Desired, Process, ProcessState
from tui.translation import _
from tui.wording import PROCESS_STATES

UP: Final = frozenset(
    {ProcessState.STARTING, ProcessState.RUNNING, ProcessState.READY, ProcessState.UNHEALTHY, ProcessState.STOPPING}
)
_ALARMING: Final = (ProcessState.FAILED, ProcessState.UNHEALTHY, ProcessState.UNKNOWN)


def is_up(process: Process) -> bool:
    """Whether it has something that runs now."""
    return process.state in UP


def counts(processes: Iterable[Process]) -> dict[ProcessState, int]:
    """How many processes there are of each state that has any, those first that ask for the person."""
    found = Counter(each.state for each in processes)
    return {state: found[state] for state in PROCESS_STATES if found[state]}


def counts_text(processes: Iterable[Process]) -> str:
    """`× 1 failed  ● 5 up`: what is wrong by its state, all that runs together; empty where there are none."""
    found = counts(processes)
    parts = [
        f"{PROCESS_STATES[state][0]} {found[state]} {_(PROCESS_STATES[state][1])}"
        for state in _ALARMING
        if state in found
    ]
    up = sum(count for state, count in found.items() if state in UP and state not in _ALARMING)
    if up:
        parts.append(f"● {up} {_('up')}")
    return "  ".join(parts)


def living(processes: Iterable[Process]) -> list[Process]:
    """Those that run, or are about to."""
    return [each for each in processes if is_up(each) or (each.desired is Desired.RUNNING and _is_coming(each))]


def _is_coming(process: Process) -> bool:
    is_asked = process.observed_generation < process.generation
    return is_asked or process.state in (ProcessState.PENDING, ProcessState.UNKNOWN)
