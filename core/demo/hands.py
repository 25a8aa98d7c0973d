"""The hands with which the demo's people and agents work on its board: operations as from a door, signs of life."""

from dataclasses import replace
from functools import cached_property
from typing import Any, Final

from core.agents.presence import Observation, observe
from core.execute import Call, execute, find_room
from core.operations import find
from core.work import Actor, Client
from storage import (
    AgentId,
    AgentKind,
    AgentState,
    Database,
    Door,
    Role,
    Session,
    SessionState,
    StateSource,
    utc_now,
)  # fmt: skip

ROOM: Final = "demo"


class Hand:
    """One agent's hand on the demo's board: calls operations as that agent."""

    def __init__(self, database: Database, actor: Actor) -> None:
        self._database = database
        self._actor = actor

    @property
    def name(self) -> str:
        """The agent's name."""
        return self._actor.name

    @cached_property
    def agent_id(self) -> AgentId:
        """The agent's id in the demo's room."""
        with self._database.read() as rows:
            agent = rows.agent_by_name(find_room(rows, ROOM).id, self._actor.name)
        assert agent is not None, "the demo's agents are made with its room"
        return agent.id

    def call(self, operation: str, *, reason: str | None = None, **arguments: Any) -> Any:
        """The operation's result."""
        declared = find(operation)
        room = ROOM if declared.needs_room else None
        call = Call(operation=declared, arguments=arguments, actor=self._actor, room=room, reason=reason)
        return execute(self._database, call).value

    def show(self, state: AgentState, message: str | None = None, *, source: StateSource = StateSource.HOOK) -> None:
        """Let everybody see what the agent is doing, as its client's hook or its own calls would tell."""
        with self._database.write("demo") as writer:
            session = writer.get(Session, self._actor.session_id or "")
            assert session is not None, "the demo's agents have a session each"
            observe(writer, session, find_room(writer, ROOM), Observation(state, source, utc_now(), message))


def agent_hand(database: Database, name: str) -> Hand:
    """The hand of one of the demo's AI agents, in the session that it has, or in a new one."""
    client = Client(f"{name.partition('-')[0]}-demo", "1.0")
    actor = Actor(name, Role.AGENT, Door.MCP, AgentKind.AI, client=client)
    hand = Hand(database, actor)
    with database.read() as rows:
        room = find_room(rows, ROOM)
        running = rows.sessions(room.id, state=SessionState.ACTIVE, agent=hand.agent_id, limit=1)
    session = running[0] if running else hand.call("session_start", agent=name).session
    return Hand(database, replace(actor, session_id=session.id))
