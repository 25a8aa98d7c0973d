"""The work: what an operation is given. It carries who, where, why and the open transaction.

Loading remembers, saving compares: `save(replace(current, …))` checks, writes only what differs, and appends the
event. There is no other way to change an entity.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeVar

from core.board import claims, family, order, runs
from core.errors import InvalidData, NotFound, VersionConflict
from core.text import for_screen, shortened
from storage import (
    Agent,
    AgentId,
    AgentKind,
    Alert,
    Authorship,
    ChangeId,
    Comment,
    Door,
    Entity,
    Event,
    Handoff,
    Process,
    Reader,
    Role,
    Room,
    RoomId,
    Run,
    Session,
    SessionId,
    Status,
    Task,
    TaskId,
    Writer,
    new_agent_id,
)  # fmt: skip

E = TypeVar("E", Room, Task, Agent, Comment, Session, Handoff, Process, Run, Alert)

LEAST_SUFFIX: Final = 4
"""Fewer characters of an id name nothing."""
LEAST_DIGITS_OF_SUFFIX: Final = 6
"""A shorter row of digits means a number that there is not."""
LONGEST_REASON: Final = 200
"""Characters of a reason in a conflict's message; the whole stands in its changes."""


@dataclass(frozen=True, slots=True)
class Client:
    """The program through which an agent calls: its own name and version, and our process that serves it.

    `parent` is the process whose child ours is, as `pid:started`.
    """

    name: str
    version: str = ""
    pid: int | None = None
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who calls, and through which door. The agent of that name is made in the room on its first change.

    With a `session_id`, name, kind and role are those of the session's agent, whatever is said here; `epoch` fences
    the process that has taken the session up, see storage's Presence. `host_token` fences a host of services: what it
    says counts only as long as no newer host has taken over.
    """

    name: str
    role: Role
    door: Door
    kind: AgentKind = AgentKind.PERSON
    session_id: SessionId | None = None
    epoch: int | None = None
    client: Client | None = None
    host_token: int | None = None


class Work:
    """One call's transaction. `reason` is why, in the caller's words."""

    def __init__(
        self,
        rows: Reader,
        actor: Actor,
        room: Room | None,
        *,
        operation: str,
        undoable: bool = False,
        reason: str | None = None,
    ) -> None:
        self.rows = rows
        self.actor = actor
        self.reason = reason
        self.warnings: list[str] = []
        self._room = room
        self._operation = operation
        self._undoable = undoable
        self._undoes: ChangeId | None = None
        self._agent: Agent | None = None
        self._loaded: dict[str, Entity] = {}
        self.tasks: Final = Tasks(self)

    @property
    def room(self) -> Room:
        """The room in which the operation acts."""
        if self._room is None:
            raise NotFound("No room was named.", "Name one with --room, or create one with `wzp room create NAME`.")
        return self._room

    @property
    def writer(self) -> Writer:
        """The transaction, where the operation has declared that it changes something."""
        if not isinstance(self.rows, Writer):
            raise AssertionError(f"{self._operation} writes, but is declared with changes=False")
        return self.rows

    @property
    def now(self) -> datetime:
        """The one moment of this transaction."""
        return self.writer.now

    @property
    def agent(self) -> Agent:
        """Who acts, as an agent of the room; made here on the first change."""
        if self._agent is None:
            self._agent = self.rows.agent_by_name(self.room.id, self.actor.name) or self._introduce()
        return self._agent

    def get(self, record: type[E], entity_id: str, expected_version: int | None = None) -> E:
        """An entity of this room, remembered for `save`.

        Raises:
            NotFound: there is none with that id in this room.
            VersionConflict: it has changed since `expected_version`.
        """
        found = self.rows.get(record, entity_id)
        if found is None or (self._room is not None and _room_of(found) != self._room.id):
            raise NotFound(
                f"No {record.__name__.lower()} {entity_id} in this room.", "List what there is, then try again."
            )
        self.expect(found, expected_version)
        self._loaded[found.id] = found
        return found

    def expect(self, entity: E, expected_version: int | None) -> None:
        """Refuse with what has happened since, if `entity` is no longer at `expected_version`."""
        if expected_version is not None and expected_version != entity.version:
            raise conflict(self.rows, entity, expected_version)

    def add(self, record: E, *, event: str = "created", undoable: bool = True) -> E:
        """Store a new entity. `undoable=False` keeps its creation out of the undoing of an undoable operation."""
        if isinstance(record, Room):
            self._room = record  # the agent who makes it, made with it, belongs to it
        by = self._authorship(self.agent.id, undoable=self._undoable and undoable)
        if isinstance(record, Session):
            by.session_id = record.id
        stored = self.writer.insert(record, by, type=event)
        if isinstance(stored, Room):
            self._room = stored
        stored = self._with_marks(stored, isinstance(stored, Task) and bool(stored.dependencies))
        self._loaded[stored.id] = stored
        return stored

    def save(self, record: E, *, event: str, reason: str | None = None, undoable: bool = True) -> E:
        """Store the changed fields of an entity that this work has loaded.

        Args:
            reason: why, where this one change has another reason than the whole call.
            undoable: False keeps this change out of the undoing of an undoable operation.
        """
        before = self._loaded.get(record.id)
        if before is None or type(before) is not type(record):
            raise AssertionError(f"{record.id} is saved but was never loaded in this transaction")
        if isinstance(record, Task) and isinstance(before, Task):
            record = claims.settled(before, record)
        by = self._authorship(self.agent.id, undoable=self._undoable and undoable, reason=reason)
        stored = self.writer.update(before, record, by, type=event)
        stored = self._with_marks(stored, isinstance(stored, Task) and stored.dependencies != before.dependencies)
        self._loaded[stored.id] = stored
        if isinstance(stored, Task) and isinstance(before, Task):
            if any(getattr(stored, name) != getattr(before, name) for name in runs.FOLLOWED):
                runs.follow(self, before, stored)
            if stored.status is not before.status or stored.parent != before.parent:
                family.follow(self, before, stored)
        return stored

    def _with_marks(self, stored: E, are_moved: bool) -> E:
        """The entity with the marks that the database has just derived anew."""
        return self.rows.get(type(stored), stored.id) or stored if are_moved else stored

    def warn(self, message: str) -> None:
        """Tell the caller something that does not stop the change."""
        if message not in self.warnings:
            self.warnings.append(message)

    def become(self, agent: Agent, session: SessionId | None) -> None:
        """Let all that follows in this transaction be the doing of `agent` in `session`."""
        self.actor = replace(self.actor, name=agent.name, role=agent.role, kind=agent.kind, session_id=session)
        self._agent = agent

    def compensate(self, change: ChangeId) -> None:
        """Mark all that follows in this transaction as the undoing of `change`."""
        self._undoes = change

    def agent_named(self, name: str) -> Agent:
        """The room's agent of that name or id."""
        found = self.rows.agent_by_name(self.room.id, name) or self.rows.get(Agent, name)
        if found is None or found.room_id != self.room.id:
            from shlex import quote  # the error alone needs it

            names = ", ".join(each.name for each in self.rows.agents(self.room.id)) or "none yet"
            raise NotFound(
                f"No agent {name!r} in room {self.room.name} (there are: {names}).",
                f"Name another, or add it with `wzp agent add {quote(name)}`.",
            )
        self._loaded[found.id] = found
        return found

    def agent_like(self, name: str) -> Agent | None:
        """The room's agent whose name differs from `name` in the case of letters alone."""
        alike = (each for each in self.rows.agents(self.room.id) if each.name.casefold() == name.casefold())
        return next((each for each in alike if each.name != name), None)

    def _introduce(self) -> Agent:
        if (other := self.agent_like(self.actor.name)) is not None:
            raise like_another(self.actor.name, other, self.room)
        if self.actor.name.startswith("agt_"):  # an id, and nobody's name
            raise NotFound(
                f"No agent {self.actor.name} in room {self.room.name}.", "See the agents with `wzp agent list`."
            )
        now = self.now
        newcomer = Agent(
            id=new_agent_id(), room_id=self.room.id, name=self.actor.name, kind=self.actor.kind, role=self.actor.role,
            created_at=now, updated_at=now,
        )  # fmt: skip
        by = self._authorship(newcomer.id, undoable=False)
        self._agent = self.writer.insert(newcomer, by, type="created")
        return self._agent

    def _authorship(self, agent: AgentId, *, undoable: bool, reason: str | None = None) -> Authorship:
        return Authorship(
            agent_id=agent, door=self.actor.door, operation=self._operation, session_id=self.actor.session_id,
            reason=reason or self.reason, undoable=undoable, undoes=self._undoes,
        )  # fmt: skip


