"""Results as text for people: drawn by their type, from the same shapes that `--json` prints."""

import typing
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from core.doors.cli.table import BLUE, BOLD, CYAN, DIM, GREEN, MAGENTA, RED, YELLOW, Cell, styled, table
from core.operation import Operation, bare_type
from core.text import block_for_screen, for_screen
from storage import COLUMNS, Status, parse_time

Wire = Mapping[str, Any]

STATUS_STYLES: Final = {
    "backlog": DIM, "todo": BLUE, "in_progress": CYAN, "blocked": RED, "review": MAGENTA, "done": GREEN,
    "archived": DIM,
}  # fmt: skip
PRIORITY_STYLES: Final = {"low": DIM, "high": YELLOW, "urgent": RED}
LONGEST_VALUE: Final = 60
MOST_NUMBERS: Final = 20
"""More tasks than this are counted rather than named."""


def draw(operation: Operation, shaped: Any) -> str:
    """The text for what an operation gave: a sentence for a change, a view for a question."""
    returns = operation.returns
    is_several = typing.get_origin(returns) is tuple
    name = (typing.get_args(returns)[0] if is_several else returns).__name__
    if operation.changes:
        return SENTENCES[name](operation, shaped if is_several else [shaped])
    if is_several:
        return LISTS[name](shaped) if shaped else f"No {name.lower()}s."
    return VIEWS[name](shaped)


# sentences


def _tasks_changed(operation: Operation, tasks: Sequence[Wire]) -> str:
    if not tasks:
        return "Nothing to do."
    moves = any(each.is_positional and bare_type(each.annotation) is Status for each in operation.parameters)
    status = tasks[0]["status"]
    where = f" to {status}" if moves else "" if status == "archived" else f" in {status}"
    if len(tasks) == 1:
        return f"{_past(operation)} #{tasks[0]['number']}{where}: {for_screen(tasks[0]['title'])}"
    return f"{_past(operation)} {len(tasks)} tasks{where if moves else ''}: {_numbers(tasks)}."


def _numbers(tasks: Sequence[Wire]) -> str:
    shown = [f"#{each['number']}" for each in tasks[:MOST_NUMBERS]]
    return ", ".join(shown) + (f" and {len(tasks) - MOST_NUMBERS:,} more" if len(tasks) > MOST_NUMBERS else "")


def _room_changed(operation: Operation, rooms: Sequence[Wire]) -> str:
    room = rooms[0]
    return f"{_past(operation)} room {for_screen(room['name'])} for {for_screen(room['root'])}."


def _agent_changed(operation: Operation, agents: Sequence[Wire]) -> str:
    agent = agents[0]
    return f"{_past(operation)} agent {for_screen(agent['name'])} ({agent['kind']}, role {agent['role']})."


def _commented(_operation: Operation, comments: Sequence[Wire]) -> str:
    first = comments[0]["body"].strip().partition("\n")[0]
    return f"Commented: {_short(first)}"


def _undone(operation: Operation, results: Sequence[Wire]) -> str:
    undone = results[0]
    numbers = _numbers(undone["tasks"])
    what = "" if undone["operation"] == "undo" else undone["operation"].replace("_", " ")
    return f"{_past(operation)}: {' of '.join(each for each in (what, numbers) if each) or 'the change'}."


def _past(operation: Operation) -> str:
    verb = operation.command.split()[-1].partition("-")[0]
    irregular = {"undo": "Undone", "redo": "Redone", "depend": "Changed what it waits for:"}
    if verb in irregular:
        return irregular[verb]
    return f"{verb}{'d' if verb.endswith('e') else 'ed'}".capitalize()


# lists


def _task_list(tasks: Sequence[Wire]) -> str:
    headers = ("#", "STATUS", "PRIORITY", "TITLE", "ASSIGNEE", "LABELS", "WAITS FOR", "DUE", "AGE")
    return table(headers, [_task_row(each) for each in tasks], flexible=3)


