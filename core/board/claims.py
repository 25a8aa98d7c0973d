"""Claims: which session has a task. One at a time, as long as its lease lasts, and counted, so that late ones lose.

A claim stands only while the task is in progress and assigned to the claiming agent; whoever moves it on or gives it
to another ends the claim. A person at the board may always do so; an agent may not touch what another has claimed.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from core.agents import handoffs
from core.board import runs
from core.errors import ClaimHeld
from storage import Agent, Ending, HandoffStatus, Role, Session, SessionState, Status, Task

if TYPE_CHECKING:
    from core.work import Work


def settled(before: Task, after: Task) -> Task:
    """`after` without the claim that it can no longer carry."""
    if after.claimed_by is None:
        return after
    is_kept = after.status is Status.IN_PROGRESS
    is_given_away = after.claimed_by == before.claimed_by and after.assignee != before.assignee
    return after if is_kept and not is_given_away else replace(after, claimed_by=None)


def require_free(work: "Work", task: Task) -> None:
    """Refuse an agent's hand on a task that another session has claimed; its own, where that is over, it may take up.

    Raises:
        ClaimHeld: says who has it.
    """
    if work.actor.role >= Role.OPERATOR or (task.claimed_by is not None and task.claimed_by == work.actor.session_id):
        return
    runs.require_none(work, task)
    if task.claimed_by is None:
        return
    holder = work.rows.get(Session, task.claimed_by)
    is_own = holder is not None and holder.agent_id == work.agent.id
    if holder is not None and is_own and holder.state is not SessionState.ACTIVE:
        return
    who = f"you in another session, {task.claimed_by}" if is_own else _name_of(work, task)
    raise ClaimHeld(
        f"#{task.number} is claimed by {who}.",
        "Take another with claim_next, or leave a comment on this one.",
        by=task.assignee, session=task.claimed_by,
    )  # fmt: skip


def require_unassigned(work: "Work", task: Task) -> None:
    """Refuse an agent's hand on a task that is another's by assignment, claimed or not.

    Raises:
        ClaimHeld: says whose it is.
    """
    if task.assignee in (None, work.agent.id) or work.actor.role >= Role.OPERATOR:
        return
    raise ClaimHeld(
        f"#{task.number} is assigned to {_name_of(work, task)}.",
        "Take another with claim_next, or ask for this one: a person can assign it, its agent hand it over.",
        by=task.assignee,
    )  # fmt: skip


def require_givable(work: "Work", task: Task) -> None:
    """Refuse an agent to give away what is another's; what it has put on the board itself it may plan anew.

    Raises:
        ClaimHeld: says whose it is.
    """
    require_free(work, task)
    if task.created_by != work.agent.id:
        require_unassigned(work, task)


def require_not_handed(work: "Work", task: Task) -> None:
    """Refuse to take what its giver is handing over to another; its addressee may, and its giver may think again.

    Raises:
        ClaimHeld: names the handoff.
    """
    for each in work.rows.handoffs(work.room.id, task=task.id, status=[HandoffStatus.PENDING]):
        is_concerned = each.from_agent == work.agent.id or handoffs.is_for(each, work.agent)
        if not is_concerned and work.actor.role < Role.OPERATOR:
            raise ClaimHeld(
                f"#{task.number} is being handed over to another ({each.id}).", "Take another with claim_next."
            )


def taken(work: "Work", task: Task) -> Task:
    """The task in progress, claimed by the work's session; by its agent alone, without a lease, where it has none.

    Raises:
        ClaimHeld: another agent has it, in a living session or by assignment.
    """
    require_free(work, task)
    require_unassigned(work, task)
    session, me = work.actor.session_id, work.agent.id
    if session is not None and task.claimed_by == session:
        return task
    left = task.result if task.result is not None and task.result.ending is not Ending.ABANDONED else None
    return replace(
        task, status=Status.IN_PROGRESS, assignee=me, claimed_by=session, claim=task.claim + 1, result=left,
        blocked_reason=None,
    )  # fmt: skip


def require_held(work: "Work", task: Task, claim: int | None) -> None:
    """Refuse the report on a task that its agent no longer has.

    Args:
        claim: the claim's number as the agent knows it; the present one if it names none.

    Raises:
        ClaimHeld: the claim is over or another has taken the task since.
    """
    if claim is not None and claim > task.claim:
        raise ClaimHeld(f"#{task.number} has had {task.claim} claims, no {claim}.", "Name the number of your own.")
    if claim is not None and claim < task.claim:
        raise ClaimHeld(
            f"Your claim {claim} of #{task.number} is over: it has been claimed again since"
            f" (claim {task.claim}; now {task.status}, with {_name_of(work, task)}).",
            "Nothing was changed. Leave what you have as a comment, then take another with claim_next.",
        )
    require_free(work, task)
    is_mine = task.assignee == work.agent.id and task.status in (Status.IN_PROGRESS, Status.BLOCKED)
    if not is_mine and work.actor.role < Role.OPERATOR:
        raise ClaimHeld(
            f"You do not have #{task.number}: it is {task.status}, with {_name_of(work, task)}.",
            "Nothing was changed. Claim it first (claim_next with this task), or leave what you have as a comment.",
        )


def _name_of(work: "Work", task: Task) -> str:
    session = work.rows.get(Session, task.claimed_by) if task.claimed_by else None
    agent = work.rows.get(Agent, session.agent_id if session else task.assignee or "")
    return agent.name if agent else "nobody"
