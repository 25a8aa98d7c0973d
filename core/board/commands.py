"""A task's command: whether it may run as it is, and the numbers that bound its runs."""

from typing import TYPE_CHECKING, Final

from core.errors import InvalidData
from storage import AgentCommands, Role, Task

if TYPE_CHECKING:
    from core.work import Work

MOST_ATTEMPTS: Final = 100
LONGEST_LIMIT_S: Final = 30 * 86_400


def needs_no_approval(work: "Work") -> bool:
    """Whether a command that the caller sets may run: a person's or operator's, or an agent's where the room allows."""
    return work.actor.role >= Role.OPERATOR or work.room.agent_commands is AgentCommands.ALLOW


def approval(work: "Work", task: Task, command: str | None) -> bool:
    """Whether a task's command is approved once it is `command`; a new one is only if its author needs no approval."""
    if command == task.command:
        return task.command_approved
    return command is None or needs_no_approval(work)


def checked_attempts(attempts: int) -> int:
    """How often a command is tried.

    Raises:
        InvalidData: it makes no sense.
    """
    if not 1 <= attempts <= MOST_ATTEMPTS:
        raise InvalidData(f"{attempts} attempts make no sense.", f"Give a number from 1 to {MOST_ATTEMPTS}.")
    return attempts


def checked_limit(seconds: int | None) -> int | None:
    """The seconds that a command may take.

    Raises:
        InvalidData: they make no sense.
    """
    if seconds is not None and not 1 <= seconds <= LONGEST_LIMIT_S:
        raise InvalidData(
            f"A time limit of {seconds} seconds makes no sense.", f"Give 1 to {LONGEST_LIMIT_S:,}, or none."
        )
    return seconds
