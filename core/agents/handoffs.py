"""Whom a handoff goes to, and which ones wait for somebody."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from storage import Agent, Handoff, HandoffStatus, Room, Task

if TYPE_CHECKING:
    from core.work import Work

OPEN: Final = (HandoffStatus.PENDING, HandoffStatus.ACKNOWLEDGED)
"""Where a handoff stands on which something is still to be done."""


def has_role(agent: Agent, role: str) -> bool:
    """Whether an agent has a role: as its role in the room, its kind, or one of its skills, in any case."""
    return role.casefold() in {agent.role.value, agent.kind.value, *(skill.casefold() for skill in agent.skills)}


def is_for(handoff: Handoff, agent: Agent) -> bool:
    """Whether a handoff goes to an agent: by name, or by a role that it has."""
    if handoff.to_agent is not None:
        return handoff.to_agent == agent.id
    return agent.id != handoff.from_agent and has_role(agent, handoff.to_role or "")


def unread(handoffs: Sequence[Handoff], agent: Agent) -> list[Handoff]:
    """Those that wait for an agent's answer."""
    return [each for each in handoffs if each.status is HandoffStatus.PENDING and is_for(each, agent)]


def close(work: "Work", task: Task) -> None:
    """Complete the open handoffs of a task that is closed: nothing is left to be handed over."""
    for each in work.rows.handoffs(work.room.id, task=task.id, status=OPEN):
        done = replace(
            work.get(Handoff, each.id), status=HandoffStatus.COMPLETED, taken_by=each.taken_by or work.agent.id,
            answered_at=work.now,
        )  # fmt: skip
        work.save(done, event=HandoffStatus.COMPLETED.value)


def is_overdue(handoff: Handoff, room: Room, now: datetime) -> bool:
    """Whether a handoff has waited for its acknowledgement longer than the room allows."""
    waited = now - handoff.updated_at  # a redirected one waits anew
    return handoff.status is HandoffStatus.PENDING and waited >= timedelta(minutes=room.handoff_alert_minutes)
