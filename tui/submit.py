"""Saving without overwriting: a change goes out with the version that the person saw; where somebody was faster,
disjoint changes are merged and said so, and everything else is asked field by field before anything is written.

Call these in a worker: they wait for dialogs.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from core.board import CLOSED
from core.errors import OpenDependencies, VersionConflict
from core.execute import Outcome
from core.operations import find
from core.text import for_screen
from storage import Event, ParallelError, Status, Task, TaskId
from tui.messages import Severity
from tui.translation import _
from tui.wording import Names, field_name, status_name

if TYPE_CHECKING:
    from tui.app import ParallelApp
    from tui.dialogs.conflict import Sides

ATTEMPTS: Final = 20
"""How often a change is sent again over changes of others before the person is told that the card does not rest."""

PLACE: Final = "place"
"""The one choice of a move: a column and a place in it belong together."""

_MOVES: Final = frozenset({"move_task", "move_tasks"})
_LEADS_TO: Final = {
    "archive_task": Status.ARCHIVED,
    "archive_tasks": Status.ARCHIVED,
    "approve_task": Status.DONE,
    "send_back_task": Status.TODO,
}
"""Operations that are a move although their arguments do not say whereto."""


@dataclass(slots=True)
class _Sending:
    """One change on its way: what is sent for which tasks, known at which versions."""

    operation: str
    arguments: dict[str, Any]
    bases: dict[TaskId, Task]
    versions: dict[TaskId, int] = field(default_factory=dict)
    reason: str | None = None
    merged: list[Event] = field(default_factory=list)
    unsaved: Callable[[], None] | None = None

    def fail(self) -> None:
        """What the person wanted could not be written, or was left: not what they have decided against."""
        if self.unsaved is not None:
            self.unsaved()


async def submit(
    app: "ParallelApp",
    operation: str,
    base: Task,
    *,
    reason: str | None = None,
    unsaved: Callable[[], None] | None = None,
    **arguments: Any,
) -> Outcome | None:
    """Carry out an operation on one task as the person saw it.

    Args:
        operation: one whose first argument is `task`.
        base: the task as it was shown when the person decided.
        unsaved: called where nothing was written although the person did not decide for theirs.

    Returns:
        The outcome; None where nothing was written. The person has been told why.
    """
    sending = _Sending(operation, arguments, {base.id: base}, {base.id: base.version}, reason, unsaved=unsaved)
    return await _send(app, sending, is_bulk=False)


async def submit_many(
    app: "ParallelApp", operation: str, bases: Sequence[Task], *, reason: str | None = None, **arguments: Any
) -> Outcome | None:
    """Carry out a bulk operation (`tasks`, `expected_versions`) as one change; tasks left to others are left out."""
    if not bases:
        return None
    sending = _Sending(
        operation, arguments, {base.id: base for base in bases}, {base.id: base.version for base in bases}, reason
    )
    return await _send(app, sending, is_bulk=True)


async def _send(app: "ParallelApp", sending: _Sending, *, is_bulk: bool) -> Outcome | None:
    if not await _ask_why_blocked(app, sending):
        return None
    for _attempt in range(ATTEMPTS):
        try:
            outcome = await app.desk.call(sending.operation, reason=sending.reason, **_call_arguments(sending, is_bulk))
        except VersionConflict as conflict:
            if not isinstance(conflict.current, Task) or not conflict.changes:
                app.tell_error(conflict)
                sending.fail()
                return None
            if not await _reconcile(app, sending, conflict.current, conflict.changes, is_bulk=is_bulk):
                return None
        except OpenDependencies as error:
            if sending.arguments.get("despite_dependencies") or not await _finish_anyway(app, sending, error):
                return None
        except ParallelError as error:
            app.tell_error(error)
            sending.fail()
            return None
        else:
            _tell(app, sending, outcome)
            return outcome
    app.tell(
        _("{tasks} keeps being changed by others; nothing was saved.").format(tasks=_numbers(sending)),
        severity=Severity.ERROR,
        hint=_("Try again in a moment."),
    )
    sending.fail()
    return None


def _call_arguments(sending: _Sending, is_bulk: bool) -> dict[str, Any]:
    if is_bulk:
        return {
            **sending.arguments,
            "tasks": tuple(sending.versions),
            "expected_versions": tuple(sending.versions.values()),
        }
    ((task, version),) = sending.versions.items()
    takes_version = any(each.name == "expected_version" for each in find(sending.operation).parameters)
    return {**sending.arguments, "task": task, **({"expected_version": version} if takes_version else {})}


def _changed_labels(sending: _Sending, present: tuple[str, ...]) -> tuple[str, ...]:
    added, removed = sending.arguments.get("add_labels", ()), sending.arguments.get("remove_labels", ())
    return tuple(label for label in dict.fromkeys((*present, *added)) if label not in removed)


async def _reconcile(
    app: "ParallelApp", sending: _Sending, current: Task, changes: Sequence[Event], *, is_bulk: bool
) -> bool:
    """Make the next attempt possible: merged, or as the person chooses. False where nothing is to be written."""
    theirs = {name for event in changes for name in event.after}
    base = sending.bases[current.id]
    mine = _mine(sending, base, current)
    disputed = {name: value for name, value in mine.items() if _is_disputed(name, value, theirs, current)}
    if not disputed:
        sending.merged.extend(changes)
        sending.versions[current.id] = current.version
        sending.bases[current.id] = current
        return True
    from tui.dialogs import ConflictDialog

    names = Names(app.state)
    sides = [_place_sides(app, sending, base, current)] if PLACE in disputed else None
    undisputed = {name: value for name, value in mine.items() if name not in disputed}
    chosen = await app.push_screen_wait(
        ConflictDialog(base, current, disputed, changes, names, sides=sides, also=tuple(undisputed))
    )
    sending.bases[current.id] = current
    if chosen and len(chosen) == len(disputed):
        sending.versions[current.id] = current.version
        return True
    if is_bulk:
        return await _leave_out(app, sending, current, {**undisputed, **(chosen or {})})
    if chosen is None:
        sending.fail()
        return False
    if not chosen and not undisputed:
        return False
    # Each field's choice: only edits have several fields, and their arguments are called like them.
    sending.arguments = {**undisputed, **chosen}
    sending.versions[current.id] = current.version
    return True


def _is_disputed(name: str, value: Any, theirs: set[str], current: Task) -> bool:
    if name == PLACE:
        return bool(theirs & {"status", "rank"})
    return name in theirs and getattr(current, name) != value


async def _leave_out(app: "ParallelApp", sending: _Sending, task: Task, remaining: dict[str, Any]) -> bool:
    """Take a task out of a bulk change; what of mine still holds for it is saved by itself."""
    del sending.versions[task.id]
    if remaining and sending.operation == "update_tasks":
        await submit(app, "update_task", task, reason=sending.reason, **remaining)
    return bool(sending.versions)


def _mine(sending: _Sending, base: Task, current: Task) -> dict[str, Any]:
    """What the change would make of the task, by field. Additions to a set count on top of what is there now, since
    that is what will be written."""
    arguments = sending.arguments
    if sending.operation in _MOVES:
        return {PLACE: arguments["to"]}
    if sending.operation == "assign_task":
        return {"assignee": arguments["to"]}
    if sending.operation == "depend_task":
        on = tuple(arguments["on"])
        kept = tuple(each for each in current.dependencies if each not in on)
        return {"dependencies": kept if arguments.get("remove") else (*current.dependencies, *(
            each for each in on if each not in current.dependencies
        ))}  # fmt: skip
    if sending.operation in _LEADS_TO:
        return {"status": _LEADS_TO[sending.operation]}
    if sending.operation == "restore_task":
        return {"status": arguments.get("to") or base.archived_from or Status.BACKLOG}
    fields = {name: value for name, value in arguments.items() if name not in ("add_labels", "remove_labels")}
    if len(fields) < len(arguments):
        fields["labels"] = _changed_labels(sending, current.labels)
    return fields


def _place_sides(app: "ParallelApp", sending: _Sending, base: Task, current: Task) -> "Sides":
    from tui.dialogs.conflict import Sides

    before = sending.arguments.get("before")
    to = Status(sending.arguments["to"])
    anchor = app.state.tasks.get(before) if before is not None else None
    return Sides(PLACE, _place(app, base), _place(app, current), _place_in(to, anchor))


def _place(app: "ParallelApp", task: Task) -> str:
    others = [each for each in app.state.column(task.status) if each.id != task.id]
    index = bisect_right(others, (task.rank, task.id), key=lambda each: (each.rank, each.id))
    return _place_in(task.status, others[index] if index < len(others) else None)


def _place_in(status: Status, anchor: Task | None) -> str:
    if anchor is None:
        return _("{column}, last").format(column=status_name(status))
    task = f"#{anchor.number} {for_screen(anchor.title)}"
    return _("{column}, before {task}").format(column=status_name(status), task=task)


async def _ask_why_blocked(app: "ParallelApp", sending: _Sending) -> bool:
    """A task is blocked with a reason only: ask for it where none came with the move."""
    is_needed = sending.operation in _MOVES and sending.arguments.get("to") == Status.BLOCKED and not sending.reason
    if not is_needed or all(task.status is Status.BLOCKED for task in sending.bases.values()):
        return True
    from tui.dialogs import AskLine

    question = AskLine(_("Why is {tasks} blocked?").format(tasks=_numbers(sending)), placeholder=_("what it waits for"))
    sending.reason = await app.push_screen_wait(question) or None
    return sending.reason is not None


async def _finish_anyway(app: "ParallelApp", sending: _Sending, error: OpenDependencies) -> bool:
    from tui.dialogs import Confirm

    lines = [error.message]
    for task in sending.bases.values():
        needs = [app.state.tasks[each] for each in task.dependencies if each in app.state.tasks]
        lines.extend(
            f"  #{need.number} {for_screen(need.title)} ({status_name(need.status)})"
            for need in needs
            if need.status not in CLOSED and task.id in sending.versions
        )
    question = Confirm(
        _("Finish it although it waits for others?"),
        "\n".join(lines),
        yes=_("Finish anyway"),
        no=_("Leave it"),
    )
    sending.arguments["despite_dependencies"] = True
    return await app.push_screen_wait(question)


def _tell(app: "ParallelApp", sending: _Sending, outcome: Outcome) -> None:
    by_agent: dict[str, dict[str, None]] = {}
    names = Names(app.state)
    for event in sending.merged:
        changed = by_agent.setdefault(names.agent(event.agent_id), {})
        changed.update(
            {field_name(name).lower(): None for name in event.after if name != "rank" or len(event.after) == 1}
        )
    for agent, changed in by_agent.items():
        app.tell(_("Merged with {agent}'s change of {fields}.").format(agent=agent, fields=", ".join(changed)))
    for warning in outcome.warnings:
        app.tell(warning, severity=Severity.WARNING)


def _numbers(sending: _Sending) -> str:
    numbers = [f"#{task.number}" for task in sending.bases.values()]
    some = ", ".join(numbers[:5])
    return _("{tasks} and others").format(tasks=some) if len(numbers) > 5 else some
