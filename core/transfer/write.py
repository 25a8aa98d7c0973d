"""Writing a board down: JSON and CSV hold all of it and can be imported again, Markdown is for reading."""

import csv
import io
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from storage import COLUMNS, Agent, Comment, Reader, Room, Status, Task, encode_json, format_time, to_wire, utc_now

FORMAT_NAME: Final = "wezterm-parallel board"
FORMAT_VERSION: Final = 1

_FIELDS: Final = (
    "number", "title", "description", "status", "archived_from", "priority", "labels", "dependencies", "assignee",
    "estimate_minutes", "due", "command", "parent", "attempts", "idempotent", "time_limit_seconds", "collects_files",
    "blocked_reason", "created_by", "created_at", "updated_at",
    "status_changed_at",
)  # fmt: skip
_ORDER: Final = tuple(Status)


class ExportFormat(StrEnum):
    """What a board can be written as."""

    JSON = "json"
    CSV = "csv"
    MD = "md"


def written_board(rows: Reader, room: Room, format: ExportFormat, *, archived: bool = False) -> str:
    """The board of a room as text.

    Args:
        archived: whether Markdown tells the archive too; JSON and CSV always do, since they are to be complete.
    """
    agents = rows.agents(room.id)
    names: dict[str, str] = {agent.id: agent.name for agent in agents}
    tasks = sorted(rows.tasks(room.id), key=lambda task: _ORDER.index(task.status))
    numbers: dict[str, int] = {task.id: task.number for task in tasks}
    told = [_told(task, names, numbers, rows) for task in tasks]
    if format is ExportFormat.JSON:
        return _as_json(room, agents, told)
    if format is ExportFormat.CSV:
        return _as_csv(told)
    return _as_markdown(room, told, archived=archived)


def _told(task: Task, names: Mapping[str, str], numbers: Mapping[str, int], rows: Reader) -> dict[str, Any]:
    wire = to_wire(task)
    told = {field: wire[field] for field in _FIELDS}
    told["dependencies"] = [numbers[need] for need in task.dependencies if need in numbers]
    told["assignee"] = None if task.assignee is None else names.get(task.assignee)
    told["parent"] = numbers.get(task.parent) if task.parent is not None else None
    told["created_by"] = names.get(task.created_by)
    comments = rows.comments(task.id) if task.comment_count else []
    told["comments"] = [_told_comment(comment, names) for comment in comments]
    return told


def _told_comment(comment: Comment, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "author": names.get(comment.author), "body": comment.body, "created_at": format_time(comment.created_at),
    }  # fmt: skip


def _as_json(room: Room, agents: list[Agent], tasks: list[dict[str, Any]]) -> str:
    wire = {
        "format": FORMAT_NAME,
        "version": FORMAT_VERSION,
        "exported_at": format_time(utc_now()),
        "room": to_wire(room, {"name", "wip_limits", "wip_mode"}),
        "agents": [to_wire(agent, {"name", "kind", "role", "description"}) for agent in agents],
        "tasks": tasks,
    }
    return msgspec.json.format(encode_json(wire), indent=2).decode() + "\n"


def _as_csv(tasks: list[dict[str, Any]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, (*_FIELDS, "comments"), lineterminator="\n")
    writer.writeheader()
    for task in tasks:
        comments = json.dumps(task["comments"], ensure_ascii=False) if task["comments"] else ""
        writer.writerow(
            {
                **task,
                "labels": _joined(task["labels"]),
                "assignee": _joined([task["assignee"]]) if task["assignee"] else "",
                "dependencies": " ".join(map(str, task["dependencies"])),
                "comments": comments,
            }
        )
    return text.getvalue()


def _joined(labels: list[str]) -> str:
    is_plain = all(label == label.strip() and not set(label) & {",", ";"} for label in labels)
    if is_plain and not (labels and labels[0].startswith(("[", "@"))):
        return ", ".join(labels)
    return json.dumps(labels, ensure_ascii=False)


def _as_markdown(room: Room, tasks: list[dict[str, Any]], *, archived: bool) -> str:
    lines = [f"# {_escaped(room.name)}", ""]
    for status in (*COLUMNS, Status.ARCHIVED) if archived else COLUMNS:
        column = [task for task in tasks if task["status"] == status]
        lines += [f"## {status.replace('_', ' ').capitalize()} ({len(column)})", ""]
        for task in column:
            lines += _markdown_item(task)
        if column:
            lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


def _markdown_item(task: dict[str, Any]) -> list[str]:
    is_done = Status.DONE in (task["status"], task["archived_from"])
    facts = [f"`{label}`" for label in task["labels"]]
    if task["priority"] != "normal":
        facts.append(task["priority"])
    if task["assignee"]:
        facts.append(f"@{_escaped(task['assignee'])}")
    if task["due"]:
        facts.append(f"due {task['due']}")
    if task["estimate_minutes"]:
        facts.append(f"{task['estimate_minutes']} min")
    if task["dependencies"]:
        facts.append("after " + ", ".join(f"#{number}" for number in task["dependencies"]))
    if task["blocked_reason"]:
        facts.append(f"blocked: {_escaped(task['blocked_reason'])}")
    head = f"- [{'x' if is_done else ' '}] #{task['number']} {_escaped(task['title'])}"
    lines = [head + (f" ({'; '.join(facts)})" if facts else "")]
    blocks = [task["description"]] if task["description"] else []
    if task["command"]:
        blocks.append(f"Command: `{task['command']}`")
    blocks += [
        f"> **{_escaped(each['author'] or '')}** {each['created_at']}: {each['body']}" for each in task["comments"]
    ]
    for block in blocks:
        lines.append("")
        quote = "> " if block.startswith("> **") else ""
        first, *rest = block.split("\n")
        lines += [f"  {first}", *(f"  {quote}{line}".rstrip() for line in rest)]
    if blocks:
        lines.append("")
    return lines


def _escaped(text: str) -> str:
    return "".join(f"\\{character}" if character in "\\`*_[]<>" else character for character in text)
