"""What waits for the person: questions, handoffs, commands to approve, reviews, cards that an agent has left."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from operator import itemgetter
from typing import NamedTuple

from core.agents import AgentReport
from core.agents.handoffs import is_for, is_overdue
from core.board.review import may_approve
from core.work import Actor
from storage import Agent, AgentId, AgentState, Alert, AlertSeverity, Ending, HandoffStatus, Role, RunState, Status
from tui.board_state import BoardState


class Cause(StrEnum):
    """Why something waits for the person, the most pressing first."""

    QUESTION = "question"
    ALERT = "alert"
    HANDOFF = "handoff"
    OVERDUE = "overdue"
    APPROVAL = "approval"
    REVIEW = "review"
    ABANDONED = "abandoned"


_WAIT_THEMSELVES = frozenset({"agent_waiting", "handoff_overdue"})
"""Rules that tell of what waits for the person anyway."""


class Waiting(NamedTuple):
    """One thing that waits: an agent, an alert, a handoff, a run or a task, by its id, and since when.

    A tuple, since a column of review may hold thousands, made anew with each change.
    """

    cause: Cause
    subject: str
    since: datetime


def person_of(state: BoardState, actor: Actor) -> Agent:
    """The person as an agent of the room; one who has changed nothing yet is not stored, and stands here as nobody's
    assignee."""
    known = state.agent_named(actor.name)
    if known is not None:
        return known
    room = state.room
    return Agent(
        id=AgentId(""), room_id=room.id, name=actor.name, kind=actor.kind, role=actor.role,
        created_at=room.created_at, updated_at=room.updated_at,
    )  # fmt: skip


def waiting_for(state: BoardState, reports: Iterable[AgentReport], actor: Actor, now: datetime) -> tuple[Waiting, ...]:
    """All that waits for the person but the cards, by cause, then the longest first."""
    found = [
        *_questions(reports), *_alerts(state, now), *_handoffs(state, person_of(state, actor), now),
        *_approvals(state, actor),
    ]  # fmt: skip
    causes = list(Cause)
    return tuple(sorted(found, key=lambda each: (causes.index(each.cause), each.since, each.subject)))


def waiting_cards(state: BoardState, actor: Actor) -> tuple[Waiting, ...]:
    """The cards that wait for the person: those to be approved, then those that were left, the longest first."""
    me = person_of(state, actor)
    reviews = [
        Waiting(Cause.REVIEW, task.id, task.status_changed_at)
        for task in state.column(Status.REVIEW)
        if may_approve(actor.role, me, task)
    ]
    left = [
        Waiting(Cause.ABANDONED, task.id, task.result.at)
        for task in (*state.column(Status.IN_PROGRESS), *state.column(Status.BLOCKED))
        if task.result is not None and task.result.ending is Ending.ABANDONED
    ]
    return (*sorted(reviews, key=itemgetter(2, 1)), *sorted(left, key=itemgetter(2, 1)))


def asks(alert: Alert, now: datetime) -> bool:
    """Whether an alert asks for the person: nobody has acknowledged it, and it is not muted."""
    is_muted = alert.muted_until is not None and alert.muted_until > now
    return alert.resolved_at is None and alert.acknowledged_at is None and not is_muted


def _alerts(state: BoardState, now: datetime) -> Iterator[Waiting]:
    for alert in state.alerts.values():
        is_bad = alert.severity is not AlertSeverity.INFO
        if is_bad and alert.rule not in _WAIT_THEMSELVES and asks(alert, now):
            yield Waiting(Cause.ALERT, alert.id, alert.created_at)


def _questions(reports: Iterable[AgentReport]) -> Iterator[Waiting]:
    for report in reports:
        if report.state is AgentState.WAITING and report.since is not None:
            yield Waiting(Cause.QUESTION, report.agent.id, report.since)


def _approvals(state: BoardState, actor: Actor) -> Iterator[Waiting]:
    """The queued commands that an agent has set."""
    for run in state.runs.values() if actor.role >= Role.OPERATOR else ():
        task = state.tasks.get(run.task_id) if run.state is RunState.QUEUED else None
        if task is not None and not task.command_approved:
            yield Waiting(Cause.APPROVAL, run.id, run.created_at)


def _handoffs(state: BoardState, me: Agent, now: datetime) -> Iterator[Waiting]:
    for handoff in state.handoffs.values():
        if handoff.status is not HandoffStatus.PENDING:
            continue
        if is_for(handoff, me):
            yield Waiting(Cause.HANDOFF, handoff.id, handoff.updated_at)
        elif is_overdue(handoff, state.room, now):
            yield Waiting(Cause.OVERDUE, handoff.id, handoff.updated_at)
