"""Handoffs: pass a task on with all that the next one needs to know, and answer such a pass."""

from dataclasses import dataclass, replace
from enum import StrEnum

from core.agents import handoffs
from core.board import claims, transitions, wip
from core.errors import InvalidData, PermissionDenied, RuleRefusal
from core.operation import UNSET, Item, Line, OrUnset, Text, operation
from core.text import LABEL_LIMIT, TITLE_LIMIT, clean_line, clean_lines, clean_text
from core.work import Work
from storage import (
    Agent,
    AgentId,
    Handoff,
    HandoffId,
    HandoffStatus,
    Role,
    Status,
    Task,
    TaskId,
    new_handoff_id,
)  # fmt: skip


class HandoffAnswer(StrEnum):
    """What one may say to a handoff."""

    ACKNOWLEDGE = "acknowledge"
    DECLINE = "decline"
    COMPLETE = "complete"


class Box(StrEnum):
    """Which handoffs of an agent: those that come to it, those that it gave, or both."""

    INBOX = "inbox"
    OUTBOX = "outbox"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class HandoffDetail:
    """A handoff and its task as it is now."""

    handoff: Handoff
    task: Task


@operation(
    role=Role.AGENT, changes=True, undoable=False, command="handoff create",
    tool="Pass a task to another agent, with what it must know: an open point you leave is lost otherwise.",
)  # fmt: skip
def create_handoff(
    work: Work,
    task: TaskId,
    summary: Text,
    *,
    to_agent: AgentId | None = None,
    to_role: Line | None = None,
    next_steps: tuple[Item, ...] = (),
    warnings: tuple[Item, ...] = (),
    failed_approaches: tuple[Item, ...] = (),
    files: tuple[Line, ...] = (),
    branch: Line | None = None,
    expected_version: int | None = None,
) -> Handoff:
    """Hand a task over to an agent, or to whoever has a role. It stays yours until somebody acknowledges it.

    Args:
        summary: where the work stands.
        to_agent: who is to take it on.
        to_role: instead of a name: a role or skill; whoever has it and acknowledges first takes it on.
        next_steps: what is to be done next, in order.
        warnings: what one could trip over.
        failed_approaches: what was tried and does not work.
        files: the files touched.
        branch: where the work lies.
        expected_version: refuse if the task has changed since this version.

    Raises:
        InvalidData: nobody is named, or both; or the task is closed or is being handed over already.
        ClaimHeld: another agent has the task.
    """
    current = work.tasks.get(task, expected_version)
    claims.require_free(work, current)
    claims.require_unassigned(work, current)
    _require_open_for_handoff(work, current)
    told = clean_text(summary, "summary")
    if not told.strip():
        raise InvalidData("The summary is empty.", "Say where the work stands.")
    handoff = work.add(
        Handoff(
            id=new_handoff_id(), room_id=work.room.id, task_id=task, from_agent=work.agent.id, to_agent=to_agent,
            to_role=_checked_role(work, work.agent.id, to_agent, to_role), summary=told,
            next_steps=clean_lines(next_steps, "next step"), warnings=clean_lines(warnings, "warning"),
            failed_approaches=clean_lines(failed_approaches, "failed approach"), files=clean_lines(files, "file"),
            branch=clean_line(branch, "branch", TITLE_LIMIT) if branch else None,
            created_at=work.now, updated_at=work.now,
        )
    )  # fmt: skip
    if current.claimed_by is not None:
        work.save(replace(current, claimed_by=None), event="claim_released")
    return handoff


