"""The closed vocabularies and the types of ids: the words in which records are written."""

from dataclasses import field
from enum import StrEnum
from typing import Any, Final, NewType

RoomId = NewType("RoomId", str)
TaskId = NewType("TaskId", str)
AgentId = NewType("AgentId", str)
CommentId = NewType("CommentId", str)
SessionId = NewType("SessionId", str)
HandoffId = NewType("HandoffId", str)
ProcessId = NewType("ProcessId", str)
RunId = NewType("RunId", str)
AlertId = NewType("AlertId", str)
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


class ProcessKind(StrEnum):
    """What a process is for: it serves by itself, runs tasks' commands, or is an AI agent that takes tasks."""

    SERVICE = "service"
    WORKER = "worker"
    AGENT = "agent"


class Backend(StrEnum):
    """Where a process has its terminal: on a pseudo-terminal of our own, or in a multiplexer's pane."""

    LOCAL = "local"
    TMUX = "tmux"
    WEZTERM = "wezterm"


class Desired(StrEnum):
    """What a process shall do; `killed` is stopped without the grace."""

    RUNNING = "running"
    STOPPED = "stopped"
    KILLED = "killed"


class ProcessState(StrEnum):
    """What was observed of a process. `exited` has ended by itself as it may; `failed` stays down for a reason."""

    PENDING = "pending"
    STARTING = "starting"
    RUNNING = "running"
    READY = "ready"
    UNHEALTHY = "unhealthy"
    STOPPING = "stopping"
    STOPPED = "stopped"
    EXITED = "exited"
    FAILED = "failed"
    UNKNOWN = "unknown"


class RestartPolicy(StrEnum):
    """When a process that has ended by itself is started again."""

    NEVER = "never"
    ON_FAILURE = "on-failure"
    ALWAYS = "always"


class Condition(StrEnum):
    """What of a process another one waits for before it starts."""

    STARTED = "started"
    HEALTHY = "healthy"
    COMPLETED = "completed"
    COMPLETED_SUCCESSFULLY = "completed_successfully"


class RunState(StrEnum):
    """Where an attempt at a task's command stands; a quarantined one has killed its workers and is not tried again."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    QUARANTINED = "quarantined"


class AgentCommands(StrEnum):
    """Whether a command that an agent has set for a task runs only after somebody's approval."""

    ASK = "ask"
    ALLOW = "allow"


class AlertSeverity(StrEnum):
    """How bad it is, least first."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class EntityKind(StrEnum):
    """What an event is about."""

    ROOM = "room"
    TASK = "task"
    AGENT = "agent"
    COMMENT = "comment"
    SESSION = "session"
    HANDOFF = "handoff"
    PROCESS = "process"
    RUN = "run"
    ALERT = "alert"


def derived(default: Any) -> Any:
    """A field that the database or a reader fills: not the entity's own, in no event, behind no version."""
    return field(default=default, metadata={"derived": True}, compare=True)
