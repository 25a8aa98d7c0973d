"""What every agent of a room is doing: the one truth for all doors, with its source and its age."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from core.agents.handoffs import unread
from core.agents.sessions import describe_end, is_answering, silence
from storage import (
    Agent,
    AgentId,
    AgentState,
    Handoff,
    HandoffStatus,
    Presence,
    Reader,
    Role,
    Room,
    Session,
    SessionId,
    SessionState,
    StateSource,
    Status,
    Task,
)  # fmt: skip

OPEN_COLUMNS: Final = (Status.TODO, Status.IN_PROGRESS, Status.BLOCKED, Status.REVIEW)
"""Where tasks stand that an agent still has before it."""

CALLS_TELL_FOR_S: Final = 300
"""An agent whose client has no hooks is known by its calls only; after so long without one, what it does is unknown."""


_CALLS: Final = frozenset({StateSource.MCP, StateSource.CLI})


@dataclass(frozen=True, slots=True)
class AgentReport:
    """What an agent is doing.

    Args:
        since: when it was last seen to be so; None where nothing has been.
        message: the question that it waits with, why its session is over, or the last thing that it said.
        session: the session that tells; None where it never had one.
        task: what it has claimed or has in progress, the newest; `open_tasks` counts all that it has.
        unread_handoffs: how many wait for its answer.
        tool_calls: in this session.
        seen_at: its last sign of life.
    """

    agent: Agent
    state: AgentState
    source: StateSource
    since: datetime | None
    message: str | None
    session: Session | None
    task: Task | None
    open_tasks: int
    unread_handoffs: int
    tool_calls: int
    seen_at: datetime | None


def reports(rows: Reader, room: Room) -> tuple[AgentReport, ...]:
    """What every agent of the room is doing, by name."""
    return reports_of(
        rows.agents(room.id),
        sessions=rows.latest_sessions(room.id),
        presences=rows.presences(room.id),
        pending=rows.handoffs(room.id, status=[HandoffStatus.PENDING]),
        tasks=rows.assigned_tasks(room.id, OPEN_COLUMNS),
    )


def reports_of(
    agents: Iterable[Agent],
    *,
    sessions: Mapping[AgentId, Session],
    presences: Mapping[SessionId, Presence],
    pending: Sequence[Handoff],
    tasks: Iterable[Task],
) -> tuple[AgentReport, ...]:
    """The same from rows that are known already.

    Args:
        sessions: of each agent the one that tells what it does.
        pending: the handoffs that wait for an answer.
        tasks: those that stand in `OPEN_COLUMNS`.
    """
    assigned = [task for task in tasks if task.assignee is not None]
    counts = Counter(task.assignee for task in assigned)
    current: dict[str, Task] = {}
    for task in sorted(assigned, key=lambda task: (task.claimed_by is not None, task.status_changed_at)):
        if task.status is Status.IN_PROGRESS:
            current[task.assignee or ""] = task
    found = []
    for agent in agents:
        if agent.role is Role.SYSTEM:
            continue  # the program itself
        session = sessions.get(agent.id)
        presence = presences.get(session.id) if session is not None else None
        state, source, since, message = _doing(session, presence)
        found.append(
            AgentReport(
                agent=agent, state=state, source=source, since=since, message=message, session=session,
                task=current.get(agent.id), open_tasks=counts[agent.id], unread_handoffs=len(unread(pending, agent)),
                tool_calls=presence.tool_calls if presence else 0, seen_at=presence.beat_at if presence else None,
            )
        )  # fmt: skip
    return tuple(found)


def _doing(
    session: Session | None, presence: Presence | None
) -> tuple[AgentState, StateSource, datetime | None, str | None]:
    if session is None:
        return AgentState.UNKNOWN, StateSource.SESSION, None, None
    if session.state is SessionState.ENDED:
        return AgentState.ENDED, StateSource.SESSION, session.ended_at, session.end_reason
    if session.state is SessionState.LOST:
        return AgentState.UNKNOWN, StateSource.SESSION, session.ended_at, f"its session {describe_end(session)}"
    if presence is None:
        return AgentState.UNKNOWN, StateSource.SESSION, session.created_at, "nothing was heard of it yet"
    if not is_answering(presence):
        return AgentState.UNKNOWN, StateSource.SESSION, presence.beat_at, "it does not answer any more"
    if presence.source in _CALLS and silence_of_calls(presence) > CALLS_TELL_FOR_S:
        why = "no call for minutes, and its client has no hooks"
        return AgentState.UNKNOWN, presence.source, presence.state_at, why
    return presence.state, presence.source, presence.state_at, presence.message


def silence_of_calls(presence: Presence) -> float:
    """The seconds between the last observation and the last sign of life."""
    return (presence.beat_at - presence.state_at).total_seconds() + silence(presence)
