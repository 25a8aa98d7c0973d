"""Reading a Backlog.md folder: a Markdown file a task, with YAML front matter.

`tasks/` is the board; `drafts/` come to the backlog; `completed/` and `archive/` to the archive. A parent waits for
its subtasks. Format: https://github.com/MrLesk/Backlog.md, src/markdown/parser.ts
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from core.transfer.board import BadSource, ImportedBoard, ImportedTask, SourceFormat
from core.transfer.source import read_text
from core.transfer.words import Gaps
from storage import Status

_FOLDERS: Final = ("tasks", "drafts", "completed", "archive/tasks", "archive/drafts")
_ARCHIVED: Final = frozenset({"completed", "archive/tasks", "archive/drafts"})

_MAPPED: Final = frozenset(
    [
        "id",
        "title",
        "status",
        "assignee",
        "labels",
        "dependencies",
        "priority",
        "due_date",
        "ordinal",
        "parent_task_id",
        "subtasks",
        "created_date",
        "updated_date",
    ]
)
"""Times are told by the import itself; `subtasks` repeats what the children's `parent_task_id` says."""

_FRONT_MATTER: Final = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_MARKER: Final = re.compile(
    r"^<!-- (?:SECTION:\w+|AC|DOD|COMMENTS?|COMMENT:\d+):(?:BEGIN|END) -->[ \t]*\n?", re.MULTILINE
)
_UNQUOTED_NAME: Final = re.compile(r"(?<=[\[,:\-])(\s+|(?<=[\[,])\s*)(@[^\s,\]\"']+)")
"""`assignee: @user` and `[@user]`, which Backlog.md reads although YAML keeps `@` for itself."""


def folder_in(path: Path) -> Path | None:
    """The Backlog.md folder that `path` is or holds."""
    for folder in (path, path / "backlog", path / ".backlog"):
        if any((folder / name).is_dir() for name in ("tasks", "drafts", "completed")) and (
            (folder / "config.yml").exists() or any(folder.glob("tasks/*.md")) or any(folder.glob("*/*.md"))
        ):
            return folder
    return None


def read(folder: Path) -> ImportedBoard:
    """The board in a Backlog.md folder.

    Raises:
        BadSource: a file cannot be read; says where.
    """
    gaps = Gaps()
    found: dict[str, tuple[Path, str, Mapping[str, Any], str]] = {}
    for name in _FOLDERS:
        for path in sorted((folder / name).glob("*.md")):
            if path.name.lower() == "readme.md":
                continue
            front, body = _parts(path)
            identity = _text(front.get("id"))
            if not identity:
                raise BadSource(f"{path}, line 1: the front matter names no id.", "Correct it.", file=str(path), line=1)
            key = identity.casefold()
            if key in found:
                gaps.add(identity, "id", path.name, f"{found[key][0].name} has it already; this file is left out")
                continue
            found[key] = (path, name, front, body)
    children: dict[str, list[str]] = {}
    for key, (_, _, front, _) in found.items():
        if parent := _text(front.get("parent_task_id")).casefold():
            children.setdefault(parent, []).append(key)
    ordered = sorted(found, key=lambda key: (_ordinal(found[key][2]), _natural(key)))
    tasks = tuple(_task(key, *found[key], children.get(key, []), set(found), gaps) for key in ordered)
    return ImportedBoard(source=str(folder), format=SourceFormat.BACKLOG, tasks=tasks, unmapped=tuple(gaps.found))


def _task(
    key: str, path: Path, folder: str, front: Mapping[str, Any], body: str, children: list[str], known: set[str],
    gaps: Gaps,
) -> ImportedTask:  # fmt: skip
    item = _text(front["id"])
    for field, value in front.items():
        if field not in _MAPPED and value not in (None, "", [], {}):
            gaps.add(item, field, value, "no such field here")
    default = Status.BACKLOG if "drafts" in folder else Status.DONE if folder == "completed" else Status.TODO
    status = gaps.status(item, _text(front.get("status")), default=default)
    archived_from = None
    if folder in _ARCHIVED or status is Status.ARCHIVED:
        archived_from = Status.BACKLOG if status in (Status.ARCHIVED, Status.BLOCKED) else status
        status = Status.ARCHIVED
    assignees = [name for each in _several(front.get("assignee")) if (name := each.strip().lstrip("@"))]
    for name in assignees[1:]:
        gaps.add(item, "assignee", name, f"a task has one assignee; it is {assignees[0]}")
    number = None if "drafts" in folder else re.fullmatch(r"(?:.*-)?(\d+)", key)  # drafts count for themselves
    return ImportedTask(
        key=key,
        title=_text(front.get("title")) or path.stem,
        description=body,
        status=status,
        archived_from=archived_from,
        priority=gaps.priority(item, _text(front.get("priority"))),
        labels=tuple(dict.fromkeys(label for each in _several(front.get("labels")) if (label := each.strip()))),
        needs=tuple(dict.fromkeys([*_needs(item, key, front, known, gaps), *children])),
        assignee=assignees[0] if assignees else None,
        due=gaps.day(item, "due_date", _text(front.get("due_date"))),
        blocked_reason="blocked in Backlog.md" if status is Status.BLOCKED else None,
        number=int(number[1]) if number and len(number[1]) < 10 else None,
    )


def _needs(item: str, key: str, front: Mapping[str, Any], known: set[str], gaps: Gaps) -> list[str]:
    prefix = key.rpartition("-")[0]
    needs = []
    for each in _several(front.get("dependencies")):
        name = each.strip().casefold()
        names = [candidate for candidate in (name, f"{prefix}-{name}") if candidate in known]
        if names:
            needs.append(names[0])
        elif name:
            gaps.add(item, "dependencies", each, "there is no such task in the folder")
    return needs


def _parts(path: Path) -> tuple[Mapping[str, Any], str]:
    """The front matter and the text below it.

    Raises:
        BadSource: there is none, or it is not YAML.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    content = read_text(path).replace("\r\n", "\n")
    match = _FRONT_MATTER.match(content)
    if match is None:
        raise BadSource(
            f"{path}, line 1: there is no front matter between two lines of ---.", "Correct or remove the file.",
            file=str(path), line=1,
        )  # fmt: skip
    lines = [
        _UNQUOTED_NAME.sub(r'\1"\2"', line) if re.match(r"\s*(?:assignee|reporter)\s*:|\s*-\s+@", line) else line
        for line in match[1].split("\n")
    ]
    try:
        front = YAML(typ="base", pure=True).load("\n".join(lines)) or {}
    except MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 2, mark.column + 1) if mark else (1, 1)
        raise BadSource(
            f"{path}, line {line}, column {column}: this is not YAML ({error.problem}).", "Correct the front matter.",
            file=str(path), line=line, column=column,
        ) from error  # fmt: skip
    except YAMLError as error:
        raise BadSource(f"{path}: the front matter is not YAML: {error}.", "Correct it.", file=str(path)) from error
    if not isinstance(front, dict):
        raise BadSource(f"{path}, line 2: the front matter has no fields.", "Correct it.", file=str(path), line=2)
    return front, _MARKER.sub("", content[match.end() :]).strip("\n")


def _several(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [_text(value)] if value else []


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _ordinal(front: Mapping[str, Any]) -> float:
    try:
        return float(_text(front.get("ordinal")) or "inf")
    except ValueError:
        return float("inf")


def _natural(key: str) -> list[tuple[bool, int, str]]:
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", key)]
