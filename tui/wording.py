"""How things read: the names of fields, their values, times, and the sentence that tells of an event.

All that comes from tasks, agents and events leaves this module safe for the screen; none of it is markup.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from core.text import for_screen
from storage import Agent, AgentId, EntityKind, Event, Priority, Status, Task, TaskId
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
}
"""The fields of tasks, rooms, agents and comments as they are called on the screen."""

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

HIDDEN_FIELDS: Final = frozenset({"id", "room_id", "task_id", "rank", "version"})
"""Fields whose values say nothing to a person."""

MUTED: Final = "$foreground 60%"
"""The look of what is said by the way; `$text-muted` is an automatic colour, which a part of a text cannot have."""

_STATUS_SENTENCES: Final = {
    "done": mark("finished {task}, {before} → {after}"),
    "blocked": mark("blocked {task}, {before} → {after}"),
}

_ENTITY_NAMES: Final = {
    EntityKind.ROOM: mark("room"),
    EntityKind.AGENT: mark("agent"),
}


class Names:
    """Looks up how agents and tasks are called in the room as it is now."""

    def __init__(self, state: BoardState) -> None:
        self._state = state

    def agent(self, agent: str | None) -> str:
        """The agent's name; `nobody` for None, `somebody` for one that is not known (yet)."""
        if agent is None:
            return _("nobody")
        known: Agent | None = self._state.agents.get(AgentId(agent))
        if known is None:
            return _("somebody") if agent.startswith("agt_") else for_screen(agent)
        return for_screen(known.name)

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


def field_name(field: str) -> str:
    """How a field is called."""
    return _(FIELD_NAMES.get(field, "")) or field.replace("_", " ").capitalize()


def field_value(field: str, value: Any, names: Names) -> str:
    """A value of a field, as on the wire or as in the record, in words; may have several lines."""
    if field in ("assignee", "created_by", "author"):
        return names.agent(value)
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
    if field == "wip_limits":
        return ", ".join(f"{status_name(status)} {limit}" for status, limit in value.items()) or _("none")
    if isinstance(value, (list, tuple)):
        return ", ".join(for_screen(str(each)) for each in value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return "\n".join(for_screen(line) for line in str(value).splitlines())


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


def event_sentence(event: Event, names: Names, *, is_brief: bool = False) -> str:
    """What happened, without who and when: `moved #12 Fix login, Todo → In progress`.

    Args:
        is_brief: for the task's own screen: without its name, and without the fields, which stand below.
    """
    what = _undone(_happening(event, names, is_brief=is_brief), event)
    if not event.reason or "blocked_reason" in event.after:
        return what
    return _because(what, event.reason)


def _because(what: str, reason: str) -> str:
    return _("{what}, because: {reason}").format(what=what, reason=for_screen(reason))


def _undone(what: str, event: Event) -> str:
    if event.undoes is None:
        return what
    return (_("redid: {what}") if event.operation == "redo" else _("undid: {what}")).format(what=what)


def _happening(event: Event, names: Names, *, is_brief: bool) -> str:
    if event.entity is EntityKind.TASK:
        return _task_happening(event, names, is_brief=is_brief)
    if event.entity is EntityKind.COMMENT:
        task = names.task(event.subject_id)
        if event.before is None:
            body = _shortened(event.after.get("body", ""))
            return _("commented on {task}: {text}").format(task=task, text=body)
        if event.after.get("removed"):
            return _("took back a comment on {task}").format(task=task)
        return _("changed a comment on {task}").format(task=task)
    kind = _(_ENTITY_NAMES.get(event.entity, "")) or str(event.entity)
    if event.before is None:
        name = for_screen(str(event.after.get("name", "")))
        return _("added the {kind} {name}").format(kind=kind, name=name)
    return _("changed the {kind}: {changes}").format(kind=kind, changes=_changes(event, names))


def _task_happening(event: Event, names: Names, *, is_brief: bool) -> str:
    after, before = event.after, event.before
    if before is None:
        return _added(event, names, is_brief=is_brief)
    # Where the title itself changes, the number alone says which task.
    task = names.task(event.entity_id) if "title" in after else names.task_with_title(event.entity_id)
    if is_brief:
        task = _("it")
    if after.get("status") == Status.ARCHIVED:
        return _("archived {task}").format(task=task)
    if before.get("status") == Status.ARCHIVED:
        return _("brought {task} back to {column}").format(task=task, column=status_name(after["status"]))
    if "status" in after:
        sentence = _(_STATUS_SENTENCES.get(after["status"], "")) or _("moved {task}, {before} → {after}")
        what = sentence.format(task=task, before=status_name(before["status"]), after=status_name(after["status"]))
        return _because(what, after["blocked_reason"]) if after.get("blocked_reason") else what
    if set(after) == {"rank"}:
        return _("moved {task} within its column").format(task=task)
    if set(after) == {"assignee"}:
        if after["assignee"] is None:
            return _("took {task} from {agent}").format(task=task, agent=names.agent(before["assignee"]))
        return _("gave {task} to {agent}").format(task=task, agent=names.agent(after["assignee"]))
    if is_brief:
        return _("changed {task}").format(task=task)
    return _("changed {task}: {changes}").format(task=task, changes=_changes(event, names))


def _added(event: Event, names: Names, *, is_brief: bool) -> str:
    number, title = event.after.get("number"), for_screen(str(event.after.get("title", "")))
    task = f"#{number} {title}"
    if is_brief:
        # Where it had another title at first, that is worth telling.
        has_its_title = task == names.task_with_title(event.entity_id)
        task = _("it") if has_its_title else _("it as “{title}”").format(title=title)
    column = status_name(event.after.get("status", Status.BACKLOG))
    return _("added {task} to {column}").format(task=task, column=column)


def _changes(event: Event, names: Names) -> str:
    before = event.before or {}
    parts = []
    for field, value in event.after.items():
        if field in HIDDEN_FIELDS:
            continue
        if field in ("description", "body"):
            parts.append(_("the {field}").format(field=field_name(field).lower()))
            continue
        old, new = (_shortened(field_value(field, each, names)) for each in (before.get(field), value))
        parts.append(f"{field_name(field).lower()} {old} → {new}")
    return "; ".join(parts)


def _shortened(text: str, limit: int = 60) -> str:
    line = for_screen(" ".join(str(text).split()))
    return line if len(line) <= limit else f"{line[: limit - 1]}…"
