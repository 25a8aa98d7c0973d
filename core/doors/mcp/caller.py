"""Who calls, and in which room: the agent for whom a server makes its calls, and the session in which it makes them.

The session opens with the first call that needs one, never before: a client that only looks whether we are there
(`claude mcp list`) leaves nothing behind. A session that the environment's token proves is taken up; else the one that
the same client's hooks or an earlier server of it have left; else a new one. From then on a thread proves our life.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from core import rooms
from core.agents import presence
from core.agents.hook import started
from core.agents.presence import Observation
from core.agents.sessions import session_of_token
from core.doors.identity import AGENT_VARIABLE, ROOM_VARIABLE, actor_of, in_room, token_of
from core.errors import NotFound, SessionOver, SessionTaken
from core.execute import Call, Outcome, execute, find_room
from core.operations import find
from core.places import present_directory
from core.text import NAME_LIMIT, for_screen
from core.work import Actor, Client
from storage import (
    Agent,
    AgentKind,
    AgentState,
    Database,
    Door,
    Home,
    ParallelError,
    Presence,
    Reader,
    Role,
    Room,
    RoomId,
    Session,
    SessionId,
    SessionState,
    StateSource,
    utc_now,
)  # fmt: skip

if TYPE_CHECKING:
    from core.operation import Operation

PROJECT_VARIABLE: Final = "CLAUDE_PROJECT_DIR"
"""Where Claude Code says which project it works on, whatever directory it starts its servers in."""

START: Final = "session_start"
"""The operation that opens a session, whoever asks for it: the agent, or we on its first call."""

FLUSH_S: Final = 1.0
"""How soon after a call it is told that the agent works."""

_CLIENT_LIMIT: Final = NAME_LIMIT - 6
"""Characters of a client's name: the number of its agent comes behind. A client cannot help what it is called."""

logger = logging.getLogger(__name__)


class Caller:
    """The calling agent. `lost` is set when the session is over and the server must end after its present answer."""

    def __init__(self, room_option: str | None, environment: Mapping[str, str]) -> None:
        self.lost = threading.Event()
        self._room_option = room_option
        self._environment = environment
        self._client = Client("agent", pid=os.getpid())
        self._database: Database | None = None
        self._room: RoomId | None = None
        self._actor: Actor | None = None
        """In its session; None before that is open."""
        self._lock = threading.Lock()
        self._life = _Life(self)

    def introduce(self, client_name: str, client_version: str) -> None:
        """Learn which client it is."""
        name, version = map(_told, (client_name, client_version))
        self._client = replace(self._client, name=name or self._client.name, version=version)

    @property
    def database(self) -> Database:
        """The opened database."""
        with self._lock:
            if self._database is None:
                self._database = Database.open(Home.default())
            return self._database

    def room(self) -> Room:
        """The room in which the agent works; the one that was found first, whatever it is called now.

        Raises:
            NotFound: nothing names one.
        """
        named = self._room or self._room_option or self._environment.get(ROOM_VARIABLE)
        with self.database.read() as rows:
            if named:
                found = find_room(rows, named)
            else:
                project = self._environment.get(PROJECT_VARIABLE)
                directory = Path(project) if project else present_directory()
                here = rooms.room_of(directory, rows.rooms())
                if here is None:
                    raise NotFound(
                        f"No room stands for {directory}.",
                        "Ask the person to make one there, with `wzp room create NAME`.",
                    )
                found = here
        self._room = found.id
        return found

    def call(
        self,
        operation: "Operation",
        arguments: Mapping[str, Any],
        *,
        presumed: Mapping[str, Any] | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
        part: Callable[[Any], Any] | None = None,
    ) -> Outcome:
        """Call an operation as this agent, in its session; its result shaped, or that part of it.

        Raises:
            ParallelError: as the operation declares. SessionOver and SessionTaken also set `lost`.
        """
        room = self.room()
        is_start = operation.name == START
        try:
            if is_start:
                with self._life.changing:
                    outcome = self._start(room, arguments)
            else:
                outcome = execute(
                    self.database,
                    Call(
                        operation=operation, arguments=arguments, actor=self._in_session(room), room=room.id,
                        presumed=presumed or {}, reason=reason, idempotency_key=idempotency_key, wants_shape=True,
                        part=part,
                    ),
                )  # fmt: skip
        except (SessionOver, SessionTaken):
            self.lost.set()
            raise
        self._life.note_call()
        return outcome

    def close(self) -> None:
        """The agent's client has gone: its session ends, unless whoever made the token may start it again."""
        self._life.stop()
        if self._database is None:
            return
        with suppress(ParallelError):
            self._life.tell_rest()
        if self._actor is not None and not self.lost.is_set() and token_of(self._environment) is None:
            with suppress(ParallelError):
                execute(
                    self._database,
                    Call(
                        operation=find("end_session"), arguments={}, actor=self._actor, room=self._room,
                        reason="its client closed the connection",
                    ),
                )  # fmt: skip
        self._database.close()

    def _in_session(self, room: Room) -> Actor:
        if self._actor is None:
            with self._life.changing:
                self._start(room, {})
        assert self._actor is not None
        return self._actor

    def _start(self, room: Room, arguments: Mapping[str, Any]) -> Outcome:
        """Carry out the operation that starts a session, and hold the one that it gives."""
        actor, name = (self._actor, None) if self._actor is not None else self._opening(room)
        if name is not None:
            arguments = {"agent": name, **arguments}
        outcome = execute(
            self.database, Call(operation=find(START), arguments=arguments, actor=actor, room=room.id, wants_shape=True)
        )
        session: Session = outcome.value.session
        if self._actor is None or self._actor.session_id != session.id:
            self._hold(room, session.id, outcome.value.agent)
        outcome.shaped["token"] = None  # the connection has it; a model needs no secret
        return outcome

    def _opening(self, room: Room) -> tuple[Actor, str | None]:
        """As whom to start, and the name under which the agent works whatever its client, where there is one."""
        left = self._left_for_us(room)
        actor = left or self._newcomer(room)
        is_named = bool(self._environment.get(AGENT_VARIABLE, "").strip()) or left is not None
        return actor, actor.name if is_named and actor.session_id is None else None

    def _newcomer(self, room: Room) -> Actor:
        actor = actor_of(self._environment, Door.MCP)
        client = replace(self._client, parent=_parent())
        if self._environment.get(AGENT_VARIABLE, "").strip():
            with self.database.read() as rows:
                return replace(in_room(actor, rows, room), client=client)
        return Actor(client.name, Role.AGENT, Door.MCP, AgentKind.AI, client=client)

    def _left_for_us(self, room: Room) -> Actor | None:
        """An actor in the session that waits for a server: proved by the token, or left by the same client's run."""
        client = replace(self._client, parent=_parent())
        with self.database.read() as rows:
            if token := token_of(self._environment):
                session = session_of_token(rows, token)
                return Actor("agent", Role.AGENT, Door.MCP, AgentKind.AI, session_id=session.id, client=client)
            if name := self._environment.get(AGENT_VARIABLE, "").strip():
                left = _left_by(rows, room, name)
            else:
                left = presence.session_of_client(rows, room, parent=client.parent)
            found = rows.get(Session, left.session_id) if left is not None else None
            if left is None or found is None or presence.is_running(left.pid):
                return None
            if found.state is SessionState.ACTIVE:
                return Actor("agent", Role.AGENT, Door.MCP, AgentKind.AI, session_id=found.id, client=client)
            agent = rows.get(Agent, found.agent_id)
        if name or agent is None or agent.role > Role.AGENT:
            return None
        return Actor(agent.name, Role.AGENT, Door.MCP, AgentKind.AI, client=client)

    def _hold(self, room: Room, session: SessionId, agent: Agent) -> None:
        """Act in a session from now on, and keep it alive."""
        with self.database.read() as rows:
            taken = rows.presence(session)
        assert taken is not None, "who starts a session takes it up"
        self._actor = Actor(
            agent.name, agent.role, Door.MCP, agent.kind, session_id=session, epoch=taken.epoch,
            client=replace(self._client, parent=_parent()),
        )  # fmt: skip
        self._life.begin(room, session, taken.epoch, taken.lease_seconds)