@operation(
    role=Role.AGENT, changes=True, undoable=False, command="handoff answer",
    tool="Answer a handoff: acknowledge takes its task on, decline (say why in reason) returns it, complete ends it.",
)  # fmt: skip
def acknowledge_handoff(
    work: Work,
    handoff: HandoffId,
    *,
    answer: HandoffAnswer = HandoffAnswer.ACKNOWLEDGE,
    expected_version: int | None = None,
) -> HandoffDetail:
    """Answer a handoff. Who acknowledges takes the task on, in progress and claimed.

    Args:
        answer: what you say to it; a decline needs a reason, and by its giver it is a withdrawal.
        expected_version: refuse if the handoff has changed since this version.

    Raises:
        PermissionDenied: it is addressed to somebody else.
        RuleRefusal: it has been answered already, by whom and how.
    """
    current = work.get(Handoff, handoff, expected_version)
    _require_addressee(work, current, answer)
    task = work.tasks.get(current.task_id)
    if answer is HandoffAnswer.COMPLETE:
        _require_status(work, current, *handoffs.OPEN)
        return HandoffDetail(_answered(work, current, HandoffStatus.COMPLETED), task)
    _require_status(work, current, HandoffStatus.PENDING)
    if answer is HandoffAnswer.DECLINE:
        if not work.reason:
            raise InvalidData("A handoff cannot be declined without a reason.", "Say why: --reason TEXT.")
        return HandoffDetail(_answered(work, current, HandoffStatus.DECLINED), task)
    stored = _answered(work, current, HandoffStatus.ACKNOWLEDGED)
    return HandoffDetail(stored, _taken_on(work, task))


@operation(
    role=Role.VIEWER, changes=False,
    tool="See handoffs: those that wait for you, unless you ask for others.",
)  # fmt: skip
def list_handoffs(
    work: Work,
    *,
    agent: AgentId | OrUnset = UNSET,
    box: Box = Box.INBOX,
    status: tuple[HandoffStatus, ...] = (),
    task: TaskId | None = None,
) -> tuple[Handoff, ...]:
    """List the handoffs that are open, oldest first: an agent's own, everybody's for a person.

    Args:
        agent: whose.
        box: those that come to the agent, those that it gave, or both.
        status: also those that are closed, by these words.
        task: only those of this task.
    """
    found = work.rows.handoffs(work.room.id, status=status or handoffs.OPEN, task=task)
    whose = work.rows.get(Agent, agent) if agent is not UNSET else None
    if agent is UNSET and work.actor.role is Role.AGENT and task is None:
        whose = work.rows.agent_by_name(work.room.id, work.actor.name)
        if whose is None:
            return ()
    if whose is None:
        return tuple(found)
    return tuple(
        each
        for each in found
        if (box is not Box.INBOX and each.from_agent == whose.id) or (box is not Box.OUTBOX and _comes_to(each, whose))
    )


@operation(role=Role.VIEWER, changes=False, command="handoff show")
def get_handoff(work: Work, handoff: HandoffId) -> HandoffDetail:
    """Show a handoff and its task."""
    found = work.get(Handoff, handoff)
    return HandoffDetail(found, work.tasks.get(found.task_id))


@operation(role=Role.AGENT, changes=True, undoable=False, command="handoff redirect")
def redirect_handoff(
    work: Work,
    handoff: HandoffId,
    *,
    to_agent: AgentId | None = None,
    to_role: Line | None = None,
    expected_version: int | None = None,
) -> Handoff:
    """Give a handoff that is pending or was declined to somebody else.

    Args:
        to_agent: who is to take it on.
        to_role: instead of a name: a role or skill.
        expected_version: refuse if the handoff has changed since this version.

    Raises:
        PermissionDenied: you have neither given it nor run the room.
        InvalidData: nobody is named, or both; or its task is closed or is being handed over anew.
    """
    current = work.get(Handoff, handoff, expected_version)
    if current.from_agent != work.agent.id and work.actor.role < Role.OPERATOR:
        raise PermissionDenied("Only its giver or an operator redirects a handoff.", "Decline it, and say to whom.")
    _require_status(work, current, HandoffStatus.PENDING, HandoffStatus.DECLINED)
    if current.status is HandoffStatus.DECLINED:
        _require_open_for_handoff(work, work.tasks.get(current.task_id))
    role = _checked_role(work, current.from_agent, to_agent, to_role)
    return work.save(
        replace(
            current, to_agent=to_agent, to_role=role, status=HandoffStatus.PENDING, taken_by=None, answer=None,
            answered_at=None,
        ),
        event="redirected",
    )  # fmt: skip


