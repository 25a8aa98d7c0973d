"""Who calls, and in which room: the agent for whom a server makes its calls."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from core.doors import rooms
from core.doors.identity import actor_of, in_room
from core.errors import NotFound
from core.execute import Call, Outcome, execute, find_room
from core.places import present_directory
from core.text import NAME_LIMIT, clean_line
from storage import AgentKind, Database, Door, Home, Role, Room

if TYPE_CHECKING:
    from core.operation import Operation

ROOM_VARIABLE: Final = "WZP_ROOM"
PROJECT_VARIABLE: Final = "CLAUDE_PROJECT_DIR"
"""Where Claude Code says which project it works on, whatever directory it starts its servers in."""


class Caller:
    """The calling agent. `lost` is set when the session is over and the server must end after its present answer."""

    def __init__(self, room_option: str | None, environment: Mapping[str, str]) -> None:
        self.lost = threading.Event()
        self._room_option = room_option
        self._environment = environment
        self._client = "agent"
        self._database: Database | None = None
        self._lock = threading.Lock()

    def introduce(self, client_name: str, client_version: str) -> None:  # noqa: ARG002
        """Learn which client it is."""
        self._client = client_name or self._client

    @property
    def database(self) -> Database:
        """The opened database."""
        with self._lock:
            if self._database is None:
                self._database = Database.open(Home.default())
            return self._database

    def room(self) -> Room:
        """The room in which the agent works.

        Raises:
            NotFound: nothing names one.
        """
        named = self._room_option or self._environment.get(ROOM_VARIABLE)
        with self.database.read() as rows:
            if named:
                return find_room(rows, named)
            project = self._environment.get(PROJECT_VARIABLE)
            directory = Path(project) if project else present_directory()
            if (room := rooms.room_of(directory, rows.rooms())) is not None:
                return room
        raise NotFound(
            f"No room stands for {directory}.", "Make one: wzp room create NAME, in the project's directory."
        )

    def call(
        self,
        operation: "Operation",
        arguments: Mapping[str, Any],
        *,
        presumed: Mapping[str, Any] | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> Outcome:
        """Call an operation as this agent; shaped.

        Raises:
            ParallelError: as the operation declares.
        """
        room = self.room()
        with self.database.read() as rows:
            actor = actor_of(self._environment, Door.MCP)
            if actor.role is Role.OWNER:
                name = clean_line(self._client, "client's name", NAME_LIMIT)
                actor = type(actor)(name, Role.AGENT, Door.MCP, AgentKind.AI)
            actor = in_room(actor, rows, room)
        return execute(
            self.database,
            Call(
                operation=operation, arguments=arguments, actor=actor, room=room.id, presumed=presumed or {},
                reason=reason, idempotency_key=idempotency_key, wants_shape=True,
            ),
        )  # fmt: skip

    def close(self) -> None:
        """The agent's client has gone."""
        if self._database is not None:
            self._database.close()
