"""The frozen records and closed vocabularies: the one definition of each entity beside its peewee model.

A record's *own* fields are what people and agents set; they are what versions count and events carry. Fields
declared with `derived()` are marks kept by the database (counters, times of the last change) or filled by a
reader (`position`): they bump no version and stand in no event.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, NewType

RoomId = NewType("RoomId", str)
TaskId = NewType("TaskId", str)
AgentId = NewType("AgentId", str)
CommentId = NewType("CommentId", str)
SessionId = NewType("SessionId", str)
HandoffId = NewType("HandoffId", str)
EventId = NewType("EventId", str)
ChangeId = NewType("ChangeId", str)
"""The id that all events of one call share."""


class Status(StrEnum):
    """Where a task stands: a column of the board, or `archived`, off the board."""

    BACKLOG = "backlog"
    TODO = "todo"
    IN_PROGRESS = "in_progress"
    BLOCKED = "blocked"
    REVIEW = "review"
    DONE = "done"
    ARCHIVED = "archived"


COLUMNS: Final = tuple(status for status in Status if status is not Status.ARCHIVED)
"""The columns of the board, in the order in which they are shown."""


class Priority(StrEnum):
    """How urgent a task is, least first."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class AgentKind(StrEnum):
    """What does the work: a human being, an AI agent, or a worker process."""

    PERSON = "person"
    AI = "ai"
    WORKER = "worker"


class Role(StrEnum):
    """What an agent may do; each role may do all that the lesser ones may. Compares by that order."""

    VIEWER = "viewer"
    AGENT = "agent"
    OPERATOR = "operator"
    OWNER = "owner"
    SYSTEM = "system"

    # all four, since `str` has them too, and `total_ordering` would leave those standing

    def __lt__(self, other: object) -> bool:
        return _ROLE_RANK[self] < _ROLE_RANK[other] if isinstance(other, Role) else NotImplemented

    def __le__(self, other: object) -> bool:
        return _ROLE_RANK[self] <= _ROLE_RANK[other] if isinstance(other, Role) else NotImplemented

    def __gt__(self, other: object) -> bool:
        return _ROLE_RANK[self] > _ROLE_RANK[other] if isinstance(other, Role) else NotImplemented

    def __ge__(self, other: object) -> bool:
        return _ROLE_RANK[self] >= _ROLE_RANK[other] if isinstance(other, Role) else NotImplemented


_ROLE_RANK: Final = {role: rank for rank, role in enumerate(Role)}


class Door(StrEnum):
    """The way in through which a change came."""

    TUI = "tui"
    CLI = "cli"
    MCP = "mcp"
    SOCKET = "socket"
    WEBSOCKET = "websocket"
    SERVICE = "service"


class WipMode(StrEnum):
    """What happens when a column would exceed its limit of work in progress."""

    WARN = "warn"
    REFUSE = "refuse"


class LostClaims(StrEnum):
    """What happens to the tasks of a session that is over without having finished them."""

    RETURN = "return"
    KEEP = "keep"


class Finish(StrEnum):
    """What an agent may say when it ends its work on a task."""

    COMPLETE = "complete"
    FAIL = "fail"
    GIVE_BACK = "give_back"


class Ending(StrEnum):
    """How the work on a task ended; `abandoned` says that its agent stopped without reporting."""

    COMPLETED = "completed"
    FAILED = "failed"
    GIVEN_BACK = "given_back"
    ABANDONED = "abandoned"


class SessionState(StrEnum):
    """Where a session stands; `lost` is one that has stopped answering."""

    ACTIVE = "active"
    ENDED = "ended"
    LOST = "lost"


class HandoffStatus(StrEnum):
    """Where a handoff stands."""

    PENDING = "pending"
    ACKNOWLEDGED = "acknowledged"
    COMPLETED = "completed"
    DECLINED = "declined"


class AgentState(StrEnum):
    """What an agent is doing; `unknown` rather than guessed."""

    WORKING = "working"
    WAITING = "waiting"
    IDLE = "idle"
    ENDED = "ended"
    UNKNOWN = "unknown"


class StateSource(StrEnum):
    """Who told what an agent is doing: its client's hook, its calls of our tools or commands, or its session's life."""

    HOOK = "hook"
    MCP = "mcp"
    CLI = "cli"
    SESSION = "session"


class EntityKind(StrEnum):
    """What an event is about."""

    ROOM = "room"
    TASK = "task"
    AGENT = "agent"
    COMMENT = "comment"
    SESSION = "session"
    HANDOFF = "handoff"


