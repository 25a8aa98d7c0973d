"""Reading a CSV, ours or another program's: columns are known by many names, in any order."""

import csv
import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from core.transfer.board import BadSource, ImportedBoard, ImportedComment, ImportedTask, SourceFormat
from core.transfer.words import Gaps
from storage import Status

LONGEST_CELL: Final = 16 * 1024 * 1024

_NAMES: Final = {
    "number": ("number", "id", "key", "no", "issue", "issuekey", "taskid", "task id"),
    "title": ("title", "name", "summary", "task", "subject", "taskname"),
    "description": ("description", "body", "details", "notes", "content", "text"),
    "status": ("status", "state", "column", "list", "stage"),
    "archived_from": ("archivedfrom",),
    "priority": ("priority", "prio", "urgency"),
    "labels": ("labels", "label", "tags", "tag", "categories"),
    "assignee": ("assignee", "assignees", "owner", "assignedto", "assigned", "responsible"),
    "dependencies": ("dependencies", "dependson", "blockedby", "needs", "waitsfor", "predecessors"),
    "estimate_minutes": ("estimateminutes", "estimate", "timeestimate", "originalestimate", "effort"),
    "due": ("due", "duedate", "deadline"),
    "command": ("command",),
    "parent": ("parent", "partof", "epic"),
    "attempts": ("attempts",),
    "idempotent": ("idempotent",),
    "time_limit_seconds": ("timelimitseconds",),
    "collects_files": ("collectsfiles",),
    "blocked_reason": ("blockedreason", "blockreason"),
    "comments": ("comments",),
    "": ("createdat", "updatedat", "createdby", "created", "updated", "statuschangedat"),
}
"""Our field, and the headers that mean it, in lower case without separators. Times are told by the import itself."""

_FIELDS: Final = {name.replace(" ", ""): field for field, names in _NAMES.items() for name in names}


_YES: Final = frozenset({"true", "yes", "on", "1"})


def read(path: Path, content: str) -> ImportedBoard:
    """The board in a CSV with a header line.

    Raises:
        BadSource: it is not one; says in which line.
    """
    gaps = Gaps()
    csv.field_size_limit(LONGEST_CELL)
    rows = csv.reader(io.StringIO(content, newline=""), delimiter=_delimiter(content), strict=True)
    tasks: list[ImportedTask] = []
    try:
        header = next(rows, [])
        columns = _columns(path, header, gaps)
        line = rows.line_num + 1
        for row in rows:
            if any(cell.strip() for cell in row):
                cells = {field: row[index] for index, field in columns.items() if index < len(row)}
                if len(row) > len(header):
                    gaps.add(f"line {line}", "", ", ".join(row[len(header) :]), "there are more cells than columns")
                tasks.append(_task(line, cells, gaps))
            line = rows.line_num + 1
    except csv.Error as error:
        raise BadSource(
            f"{path}, line {rows.line_num}: this is not CSV ({error}).", "Correct the file.",
            file=str(path), line=rows.line_num,
        ) from error  # fmt: skip
    return ImportedBoard(source=str(path), format=SourceFormat.CSV, tasks=tuple(tasks), unmapped=tuple(gaps.found))


def _delimiter(content: str) -> str:
    first = content.lstrip().partition("\n")[0]
    return max(",;\t", key=first.count)


def _columns(path: Path, header: list[str], gaps: Gaps) -> dict[int, str]:
    columns: dict[int, str] = {}
    for index, name in enumerate(header):
        field = _FIELDS.get(re.sub(r"[\W_]+", "", name.casefold()))
        if field is None or (field and field in columns.values()):
            gaps.add("all lines", name, "", "unknown column" if field is None else f"there is a {field} already")
        elif field:
            columns[index] = field
    if "title" not in columns.values():
        named = ", ".join(header[:12])[:200] or "nothing"
        raise BadSource(
            f"{path}, line 1: no column is called title, name, summary or task (there is: {named}).",
            "Give the file a header line with a title column.",
            file=str(path), line=1,
        )  # fmt: skip
    return columns


def _task(line: int, cells: Mapping[str, str], gaps: Gaps) -> ImportedTask:
    item = f"line {line}"

    def text(field: str) -> str:
        return cells.get(field, "").strip()

    status = gaps.status(item, text("status"), default=Status.BACKLOG)
    archived_from = None
    if status is Status.ARCHIVED:
        archived_from = gaps.status(item, text("archived_from"), default=Status.BACKLOG)
    key = text("number").removeprefix("#")
    is_exact = text("assignee").startswith("[")
    assignees = [each if is_exact else each.lstrip("@") for each in _several(text("assignee"))]
    for name in assignees[1:]:
        gaps.add(item, "assignee", name, f"a task has one assignee; it is {assignees[0]}")
    return ImportedTask(
        key=key or item,
        title=cells.get("title", ""),
        description=cells.get("description", ""),
        status=status,
        archived_from=Status.BACKLOG if archived_from is Status.ARCHIVED else archived_from,
        priority=gaps.priority(item, text("priority")),
        labels=tuple(_several(text("labels"))),
        needs=tuple(each.removeprefix("#") for each in _several(text("dependencies"), spaces=True)),
        assignee=(assignees[0] if assignees else None) or None,
        estimate_minutes=gaps.minutes(item, "estimate", text("estimate_minutes")),
        due=gaps.day(item, "due", text("due")),
        command=text("command") or None,
        parent=text("parent").removeprefix("#") or None,
        attempts=_whole(item, "attempts", text("attempts"), gaps) or 1,
        idempotent=text("idempotent").casefold() in _YES,
        time_limit_seconds=_whole(item, "time_limit_seconds", text("time_limit_seconds"), gaps),
        collects_files=text("collects_files").casefold() in _YES,
        blocked_reason=text("blocked_reason") or None,
        number=int(key) if key.isascii() and key.isdigit() and 0 < len(key) < 10 and int(key) else None,
        comments=_comments(item, text("comments"), gaps),
    )


def _whole(item: str, field: str, cell: str, gaps: Gaps) -> int | None:
    if cell.isascii() and cell.isdigit() and len(cell) < 10:
        return int(cell)
    if cell:
        gaps.add(item, field, cell, "no whole number")
    return None


def _several(cell: str, *, spaces: bool = False) -> list[str]:
    if cell.startswith("["):
        try:
            values = json.loads(cell)
        except ValueError:
            values = None
        if isinstance(values, list):
            return [str(each) for each in values]
    return [word for each in re.split(r"[,;\s]" if spaces else r"[,;]", cell) if (word := each.strip())]


def _comments(item: str, cell: str, gaps: Gaps) -> tuple[ImportedComment, ...]:
    if not cell:
        return ()
    try:
        return tuple(ImportedComment(author=str(each["author"]), body=str(each["body"])) for each in json.loads(cell))
    except (ValueError, TypeError, KeyError):
        gaps.add(item, "comments", cell, "comments are read from our own exports only")
        return ()
