"""What the product refuses and why: the errors of rules, on the base that storage/errors.py defines."""

from collections.abc import Sequence

from storage import Entity, Event, ParallelError


class InvalidData(ParallelError):
    """An argument is not acceptable; the message names it and its value."""

    code = "invalid_data"
    exit_code = 2


class NotFound(ParallelError):
    """Nothing in reach goes by that name, number or id."""

    code = "not_found"
    exit_code = 3


class VersionConflict(ParallelError):
    """The entity has changed since the version that the caller named.

    Carries `current`, the row as it stands, and `changes`, the events since that version, oldest first.
    """

    code = "version_conflict"
    exit_code = 4

    def __init__(self, message: str, hint: str, *, current: Entity, changes: Sequence[Event]) -> None:
        super().__init__(message, hint)
        self.current = current
        self.changes = tuple(changes)


class RuleRefusal(ParallelError):
    """A rule of the product does not allow it."""

    code = "refused"
    exit_code = 5


class InvalidTransition(RuleRefusal):
    """The board's rules do not lead from the present status to the one asked for."""

    code = "invalid_transition"


class OpenDependencies(RuleRefusal):
    """The task waits for others that are not closed yet. `details["open"]` lists their numbers."""

    code = "open_dependencies"


class DependencyCycle(RuleRefusal):
    """The dependency would make a task wait for itself. `details["cycle"]` lists the numbers around it."""

    code = "dependency_cycle"


class WipLimit(RuleRefusal):
    """The column is full and the room refuses more."""

    code = "wip_limit"


class UndoRefused(RuleRefusal):
    """Somebody has since changed the same fields, or there is nothing to undo."""

    code = "undo_refused"


class ClaimHeld(RuleRefusal):
    """Another agent's session has claimed the task, or the caller's own claim of it is over."""

    code = "claim_held"


class ReviewRequired(RuleRefusal):
    """The room's review gate: the approval is for somebody else to give."""

    code = "review_required"


class SessionOver(ParallelError):
    """The session that the call names has ended, was lost, or never was. `details` say which and why."""

    code = "session_over"
    exit_code = 6


class SessionTaken(ParallelError):
    """Another process has taken up the session; the caller no longer has it."""

    code = "session_taken"
    exit_code = 6


class PermissionDenied(ParallelError):
    """The role of the caller does not allow the operation."""

    code = "permission_denied"
    exit_code = 6


class NotApproved(RuleRefusal):
    """A room's room.yaml, or a command that an agent has set, has not been approved by a person."""

    code = "not_approved"


class HostLost(ParallelError):
    """Another process has become the host of the services since; what this one observes no longer counts."""

    code = "host_lost"
    exit_code = 6


class BackendUnavailable(ParallelError):
    """What a process was to run in (a multiplexer, a runner) is not there or does not answer."""

    code = "backend_unavailable"
    exit_code = 8


class NotSettled(ParallelError):
    """What was asked for is stored, and has not come true in the time that the caller would wait."""

    code = "timeout"
    exit_code = 8


class ProcessFailed(ParallelError):
    """A process could not be started, or ended otherwise than was asked for."""

    code = "process_failed"
    exit_code = 8