class Tasks:
    """The tasks of the work's room."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def get(self, task: TaskId, expected_version: int | None = None) -> Task:
        """A task of this room by its full id; see `Work.get`."""
        return self._work.get(Task, task, expected_version)

    def get_all(self, tasks: Sequence[TaskId], expected_versions: Sequence[int] = ()) -> list[Task]:
        """Several tasks, in the given order, each once.

        Raises:
            InvalidData: `expected_versions` is given and not as long as `tasks`.
        """
        if expected_versions and len(expected_versions) != len(tasks):
            raise InvalidData(
                f"{len(tasks)} tasks but {len(expected_versions)} expected versions.",
                "Give one version a task, in order.",
            )
        versions: dict[TaskId, int | None] = dict.fromkeys(tasks)
        versions.update(zip(tasks, expected_versions, strict=False))
        return [self.get(task, version) for task, version in versions.items()]

    def resolve(self, reference: str) -> TaskId:
        """The id of the task that a person or agent means by a number (`12`, `#12`), a full id or a unique suffix.

        Raises:
            NotFound: no task, or more than one, goes by it.
        """
        room = self._work.room
        reference = reference.strip()
        number = reference.removeprefix("#")
        if number.isascii() and number.isdigit() and len(number) < 12:
            found = self._work.rows.task_by_number(room.id, int(number))
            if found is not None:
                return found.id
        if reference.startswith("tsk_"):
            known = self._work.rows.get(Task, reference)
            if known is not None and known.room_id == room.id:
                return known.id
        # a short row of digits means a number, even where a stranger's id happens to end in it
        shortest = LEAST_DIGITS_OF_SUFFIX if number.isdigit() else LEAST_SUFFIX
        fits = self._work.rows.by_suffix(Task, room.id, reference) if len(reference) >= shortest else []
        if len(fits) == 1:
            return fits[0].id
        what = "More than one task ends in" if fits else "No task"
        raise NotFound(
            f"{what} {reference!r} in room {room.name}.",
            "See the numbers with `wzp task list`; archived ones with --status archived.",
        )

    def rank_before(self, before: TaskId | None, to: Status, *, moving: Task | None = None) -> str:
        """The rank of a place in a column: before the task `before`, or last. One row changes, no other.

        Args:
            moving: the task that is to stand there; it keeps its rank where it stands there already.

        Raises:
            InvalidData: `before` does not stand in column `to`.
        """
        low, high = self._gap(before, to, [moving.id] if moving else [])
        if moving and moving.status is to and (low or "") < moving.rank and (high is None or moving.rank < high):
            return moving.rank
        return order.rank_between(low, high)

    def ranks_before(self, before: TaskId | None, to: Status, moving: Sequence[Task]) -> list[str]:
        """Ranks for several tasks that come to stand one after the other before `before`, or last."""
        return order.ranks_between(*self._gap(before, to, [task.id for task in moving]), len(moving))

    def _gap(self, before: TaskId | None, to: Status, moving: Sequence[TaskId]) -> tuple[str | None, str | None]:
        """The ranks between which a place lies, those who move away not counted."""
        rows, room = self._work.rows, self._work.room.id
        if before is None:
            return rows.last_rank(room, to, moving), None
        anchor = self.get(before)
        if anchor.status is not to and before not in moving:
            raise InvalidData(
                f"#{anchor.number} stands in {anchor.status}, not in {to}.",
                f"Name a task of {to} to stand before, or none.",
            )
        if anchor.status is not to:
            return rows.last_rank(room, to, moving), None
        high = rows.rank_above(room, to, anchor.rank, moving) if before in moving else anchor.rank
        return rows.rank_below(room, to, anchor.rank, moving), high

    def free_rank(self, status: Status, rank: str, moving: Collection[TaskId]) -> str:
        """`rank`, or the next free one after it where another task than those `moving` has taken it meanwhile."""
        rows, room = self._work.rows, self._work.room.id
        if not rows.is_rank_taken(room, status, rank, moving):
            return rank
        return order.rank_between(rank, rows.rank_above(room, status, rank, moving))


def like_another(name: str, other: Agent, room: Room) -> InvalidData:
    """The error for a new name that would read like an agent's."""
    return InvalidData(
        f"{name!r} reads like {other.name!r}, an agent of room {room.name} already.",
        f"Write {other.name!r} if you mean that one; else choose a name that differs in more than capitals.",
    )


