"""Noticing, in every room, who has stopped answering; done by whoever is alive: the host, and each agent's server."""

from core.agents.sessions import due_sessions
from core.execute import Call, execute
from core.operations import find
from core.work import Actor
from storage import AgentKind, Database, Door, Role, Room

PROGRAM = Actor("wezterm-parallel", Role.SYSTEM, Door.SERVICE, AgentKind.WORKER)
"""The program itself, as the agent that its events name."""


def expire(database: Database, room: Room) -> None:
    """Mark as lost who has stopped answering in a room, and take back what lapsed. Writes only where there is any."""
    with database.read() as rows:
        current = rows.get(Room, room.id)
        if current is None or not any(due_sessions(rows, current)):
            return
    execute(database, Call(operation=find("expire_sessions"), arguments={}, actor=PROGRAM, room=room.id))


def expire_all(database: Database) -> None:
    """The same in every room."""
    with database.read() as rows:
        rooms = rows.rooms()
    for room in rooms:
        expire(database, room)
