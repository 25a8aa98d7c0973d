"""The review gate: what an agent calls done waits in `review` until a person, or an agent with that skill, approves."""

from typing import TYPE_CHECKING, Final

from core.errors import ReviewRequired
from storage import Role, Status, Task

if TYPE_CHECKING:
    from core.work import Work

REVIEWER: Final = "review"
"""The skill of an agent that may approve what others did."""


def may_review(work: "Work", task: Task | None) -> bool:
    """Whether the caller may approve a task: a person or operator, or an agent with the skill, never its own work."""
    if work.actor.role >= Role.OPERATOR:
        return True
    is_own = task is not None and task.result is not None and task.result.agent == work.agent.id
    return REVIEWER in work.agent.skills and not is_own


def gated(work: "Work", task: Task | None, to: Status) -> Status:
    """Where a task comes to stand that the caller moves to `to`; None stands for a new one.

    Raises:
        ReviewRequired: it waits in review, and the caller may not approve it.
    """
    if to is not Status.DONE or not work.room.review_gate or may_review(work, task):
        return to
    if task is not None and task.status is Status.DONE:
        return to
    if task is not None and task.status is Status.REVIEW:
        raise refusal(task)
    work.warn("It waits in review: in this room a person, or an agent with the skill review, approves what is done.")
    return Status.REVIEW


def refusal(task: Task) -> ReviewRequired:
    """The error for one who may not approve a task."""
    return ReviewRequired(
        f"#{task.number} waits for approval; a person gives it, or another agent with the skill {REVIEWER}.",
        "Take up other work with claim_next.",
    )
