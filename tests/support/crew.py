"""Agents at work in tests: sessions as their clients have them, with signs of life as hooks and servers leave them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from core.agents import presence
from core.execute import Call, execute
from core.operations import find
from core.work import Actor
from storage import AgentKind, AgentState, Door, Role, Session, StateSource
from tests.support.users import User


class Worker:
    """An AI agent with a session in the room of `board`."""

    def __init__(self, board: User, name: str, **fields: Any) -> None:
        self.board = board
        self.name = name
        self.agent = board.call("create_agent", name=name, **fields)
        self.session: Session = board.call("create_session", agent=self.agent).session
        self.is_seen(AgentState.IDLE)

    def is_seen(
        self, state: AgentState, message: str | None = None, *, seconds_ago: float = 0, calls: int = 0
    ) -> None:  # fmt: skip
        """Its client's hook has told what it does."""
        with self.board.database.write("observe") as rows:
            room = rows.room_by_name(self.board.room or "")
            assert room is not None
            if (known := rows.presence(self.session.id)) is None:
                known = presence.take_up(rows, self.session, room, None)
            at = rows.now - timedelta(seconds=seconds_ago)
            rows.put_presence(
                replace(known, state=state, source=StateSource.HOOK, state_at=at, message=message, tool_calls=calls)
            )

    def call(self, operation: str, *, reason: str | None = None, **arguments: Any) -> Any:
        """Call an operation in its session; its result."""
        actor = Actor(self.name, Role.AGENT, Door.MCP, AgentKind.AI, session_id=self.session.id)
        plain = {key: getattr(value, "id", value) for key, value in arguments.items()}
        call = Call(operation=find(operation), arguments=plain, actor=actor, room=self.board.room, reason=reason)
        return execute(self.board.database, call).value
