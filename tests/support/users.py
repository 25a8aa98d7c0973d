"""People and agents who use a board in tests: every call goes through `core.execute`, as from a door."""

from collections.abc import Sequence
from typing import Any

from core.execute import Call, Outcome, execute
from core.operations import find
from core.work import Actor
from storage import AgentId, AgentKind, Comment, Database, Door, Role, Status, Task


class User:
    """Somebody at a board: `user.call("move_task", task=…, to=…)`, and short words for the commonest calls.

    Tasks, statuses and rooms may be given as records or as what a person would type.
    """

    def __init__(
        self, database: Database, name: str, *, room: str | None, role: Role = Role.OWNER, door: Door = Door.CLI,
        kind: AgentKind = AgentKind.PERSON,
    ) -> None:  # fmt: skip
        self.database = database
        self.actor = Actor(name, role, door, kind)
        self.room = room

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
