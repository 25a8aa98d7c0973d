"""What was written and could not be saved: kept, so that whoever goes on writing finds it again."""

from dataclasses import dataclass, field
from typing import Any

from storage import TaskId


@dataclass(slots=True)
class Drafts:
    """The drafts of this session: of each task's fields, of a comment on each task, and of a new card's title."""

    _fields: dict[TaskId, dict[str, Any]] = field(default_factory=dict)
    _comments: dict[TaskId, str] = field(default_factory=dict)
    _title: str = ""

    def keep_fields(self, task: TaskId, fields: dict[str, Any]) -> None:
        """Keep what was written into the form of a task."""
        self._fields[task] = {**self._fields.get(task, {}), **fields}

    def take_fields(self, task: TaskId) -> dict[str, Any]:
        """What was written into the form of a task, by field; it is kept no longer."""
        return self._fields.pop(task, {})

    def keep_comment(self, task: TaskId, body: str) -> None:
        """Keep a comment."""
        self._comments[task] = body

    def take_comment(self, task: TaskId) -> str:
        """The comment that was written on a task; it is kept no longer."""
        return self._comments.pop(task, "")

    def keep_title(self, title: str) -> None:
        """Keep the title of a new card."""
        self._title = title

    def take_title(self) -> str:
        """The title of the new card; it is kept no longer."""
        title, self._title = self._title, ""
        return title
