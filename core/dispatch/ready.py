"""Whether a queued run may begin now, and why not. Pure."""

from datetime import datetime
from enum import StrEnum

from core.board.runs import WAITING_PLACES
from storage import Room, Run, Task


class Waiting(StrEnum):
    """What a queued run waits for."""

    QUEUE_PAUSED = "queue paused"
    PAUSED = "paused"
    APPROVAL = "approval"
    DEPENDENCIES = "other tasks"
    LATER = "its time"
    MOVED = "its task's return to the queue"
    CLAIMED = "the agent that has its task"


def why_not_ready(run: Run, task: Task, room: Room, now: datetime) -> Waiting | None:
    """What a queued run waits for, apart from a free worker; None where it waits for nothing else."""
    if room.queue_paused:
        return Waiting.QUEUE_PAUSED
    if run.paused:
        return Waiting.PAUSED
    if not task.command_approved:
        return Waiting.APPROVAL
    if task.waiting_on:
        return Waiting.DEPENDENCIES
    if run.not_before is not None and run.not_before > now:
        return Waiting.LATER
    if task.claimed_by is not None:
        return Waiting.CLAIMED
    if task.status not in WAITING_PLACES:
        return Waiting.MOVED
    return None
