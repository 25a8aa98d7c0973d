"""Reading our own JSON export."""

from datetime import date
from pathlib import Path
from typing import Any

from core.transfer.board import (
    BadSource,
    ImportedAgent,
    ImportedBoard,
    ImportedComment,
    ImportedTask,
    SourceFormat,
)
from core.transfer.words import Gaps
from core.transfer.write import FORMAT_NAME, FORMAT_VERSION
from storage import COLUMNS, AgentKind, Priority, Role, Status, WipMode

_TASK_FIELDS = frozenset(
    [
        "number",
        "title",
        "description",
        "status",
        "priority",
        "labels",
        "dependencies",
        "assignee",
        "estimate_minutes",
        "due",
        "command",
        "parent",
        "attempts",
        "idempotent",
        "time_limit_seconds",
        "collects_files",
        "blocked_reason",
        "archived_from",
        "comments",
        "created_by",
        "created_at",
        "updated_at",
        "status_changed_at",
    ]
)
"""Those of the last line tell when and by whom; here the import itself is that."""


def read(path: Path, data: Any) -> ImportedBoard:
    """The board in a parsed export.

    Raises:
        BadSource: it is not one, a value is not of its type, or a newer program wrote it.
    """
    if not isinstance(data, dict) or data.get("format") != FORMAT_NAME or not isinstance(data.get("tasks"), list):
        raise BadSource(f"{path} is no export of ours.", "Say what it is with --from.", file=str(path))
    if data.get("version") != FORMAT_VERSION:
        raise BadSource(
            f"{path} has version {data.get('version')!r} of the format; this program reads {FORMAT_VERSION}.",
            "Install the newest wezterm-parallel.",
            file=str(path),
        )
    gaps = Gaps()
    room = data.get("room") or {}
    agents = tuple(_agent(path, index, raw) for index, raw in enumerate(_list(path, "board", data, "agents", dict)))
    tasks = tuple(_task(path, index, raw, gaps) for index, raw in enumerate(data["tasks"]))
    return ImportedBoard(
        source=str(path), format=SourceFormat.JSON, tasks=tasks, agents=agents, wip_limits=_limits(path, room),
        wip_mode=_word(path, "room", room, "wip_mode", WipMode, WipMode.WARN), unmapped=tuple(gaps.found),
    )  # fmt: skip


def _limits(path: Path, room: Any) -> dict[Status, int]:
    if not isinstance(room, dict):
        raise _wrong(path, "room", room, "an object")
    raw = room.get("wip_limits") or {}
    if not isinstance(raw, dict) or not set(raw) <= set(COLUMNS):
        raise _wrong(path, "room.wip_limits", raw, "an object of columns")
    limits = {Status(column): _number(path, "room.wip_limits", raw, column) for column in raw}
    return {column: limit for column, limit in limits.items() if limit is not None}


def _agent(path: Path, index: int, raw: Any) -> ImportedAgent:
    where = f"agents[{index}]"
    return ImportedAgent(
        name=_text(path, where, raw, "name"),
        kind=_word(path, where, raw, "kind", AgentKind, AgentKind.PERSON),
        role=_word(path, where, raw, "role", Role, Role.AGENT),
        description=_text(path, where, raw, "description"),
    )


def _task(path: Path, index: int, raw: Any, gaps: Gaps) -> ImportedTask:
    where = f"tasks[{index}]"
    title = _text(path, where, raw, "title")
    number = _number(path, where, raw, "number")
    for field in raw:
        if field not in _TASK_FIELDS:
            gaps.add(f"#{number}", field, raw[field], "unknown field")
    status = _word(path, where, raw, "status", Status, Status.BACKLOG)
    archived_from = (
        _word(path, where, raw, "archived_from", Status, Status.BACKLOG) if raw.get("archived_from") else None
    )
    if status is Status.ARCHIVED and archived_from in (None, Status.ARCHIVED):
        archived_from = Status.BACKLOG
    return ImportedTask(
        key=str(number) if number is not None else where,
        number=number,
        title=title,
        description=_text(path, where, raw, "description"),
        status=status,
        priority=_word(path, where, raw, "priority", Priority, Priority.NORMAL),
        labels=tuple(_list(path, where, raw, "labels", str)),
        needs=tuple(str(need) for need in _list(path, where, raw, "dependencies", int)),
        assignee=_text(path, where, raw, "assignee") or None,
        estimate_minutes=_number(path, where, raw, "estimate_minutes"),
        due=_due(path, where, raw),
        command=_text(path, where, raw, "command") or None,
        parent=str(parent) if (parent := _number(path, where, raw, "parent")) is not None else None,
        attempts=_number(path, where, raw, "attempts") or 1,
        idempotent=_flag(path, where, raw, "idempotent"),
        time_limit_seconds=_number(path, where, raw, "time_limit_seconds"),
        collects_files=_flag(path, where, raw, "collects_files"),
        blocked_reason=_text(path, where, raw, "blocked_reason") or None,
        archived_from=archived_from if status is Status.ARCHIVED else None,
        comments=tuple(
            ImportedComment(
                author=_text(path, f"{where}.comments[{at}]", each, "author"),
                body=_text(path, f"{where}.comments[{at}]", each, "body"),
            )
            for at, each in enumerate(_list(path, where, raw, "comments", dict))
        ),
    )


def _text(path: Path, where: str, raw: Any, field: str) -> str:
    if not isinstance(raw, dict):
        raise _wrong(path, where, raw, "an object")
    value = raw.get(field)
    if not isinstance(value, (str, type(None))):
        raise _wrong(path, f"{where}.{field}", value, "a text")
    return value or ""


def _number(path: Path, where: str, raw: dict[str, Any], field: str) -> int | None:
    value = raw.get(field)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**31:
        raise _wrong(path, f"{where}.{field}", value, "a positive whole number")
    return value


def _flag(path: Path, where: str, raw: dict[str, Any], field: str) -> bool:
    value = raw.get(field)
    if not isinstance(value, (bool, type(None))):
        raise _wrong(path, f"{where}.{field}", value, "true or false")
    return bool(value)


def _word(path: Path, where: str, raw: dict[str, Any], field: str, kind: Any, default: Any) -> Any:
    value = raw.get(field)
    if value is None:
        return default
    try:
        return kind(value)
    except ValueError:
        raise _wrong(path, f"{where}.{field}", value, "one of " + ", ".join(kind)) from None


def _list(path: Path, where: str, raw: dict[str, Any], field: str, kind: type) -> list[Any]:
    values = raw.get(field) or []
    if not isinstance(values, list) or not all(isinstance(each, kind) for each in values):
        raise _wrong(path, f"{where}.{field}", values, f"a list of {kind.__name__}")
    return values


def _due(path: Path, where: str, raw: dict[str, Any]) -> Any:

    text = _text(path, where, raw, "due")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise _wrong(path, f"{where}.due", text, "a date") from None


def _wrong(path: Path, where: str, value: Any, expected: str) -> BadSource:
    return BadSource(
        f"{path}: {where} is {str(value)[:60]!r}, not {expected}.", "Correct the file.", file=str(path), field=where
    )