def derived(default: Any) -> Any:
    """A field that the database or a reader fills: not the entity's own, in no event, behind no version."""
    return field(default=default, metadata={"derived": True}, compare=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One project's workspace. `root` is an absolute directory; nothing in a room reaches outside it.

    `wip_limits` maps a column to the most tasks it should hold; a column that is not named has no limit. With
    `review_gate` what an agent calls done waits in `review` for somebody's approval. A session that is not heard of
    for `lease_seconds` is lost, and `lost_claims` says what becomes of its tasks. A handoff that nobody has
    acknowledged for `handoff_alert_minutes` alerts.
    """

    id: RoomId
    name: str
    root: str
    wip_limits: Mapping[Status, int] = field(default_factory=dict)
    wip_mode: WipMode = WipMode.WARN
    review_gate: bool = True
    lost_claims: LostClaims = LostClaims.RETURN
    lease_seconds: int = 90
    handoff_alert_minutes: int = 15
    version: int = 1
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What an agent has left of its work on a task. `files` are paths in the room; `output` a tail of text."""

    ending: Ending
    summary: str
    files: tuple[str, ...] = ()
    branch: str | None = None
    output: str | None = None
    agent: AgentId
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A card on the board.

    `number` is unique in its room. `rank` orders a column as text, ties by id. `dependencies` are the tasks that
    must be closed (done or archived) before this one is ready. `blocked_reason` stands only while the status is
    `blocked`; `archived_from` only while it is `archived`. `claimed_by` is the session that has the task, only while
    it is `in_progress`; `claim` counts the task's claims, and so fences a late answer of an earlier one. `result` is
    what the last agent left that finished with it.
    """

    id: TaskId
    room_id: RoomId
    number: int
    title: str
    description: str = ""
    status: Status = Status.BACKLOG
    priority: Priority = Priority.NORMAL
    rank: str
    labels: tuple[str, ...] = ()
    dependencies: tuple[TaskId, ...] = ()
    assignee: AgentId | None = None
    estimate_minutes: int | None = None
    due: date | None = None
    command: str | None = None
    blocked_reason: str | None = None
    archived_from: Status | None = None
    claimed_by: SessionId | None = None
    claim: int = 0
    result: Result | None = None
    created_by: AgentId
    version: int = 1
    created_at: datetime
    updated_at: datetime
    status_changed_at: datetime = derived(None)
    """When the task came to its present status; the start of its age in the column."""
    waiting_on: int = derived(0)
    """How many of its dependencies are still open."""
    comment_count: int = derived(0)
    position: int | None = derived(None)
    """0-based place in its column, where the reader was asked for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """Somebody who does tasks in a room.

    `description` is what the agent is for, in a sentence; `skills` are what it can do, in the words of the tasks'
    labels and of handoffs that go to whoever has a role.
    """

    id: AgentId
    room_id: RoomId
    name: str
    kind: AgentKind
    role: Role
    description: str = ""
    skills: tuple[str, ...] = ()
    version: int = 1
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A remark on a task, in Markdown. A removed comment stays stored and is not shown."""

    id: CommentId
    room_id: RoomId
    task_id: TaskId
    author: AgentId
    body: str
    removed: bool = False
    version: int = 1
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One run of an agent against a room, from `created_at` to `ended_at`; it authenticates every request.

    `token_hash` is the SHA-256 of the secret that proves it; `pid` the process in which it began, where there is one.
    """

    id: SessionId
    room_id: RoomId
    agent_id: AgentId
    client_name: str = ""
    client_version: str = ""
    token_hash: str
    pid: int | None = None
    state: SessionState = SessionState.ACTIVE
    ended_at: datetime | None = None
    end_reason: str | None = None
    version: int = 1
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """One agent passes a task to another, named in `to_agent`, or to whoever has the role or skill `to_role`.

    `taken_by` is who has acknowledged or declined it; `answer` what they said.
    """

    id: HandoffId
    room_id: RoomId
    task_id: TaskId
    from_agent: AgentId
    to_agent: AgentId | None = None
    to_role: str | None = None
    summary: str
    next_steps: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    failed_approaches: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    branch: str | None = None
    status: HandoffStatus = HandoffStatus.PENDING
    taken_by: AgentId | None = None
    answer: str | None = None
    answered_at: datetime | None = None
    version: int = 1
    created_at: datetime
    updated_at: datetime


Entity = Room | Task | Agent | Comment | Session | Handoff

RECORDS: Final[Mapping[EntityKind, type[Entity]]] = {
    EntityKind.ROOM: Room,
    EntityKind.TASK: Task,
    EntityKind.AGENT: Agent,
    EntityKind.COMMENT: Comment,
    EntityKind.SESSION: Session,
    EntityKind.HANDOFF: Handoff,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """How alive a session is and what its agent was last seen doing. Not state: no event tells of it.

    `epoch` grows with each process that takes the session up, and so fences the earlier one. `beat` is the last sign
    of life in seconds of the machine's monotonic clock since the boot `boot_id`; it proves life for `lease_seconds`.
    `parent` is the client whose child the MCP server is, as `pid:started`; `ancestors` those of the last hook, in the
    same form, and `client_session` the client's own name for the run. `message` is the question where the state is
    `waiting`, else the last thing said.
    """

    session_id: SessionId
    room_id: RoomId
    epoch: int = 0
    boot_id: str = ""
    beat: float = 0.0
    beat_at: datetime
    lease_seconds: int
    pid: int | None = None
    parent: str | None = None
    ancestors: tuple[str, ...] = ()
    client_session: str | None = None
    state: AgentState = AgentState.UNKNOWN
    source: StateSource = StateSource.SESSION
    state_at: datetime
    message: str | None = None
    tool_calls: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An immutable record of one state change.

    `sequence` grows with commit order and names a moment exactly. `before` is None for a creation, whose `after`
    holds the whole state; later events hold only the changed fields on both sides. Values are as on the wire
    (see storage/codec.py). `subject_id` is the task that the event concerns, for tasks, comments and handoffs.
    """

    sequence: int
    id: EventId
    change: ChangeId
    room_id: RoomId
    entity: EntityKind
    entity_id: str
    subject_id: str | None
    version: int
    type: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]
    agent_id: AgentId
    session_id: SessionId | None
    door: Door
    operation: str
    reason: str | None
    undoable: bool
    undoes: ChangeId | None
    payload_version: int
    at: datetime
