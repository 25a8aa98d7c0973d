"""How things read: the names of fields, their values, times, and the sentence that tells of an event.

All that comes from tasks, agents and events leaves this module safe for the screen; none of it is markup.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from core.text import for_screen
from storage import Agent, AgentId, EntityKind, Event, Status, Task, TaskId
from tui.board_state import BoardState

FIELD_NAMES: Final[Mapping[str, str]] = {
    "title": "Title",
    "description": "Description",
    "status": "Column",
    "priority": "Priority",
    "rank": "Place",
    "labels": "Labels",
    "dependencies": "Waits for",
    "assignee": "Assignee",
    "estimate_minutes": "Estimate",
    "due": "Due",
    "command": "Command",
    "blocked_reason": "Blocked because",
    "archived_from": "Archived from",
    "created_by": "Created by",
    "number": "Number",
    "name": "Name",
    "root": "Directory",
    "wip_limits": "Limits",
    "wip_mode": "A full column",
    "kind": "Kind",
    "role": "Role",
    "body": "Text",
    "author": "Author",
    "removed": "Removed",
}
"""The fields of tasks, rooms, agents and comments as they are called on the screen."""

HIDDEN_FIELDS: Final = frozenset({"id", "room_id", "task_id", "rank", "version"})
"""Fields whose values say nothing to a person."""

MUTED: Final = "$foreground 60%"
"""The look of what is said by the way; `$text-muted` is an automatic colour, which a part of a text cannot have."""

_STATUS_VERBS: Final = {
    "done": "finished",
    "blocked": "blocked",
}


class Names:
    """Looks up how agents and tasks are called in the room as it is now."""

    def __init__(self, state: BoardState) -> None:
        self._state = state

    def agent(self, agent: str | None) -> str:
        """The agent's name; `nobody` for None, `somebody` for one that is not known (yet)."""
        if agent is None:
            return "nobody"
        known: Agent | None = self._state.agents.get(AgentId(agent))
        if known is None:
            return "somebody" if agent.startswith("agt_") else for_screen(agent)
        return for_screen(known.name)

    def task(self, task: str | None) -> str:
        """The task's number with its sign."""
        known: Task | None = self._state.tasks.get(TaskId(task)) if task else None
        if known is None:
            return for_screen(task) if task and not task.startswith("tsk_") else "a task"
        return f"#{known.number}"

    def number(self, task: str | None) -> int | None:
        """The task's number."""
        known: Task | None = self._state.tasks.get(TaskId(task)) if task else None
        return known.number if known else None

    def task_with_title(self, task: str | None) -> str:
        """Number and title."""
        known: Task | None = self._state.tasks.get(TaskId(task)) if task else None
        return f"#{known.number} {for_screen(known.title)}" if known else "a task"


def status_name(status: str) -> str:
    """`In progress`."""
    return str(status).replace("_", " ").capitalize()


def field_name(field: str) -> str:
    """How a field is called."""
    return FIELD_NAMES.get(field) or field.replace("_", " ").capitalize()


