"""The frozen records: the one definition of each entity beside its peewee model.

A record's *own* fields are what people and agents set; they are what versions count and events carry. Fields
declared with `derived()` are marks kept by the database (counters, times of the last change) or filled by a
reader (`position`): they bump no version and stand in no event.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from storage.process_records import Alert, Process, Run
from storage.vocabulary import (
    AgentCommands,
    AgentId,
    AgentKind,
    AgentState,
    ChangeId,
    CommentId,
    Door,
    Ending,
    EntityKind,
    EventId,
    HandoffId,
    HandoffStatus,
    LostClaims,
    Priority,
    Role,
    RoomId,
    SessionId,
    SessionState,
    StateSource,
    Status,
    TaskId,
    WipMode,
    derived,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One project's workspace. `root` is an absolute directory; nothing in a room reaches outside it.

    `wip_limits` maps a column to the most tasks it should hold; a column that is not named has no limit. With
    `review_gate` what an agent calls done waits in `review` for somebody's approval. A session that is not heard of
    for `lease_seconds` is lost, and `lost_claims` says what becomes of its tasks. A handoff that nobody has
    acknowledged for `handoff_alert_minutes` alerts. `trusted_hash` is the SHA-256 of the room.yaml that the person has
    approved. While `queue_paused` no run begins. A task whose runs have lost `quarantine_after` workers is not tried
    again.
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
    trusted_hash: str | None = None
    agent_commands: AgentCommands = AgentCommands.ASK
    queue_paused: bool = False
    quarantine_after: int = 3
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

    `command` is a shell line that does the work when the task is queued; one that an agent has set runs only once it
    is `command_approved`, where the room wants that. It is tried `attempts` times at most, and again after its worker
    was lost only if it is `idempotent`; with `collects_files` the result lists the files that it changed. The results
    of all tasks of one `parent` are gathered there.
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
    command_approved: bool = True
    parent: TaskId | None = None
    idempotent: bool = False
    attempts: int = 1
    time_limit_seconds: int | None = None
    collects_files: bool = False
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


Entity = Room | Task | Agent | Comment | Session | Handoff | Process | Run | Alert

RECORDS: Final[Mapping[EntityKind, type[Entity]]] = {
    EntityKind.ROOM: Room,
    EntityKind.TASK: Task,
    EntityKind.AGENT: Agent,
    EntityKind.COMMENT: Comment,
    EntityKind.SESSION: Session,
    EntityKind.HANDOFF: Handoff,
    EntityKind.PROCESS: Process,
    EntityKind.RUN: Run,
    EntityKind.ALERT: Alert,
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