def _task_row(task: Wire) -> list[Cell]:
    waits = ", ".join(f"#{number}" for number in task["dependency_numbers"]) if task["waiting_on"] else ""
    priority = task["priority"]
    return [
        Cell(f"#{task['number']}", BOLD),
        Cell(task["status"], STATUS_STYLES.get(task["status"], "")),
        Cell(priority if priority != "normal" else "", PRIORITY_STYLES.get(priority, "")),
        Cell(for_screen(task["title"])),
        Cell(for_screen(task["assignee_name"] or "")),
        Cell(_labels(task), DIM),
        Cell(waits, RED),
        Cell(task["due"] or ""),
        Cell(age_of(task["status_changed_at"] or task["created_at"]), DIM),
    ]


def _room_list(rooms: Sequence[Wire]) -> str:
    rows = [[Cell(for_screen(each["name"]), BOLD), Cell(for_screen(each["root"]))] for each in rooms]
    return table(("NAME", "ROOT"), rows, flexible=1)


def _agent_list(agents: Sequence[Wire]) -> str:
    rows = [
        [
            Cell(for_screen(each["name"]), BOLD), Cell(each["kind"]), Cell(each["role"]),
            Cell(for_screen(each["description"])),
        ]
        for each in agents
    ]  # fmt: skip
    return table(("NAME", "KIND", "ROLE", "DESCRIPTION"), rows, flexible=3)


def _event_list(events: Sequence[Wire]) -> str:
    rows = [
        [
            Cell(str(event["sequence"]), DIM), Cell(local_time(event["at"])),
            Cell(for_screen(event["agent_name"] or event["agent_id"])), Cell(event["door"], DIM),
            Cell(_happening(event)), Cell(event["change"] if event["undoable"] else "", DIM),
        ]
        for event in events
    ]  # fmt: skip
    return table(("EVENT", "WHEN", "WHO", "DOOR", "WHAT", "CHANGE"), rows, flexible=4)


def event_line(event: Wire) -> str:
    """One event as one line."""
    who = for_screen(event["agent_name"] or event["agent_id"])
    return f"{event['sequence']:>6}  {local_time(event['at'])}  {who}: {_happening(event)}"


def _happening(event: Wire) -> str:
    what = f"#{event['task_number']}" if event.get("task_number") else event["entity"]
    if event["entity"] == "comment":
        what += " comment"
    reason = f" ({_short(event['reason'])})" if event["reason"] else ""
    return f"{what} {event['type'].replace('_', ' ')}{_differences(event)}{reason}"


def _differences(event: Wire) -> str:
    before, after, names = event["before"], event["after"], event["names"]
    if before is None:
        name = after.get("title") or after.get("name") or after.get("body") or ""
        return f": {_short(name)}" if name else ""
    told = [
        f"{field.replace('_', ' ')} {_value(before.get(field), names)} → {_value(after[field], names)}"
        for field in after
        if field not in ("rank", "archived_from")
    ]
    return f": {'; '.join(told)}" if told else ""


def _value(value: Any, names: Mapping[str, str]) -> str:
    if value in (None, "", [], {}):
        return "none"
    if isinstance(value, Mapping):
        return _short(", ".join(f"{name}={each}" for name, each in value.items()))
    if isinstance(value, list):
        return _short(", ".join(names.get(str(each), str(each)) for each in value))
    return _short(names.get(str(value), str(value)))


# views


def _task_view(task: Wire) -> str:
    place = f", place {task['position'] + 1}" if task.get("position") is not None else ""
    estimate = f"{task['estimate_minutes']} min" if task["estimate_minutes"] else ""
    facts = {
        "status": styled(task["status"], STATUS_STYLES.get(task["status"], "")) + place,
        "blocked": for_screen(task["blocked_reason"] or ""),
        "priority": styled(task["priority"], PRIORITY_STYLES.get(task["priority"], "")),
        "assignee": for_screen(task["assignee_name"] or "nobody"),
        "labels": _labels(task),
        "waits for": ", ".join(f"#{number}" for number in task["dependency_numbers"])
        + (f" ({task['waiting_on']} open)" if task["waiting_on"] else ""),
        "blocks": ", ".join(f"#{number}" for number in task["dependant_numbers"]),
        "estimate": estimate,
        "due": task["due"] or "",
        "command": for_screen(task["command"] or ""),
        "created": local_time(task["created_at"]),
        "updated": f"{local_time(task['updated_at'])} (version {task['version']})",
        "id": task["id"],
    }
    parts = [styled(f"#{task['number']} {for_screen(task['title'])}", BOLD), _facts(facts)]
    if task["description"]:
        parts.append(block_for_screen(task["description"]))
    if task["comments"]:
        remarks = [
            f"{styled(for_screen(each['author_name'] or each['author']), BOLD)} {local_time(each['created_at'])}\n"
            + _indented(each["body"])
            for each in task["comments"]
        ]
        parts.append("\n".join([styled("Comments", BOLD), *remarks]))
    parts.append("\n".join([styled("History", BOLD), *(event_line(each) for each in task["history"])]))
    return "\n\n".join(parts)


