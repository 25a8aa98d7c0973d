"""How things read: the names of fields, their values, times, and the sentence that tells of an event.

All that comes from tasks, agents and events leaves this module safe for the screen; none of it is markup.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from core.text import for_screen
from storage import (
    Agent,
    AgentId,
    AgentKind,
    AgentState,
    Alert,
    AlertId,
    AlertSeverity,
    Ending,
    HandoffStatus,
    Priority,
    ProcessId,
    ProcessState,
    Result,
    RunState,
    SessionId,
    SessionState,
    StateSource,
    Status,
    Task,
    TaskId,
)  # fmt: skip
from tui.alert_text import alert_message
from tui.board_state import BoardState
from tui.translation import _, mark, ngettext

FIELD_NAMES: Final[Mapping[str, str]] = {
    "title": mark("Title"),
    "description": mark("Description"),
    "status": mark("Column"),
    "priority": mark("Priority"),
    "rank": mark("Place"),
    "place": mark("Place"),
    "labels": mark("Labels"),
    "dependencies": mark("Waits for"),
    "assignee": mark("Assignee"),
    "estimate_minutes": mark("Estimate"),
    "due": mark("Due"),
    "command": mark("Command"),
    "command_approved": mark("Command approved"),
    "parent": mark("Part of"),
    "idempotent": mark("May run again"),
    "attempts": mark("Attempts"),
    "time_limit_seconds": mark("Time limit"),
    "collects_files": mark("Lists changed files"),
    "agent_commands": mark("Agents' commands"),
    "queue_paused": mark("Queue paused"),
    "quarantine_after": mark("Quarantine after lost workers"),
    "attempt": mark("Attempt"),
    "queued_by": mark("Queued by"),
    "not_before": mark("Not before"),
    "paused": mark("Paused"),
    "cancelled_by": mark("Cancelled by"),
    "process_id": mark("Process"),
    "exit_code": mark("Exit code"),
    "exit_signal": mark("Signal"),
    "reason": mark("Reason"),
    "interrupted": mark("Cut off"),
    "lost_worker": mark("Worker lost"),
    "started_at": mark("Started"),
    "blocked_reason": mark("Blocked because"),
    "archived_from": mark("Archived from"),
    "created_by": mark("Created by"),
    "number": mark("Number"),
    "name": mark("Name"),
    "root": mark("Directory"),
    "wip_limits": mark("Limits"),
    "wip_mode": mark("A full column"),
    "kind": mark("Kind"),
    "role": mark("Role"),
    "body": mark("Text"),
    "author": mark("Author"),
    "removed": mark("Removed"),
    "skills": mark("Skills"),
    "claimed_by": mark("Claimed by"),
    "claim": mark("Claim"),
    "result": mark("Result"),
    "review_gate": mark("Review gate"),
    "lost_claims": mark("Tasks of a lost agent"),
    "lease_seconds": mark("Silence before an agent is lost"),
    "handoff_alert_minutes": mark("A handoff alerts after"),
    "agent_id": mark("Agent"),
    "client_name": mark("Client"),
    "client_version": mark("Version of the client"),
    "pid": mark("Process"),
    "state": mark("State"),
    "ended_at": mark("Ended"),
    "end_reason": mark("Ended because"),
    "from_agent": mark("From"),
    "to_agent": mark("To"),
    "to_role": mark("To whoever has"),
    "summary": mark("Summary"),
    "next_steps": mark("Next steps"),
    "warnings": mark("Warnings"),
    "failed_approaches": mark("Failed approaches"),
    "files": mark("Files"),
    "branch": mark("Branch"),
    "output": mark("Output"),
    "taken_by": mark("Answered by"),
    "answer": mark("Answer"),
    "answered_at": mark("Answered"),
}
"""The fields of all entities as they are called on the screen."""

STATUS_NAMES: Final[Mapping[str, str]] = {
    Status.BACKLOG: mark("Backlog"),
    Status.TODO: mark("Todo"),
    Status.IN_PROGRESS: mark("In progress"),
    Status.BLOCKED: mark("Blocked"),
    Status.REVIEW: mark("Review"),
    Status.DONE: mark("Done"),
    Status.ARCHIVED: mark("Archived"),
}

PRIORITY_NAMES: Final[Mapping[Priority, str]] = {
    Priority.LOW: mark("low"),
    Priority.NORMAL: mark("normal"),
    Priority.HIGH: mark("high"),
    Priority.URGENT: mark("urgent"),
}

AGENT_STATES: Final[Mapping[AgentState, tuple[str, str]]] = {
    AgentState.WAITING: ("◆", mark("waiting")),
    AgentState.WORKING: ("●", mark("working")),
    AgentState.IDLE: ("○", mark("idle")),
    AgentState.UNKNOWN: ("?", mark("unknown")),
    AgentState.ENDED: ("×", mark("ended")),
}
"""Sign and word of what an agent is doing, those first that ask for the person."""

KIND_NAMES: Final[Mapping[AgentKind, str]] = {
    AgentKind.AI: mark("AI agent"),
    AgentKind.WORKER: mark("worker process"),
    AgentKind.PERSON: mark("person"),
}

SOURCE_NAMES: Final[Mapping[StateSource, str]] = {
    StateSource.HOOK: mark("hook"),
    StateSource.MCP: mark("call"),
    StateSource.CLI: mark("command"),
    StateSource.SESSION: mark("session"),
}

HANDOFF_STATES: Final[Mapping[HandoffStatus, str]] = {
    HandoffStatus.PENDING: mark("pending"),
    HandoffStatus.ACKNOWLEDGED: mark("acknowledged"),
    HandoffStatus.COMPLETED: mark("completed"),
    HandoffStatus.DECLINED: mark("declined"),
}

ENDING_NAMES: Final[Mapping[Ending, str]] = {
    Ending.COMPLETED: mark("completed"),
    Ending.FAILED: mark("failed"),
    Ending.GIVEN_BACK: mark("given back"),
    Ending.ABANDONED: mark("left without a report"),
}

RUN_STATES: Final[Mapping[RunState, tuple[str, str]]] = {
    RunState.QUEUED: ("»", mark("queued")),
    RunState.RUNNING: ("►", mark("running")),
    RunState.SUCCEEDED: ("✓", mark("succeeded")),
    RunState.FAILED: ("✗", mark("failed")),
    RunState.CANCELLED: ("–", mark("cancelled")),
    RunState.QUARANTINED: ("⊘", mark("quarantined")),
}
"""Sign and word of where an attempt at a task's command stands."""

