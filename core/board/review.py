"""The review gate: what an agent calls done waits in `review` until a person, or an agent with that skill, approves."""

from typing import TYPE_CHECKING, Final

from core.errors import ReviewRequired
from storage import Agent, Role, Status, Task

if TYPE_CHECKING:
    from core.work import Work

REVIEWER: Final = "review"
"""The skill of an agent that may approve what others did."""


def may_review(work: "Work", task: Task | None) -> bool:
    """Whether the caller may approve a task, see `may_approve`."""
    return may_approve(work.actor.role, work.agent, task)


def may_approve(role: Role, agent: Agent, task: Task | None) -> bool:
    """Whether an agent who acts with a role may approve: a person or operator, or one with the skill, never its own."""
    if role >= Role.OPERATOR:
        return True
    workers = {task.assignee, task.result.agent if task.result else None} if task is not None else {agent.id}
    return REVIEWER in agent.skills and agent.id not in workers


def gated(work: "Work", task: Task | None, to: Status) -> Status:
    """Where a task comes to stand that the caller moves to `to`; None stands for a new one.

    Raises:
        ReviewRequired: it waits in review, and the caller may not approve it.
    """
    if not work.room.review_gate or may_review(work, task) or (task is not None and task.status is to):
        return to
    if task is not None and task.status is Status.REVIEW and (to is Status.DONE or not _is_own(work, task)):
        raise refusal(task)
    if to is not Status.DONE:
        return to
    work.warn("It waits in review: in this room a person, or an agent with the skill review, approves what is done.")
    return Status.REVIEW


def _is_own(work: "Work", task: Task) -> bool:
    """Whether the caller may take the task up again by itself: nobody else's work waits there."""
    return work.agent.id in (task.assignee, task.result.agent if task.result is not None else None)


def refusal(task: Task) -> ReviewRequired:
    """The error for one who may not approve a task."""
    return ReviewRequired(
        f"#{task.number} waits for approval; a person gives it, or another agent with the skill {REVIEWER}.",
        "Take up other work with claim_next.",
    )