def _room_view(room: Wire) -> str:
    limits = ", ".join(f"{status} {limit}" for status, limit in room["wip_limits"].items())
    facts = {
        "root": for_screen(room["root"]),
        "WIP limits": f"{limits} ({room['wip_mode']})" if limits else "none",
        "created": local_time(room["created_at"]),
        "version": str(room["version"]),
        "id": room["id"],
    }
    return f"{styled(for_screen(room['name']), BOLD)}\n\n{_facts(facts)}"


def _agent_view(agent: Wire) -> str:
    facts = {
        "kind": agent["kind"], "role": agent["role"], "description": for_screen(agent["description"]),
        "since": local_time(agent["created_at"]), "id": agent["id"],
    }  # fmt: skip
    parts = [styled(for_screen(agent["name"]), BOLD), _facts(facts)]
    parts.append(_task_list(agent["tasks"]) if agent["tasks"] else "No open tasks.")
    return "\n\n".join(parts)


def _board_view(board: Wire) -> str:
    parts = [styled(f"After event {board['sequence']}", DIM)]
    for status in COLUMNS:
        tasks = [each for each in board["tasks"] if each["status"] == status]
        head = styled(f"{status.value} ({len(tasks)})", f"{BOLD};{STATUS_STYLES[status]}")
        rows = [[each for index, each in enumerate(_task_row(task)) if index != 1] for task in tasks]
        headers = ("", "PRIORITY", "TITLE", "ASSIGNEE", "LABELS", "WAITS FOR", "DUE", "AGE")
        body = table(headers, rows, flexible=2).partition("\n")[2] if rows else ""
        parts.append(f"{head}\n{body}".rstrip())
    return "\n\n".join(parts)


# words


def local_time(text: str) -> str:
    """A stored time in the person's own zone, to the second."""
    return f"{parse_time(text).astimezone():%Y-%m-%d %H:%M:%S}"


def age_of(text: str, now: datetime | None = None) -> str:
    """How long ago a stored time was, in its greatest unit: `45s`, `12m`, `3h`, `5d`, `7w`, `2y`."""
    seconds = max(0, int(((now or datetime.now(UTC)) - parse_time(text)).total_seconds()))
    for unit, length in (("y", 31_557_600), ("w", 604_800), ("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def _labels(task: Wire) -> str:
    return ", ".join(for_screen(label) for label in task["labels"])


def _facts(facts: Mapping[str, str]) -> str:
    width = max(len(name) for name in facts)
    return "\n".join(f"{styled(name.ljust(width), DIM)}  {value}" for name, value in facts.items() if value)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in block_for_screen(text).splitlines())


def _short(text: str) -> str:
    line = for_screen(text)
    return line if len(line) <= LONGEST_VALUE else line[: LONGEST_VALUE - 1] + "…"


SENTENCES: Final[dict[str, Callable[[Operation, Sequence[Wire]], str]]] = {
    "Task": _tasks_changed, "Room": _room_changed, "Agent": _agent_changed, "Comment": _commented, "Undone": _undone,
}  # fmt: skip
LISTS: Final[dict[str, Callable[[Sequence[Wire]], str]]] = {
    "Task": _task_list, "Room": _room_list, "Agent": _agent_list, "Event": _event_list,
}  # fmt: skip
VIEWS: Final[dict[str, Callable[[Wire], str]]] = {
    "TaskDetail": _task_view, "Room": _room_view, "AgentDetail": _agent_view, "Board": _board_view,
}  # fmt: skip
