"""Which way a task may go: the one table of allowed transitions, and what each asks for."""

from typing import Final

from core.errors import InvalidData, InvalidTransition
from storage import COLUMNS, Status, Task

_ANYWHERE: Final = frozenset(COLUMNS)

ALLOWED: Final[dict[Status, frozenset[Status]]] = {
    Status.BACKLOG: _ANYWHERE - {Status.REVIEW},
    Status.TODO: _ANYWHERE,
    Status.IN_PROGRESS: _ANYWHERE,
    Status.BLOCKED: _ANYWHERE,
    Status.REVIEW: _ANYWHERE,
    Status.DONE: _ANYWHERE - {Status.BLOCKED},
    Status.ARCHIVED: frozenset(),
}
"""From each status, the columns it may move to. `archived` is entered by archiving and left by restoring only.

A board belongs to a person, so the table forbids only what cannot be meant: reviewing what nobody has begun, and
blocking what is finished.
"""

_HINTS: Final = {
    Status.BACKLOG: "Move it to todo or in_progress first.",
    Status.DONE: "Reopen it first, by moving it to todo or in_progress.",
    Status.ARCHIVED: "Restore it first with `wzp task restore`.",
}


def allowed_from(status: Status) -> frozenset[Status]:
    """The columns that a task may move to, its own included."""
    return ALLOWED[status] | ({status} if status is not Status.ARCHIVED else frozenset())


def check(task: Task, to: Status, *, reason: str | None) -> None:
    """Refuse a move that the rules of the board do not allow.

    Raises:
        InvalidTransition: the table does not lead there.
        InvalidData: `blocked` without a reason.
    """
    if to not in allowed_from(task.status):
        hint = "Archive it instead with `wzp task archive`." if to is Status.ARCHIVED else _HINTS.get(task.status, "")
        raise InvalidTransition(f"#{task.number} cannot go from {task.status} to {to}.", hint)
    if to is Status.BLOCKED and to is not task.status and not reason:
        raise InvalidData(
            f"#{task.number} cannot be blocked without a reason.", "Say what it waits for: --reason TEXT."
        )
