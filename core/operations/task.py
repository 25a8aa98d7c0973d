"""Tasks: add, look, edit, comment, duplicate. Where they stand: see placing.py; several at once: see tasks.py."""

from dataclasses import dataclass, replace
from datetime import date

from core.board import commands, family, moves, order, review, wip
from core.board.dependencies import require_closed, with_needs
from core.errors import InvalidData
from core.history import point, reconstruct
from core.operation import UNSET, Line, Moment, OnOff, OrUnset, Text, operation
from core.text import TITLE_LIMIT, clean_labels, clean_line, clean_text
from core.work import Work
from storage import (
    COLUMNS,
    AgentId,
    Comment,
    Event,
    Handoff,
    HandoffStatus,
    Priority,
    Role,
    Status,
    Task,
    TaskId,
    new_comment_id,
    new_task_id,
)  # fmt: skip

NO_TEXT = Text("")
_PLACES = {status: place for place, status in enumerate(Status)}


@dataclass(frozen=True, slots=True)
class TaskDetail:
    """A task with all that hangs on it: comments, handoffs, the tasks that wait for it, its events, oldest first."""

    task: Task
    comments: tuple[Comment, ...]
    handoffs: tuple[Handoff, ...]
    dependants: tuple[TaskId, ...]
    history: tuple[Event, ...]


@operation(
    role=Role.AGENT, changes=True, undoable=True, command="task add", tool="Put a new piece of work on the board.",
    hidden_from_tool=(
        "command", "before", "parent", "attempts", "idempotent", "time_limit_seconds", "collects_files",
    ),
)  # fmt: skip
def create_task(
    work: Work,
    title: Line,
    *,
    description: Text = NO_TEXT,
    status: Status = Status.BACKLOG,
    priority: Priority = Priority.NORMAL,
    labels: tuple[Line, ...] = (),
    dependencies: tuple[TaskId, ...] = (),
    assignee: AgentId | None = None,
    estimate_minutes: int | None = None,
    due: date | None = None,
    command: Line | None = None,
    parent: TaskId | None = None,
    attempts: int = 1,
    idempotent: bool = False,
    time_limit_seconds: int | None = None,
    collects_files: bool = False,
    before: TaskId | None = None,
) -> Task:
    """Add a task to the board.

    Args:
        status: the column in which it begins.
        labels: short words to find it by.
        dependencies: the tasks that must be done before it.
        estimate_minutes: how long it should take, in minutes.
        command: a shell line that does the work when the task is queued.
        parent: the task of which this is a part; the results of all its parts are gathered there.
        attempts: how often the command is tried at most, 1 to 100.
        idempotent: the command may be begun again after its worker was lost under it.
        time_limit_seconds: after how many seconds the command is ended.
        collects_files: the result lists the files that the command has changed.
        before: the task that it comes to stand before; last in the column if omitted.

    Raises:
        InvalidData: the title is empty or too long, or the status cannot be begun in.
    """
    if status is Status.BLOCKED and not work.reason:
        raise InvalidData("A task cannot begin as blocked without a reason.", "Say what it waits for: --reason TEXT.")
    asked, status = status, review.gated(work, None, status)
    if status not in COLUMNS:
        raise InvalidData(f"A task cannot begin as {status}.", f"Begin it in one of: {', '.join(COLUMNS)}.")
    wip.check(work, status)
    task = Task(
        id=new_task_id(), room_id=work.room.id, number=work.rows.next_task_number(work.room.id),
        title=clean_line(title, "title", TITLE_LIMIT), description=clean_text(description, "description"),
        status=status, priority=priority, rank=work.tasks.rank_before(before, status), labels=clean_labels(labels),
        assignee=assignee, estimate_minutes=_checked_estimate(estimate_minutes), due=due,
        command=_clean_command(command), blocked_reason=work.reason if status is Status.BLOCKED else None,
        command_approved=not command or commands.needs_no_approval(work), attempts=commands.checked_attempts(attempts),
        idempotent=idempotent, time_limit_seconds=commands.checked_limit(time_limit_seconds),
        collects_files=collects_files, created_by=work.agent.id, created_at=work.now, updated_at=work.now,
    )  # fmt: skip
    task = replace(task, parent=family.check(work, task, parent))
    task = with_needs(work, task, dependencies)
    if asked is Status.DONE:  # through the gate as well: what waits for others is not ready to be approved
        require_closed(work, task, despite=False)
    return work.add(task)


