"""Taking in what hooks have noted in the spool: each line exactly once, whoever reads it, into its session's presence.

The lines and the positions behind them are stored in one transaction. A client whose agent has no session yet gets
one here: facts come from hooks too where an agent never calls a tool.
"""

import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from core.agents import sessions
from core.agents.presence import CLIENT_LEASE_SECONDS, Observation, observe, session_of_client
from core.agents.spool import HookEvent, HookLine, read_new, tidy
from core.errors import NotFound
from core.execute import find_room
from core.rooms import room_of
from core.work import Actor, Client, Work
from storage import (
    AgentKind,
    AgentState,
    Database,
    Door,
    ParallelError,
    Reader,
    Role,
    Room,
    Session,
    SessionState,
    StateSource,
    Writer,
    utc_now,
)  # fmt: skip

_STATES: Final[Mapping[HookEvent, AgentState]] = {
    HookEvent.SESSION_START: AgentState.IDLE,
    HookEvent.USER_PROMPT_SUBMIT: AgentState.WORKING,
    HookEvent.PRE_TOOL_USE: AgentState.WORKING,
    HookEvent.POST_TOOL_USE: AgentState.WORKING,
    HookEvent.NOTIFICATION: AgentState.WAITING,
    HookEvent.PERMISSION_REQUEST: AgentState.WAITING,
    HookEvent.STOP: AgentState.IDLE,
}

_NO_QUESTIONS: Final = frozenset({"auth_success"})
"""Notifications that wait for nobody."""

_GOES_ON: Final = frozenset({"clear", "resume", "compact"})
"""Reasons for which a client ends one run only to begin the next."""

logger = logging.getLogger(__name__)


def take_in(database: Database) -> int:
    """Apply all that the spool holds and that nobody has applied; how many lines that was."""
    taken = 0
    while True:
        with database.read() as rows:
            if read_new(database.home, rows.spool_offsets(), limit=1).is_empty:
                return taken
        with database.write("take in hooks") as writer:
            batch = read_new(database.home, writer.spool_offsets())
            for line in batch.lines:
                _apply(writer, line)
            writer.keep_spool_offsets(batch.positions)
        taken += len(batch.lines)
        if batch.skipped:
            logger.warning("skipped %d lines of the hooks' spool that could not be understood", batch.skipped)
        tidy(database.home, batch.positions)
        if not batch.has_more:
            return taken


def _apply(rows: Writer, line: HookLine) -> None:
    room = _room(rows, line)
    if room is None or (line.subagent is not None and line.event is HookEvent.STOP):
        return  # no project of ours; or a helper inside the client, whose end is not the agent's
    session = _session(rows, room, line)
    if session is None and line.event is not HookEvent.SESSION_END:
        session = _opened(rows, room, line)
    if session is None:
        return
    if line.event is HookEvent.SESSION_END:
        if line.detail not in _GOES_ON:
            why = f"its client ended ({line.detail})" if line.detail else "its client ended"
            sessions.end(_work(rows, room, line, session), session, SessionState.ENDED, why)
        return
    if line.event is HookEvent.NOTIFICATION and line.detail in _NO_QUESTIONS:
        return
    if line.detail == "permission_prompt":  # Claude Code asks anew after six seconds, without saying what
        known = rows.presence(session.id)
        if known is not None and known.state is AgentState.WAITING and known.message:
            return
    state = _STATES[line.event]
    message = line.message if state is AgentState.WAITING else line.tool and f"uses {line.tool}"
    observe(
        rows, session, room, Observation(state, StateSource.HOOK, line.at, message),
        ancestors=line.ancestors, client_session=line.client_session,
    )  # fmt: skip


def _room(rows: Reader, line: HookLine) -> Room | None:
    if line.room:
        with suppress(NotFound):
            return find_room(rows, line.room)
    if not line.cwd:
        return None
    with suppress(OSError):
        return room_of(Path(line.cwd), rows.rooms())
    return None


def _session(rows: Reader, room: Room, line: HookLine) -> Session | None:
    """The active session of the agent whose client has reported."""
    if line.token_hash is not None:
        found = rows.session_by_token(line.token_hash)
    else:
        goes_on = line.event is HookEvent.SESSION_START and line.detail in _GOES_ON
        presence = session_of_client(
            rows, room, ancestors=line.ancestors, client_session=line.client_session, goes_on=goes_on
        )
        found = rows.get(Session, presence.session_id) if presence is not None else None
    is_fit = found is not None and found.state is SessionState.ACTIVE and found.room_id == room.id
    return found if is_fit else None


def _opened(rows: Writer, room: Room, line: HookLine) -> Session | None:
    from core.operations.session import begin_session

    if line.token_hash is not None or (utc_now() - line.at).total_seconds() > CLIENT_LEASE_SECONDS:
        return None  # of a session that is over, or of a client that has not been heard since: nobody is there any more
    try:
        return begin_session(_work(rows, room, line, None), line.agent)[0]
    except ParallelError as error:
        logger.warning("no session for a client's hook: %s", error.message)
        return None


def _work(rows: Writer, room: Room, line: HookLine, session: Session | None) -> Work:
    actor = Actor(line.agent or line.client, Role.AGENT, Door.SERVICE, AgentKind.AI, client=Client(line.client))
    if session is not None:
        actor = sessions.checked(rows, Actor("", Role.AGENT, Door.SERVICE, session_id=session.id), room)
    return Work(rows, actor, room, operation="take_in_hooks")