def _left_by(rows: Reader, room: Room, name: str) -> Presence | None:
    """The active session of an agent whose process is gone, the latest."""
    agent = rows.agent_by_name(room.id, name)
    active = rows.sessions(room.id, state=SessionState.ACTIVE, agent=agent.id) if agent is not None else []
    known = [found for each in active if (found := rows.presence(each.id)) is not None]
    return next((each for each in known if each.pid is not None and not presence.is_running(each.pid)), None)


class _Life:
    """Proves on a thread of its own that the server lives, and tells that its agent works."""

    def __init__(self, caller: Caller) -> None:
        self.changing = threading.Lock()
        """Held while the session is changed for another: no beat may find the old one over meanwhile."""
        self._caller = caller
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._held: tuple[Room, SessionId, int, int] | None = None
        self._thread: threading.Thread | None = None
        self._calls = 0
        self._is_over = False

    def begin(self, room: Room, session: SessionId, epoch: int, lease_seconds: int) -> None:
        """Keep this session alive from now on, in place of any other."""
        with self._lock:
            self._held = room, session, epoch, lease_seconds
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
            self._thread.start()

    def note_call(self) -> None:
        """A tool was called."""
        with self._lock:
            is_first = self._calls == 0
            self._calls += 1
        if is_first:
            self._woken.set()

    def stop(self) -> None:
        """No more beats."""
        self._is_over = True
        self._woken.set()

    def tell_rest(self) -> None:
        """Tell the calls that no beat has told yet."""
        if self._calls and not self._caller.lost.is_set():
            self._tell()

    def _run(self) -> None:
        while not self._is_over and not self._caller.lost.is_set():
            assert self._held is not None
            self._woken.wait(presence.beat_interval(self._held[3]))
            self._woken.clear()
            if self._calls and not self._is_over:
                time.sleep(FLUSH_S)  # what an agent calls in one go is told in one go
            if self._is_over:
                return
            try:
                self._beat()
            except ParallelError as error:
                logger.warning("a heartbeat failed: %s", error.message)
            except Exception:
                logger.exception("a heartbeat failed")

    def _beat(self) -> None:
        self._tell()
        if self._caller.lost.is_set():
            return
        from core.agents.expiry import expire
        from core.agents.intake import take_in

        assert self._held is not None
        take_in(self._caller.database)
        expire(self._caller.database, self._held[0])

    def _tell(self) -> None:
        """Note that we live, and what was called since; or learn that the session is another's or over."""
        with self.changing:
            with self._lock:
                assert self._held is not None
                _, session, epoch, _ = self._held
                calls = self._calls
            seen = Observation(AgentState.WORKING, StateSource.MCP, utc_now()) if calls else None
            with self._caller.database.write("heartbeat") as rows:
                if not presence.beat(rows, session, epoch, calls=calls, observation=seen):
                    self._caller.lost.set()
                    return
            with self._lock:
                self._calls -= calls


def _told(text: str) -> str:
    """What a client says of itself, as it can be stored and shown."""
    return for_screen(text.encode("utf-8", "replace").decode())[:_CLIENT_LIMIT].strip()


def _parent() -> str | None:
    """The client whose child we are, as `pid:started`."""
    pid = os.getppid()
    began = started(pid)
    return f"{pid}:{began}" if began is not None else None
