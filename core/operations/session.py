"""Sessions: start one, see what stands, end it, and notice the ones that have stopped answering."""

from dataclasses import dataclass, replace

from core.agents import handoffs, presence, sessions
from core.agents.report import AgentReport, reports
from core.agents.sessions import Secret
from core.board.review import REVIEWER
from core.errors import InvalidData, PermissionDenied, RuleRefusal
from core.operation import UNSET, Line, OrUnset, operation
from core.operations.agent import check_name
from core.text import clean_labels, clean_line
from core.work import Work
from storage import (
    Agent,
    AgentId,
    AgentKind,
    Ending,
    Event,
    Handoff,
    HandoffStatus,
    Role,
    Session,
    SessionId,
    SessionState,
    Status,
    Task,
    new_agent_id,
    new_session_id,
)  # fmt: skip

RECENT = 12
"""How many of the last events that touch an agent its briefing tells."""


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session that was made for an agent, and the token that proves it; the token is shown this once."""

    session: Session
    token: Secret


@dataclass(frozen=True, slots=True)
class Briefing:
    """What an agent must know to begin.

    Args:
        token: of the session that was started now; None where it had begun before.
        handoffs: those that wait for the agent's answer, and those that it has taken on and not completed.
        tasks: what is assigned to it and not closed.
        others: what the other agents are doing, people left out.
        recent: the last events of others that touch its tasks or its handoffs, newest first.
        review_gate: whether what it calls done waits for approval.
    """

    agent: Agent
    session: Session
    token: Secret | None
    handoffs: tuple[Handoff, ...]
    tasks: tuple[Task, ...]
    others: tuple[AgentReport, ...]
    recent: tuple[Event, ...]
    review_gate: bool


@operation(
    role=Role.AGENT, changes=True, command="session start",
    tool="Call first: who you are, handoffs that wait for you, your tasks, what the others do. "
    "`agent` takes a name of your own.",
)  # fmt: skip
def session_start(
    work: Work,
    agent: Line | None = None,
    *,
    description: Line | OrUnset = UNSET,
    skills: tuple[Line, ...] | OrUnset = UNSET,
) -> Briefing:
    """Start a session, or go on with the one there is, and tell all that one must know to begin.

    Without a name an agent is called after its client, with a number. A session that is started under the name of an
    agent takes over what that agent's earlier sessions have left unfinished.

    Args:
        agent: the name under which to work; a new agent of that name is added to the room.
        description: what the agent is for, in a sentence.
        skills: what it can do, in the words of labels; tasks and handoffs are found by them.

    Raises:
        PermissionDenied: the name is a person's, or an agent's whose role is above the caller's.
        RuleRefusal: the session there is has claims; they would stay behind under the other name.
    """
    name = clean_line(agent, "agent name", 60) if agent is not None else None
    session, token = _current(work), None
    if session is not None and name is not None and name != work.agent.name:
        _leave(work, session, name)
        session = None
    if session is None:
        session, token = begin_session(work, name)
    client = work.actor.client
    if client is not None and client.pid is not None and (token is not None or work.actor.epoch is None):
        presence.take_up(work.writer, session, work.room, client)
    _describe(work, description, skills)
    return _briefing(work, session, token)


@operation(role=Role.OPERATOR, changes=True, command="session create")
def create_session(work: Work, agent: AgentId) -> NewSession:
    """Make a session for an agent that is about to be started, and the token that its environment needs.

    Start the agent's program with WZP_SESSION_TOKEN set to the token; its MCP server, its hooks and `wzp` in its
    shell then act in this session.

    Raises:
        PermissionDenied: the agent's role is above yours.
    """
    found = work.get(Agent, agent)
    if found.role > work.actor.role:
        raise PermissionDenied(f"{found.name} is {found.role}; you are {work.actor.role}.", "Ask the owner.")
    token = sessions.new_token()
    return NewSession(work.add(_session(work, found, token)), token)


@operation(role=Role.VIEWER, changes=False)
def list_sessions(
    work: Work, *, agent: AgentId | OrUnset = UNSET, state: SessionState | None = None, limit: int = 50
) -> tuple[Session, ...]:
    """List the room's sessions, newest first.

    Args:
        agent: only those of this agent.
        state: only those that stand so.
        limit: at most so many.
    """
    whose = None if agent is UNSET else agent
    return tuple(work.rows.sessions(work.room.id, state=state, agent=whose, limit=limit))


@operation(role=Role.VIEWER, changes=False, command="session show")
def get_session(work: Work, session: SessionId) -> Session:
    """Show a session."""
    return work.get(Session, session)


@operation(role=Role.AGENT, changes=True)
def end_session(work: Work, session: SessionId | None = None) -> Session:
    """End a session: your own, or as an operator another's. Tasks that it still has say so.

    Args:
        session: which; your own if omitted.

    Raises:
        InvalidData: you have no session, or it is over already.
        PermissionDenied: it is another agent's, and you are no operator.
    """
    wanted = session or work.actor.session_id
    if wanted is None:
        raise InvalidData("You have no session to end.", "Name one that `wzp session list` shows.")
    found = work.get(Session, wanted)
    if found.agent_id != work.agent.id and work.actor.role < Role.OPERATOR:
        raise PermissionDenied("It is another agent's session.", "An operator can end it.")
    if found.state is not SessionState.ACTIVE:
        raise InvalidData(f"The session {sessions.describe_end(found)}.", "Nothing to do.")
    return sessions.end(work, found, SessionState.ENDED, work.reason or f"ended by {work.agent.name}")


@operation(
    role=Role.SYSTEM, changes=True,
    not_at=dict.fromkeys(("cli", "palette", "mcp"), "only the program itself notices who has stopped answering"),
)  # fmt: skip
def expire_sessions(work: Work) -> tuple[Session, ...]:
    """Mark the sessions that have stopped answering as lost, and take the tasks from those whose lease is over."""
    silent, _ = sessions.due_sessions(work.rows, work.room)
    lost = []
    for session in silent:
        known = work.rows.presence(session.id)
        since_start = (work.now - session.created_at).total_seconds()
        silence = sessions.silence(known) if known is not None else since_start
        how_long = f"for {silence:.0f} s" if silence != float("inf") else "since the machine was started anew"
        lost.append(sessions.end(work, session, SessionState.LOST, f"no sign of life {how_long}"))
    for session in sessions.due_sessions(work.rows, work.room)[1]:
        sessions.lapse(work, session)
    return tuple(lost)


def begin_session(work: Work, name: str | None) -> tuple[Session, Secret]:
    """Start a session for the agent of that name, or for the next one of the caller's client; whose work it is then.

    Raises:
        PermissionDenied: the name is a person's, or an agent's whose role is above the caller's.
    """
    who = _named(work, name) if name is not None else _numbered(work)
    session, token = _opened(work, who)
    if name is not None or work.actor.client is None:
        _take_over(work, who, session)
    return session, token


def _current(work: Work) -> Session | None:
    return work.get(Session, work.actor.session_id) if work.actor.session_id is not None else None


def _leave(work: Work, session: Session, name: str) -> None:
    claimed = work.rows.claimed_tasks(session.id)
    if claimed:
        numbers = ", ".join(f"#{task.number}" for task in claimed)
        raise RuleRefusal(f"As {work.agent.name} you have {numbers}.", f"Finish or give back first, then be {name}.")
    sessions.end(work, session, SessionState.ENDED, f"goes on as {name}")


def _named(work: Work, name: str) -> Agent:
    found = work.rows.agent_by_name(work.room.id, name)
    if found is None:
        return _introduced(work, check_name(work, name))
    is_own = name == work.actor.name and work.actor.kind is AgentKind.PERSON  # a client may call itself anything
    if REVIEWER in found.skills and name != work.actor.name and work.actor.role < Role.OPERATOR:
        raise PermissionDenied(
            f"{name} may approve what others did; nobody becomes it by name.",
            f"Choose a name of your own, or have WZP_AGENT set to {name} where your client is started.",
        )
    if name != work.actor.name and (other := _living_session(work, found)) is not None:
        raise PermissionDenied(
            f"{name} is at work in another session, {other.client_name or 'without a client'},"
            f" since {other.created_at:%Y-%m-%d %H:%M:%S} UTC.",
            "Choose a name of your own.",
        )
    if (found.kind is AgentKind.PERSON and not is_own) or found.role > work.actor.role:
        raise PermissionDenied(
            f"{name} is {'a person' if found.kind is AgentKind.PERSON else f'an agent with the role {found.role}'}.",
            "Choose a name of your own, or have a session made for you with `wzp session create`.",
        )
    return found


def _living_session(work: Work, agent: Agent) -> Session | None:
    """An agent's session that answers, beside the caller's own."""
    for session in work.rows.sessions(work.room.id, state=SessionState.ACTIVE, agent=agent.id):
        if session.id != work.actor.session_id and sessions.is_answering(work.rows.presence(session.id)):
            return session
    return None


def _numbered(work: Work) -> Agent:
    """The agent of a caller who named none: itself, or for a client the first of its name without a live session."""
    if work.actor.client is None:
        return work.agent
    busy = {session.agent_id for session in work.rows.sessions(work.room.id, state=SessionState.ACTIVE)}
    number = 1
    while True:
        name = f"{work.actor.name}-{number}"
        found = work.rows.agent_by_name(work.room.id, name)
        if found is None and work.agent_like(name) is not None:
            number += 1
            continue
        if found is None:
            return _introduced(work, name)
        is_trusted = found.role > work.actor.role or REVIEWER in found.skills  # nobody becomes it by its client's name
        if found.id not in busy and found.kind is not AgentKind.PERSON and not is_trusted:
            return found
        number += 1


def _introduced(work: Work, name: str) -> Agent:
    newcomer = Agent(
        id=new_agent_id(), room_id=work.room.id, name=name, kind=AgentKind.AI, role=Role.AGENT,
        created_at=work.now, updated_at=work.now,
    )  # fmt: skip
    work.become(newcomer, None)
    return work.add(newcomer)


def _opened(work: Work, agent: Agent) -> tuple[Session, Secret]:
    token = sessions.new_token()
    session = _session(work, agent, token)
    work.become(agent, session.id)
    return work.add(session), token


def _session(work: Work, agent: Agent, token: Secret) -> Session:
    client = work.actor.client
    return Session(
        id=new_session_id(), room_id=work.room.id, agent_id=agent.id, token_hash=sessions.hash_token(token.value),
        client_name=client.name if client else "", client_version=client.version if client else "",
        pid=client.pid if client else None, created_at=work.now, updated_at=work.now,
    )  # fmt: skip


def _take_over(work: Work, agent: Agent, session: Session) -> None:
    """Claim what the agent's earlier sessions, which are over, have left, whether they still had it or it lapsed."""
    for task in work.rows.assigned_tasks(work.room.id, [Status.IN_PROGRESS], agent.id):
        holder = work.rows.get(Session, task.claimed_by or "")
        is_left = task.result is not None and task.result.ending is Ending.ABANDONED
        if holder is not None:
            is_left = holder.state is not SessionState.ACTIVE
        if is_left:
            current = work.tasks.get(task.id)
            again = replace(current, claimed_by=session.id, claim=current.claim + 1, result=None)
            work.save(again, event="claimed", reason="goes on in a new session")


