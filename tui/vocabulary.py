"""The product's closed vocabularies as they read on the screen: fields, states with their signs, rules of alerts."""

from collections.abc import Mapping
from typing import Final

from storage import (
    AgentKind,
    AgentState,
    AlertSeverity,
    Ending,
    HandoffStatus,
    Priority,
    ProcessState,
    RunState,
    SessionState,
    StateSource,
    Status,
)  # fmt: skip
from tui.translation import mark

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
    "run_stuck": mark("run does not end"),
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