SESSION_STATES: Final[Mapping[SessionState, str]] = {
    SessionState.ACTIVE: mark("active"),
    SessionState.ENDED: mark("ended"),
    SessionState.LOST: mark("lost"),
}

PROCESS_STATES: Final[Mapping[ProcessState, tuple[str, str]]] = {
    ProcessState.FAILED: ("×", mark("failed")),
    ProcessState.UNHEALTHY: ("◆", mark("unhealthy")),
    ProcessState.UNKNOWN: ("?", mark("unknown")),
    ProcessState.PENDING: ("◔", mark("pending")),
    ProcessState.STARTING: ("◐", mark("starting")),
    ProcessState.STOPPING: ("◑", mark("stopping")),
    ProcessState.RUNNING: ("●", mark("running")),
    ProcessState.READY: ("●", mark("ready")),
    ProcessState.EXITED: ("✓", mark("exited")),
    ProcessState.STOPPED: ("○", mark("stopped")),
}
"""Sign and word of what was observed of a process, those first that ask for the person."""

ALERT_SEVERITIES: Final[Mapping[AlertSeverity, tuple[str, str]]] = {
    AlertSeverity.CRITICAL: ("✗", mark("critical")),
    AlertSeverity.WARNING: ("▲", mark("warning")),
    AlertSeverity.INFO: ("·", mark("info")),
}
"""Sign and word of how bad an alert is, the worst first."""

