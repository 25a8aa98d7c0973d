"""How a task changes its column or its hands: moved, given to somebody, taken off the board."""

from dataclasses import replace
from typing import TYPE_CHECKING

from core.agents import handoffs
from core.board import claims, review
from core.errors import InvalidData
from core.operation import UNSET, OrUnset
from storage import AgentId, Role, Status, Task

if TYPE_CHECKING:
    from core.work import Work


def moved(work: "Work", task: Task, to: Status, rank: str) -> Task:
    """The task at its new place. An agent in a session that begins a task has it: the move is a claim."""
    if to is Status.IN_PROGRESS and work.actor.session_id is not None and work.actor.role < Role.OPERATOR:
        claims.require_not_handed(work, task)
        taken = claims.taken(work, task)  # who begins, has it
        return work.save(replace(taken, rank=rank), event="claimed" if taken != task else "reordered")
    if to is task.status:
        return work.save(replace(task, rank=rank), event="reordered")
    blocked_reason = work.reason if to is Status.BLOCKED else None
    there = work.save(replace(task, status=to, rank=rank, blocked_reason=blocked_reason), event="status_changed")
    if to is Status.DONE:
        handoffs.close(work, there)
    return there


def given(work: "Work", task: Task, assignee: AgentId | OrUnset | None) -> Task:
    """The task, for another assignee where one is named; not yet stored.

    Raises:
        ClaimHeld: another agent has it, in a session or by assignment.
    """
    if assignee is UNSET or assignee == task.assignee:
        return task
    claims.require_givable(work, task)
    return replace(task, assignee=assignee)


def archived(work: "Work", task: Task) -> Task:
    """The task off the board.

    Raises:
        ClaimHeld: another agent's session has it.
        ReviewRequired: it is another's work and waits in review.
    """
    claims.require_free(work, task)
    if task.status is Status.ARCHIVED:
        raise InvalidData(f"#{task.number} is archived already.", "Nothing to do.")
    review.gated(work, task, Status.ARCHIVED)
    there = work.save(replace(task, status=Status.ARCHIVED, archived_from=task.status), event="archived")
    handoffs.close(work, there)
    return there
