"""Signs of life: which process has a session up, when it was last heard, and what its agent was last seen doing.

None of it is state, and no event tells of it; see storage's Presence. It is written in transactions of its own.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from core.work import Client
from storage import (
    AgentState,
    Database,
    Presence,
    Reader,
    Room,
    Session,
    SessionId,
    SessionState,
    StateSource,
    Writer,
    boot_id,
    monotonic,
    utc_now,
)  # fmt: skip

BEATS_A_LEASE: Final = 6
"""How many heartbeats must fail before a session is lost."""

LONGEST_BEAT_S: Final = 10.0

CLIENT_LEASE_SECONDS: Final = 3_600
"""How long an agent that is known by its client's hooks alone may be silent: they tell of what it does, and an idle
one does nothing."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What an agent was seen doing, by whom and when. `message` is the question of one that waits."""

    state: AgentState
    source: StateSource
    at: datetime
    message: str | None = None


def beat_interval(lease_seconds: int) -> float:
    """The seconds between two heartbeats under a lease."""
    return min(LONGEST_BEAT_S, lease_seconds / BEATS_A_LEASE)


def take_up(rows: Writer, session: Session, room: Room, client: Client | None) -> Presence:
    """Let a process be the one that has a session up; one that had it before is fenced off by the new epoch."""
    known = rows.presence(session.id) or _unheard(session, room)
    taken = replace(
        known, epoch=known.epoch + 1, lease_seconds=room.lease_seconds, pid=client.pid if client else None,
        parent=client.parent if client else None,
    )  # fmt: skip
    return _put(rows, taken)


def beat(
    rows: Writer, session: SessionId, epoch: int, *, calls: int = 0, observation: Observation | None = None
) -> bool:
    """Prove that the process of `epoch` is alive; whether it still has the session up.

    Args:
        calls: how many more tools were called.
        observation: what the agent was seen doing meanwhile.
    """
    found = rows.get(Session, session)
    if found is None or found.state is not SessionState.ACTIVE:
        return False
    known = rows.presence(session)
    if known is None or known.epoch < epoch:  # a restore brought back what was before we took it up
        room = rows.get(Room, found.room_id)
        assert room is not None
        known = replace(known or _unheard(found, room), epoch=epoch, pid=os.getpid())
    if known.epoch > epoch:
        return False
    known = replace(known, tool_calls=known.tool_calls + calls)
    _put(rows, _observed(known, observation) if observation is not None else known)
    return True


def observe(
    rows: Writer,
    session: Session,
    room: Room,
    observation: Observation,
    *,
    ancestors: Sequence[str] = (),
    client_session: str | None = None,
) -> None:
    """Note what an agent's client has reported of it.

    Args:
        ancestors: the processes above the one that reported, as `pid:started`.
        client_session: the client's own name for its run.
    """
    known = rows.presence(session.id)
    if known is None:
        known = replace(_unheard(session, room), lease_seconds=max(room.lease_seconds, CLIENT_LEASE_SECONDS))
    known = replace(
        known, ancestors=tuple(ancestors) or known.ancestors, client_session=client_session or known.client_session
    )
    rows.put_presence(_heard(_observed(known, observation), observation.at))


def note_command(database: Database, session: SessionId) -> None:
    """Note that an agent works by commands: where it has no server, they are its signs of life."""
    with database.write("note a command") as rows:
        found = rows.get(Session, session)
        room = rows.get(Room, found.room_id) if found is not None else None
        if found is not None and room is not None and found.state is SessionState.ACTIVE:
            observe(rows, found, room, Observation(AgentState.WORKING, StateSource.CLI, utc_now()))


def session_of_client(
    rows: Reader, room: Room, *, ancestors: Sequence[str] = (), parent: str | None = None,
    client_session: str | None = None, goes_on: bool = False,
) -> Presence | None:  # fmt: skip
    """The latest presence that belongs to the same client's run.

    Args:
        ancestors: of a hook: the client of our server is one of them.
        parent: of a server: the client is one of the ancestors of its hooks, or the parent of an earlier server.
        client_session: the client's own name for the run.
        goes_on: whether the client has just begun a new run in place of another, under a new name: then its process,
            which is at most two steps above a hook, tells.
    """
    near = set(ancestors[:2]) if goes_on else set()
    fits = [
        each
        for each in rows.presences(room.id).values()
        if (each.parent is not None and (each.parent in ancestors or each.parent == parent))
        or (parent is not None and each.pid is None and parent in each.ancestors)
        or (client_session is not None and each.client_session == client_session)
        or bool(near & set(each.ancestors[:2]))
    ]
    return max(fits, key=lambda each: (each.beat_at, each.session_id), default=None)


def is_running(pid: int | None) -> bool:
    """Whether there is a process of that number."""
    if pid is None:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _unheard(session: Session, room: Room) -> Presence:
    now = utc_now()
    return Presence(
        session_id=session.id, room_id=room.id, beat_at=now, lease_seconds=room.lease_seconds, state_at=now
    )  # fmt: skip


def _observed(known: Presence, seen: Observation) -> Presence:
    """With what was seen, unless something later has been seen already."""
    if seen.at < known.state_at and known.state is not AgentState.UNKNOWN:
        return known
    return replace(known, state=seen.state, source=seen.source, state_at=seen.at, message=seen.message)


def _heard(known: Presence, at: datetime) -> Presence:
    """With a sign of life at a moment of the wall clock, unless a later one is known."""
    beat = monotonic() - max(0.0, (utc_now() - at).total_seconds())
    if known.boot_id == boot_id() and known.beat >= beat:
        return known
    return replace(known, boot_id=boot_id(), beat=beat, beat_at=at)


def _put(rows: Writer, presence: Presence) -> Presence:
    alive = replace(presence, boot_id=boot_id(), beat=monotonic(), beat_at=utc_now())
    rows.put_presence(alive)
    return alive