RULE_NAMES: Final[Mapping[str, str]] = {
    "process_failed": mark("process failed"),
    "restart_storm": mark("restart storm"),
    "crash_loop": mark("crash loop"),
    "cpu_high": mark("much processor"),
    "memory_high": mark("much memory"),
    "disk_full": mark("disk nearly full"),
    "queue_old": mark("queue stands still"),
    "handoff_overdue": mark("handoff overdue"),
    "agent_waiting": mark("agent waits"),
    "backup_old": mark("backup too old"),
    "log_pattern": mark("line in the log"),
    "error_burst": mark("many errors"),
    "room_yaml": mark("room.yaml"),
    "service_failed": mark("service failed"),
    "quarantined": mark("task quarantined"),
}
"""The rules of alerts as they are called on the screen."""

AGENT_FIELDS: Final = frozenset(
    {
        "assignee",
        "created_by",
        "author",
        "agent_id",
        "from_agent",
        "to_agent",
        "taken_by",
        "queued_by",
        "cancelled_by",
        "acknowledged_by",
    }
)
"""Fields that hold an agent's id."""

HIDDEN_FIELDS: Final = frozenset(
    {"id", "room_id", "task_id", "rank", "version", "token_hash", "claim", "claimed_by", "pid"}
)
"""Fields whose values say nothing to a person, and one that nobody is to see."""

MUTED: Final = "$foreground 60%"
"""The look of what is said by the way; `$text-muted` is an automatic colour, which a part of a text cannot have."""


class Names:
    """Looks up how agents and tasks are called in the room as it is now."""

    def __init__(self, state: BoardState) -> None:
        self._state = state
        self._learned: dict[AlertId, Alert] = {}

    def learn(self, alerts: Iterable[Alert]) -> None:
        """Remember alerts: those that are over are not part of the room's state."""
        self._learned |= {each.id: each for each in alerts}

    def knows_alert(self, alert: str) -> bool:
        """Whether an alert is known."""
        return alert in self._learned or alert in self._state.alerts

    def alert(self, alert: str) -> str:
        """What an alert says; `an alert` for one that is not known."""
        known = self._state.alerts.get(AlertId(alert)) or self._learned.get(AlertId(alert))
        return alert_message(known) if known is not None else _("an alert")

    def agent(self, agent: str | None) -> str:
        """The agent's name; `nobody` for None, `somebody` for one that is not known (yet)."""
        if agent is None:
            return _("nobody")
        known: Agent | None = self._state.agents.get(AgentId(agent))
        if known is None:
            return _("somebody") if agent.startswith("agt_") else for_screen(agent)
        return for_screen(known.name)

    def receiver(self, agent: str | None, role: str | None) -> str:
        """To whom a handoff goes: an agent by name, or whoever has a role."""
        return self.agent(agent) if agent else _("any {role}").format(role=for_screen(role or ""))

    def session(self, session: str) -> str:
        """The agent of a session."""
        known = self._state.sessions.get(SessionId(session))
        return self.agent(known.agent_id) if known else _("somebody")

    def process(self, process: str) -> str:
        """The process's name; `a process` for one that is gone."""
        known = self._state.processes.get(ProcessId(process))
        return for_screen(known.name) if known else _("a process")

    def task(self, task: str | None) -> str:
        """The task's number with its sign."""
        known: Task | None = self._state.tasks.get(TaskId(task)) if task else None
        if known is None:
            return for_screen(task) if task and not task.startswith("tsk_") else _("a task")
        return f"#{known.number}"

    def number(self, task: str | None) -> int | None:
        """The task's number."""
        known: Task | None = self._state.tasks.get(TaskId(task)) if task else None
        return known.number if known else None

    def task_with_title(self, task: str | None) -> str:
        """Number and title."""
        known: Task | None = self._state.tasks.get(TaskId(task)) if task else None
        return f"#{known.number} {for_screen(known.title)}" if known else _("a task")


def status_name(status: str) -> str:
    """`In progress`."""
    return _(STATUS_NAMES.get(status, "")) or str(status).replace("_", " ").capitalize()