@operation(role=Role.VIEWER, changes=False, tool="See what there is to do.")
def list_tasks(
    work: Work,
    *,
    status: tuple[Status, ...] = (),
    assignee: AgentId | OrUnset | None = UNSET,
    label: tuple[Line, ...] = (),
    priority: tuple[Priority, ...] = (),
    text: Line | None = None,
    ready: bool = False,
    limit: int | None = None,
) -> tuple[Task, ...]:
    """List the tasks of the room, column by column.

    Args:
        status: only these columns; all but the archive if omitted.
        assignee: only the tasks of this agent; `nobody` for those that nobody has.
        label: only tasks that have all of these labels.
        text: only tasks whose title or description contains this, in any case.
        ready: only tasks that wait for no other.
        limit: at most so many.
    """
    if limit is not None and limit < 1:
        raise InvalidData(f"A limit of {limit} shows nothing.", "Give 1 or more.")
    needle = text.casefold() if text else ""
    found = [
        task
        for task in work.rows.tasks(work.room.id, status or COLUMNS)
        if (assignee is UNSET or task.assignee == assignee)
        and set(label) <= set(task.labels)
        and (not priority or task.priority in priority)
        and (not needle or needle in task.title.casefold() or needle in task.description.casefold())
        and not (ready and task.waiting_on)
    ]
    found.sort(key=lambda task: _PLACES[task.status])
    return tuple(found[:limit])


@operation(
    role=Role.VIEWER, changes=False, command="task show", tool="Read one task in full, with comments and history."
)
def get_task(work: Work, task: TaskId, *, at: Moment | None = None) -> TaskDetail:
    """Show a task with its comments, its dependants and its history.

    Args:
        at: as it was at this time, or after this event number.

    Raises:
        NotFound: there is no such task, or it was not there yet.
    """
    if at is not None:
        until = point(work.rows, at)
        then = reconstruct(work, task, until)
        history = tuple(work.rows.events(subject=task, until=until))
        return TaskDetail(then.task, then.comments, then.handoffs, then.dependants, history)
    return TaskDetail(
        task=work.rows.with_positions([work.tasks.get(task)])[0],
        comments=tuple(work.rows.comments(task)),
        handoffs=tuple(work.rows.handoffs(work.room.id, status=tuple(HandoffStatus), task=task)),
        dependants=tuple(sorted(work.rows.dependants([task]))),
        history=tuple(work.rows.events(subject=task)),
    )