def conflict(rows: Reader, entity: Entity, expected_version: int) -> VersionConflict:
    """The version conflict of `entity` for a caller who knows it at `expected_version`."""
    if expected_version > entity.version or expected_version < 1:
        changes: list[Event] = []
        what = f"has version {entity.version}; version {expected_version} never was"
    else:
        changes = [each for each in rows.events(entity_id=entity.id) if each.version > expected_version]
        what = f"is at version {entity.version}, you know {expected_version}: {_who_changed_what(rows, changes)}"
    name = f"#{entity.number}" if isinstance(entity, Task) else f"{type(entity).__name__.lower()} {entity.id}"
    return VersionConflict(
        f"{name} {what}.",
        f"Look at its present state, then repeat with version {entity.version}.",
        current=entity,
        changes=changes,
    )


def _who_changed_what(rows: Reader, changes: Sequence[Event]) -> str:
    """Each changed field with its last author: `priority changed by root (urgent), due by alice`."""
    last = {field: each for each in changes for field in each.after}
    by_agent: dict[AgentId, list[str]] = {}
    why: dict[AgentId, str] = {}
    for field, event in sorted(last.items()):
        by_agent.setdefault(event.agent_id, []).append(field)
    for event in sorted(last.values(), key=lambda each: each.sequence):
        if event.reason:
            why[event.agent_id] = f" ({for_screen(shortened(event.reason, LONGEST_REASON))})"
    told: list[str] = []
    for agent_id, fields in by_agent.items():
        agent = rows.get(Agent, agent_id)
        changed = "changed " if not told else ""
        told.append(f"{', '.join(fields)} {changed}by {agent.name if agent else agent_id}{why.get(agent_id, '')}")
    return ", ".join(told)


def _room_of(entity: Entity) -> RoomId:
    return entity.id if isinstance(entity, Room) else entity.room_id