def field_value(field: str, value: Any, names: Names) -> str:
    """A value of a field, as on the wire or as in the record, in words; may have several lines."""
    if field in ("assignee", "created_by", "author"):
        return names.agent(value)
    if field == "dependencies":
        return ", ".join(names.task(each) for each in value or ()) or "nothing"
    if value is None or value == "" or value == () or value == []:
        return "none"
    if field in ("status", "archived_from"):
        return status_name(value)
    if field == "estimate_minutes":
        return duration(int(value))
    if field == "wip_limits":
        return ", ".join(f"{status_name(status)} {limit}" for status, limit in value.items()) or "none"
    if isinstance(value, (list, tuple)):
        return ", ".join(for_screen(str(each)) for each in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "\n".join(for_screen(line) for line in str(value).splitlines())


def duration(minutes: int) -> str:
    """`1 h 30 min`."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{rest} min"
    return f"{hours} h {rest} min" if rest else f"{hours} h"


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
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def due_text(due: date, today: date | None = None) -> str:
    """`2026-12-01 (in 11 days)`."""
    days = (due - (today or datetime.now().astimezone().date())).days
    if days == 0:
        when = "today"
    elif days > 0:
        when = "tomorrow" if days == 1 else f"in {days} days"
    else:
        when = "yesterday" if days == -1 else f"{-days} days ago"
    return f"{due.isoformat()} ({when})"


def event_sentence(event: Event, names: Names, *, is_brief: bool = False) -> str:
    """What happened, without who and when: `moved #12 Fix login, Todo → In progress`.

    Args:
        is_brief: for the task's own screen: without its name, and without the fields, which stand below.
    """
    what = _happening(event, names)
    if is_brief and event.entity is EntityKind.TASK:
        for name in (names.task_with_title(event.entity_id), names.task(event.entity_id)):
            what = what.replace(f" {name}", " it", 1)
        what = what.partition(":")[0] if what.startswith("changed") else what
    what = _undone(event) + what
    return (
        f"{what}, because: {for_screen(event.reason)}" if event.reason and "blocked_reason" not in event.after else what
    )


def _undone(event: Event) -> str:
    if event.undoes is None:
        return ""
    return "redid: " if event.operation == "redo" else "undid: "


def _happening(event: Event, names: Names) -> str:
    if event.entity is EntityKind.TASK:
        return _task_happening(event, names)
    if event.entity is EntityKind.COMMENT:
        if event.before is None:
            return f"commented on {names.task(event.subject_id)}: {_shortened(event.after.get('body', ''))}"
        verb = "took back" if event.after.get("removed") else "changed"
        return f"{verb} a comment on {names.task(event.subject_id)}"
    if event.before is None:
        return f"added the {event.entity} {for_screen(str(event.after.get('name', '')))}"
    return f"changed the {event.entity}: {_changes(event, names)}"


def _task_happening(event: Event, names: Names) -> str:
    # Where the title itself changes, the number alone says which task.
    task = names.task(event.entity_id) if "title" in event.after else names.task_with_title(event.entity_id)
    if event.before is None:
        number, title = event.after.get("number"), for_screen(str(event.after.get("title", "")))
        return f"added #{number} {title} to {status_name(event.after.get('status', Status.BACKLOG))}"
    after, before = event.after, event.before
    if after.get("status") == Status.ARCHIVED:
        return f"archived {task}"
    if before.get("status") == Status.ARCHIVED:
        return f"brought {task} back to {status_name(after['status'])}"
    if "status" in after:
        verb = _STATUS_VERBS.get(after["status"], "moved")
        why = f", because: {for_screen(after['blocked_reason'])}" if after.get("blocked_reason") else ""
        return f"{verb} {task}, {status_name(before['status'])} → {status_name(after['status'])}{why}"
    if set(after) == {"rank"}:
        return f"moved {task} within its column"
    if set(after) == {"assignee"}:
        return f"took {task} from {names.agent(before['assignee'])}" if after["assignee"] is None else (
            f"gave {task} to {names.agent(after['assignee'])}"
        )  # fmt: skip
    return f"changed {task}: {_changes(event, names)}"


def _changes(event: Event, names: Names) -> str:
    before = event.before or {}
    parts = []
    for field, value in event.after.items():
        if field in HIDDEN_FIELDS:
            continue
        if field in ("description", "body"):
            parts.append(f"the {field_name(field).lower()}")
            continue
        old, new = (_shortened(field_value(field, each, names)) for each in (before.get(field), value))
        parts.append(f"{field_name(field).lower()} {old} → {new}")
    return "; ".join(parts)


def _shortened(text: str, limit: int = 60) -> str:
    line = for_screen(" ".join(str(text).split()))
    return line if len(line) <= limit else f"{line[: limit - 1]}…"
