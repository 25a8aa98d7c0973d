"""A board as a file tells it: what every reader gives and the import takes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from core.errors import InvalidData
from storage import AgentKind, Priority, Role, Status, WipMode


class SourceFormat(StrEnum):
    """What kinds of boards can be read."""

    TASKMASTER = "taskmaster"
    BACKLOG = "backlog"
    CSV = "csv"
    JSON = "json"


class BadSource(InvalidData):
    """The file cannot be read as a board. `details` names the file, and the line and column where they are known."""


@dataclass(frozen=True, slots=True)
class Unmapped:
    """Something of the file that the board has no place for: which item, which field, its value, and why."""

    item: str
    field: str
    value: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedComment:
    """A remark by an agent of that name."""

    author: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedAgent:
    """An agent that the file knows more of than a name."""

    name: str
    kind: AgentKind = AgentKind.PERSON
    role: Role = Role.AGENT
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedTask:
    """One task. `key` names it in its file, `needs` are the keys of the tasks that it waits for.

    `number` is the one that it should have, if it is free. `archived_from` stands only with the status `archived`;
    `parent` is the key of the task that it is a part of.
    """

    key: str
    title: str
    description: str = ""
    status: Status = Status.BACKLOG
    priority: Priority = Priority.NORMAL
    labels: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    assignee: str | None = None
    estimate_minutes: int | None = None
    due: date | None = None
    command: str | None = None
    parent: str | None = None
    attempts: int = 1
    idempotent: bool = False
    time_limit_seconds: int | None = None
    collects_files: bool = False
    blocked_reason: str | None = None
    archived_from: Status | None = None
    number: int | None = None
    comments: tuple[ImportedComment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedBoard:
    """All that was read from `source`, tasks in the order in which they stand in their columns.

    `wip_limits` and `wip_mode` are those of the room that it came from, where the file knows them.
    """

    source: str
    format: SourceFormat
    tasks: tuple[ImportedTask, ...]
    agents: tuple[ImportedAgent, ...] = ()
    wip_limits: Mapping[Status, int] = field(default_factory=dict)
    wip_mode: WipMode = WipMode.WARN
    unmapped: tuple[Unmapped, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSummary:
    """What an import brings: counts, the agents that are new, and what found no place.

    `numbers` is from the number or key in the file to the number here, where the two differ.
    """

    source: str
    format: SourceFormat
    tasks: int
    comments: int
    columns: Mapping[str, int] = field(default_factory=dict)
    new_agents: tuple[str, ...] = ()
    numbers: Mapping[str, int] = field(default_factory=dict)
    unmapped: tuple[Unmapped, ...] = ()