@operation(
    role=Role.AGENT, changes=True, undoable=True, command="task edit", tool="Change a task's fields.",
    hidden_from_tool=("command", "parent", "attempts", "idempotent", "time_limit_seconds", "collects_files"),
)  # fmt: skip
def update_task(
    work: Work,
    task: TaskId,
    *,
    title: Line | OrUnset = UNSET,
    description: Text | OrUnset = UNSET,
    priority: Priority | OrUnset = UNSET,
    labels: tuple[Line, ...] | OrUnset = UNSET,
    dependencies: tuple[TaskId, ...] | OrUnset = UNSET,
    assignee: AgentId | OrUnset | None = UNSET,
    estimate_minutes: int | OrUnset | None = UNSET,
    due: date | OrUnset | None = UNSET,
    command: Line | OrUnset | None = UNSET,
    parent: TaskId | OrUnset | None = UNSET,
    attempts: int | OrUnset = UNSET,
    idempotent: OnOff | OrUnset = UNSET,
    time_limit_seconds: int | OrUnset | None = UNSET,
    collects_files: OnOff | OrUnset = UNSET,
    expected_version: int | None = None,
) -> Task:
    """Edit the fields of a task. What is omitted stays as it is.

    Args:
        command: a shell line that does the work when the task is queued; one that an agent sets waits for approval.
        parent: the task of which this is a part.
        attempts: how often the command is tried at most, 1 to 100.
        idempotent: whether the command may be begun again after its worker was lost under it.
        time_limit_seconds: after how many seconds the command is ended.
        collects_files: whether the result lists the files that the command has changed.
        expected_version: refuse if the task has changed since this version.

    Raises:
        VersionConflict: the task has changed; carries the present row and the changes since.
        DependencyCycle: the dependencies would make it wait for itself, or the parent a part of itself.
    """
    current = work.tasks.get(task, expected_version)
    to_run = current.command if command is UNSET else _clean_command(command)
    edited = replace(
        moves.given(work, current, assignee),
        title=current.title if title is UNSET else clean_line(title, "title", TITLE_LIMIT),
        description=current.description if description is UNSET else clean_text(description, "description"),
        priority=current.priority if priority is UNSET else priority,
        labels=current.labels if labels is UNSET else clean_labels(labels),
        estimate_minutes=current.estimate_minutes if estimate_minutes is UNSET else _checked_estimate(estimate_minutes),
        due=current.due if due is UNSET else due,
        command=to_run,
        command_approved=commands.approval(work, current, to_run),
        parent=current.parent if parent is UNSET else family.check(work, current, parent),
        attempts=current.attempts if attempts is UNSET else commands.checked_attempts(attempts),
        idempotent=current.idempotent if idempotent is UNSET else idempotent is OnOff.ON,
        time_limit_seconds=current.time_limit_seconds
        if time_limit_seconds is UNSET
        else commands.checked_limit(time_limit_seconds),
        collects_files=current.collects_files if collects_files is UNSET else collects_files is OnOff.ON,
    )
    if dependencies is not UNSET:
        edited = with_needs(work, edited, dependencies)
    return work.save(edited, event="edited")


@operation(role=Role.AGENT, changes=True, undoable=True, tool="Leave a remark on a task.")
def comment_task(work: Work, task: TaskId, body: Text, *, expected_version: int | None = None) -> Comment:
    """Comment on a task.

    Args:
        body: the remark, in Markdown.
        expected_version: refuse if the task has changed since this version.
    """
    body = Text(clean_text(body, "comment"))
    if not body:
        raise InvalidData("The comment is empty.", "Write something, or leave it.")
    subject = work.tasks.get(task, expected_version)
    return work.add(
        Comment(
            id=new_comment_id(), room_id=work.room.id, task_id=subject.id, author=work.agent.id, body=body,
            created_at=work.now, updated_at=work.now,
        )
    )  # fmt: skip


@operation(role=Role.AGENT, changes=True, undoable=True)
def duplicate_task(work: Work, task: TaskId) -> Task:
    """Add a copy of a task right below it, with its description, labels, dependencies and command, for nobody yet."""
    current = work.tasks.get(task)
    cannot_begin_there = current.status in (Status.ARCHIVED, Status.BLOCKED)
    cannot_begin_there |= current.status is Status.DONE and current.waiting_on > 0
    status = Status.BACKLOG if cannot_begin_there else review.gated(work, None, current.status)
    wip.check(work, status)
    if status is current.status:
        above = work.rows.rank_above(work.room.id, status, current.rank)
        rank = order.rank_between(current.rank, above)
    else:
        rank = work.tasks.rank_before(None, status)
    copy = replace(
        current, id=new_task_id(), number=work.rows.next_task_number(work.room.id), status=status, rank=rank,
        assignee=None, archived_from=None, blocked_reason=None, claimed_by=None, claim=0, result=None,
        created_by=work.agent.id, waiting_on=0, comment_count=0,
    )  # fmt: skip
    stored = work.add(copy)
    return work.tasks.get(stored.id)


def _clean_command(command: Line | None) -> str | None:
    return clean_line(command, "command", TITLE_LIMIT) if command else None


def _checked_estimate(minutes: int | None) -> int | None:
    if minutes is not None and not 0 < minutes <= 1_000_000:
        raise InvalidData(f"An estimate of {minutes} minutes makes no sense.", "Give the minutes as a positive number.")
    return minutes
