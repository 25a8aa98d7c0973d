"""Which way a task may go: the one table of allowed transitions, and what each asks for."""

from typing import Final

from core.errors import InvalidData, InvalidTransition, OpenDependencies, PermissionDenied
from storage import COLUMNS, Role, Status, Task

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
    Status.ARCHIVED: "Restore it first: wzp task restore.",
}


def allowed_from(status: Status) -> frozenset[Status]:
    """The columns that a task may move to, its own included."""
    return ALLOWED[status] | ({status} if status is not Status.ARCHIVED else frozenset())


def check(task: Task, to: Status, *, role: Role, reason: str | None, despite_dependencies: bool) -> None:
    """Refuse a move that the rules of the board do not allow.

    Raises:
        InvalidTransition: the table does not lead there.
        InvalidData: `blocked` without a reason.
        OpenDependencies: to `done` while the task waits for others.
        PermissionDenied: `despite_dependencies` from less than an operator.
    """
    if to not in allowed_from(task.status):
        hint = "Archive it instead: wzp task archive." if to is Status.ARCHIVED else _HINTS.get(task.status, "")
        raise InvalidTransition(f"#{task.number} cannot go from {task.status} to {to}.", hint)
    if to is task.status:
        return
    if to is Status.BLOCKED and not reason:
        raise InvalidData(
            f"#{task.number} cannot be blocked without a reason.", "Say what it waits for: --reason TEXT."
        )
    if to is Status.DONE and task.waiting_on:
        if not despite_dependencies:
            raise OpenDependencies(
                f"#{task.number} waits for {task.waiting_on} open {'task' if task.waiting_on == 1 else 'tasks'}.",
                "Finish them first, or pass --despite-dependencies.",
                open=task.waiting_on,
            )
        if role < Role.OPERATOR:
            raise PermissionDenied(
                f"Only an operator may finish #{task.number} despite its open dependencies.",
                "Ask the person, or finish them first.",
            )
