"""Noticing, in every room, who has stopped answering; done by whoever is alive: the host, and each agent's server."""

from core.agents.sessions import due_sessions, is_answering
from core.execute import Call, execute
from core.operations import find
from core.work import Actor
from storage import AgentKind, Database, Door, Reader, Role, Room, SessionId, SessionState

PROGRAM = Actor("wezterm-parallel", Role.SYSTEM, Door.SERVICE, AgentKind.WORKER)
"""The program itself, as the agent that its events name."""


def expire(database: Database, room: Room) -> None:
    """Mark as lost who has stopped answering in a room, and take back what lapsed. Writes only where there is any.

    Signs of life of sessions that are over are forgotten once nothing hangs on them.
    """
    with database.read() as rows:
        current = rows.get(Room, room.id)
        if current is None:
            return
        is_due = any(due_sessions(rows, current))
        past = _past_presences(rows, current)
    if is_due:
        execute(database, Call(operation=find("expire_sessions"), arguments={}, actor=PROGRAM, room=room.id))
    if past:
        with database.write("forget past presences") as writer:
            for session in past:
                writer.forget_presence(session)


def _past_presences(rows: Reader, room: Room) -> list[SessionId]:
    active = {session.id for session in rows.sessions(room.id, state=SessionState.ACTIVE)}
    return [
        each.session_id
        for each in rows.presences(room.id).values()
        if each.session_id not in active and not is_answering(each) and not rows.claimed_tasks(each.session_id)
    ]


def expire_all(database: Database) -> None:
    """The same in every room."""
    with database.read() as rows:
        rooms = rows.rooms()
    for room in rooms:
        expire(database, room)