def _describe(work: Work, description: Line | OrUnset, skills: tuple[Line, ...] | OrUnset) -> None:
    current = work.get(Agent, work.agent.id)
    told = current.description if description is UNSET else clean_line(description, "description", 500)
    can = current.skills if skills is UNSET else _own_skills(work, current, clean_labels(skills, "skill"))
    work.become(work.save(replace(current, description=told, skills=can), event="edited"), work.actor.session_id)


def _own_skills(work: Work, agent: Agent, told: tuple[str, ...]) -> tuple[str, ...]:
    """The skills that an agent says it has; the one that opens the review gate is a person's to give and to take."""
    may_review = REVIEWER in agent.skills
    if REVIEWER in told and not may_review:
        work.warn(f"The skill {REVIEWER} was left out. A person gives it, with `wzp agent edit {agent.name}`.")
    own = tuple(skill for skill in told if skill != REVIEWER)
    return (*own, REVIEWER) if may_review else own


def _briefing(work: Work, session: Session, token: Secret | None) -> Briefing:
    rows, me = work.rows, work.agent
    open_handoffs = rows.handoffs(work.room.id, status=[HandoffStatus.PENDING, HandoffStatus.ACKNOWLEDGED])
    own = sorted(
        rows.assigned_tasks(work.room.id, _OPEN, me.id), key=lambda task: (_OPEN.index(task.status), task.rank, task.id)
    )
    waiting = handoffs.unread(open_handoffs, me)
    taken = [each for each in open_handoffs if each.taken_by == me.id]
    touching = {task.id for task in own} | {each.task_id for each in waiting + taken}
    recent: list[Event] = []
    # to a newcomer nothing happened yet; a server that opens a session by itself need not read 500 events for it
    for event in rows.events(room=work.room.id, limit=500, newest_first=True) if touching else ():
        if event.subject_id in touching and event.agent_id != me.id and len(recent) < RECENT:
            recent.append(event)
    return Briefing(
        agent=me, session=session, token=token, handoffs=(*waiting, *taken), tasks=tuple(own),
        others=tuple(
            each
            for each in reports(rows, work.room)
            if each.agent.id != me.id and each.agent.kind is not AgentKind.PERSON
        ), recent=tuple(recent),
        review_gate=work.room.review_gate,
    )  # fmt: skip


_OPEN = (Status.IN_PROGRESS, Status.BLOCKED, Status.REVIEW, Status.TODO)
