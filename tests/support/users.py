"""People and agents who use a board in tests: every call goes through `core.execute`, as from a door."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from core.agents.presence import Observation, observe, take_up
from core.execute import Call, Outcome, execute
from core.operations import find
from core.work import Actor, Client
from storage import (
    Agent,
    AgentId,
    AgentKind,
    AgentState,
    Comment,
    Database,
    Door,
    Finish,
    Role,
    Room,
    Session,
    SessionId,
    StateSource,
    Status,
    Task,
    utc_now,
)  # fmt: skip


class User:
    """Somebody at a board: `user.call("move_task", task=…, to=…)`, and short words for the commonest calls.

    Tasks, statuses and rooms may be given as records or as what a person would type. `token` is that of the session,
    once there is one.
    """

    def __init__(
        self, database: Database, name: str, *, room: str | None, role: Role = Role.OWNER, door: Door = Door.CLI,
        kind: AgentKind = AgentKind.PERSON,
    ) -> None:  # fmt: skip
        self.database = database
        self.actor = Actor(name, role, door, kind)
        self.room = room
        self.token: str | None = None

    @property
    def id(self) -> AgentId:
        """The id of this user as an agent of the room; there is one after the first change only."""
        with self.database.read() as rows:
            room = rows.room_by_name(self.room or "")
            assert room is not None
            agent = rows.agent_by_name(room.id, self.actor.name)
            assert agent is not None, f"{self.actor.name} has not changed anything yet"
            return agent.id

    def outcome(
        self,
        operation_name: str,
        /,
        *,
        reason: str | None = None,
        idempotency_key: str | None = None,
        wants_shape: bool = False,
        **arguments: Any,
    ) -> Outcome:
        """Call an operation; all that it gave."""
        operation = find(operation_name)
        plain = {key: _plain(value) for key, value in arguments.items()}
        return execute(
            self.database,
            Call(
                operation=operation,
                arguments=plain,
                actor=self.actor,
                room=self.room if operation.needs_room else None,
                reason=reason,
                idempotency_key=idempotency_key,
                wants_shape=wants_shape,
            ),
        )

    def call(self, operation_name: str, /, **arguments: Any) -> Any:
        """Call an operation; its result."""
        return self.outcome(operation_name, **arguments).value

    @property
    def session(self) -> SessionId:
        """The session in which this user acts."""
        assert self.actor.session_id is not None, f"{self.actor.name} has no session"
        return self.actor.session_id

    def start_session(self, name: str | None = None, *, client: str | None = None, **arguments: Any) -> "User":
        """The same one in a session of its own, started under a name or as a client that names none."""
        user = User(
            self.database, self.actor.name, room=self.room, role=self.actor.role, door=self.actor.door,
            kind=self.actor.kind,
        )  # fmt: skip
        user.actor = replace(self.actor, client=Client(client, "1.0") if client else None)
        named = {} if name is None else {"agent": name}
        briefing = user.call("session_start", **named, **arguments)
        user.join(briefing.session, briefing.token.value)
        return user

    def join(self, session: Session, token: str | None = None) -> None:
        """Act from now on in a session, as its agent."""
        with self.database.read() as rows:
            agent = rows.get(Agent, session.agent_id)
        assert agent is not None
        self.actor = replace(self.actor, name=agent.name, role=agent.role, kind=agent.kind, session_id=session.id)
        self.token = token

    def take_up(self) -> int:
        """Let a process take up the session; its epoch, which this user names from now on."""
        with self.database.write("test") as rows:
            session, room = rows.get(Session, self.session), rows.room_by_name(self.room or "")
            assert session is not None
            assert room is not None
            epoch = take_up(rows, session, room, None).epoch
        self.actor = replace(self.actor, epoch=epoch)
        return epoch

    def show(self, state: AgentState, message: str | None = None, *, source: StateSource = StateSource.HOOK) -> None:
        """Let this user's client tell what its agent does."""
        with self.database.write("test") as rows:
            session, room = rows.get(Session, self.session), rows.room_by_name(self.room or "")
            assert session is not None
            assert isinstance(room, Room)
            observe(rows, session, room, Observation(state, source, utc_now(), message))

    def fall_silent(self, seconds: float = 100_000) -> None:
        """Let the session's last sign of life be so long ago."""
        with self.database.write("test") as rows:
            known = rows.presence(self.session)
            assert known is not None, "it was never heard"
            rows.put_presence(replace(known, beat=known.beat - seconds))

    def claim(self, task: "Task | str | None" = None, **arguments: Any) -> Task | None:
        """Claim a task, or the next; None where there is none."""
        named = {} if task is None else {"task": task}
        claimed: Task | None = self.call("claim_next", **named, **arguments).task
        return claimed

    def finish(self, task: "Task | str", how: str = "complete", summary: str = "It works.", **arguments: Any) -> Task:
        """End the work on a task."""
        ended: Task = self.call("finish_task", task=task, finish=Finish(how), summary=summary, **arguments)
        return ended

    def events(self, task: "Task | str") -> list[str]:
        """What has happened to a task, in the events' words, oldest first."""
        return [event.type for event in self.call("get_task", task=task).history]

    def add(self, title: str = "A task", **arguments: Any) -> Task:
        """A new task."""
        if isinstance(status := arguments.get("status"), str):
            arguments["status"] = Status(status)
        task: Task = self.call("create_task", title=title, **arguments)
        return task

    def move(self, task: "Task | str", to: "Status | str", **arguments: Any) -> Task:
        """Move a task."""
        moved: Task = self.call("move_task", task=task, to=Status(to), **arguments)
        return moved

    def edit(self, task: "Task | str", **fields: Any) -> Task:
        """Edit a task."""
        edited: Task = self.call("update_task", task=task, **fields)
        return edited

    def comment(self, task: "Task | str", body: str) -> Comment:
        """Comment on a task."""
        comment: Comment = self.call("comment_task", task=task, body=body)
        return comment

    def see(self, task: "Task | str") -> Task:
        """A task as it is now, with its position."""
        seen: Task = self.call("get_task", task=task).task
        return seen

    def column(self, status: "Status | str") -> list[Task]:
        """The tasks of a column in their order."""
        return list(self.call("list_tasks", status=(Status(status),)))

    def titles(self, status: "Status | str") -> list[str]:
        """The titles of a column in their order."""
        return [task.title for task in self.column(status)]


def _plain(value: Any) -> Any:
    """References as a door gives them: a record by its id."""
    if hasattr(value, "version") and hasattr(value, "id"):
        return value.id
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(_plain(each) for each in value)
    return value
