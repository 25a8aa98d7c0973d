"""What becomes of a task whose run has failed: tried again, blocked, or quarantined. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from storage import AgentId, Room, Run, RunState, Task

FIRST_DELAY_S: Final = 1.0
LONGEST_DELAY_S: Final = 300.0


class Verdict(StrEnum):
    """What is done about a failure."""

    RETRY = "retry"
    BLOCK = "block"
    QUARANTINE = "quarantine"


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict, its reason for the person, and after how many seconds the next attempt may begin.

    `losses` is how many workers the task has lost.
    """

    verdict: Verdict
    why: str
    delay_s: float = 0.0
    losses: int = 0


def decide(task: Task, room: Room, runs: Sequence[Run], dispatcher: AgentId, *, never_begun: bool = False) -> Decision:
    """Decide about a task after a failure.

    A command that came to an end by itself is tried again while attempts are left. One that was cut off, with its
    worker lost or stopped, has perhaps done half of what it does: it is tried again only if it is idempotent; where a
    stop has cut it off, that was no attempt of its own. A task that has lost as many workers as the room allows is not
    tried again at all.

    Args:
        runs: the task's runs, newest first, the failed one included as it is now.
        dispatcher: who queues the attempts that nobody has asked for.
        never_begun: the command had not begun yet when it was cut off.
    """
    losses = lost_workers(runs)
    if losses >= room.quarantine_after:
        why = f"its runs have lost {losses} worker{'s' if losses != 1 else ''}"
        return Decision(Verdict.QUARANTINE, why, losses=losses)
    tries = tries_of_series(runs, dispatcher)
    last = runs[0]
    if last.interrupted and not task.idempotent and not never_begun:
        return Decision(Verdict.BLOCK, "it was cut off and is not marked as idempotent")
    if last.interrupted and not last.lost_worker:
        return Decision(Verdict.RETRY, f"attempt {tries + 1} of {task.attempts}")
    if tries >= task.attempts:
        return Decision(Verdict.BLOCK, f"it was tried {tries} time{'s' if tries != 1 else ''}")
    return Decision(Verdict.RETRY, f"attempt {tries + 1} of {task.attempts}", delay_before(tries))


def delay_before(tries: int) -> float:
    """The seconds before the next attempt after so many: doubles from the first to the longest."""
    return float(min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** min(tries - 1, 30)))


def tries_of_series(runs: Sequence[Run], dispatcher: AgentId) -> int:
    """How many runs, newest first, there are since somebody asked for one; those that a worker's stop has cut off do
    not count."""
    tries = 0
    for run in runs:
        tries += run.lost_worker or not run.interrupted
        if run.queued_by != dispatcher:
            break
    return tries


def lost_workers(runs: Sequence[Run]) -> int:
    """How many workers the task has lost since it last succeeded or was quarantined; runs newest first."""
    losses = 0
    for run in runs:
        if run.state in (RunState.SUCCEEDED, RunState.QUARANTINED):
            break
        losses += run.lost_worker
    return losses
