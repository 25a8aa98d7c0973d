"""Reading the tasks.json of Task Master, old ({tasks: […]}) and tagged ({master: {tasks: […]}, …}).

Subtasks become tasks that their parent waits for. Texts for implementation and testing join the description.
Format: https://docs.task-master.dev/capabilities/task-structure
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from core.transfer.board import BadSource, ImportedBoard, ImportedTask, SourceFormat
from core.transfer.words import Gaps
from storage import Status

MAIN_TAG: Final = "master"

_MAPPED: Final = frozenset(
    [
        "id",
        "title",
        "description",
        "status",
        "priority",
        "dependencies",
        "details",
        "testStrategy",
        "acceptanceCriteria",
        "subtasks",
        "assignee",
        "parentId",
        "parentTaskId",
        "createdAt",
        "updatedAt",
    ]
)


def read(path: Path, data: Any) -> ImportedBoard:
    """The board in a parsed tasks.json.

    Raises:
        BadSource: it is not one.
    """
    gaps = Gaps()
    tasks: list[ImportedTask] = []
    for tag, listed in _tags(path, data).items():
        reader = _Tag(path, tag, listed, gaps)
        tasks.extend(reader.tasks())
    return ImportedBoard(
        source=str(path), format=SourceFormat.TASKMASTER, tasks=tuple(tasks), unmapped=tuple(gaps.found)
    )


def _tags(path: Path, data: Any) -> dict[str, list[Any]]:
    if isinstance(data, dict):
        if isinstance(data.get("tasks"), list):
            return {MAIN_TAG: data["tasks"]}
        tags = {
            str(name): each["tasks"]
            for name, each in data.items()
            if isinstance(each, dict) and isinstance(each.get("tasks"), list)
        }
        if tags:
            return tags
    raise BadSource(
        f"{path} holds no tasks: neither a board of ours nor a tasks.json of Task Master.",
        "Give the right file, or say what it is with --from.",
        file=str(path),
    )


class _Tag:
    """The tasks of one tag, which have numbers of their own."""

    def __init__(self, path: Path, tag: str, listed: list[Any], gaps: Gaps) -> None:
        self._path, self._tag, self._listed, self._gaps = path, tag, listed, gaps
        self._known = {name for name, _, _ in self._walk(listed, "")}

    def tasks(self) -> Iterator[ImportedTask]:
        """The tasks, each followed by its subtasks."""
        for name, parent, raw in self._walk(self._listed, ""):
            yield self._task(name, parent, raw)

    def _walk(self, listed: list[Any], parent: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for index, raw in enumerate(listed):
            if not isinstance(raw, dict) or isinstance(raw.get("id"), (dict, list, type(None))):
                where = f"{self._tag}: {parent and f'subtasks of {parent}, '}entry {index + 1}"
                raise BadSource(
                    f"{self._path}, {where}: a task is an object with an id.", "Correct the file.", file=str(self._path)
                )
            own = str(raw["id"])
            name = own if not parent or own.startswith(f"{parent}.") else f"{parent}.{own}"
            yield name, parent, raw
            subtasks = raw.get("subtasks") or []
            if not isinstance(subtasks, list):
                self._gaps.add(self._item(name), "subtasks", subtasks, "no list")
                subtasks = []
            yield from self._walk(subtasks, name)

    def _task(self, name: str, parent: str, raw: dict[str, Any]) -> ImportedTask:
        item = self._item(name)
        status = self._gaps.status(item, _text(raw.get("status")))
        for field, value in raw.items():
            if field not in _MAPPED and value not in (None, "", [], {}):
                self._gaps.add(item, field, value, "no such field here")
        subtasks = raw["subtasks"] if isinstance(raw.get("subtasks"), list) else []
        children = [f"{name}.{each['id']}" for each in subtasks if not str(each["id"]).startswith(f"{name}.")]
        children += [str(each["id"]) for each in subtasks if str(each["id"]).startswith(f"{name}.")]
        needs = [need for each in self._listed_needs(item, raw) if (need := self._need(item, parent, each))]
        return ImportedTask(
            key=self._key(name),
            title=_text(raw.get("title")),
            description=_description(raw),
            status=status,
            priority=self._gaps.priority(item, _text(raw.get("priority"))),
            labels=() if self._tag == MAIN_TAG else (self._tag,),
            needs=tuple(dict.fromkeys(self._key(each) for each in (*needs, *children))),
            assignee=_text(raw.get("assignee")).lstrip("@") or None,
            blocked_reason="blocked in Task Master" if status is Status.BLOCKED else None,
            archived_from=Status.TODO if status is Status.ARCHIVED else None,
            number=int(name) if name.isascii() and name.isdigit() else None,
        )

    def _listed_needs(self, item: str, raw: dict[str, Any]) -> list[Any]:
        needs = raw.get("dependencies") or []
        if isinstance(needs, list):
            return needs
        self._gaps.add(item, "dependencies", needs, "no list")
        return []

    def _need(self, item: str, parent: str, need: Any) -> str | None:
        """The name of a dependency. Among subtasks a bare number means a sibling."""
        word = _text(need)
        for name in (f"{parent}.{word}", word) if parent else (word,):
            if name in self._known:
                return name
        self._gaps.add(item, "dependencies", word, "there is no such task in the file")
        return None

    def _key(self, name: str) -> str:
        return name if self._tag == MAIN_TAG else f"{self._tag}/{name}"

    def _item(self, name: str) -> str:
        return self._key(name)


_SECTIONS: Final = (
    ("Details", "details"),
    ("Acceptance criteria", "acceptanceCriteria"),
    ("Test strategy", "testStrategy"),
)


def _description(raw: dict[str, Any]) -> str:
    parts = [_text(raw.get("description"))]
    parts += [f"## {heading}\n\n{text}" for heading, field in _SECTIONS if (text := _text(raw.get(field)).strip("\n"))]
    return "\n\n".join(part for part in parts if part)


def _text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else str(value)
