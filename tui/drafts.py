"""What was written and could not be saved: kept, so that whoever goes on writing finds it again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from storage import Task, TaskId
from tui.translation import _

if TYPE_CHECKING:
    from tui.app import ParallelApp


@dataclass(slots=True)
class Drafts:
    """The drafts of this session: of each task's fields, of a comment on each task and of its handoff, and of a new
    card's title."""

    _fields: dict[TaskId, dict[str, Any]] = field(default_factory=dict)
    _comments: dict[TaskId, str] = field(default_factory=dict)
    _handoffs: dict[TaskId, dict[str, Any]] = field(default_factory=dict)
    _title: str = ""

    def keep_fields(self, task: TaskId, fields: Mapping[str, Any]) -> None:
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

    def keep_handoff(self, task: TaskId, fields: Mapping[str, Any]) -> None:
        """Keep what was written into a handoff of a task."""
        self._handoffs[task] = dict(fields)

    def take_handoff(self, task: TaskId) -> dict[str, Any]:
        """What was written into a handoff of a task, by field; it is kept no longer."""
        return self._handoffs.pop(task, {})

    def keep_title(self, title: str) -> None:
        """Keep the title of a new card."""
        self._title = title

    def take_title(self) -> str:
        """The title of the new card; it is kept no longer."""
        title, self._title = self._title, ""
        return title


def keep_fields(app: "ParallelApp", task: Task, fields: Mapping[str, Any]) -> None:
    """The fields of a task could not be saved: keep them, and say so."""
    app.drafts.keep_fields(task.id, fields)
    app.tell(
        _("#{number} was not saved.").format(number=task.number), hint=_("What you wrote is kept: e goes on with it.")
    )


def keep_comment(app: "ParallelApp", task: Task, body: str) -> None:
    """A comment could not be saved: keep it, and say so."""
    app.drafts.keep_comment(task.id, body)
    app.tell(_("The comment was not saved."), hint=_("What you wrote is kept: c goes on with it."))


def keep_handoff(app: "ParallelApp", task: Task, fields: Mapping[str, Any]) -> None:
    """A handoff could not be stored: keep what was written, and say so."""
    app.drafts.keep_handoff(task.id, fields)
    app.tell(_("The handoff was not stored."), hint=_("What you wrote is kept: hand the task over again."))


def keep_title(app: "ParallelApp", title: str) -> None:
    """A card could not be added: keep its title, and say so."""
    app.drafts.keep_title(title)
    app.tell(_("The card was not added."), hint=_("Its title is kept: n goes on with it."))
