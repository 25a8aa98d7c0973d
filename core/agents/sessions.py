"""Sessions: the secret that proves one, the check of every request, their end, and what becomes of their tasks."""

import hashlib
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from core.errors import NotFound, PermissionDenied, SessionOver, SessionTaken
from storage import (
    Agent,
    Ending,
    LostClaims,
    Presence,
    Reader,
    Result,
    Room,
    Session,
    SessionState,
    Status,
    Task,
    boot_id,
    monotonic,
    utc_now,
)  # fmt: skip

if TYPE_CHECKING:
    from core.work import Actor, Work

TOKEN_PREFIX: Final = "wzs_"  # noqa: S105  what every token begins with, so that one is known where it leaks


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that is shown to the caller who asked for it, and is never stored or logged."""

    value: str

    def __repr__(self) -> str:
        return "Secret(…)"


def new_token() -> Secret:
    """A secret that proves a session, of 256 random bits."""
    return Secret(TOKEN_PREFIX + os.urandom(32).hex())


def hash_token(token: str) -> str:
    """What is stored of a token: its SHA-256. A token of 256 random bits needs no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def session_of_token(rows: Reader, token: str) -> Session:
    """The session that a token proves.

    Raises:
        SessionOver: no session of this home has that token.
    """
    found = rows.session_by_token(hash_token(token))
    if found is None:
        raise SessionOver(
            "No session of this home has the token in WZP_SESSION_TOKEN.",
            "Start the agent anew from where its token came, or unset the variable to get a session of its own.",
        )
    return found


def checked(rows: Reader, actor: "Actor", room: Room | None) -> "Actor":
    """The actor of a session, with the name, kind and role that the room gives its agent now.

    Raises:
        SessionOver: it has ended or was lost; says when and why.
        SessionTaken: another process has taken it up since.
        PermissionDenied: it belongs to another room.
    """
    assert actor.session_id is not None
    session = rows.get(Session, actor.session_id)
    if session is None:
        raise SessionOver(
            f"There is no session {actor.session_id}; the store may have been restored to a moment before it began.",
            "Start another, then look at your tasks.",
        )
    if session.state is not SessionState.ACTIVE:
        raise SessionOver(
            f"Session {session.id} {describe_end(session)}.",
            "What it did before stands, this call changed nothing. Start another session, then look at your tasks; a"
            " token in WZP_SESSION_TOKEN ends with its session: unset it, or have a new one made.",
            state=session.state.value, reason=session.end_reason,
        )  # fmt: skip
    if actor.epoch is not None:
        presence = rows.presence(session.id)
        if presence is not None and presence.epoch > actor.epoch:
            raise SessionTaken(
                f"Session {session.id} was taken up by another process (pid {presence.pid}); you no longer have it.",
                "Two agents need two sessions. Start one of your own: session_start.",
                pid=presence.pid,
            )
    if room is not None and session.room_id != room.id:
        own = rows.get(Room, session.room_id)
        raise PermissionDenied(
            f"The session is of room {own.name if own else session.room_id}, not of {room.name}.",
            "Work in the session's own room, or start another session in this one.",
        )
    agent = rows.get(Agent, session.agent_id)
    if agent is None:
        raise NotFound(f"The agent {session.agent_id} of the session is gone.", "Start another session.")
    return replace(actor, name=agent.name, role=agent.role, kind=agent.kind)


def describe_end(session: Session) -> str:
    """`was lost at 2026-11-21 10:00:05 UTC: no sign of life for 95 s`, for a sentence."""
    verb = "was lost" if session.state is SessionState.LOST else "ended"
    when = f" at {session.ended_at:%Y-%m-%d %H:%M:%S} UTC" if session.ended_at else ""
    return f"{verb}{when}" + (f": {session.end_reason}" if session.end_reason else "")


def is_answering(presence: Presence | None) -> bool:
    """Whether a session's last sign of life is younger than its lease."""
    return presence is not None and silence(presence) <= presence.lease_seconds


def silence(presence: Presence) -> float:
    """The seconds since a session's last sign of life; without end if that was before the machine's last boot."""
    return monotonic() - presence.beat if presence.boot_id == boot_id() else float("inf")


def end(work: "Work", session: Session, state: SessionState, why: str) -> Session:
    """End a session of the work's room; the tasks it still has say so at once, and lapse later."""
    over = work.save(
        replace(work.get(Session, session.id), state=state, ended_at=work.now, end_reason=why),
        event=state.value, reason=why,
    )  # fmt: skip
    agent = work.rows.get(Agent, session.agent_id)
    for task in work.rows.claimed_tasks(session.id):
        told = Result(
            ending=Ending.ABANDONED, summary=f"{agent.name if agent else 'The agent'} stopped without reporting: {why}",
            agent=session.agent_id, at=work.now,
        )  # fmt: skip
        work.save(replace(work.tasks.get(task.id), result=told), event="abandoned", reason=why)
    return over


def lapse(work: "Work", session: Session) -> None:
    """Take the tasks from a session that is over, and put them back into the queue where the room wants it so."""
    why = f"the session of its agent {describe_end(session)}"
    for task in work.rows.claimed_tasks(session.id):
        current = work.tasks.get(task.id)
        if work.room.lost_claims is LostClaims.KEEP:
            work.save(replace(current, claimed_by=None), event="claim_lapsed", reason=why)
        else:
            work.save(queued_again(work, current), event="returned", reason=why)


def queued_again(work: "Work", task: Task) -> Task:
    """A task at the head of the queue, for anybody."""
    rank = work.tasks.rank_before(work.rows.first_task(work.room.id, Status.TODO), Status.TODO)
    return replace(task, status=Status.TODO, rank=rank, assignee=None, claimed_by=None, blocked_reason=None)


def _is_silent(session: Session, presence: Presence | None, room: Room) -> bool:
    if presence is not None:
        return not is_answering(presence)
    # a server that died before its first beat; a session that was made in advance has no process yet
    age = (utc_now() - session.created_at).total_seconds()
    return session.pid is not None and age > room.lease_seconds


def due_sessions(rows: Reader, room: Room) -> tuple[list[Session], list[Session]]:
    """The active sessions that have stopped answering, and those that are over and have tasks whose lease is over."""
    presences = rows.presences(room.id)
    silent = [
        session
        for session in rows.sessions(room.id, state=SessionState.ACTIVE)
        if _is_silent(session, presences.get(session.id), room)
    ]
    lapsed = [
        session
        for session in rows.claiming_sessions(room.id)
        if session.state is not SessionState.ACTIVE and not is_answering(presences.get(session.id))
    ]
    return silent, lapsed