def priority_name(priority: Priority) -> str:
    """`high`."""
    return _(PRIORITY_NAMES[priority])


def rule_name(rule: str) -> str:
    """How the rule of an alert is called."""
    return _(RULE_NAMES.get(rule, "")) or for_screen(rule.replace("_", " "))


def field_name(field: str) -> str:
    """How a field is called."""
    return _(FIELD_NAMES.get(field, "")) or field.replace("_", " ").capitalize()


def field_value(field: str, value: Any, names: Names) -> str:
    """A value of a field, as on the wire or as in the record, in words; may have several lines."""
    if field in AGENT_FIELDS:
        return names.agent(value) if value or field == "assignee" else _("none")
    if field == "parent":
        return names.task(value) if value else _("none")
    if field == "dependencies":
        return ", ".join(names.task(each) for each in value or ()) or _("nothing")
    if value is None or value == "" or value == () or value == []:
        return _("none")
    if field in ("status", "archived_from"):
        return status_name(value)
    if field == "priority":
        return priority_name(Priority(value))
    if field == "estimate_minutes":
        return duration(int(value))
    if field == "lease_seconds":
        return _("{seconds} s").format(seconds=value)
    if field == "handoff_alert_minutes":
        return duration(int(value))
    if field == "result":
        return result_line(value)
    if field == "wip_limits":
        return ", ".join(f"{status_name(status)} {limit}" for status, limit in value.items()) or _("none")
    if isinstance(value, (list, tuple)):
        return ", ".join(for_screen(str(each)) for each in value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return "\n".join(for_screen(line) for line in str(value).splitlines())


def result_line(result: Result | Mapping[str, Any]) -> str:
    """A result in a line: how the work ended, and the first line of what was said of it."""
    if isinstance(result, Result):
        ending, summary = result.ending, result.summary
    else:
        ending, summary = Ending(result["ending"]), str(result["summary"])
    first_line = summary.partition("\n")[0]
    return f"{_(ENDING_NAMES[ending])}: {for_screen(first_line)}"


def duration(minutes: int) -> str:
    """`1 h 30 min`."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return _("{minutes} min").format(minutes=rest)
    if not rest:
        return _("{hours} h").format(hours=hours)
    return _("{hours} h {minutes} min").format(hours=hours, minutes=rest)


def clock(moment: datetime, now: datetime | None = None) -> str:
    """Local time: `14:03` today, `12 Nov 14:03` this year, else with the year."""
    local = moment.astimezone()
    today = (now or datetime.now(UTC)).astimezone()
    if local.date() == today.date():
        return f"{local:%H:%M}"
    return f"{local.day} {local:%b %H:%M}" if local.year == today.year else f"{local.day} {local:%b %Y %H:%M}"


def full_time(moment: datetime) -> str:
    """Local date and time to the second."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


def age(since: datetime, now: datetime | None = None) -> str:
    """How long ago: `12 s`, `5 min`, `3 h`, `12 d`."""
    passed = max((now or datetime.now(UTC)) - since, timedelta())
    seconds = int(passed.total_seconds())
    if seconds >= 86_400:
        return _("{days} d").format(days=seconds // 86_400)
    if seconds >= 3_600:
        return _("{hours} h").format(hours=seconds // 3_600)
    if seconds >= 60:
        return _("{minutes} min").format(minutes=seconds // 60)
    return _("{seconds} s").format(seconds=seconds)


def due_text(due: date, today: date | None = None) -> str:
    """`2026-12-01 (in 11 days)`."""
    days = (due - (today or datetime.now().astimezone().date())).days
    if days == 0:
        when = _("today")
    elif days > 0:
        when = _("tomorrow") if days == 1 else ngettext("in {days} day", "in {days} days", days).format(days=days)
    else:
        when = _("yesterday") if days == -1 else (
            ngettext("{days} day ago", "{days} days ago", -days).format(days=-days)
        )  # fmt: skip
    return f"{due.isoformat()} ({when})"