def _require_open_for_handoff(work: Work, task: Task) -> None:
    if task.status in (Status.DONE, Status.ARCHIVED):
        raise InvalidData(f"#{task.number} is {task.status}; there is nothing to hand over.", "Reopen it first.")
    for pending in work.rows.handoffs(work.room.id, task=task.id, status=[HandoffStatus.PENDING]):
        raise InvalidData(
            f"#{task.number} is being handed over already ({pending.id}).",
            "Wait for the answer, redirect that one, or decline it to withdraw it.",
        )


def _comes_to(handoff: Handoff, agent: Agent) -> bool:
    return handoffs.is_for(handoff, agent) if handoff.taken_by is None else handoff.taken_by == agent.id


def _checked_role(work: Work, giver: AgentId, to_agent: AgentId | None, to_role: Line | None) -> str | None:
    """The role to which a handoff is addressed, once it is sure that it goes to one place and not to its giver."""
    if (to_agent is None) == (to_role is None):
        raise InvalidData("A handoff goes to one agent or to one role.", "Name one of them: --to-agent or --to-role.")
    if to_agent is not None and to_agent == giver:
        raise InvalidData("A handoff goes to somebody else.", "Name another agent, or a role.")
    if to_role is None:
        return None
    role = clean_line(to_role, "role", LABEL_LIMIT)
    if not any(handoffs.has_role(each, role) and each.id != giver for each in work.rows.agents(work.room.id)):
        work.warn(f"Nobody in the room has the role or skill {role!r} yet; it waits until somebody comes who has.")
    return role


def _require_addressee(work: Work, handoff: Handoff, answer: HandoffAnswer) -> None:
    if work.actor.role >= Role.OPERATOR or handoff.taken_by == work.agent.id:
        return
    if answer is HandoffAnswer.DECLINE and handoff.from_agent == work.agent.id:
        return
    if handoffs.is_for(handoff, work.agent):
        if handoff.taken_by is not None:
            _require_status(work, handoff)  # another was quicker: says who
        return
    to = work.rows.get(Agent, handoff.to_agent or "")
    name = to.name if to else handoff.to_role
    raise PermissionDenied(f"The handoff is addressed to {name}.", "See your own: list_handoffs.")


def _require_status(work: Work, handoff: Handoff, *allowed: HandoffStatus) -> None:
    if handoff.status in allowed:
        return
    by = work.rows.get(Agent, handoff.taken_by or "")
    who = f" by {by.name}" if by else ""
    when = f" at {handoff.answered_at:%Y-%m-%d %H:%M:%S} UTC" if handoff.answered_at else ""
    why = f" ({handoff.answer})" if handoff.answer else ""
    raise RuleRefusal(f"The handoff was {handoff.status}{who}{when}{why}.", "See what is open: list_handoffs.")


def _answered(work: Work, handoff: Handoff, status: HandoffStatus) -> Handoff:
    answered = replace(
        handoff,
        status=status,
        taken_by=handoff.taken_by or work.agent.id,
        answer=work.reason or handoff.answer,
        answered_at=work.now,
    )
    return work.save(answered, event=status.value)


def _taken_on(work: Work, task: Task) -> Task:
    """The task in the hands of who has acknowledged; one that is in review or closed meanwhile stays where it is."""
    if task.status in (Status.REVIEW, Status.DONE, Status.ARCHIVED):
        return task
    transitions.check(task, Status.IN_PROGRESS, reason=None)
    wip.check(work, Status.IN_PROGRESS, arriving=int(task.status is not Status.IN_PROGRESS))
    is_had = task.claimed_by is not None and task.claimed_by == work.actor.session_id
    taken = claims.taken(work, task if is_had else replace(task, assignee=None))  # its giver's no longer
    if task.status is not Status.IN_PROGRESS:
        taken = replace(taken, rank=work.tasks.rank_before(None, Status.IN_PROGRESS))
    return work.save(taken, event="claimed")
