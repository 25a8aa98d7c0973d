"""Where a task stands, with whom, and what it waits for: move, assign, depend, archive, restore."""

from dataclasses import replace

from core.board import claims, dependencies, moves, review, transitions, wip
from core.errors import InvalidData
from core.operation import operation
from core.work import Work
from storage import AgentId, Role, Status, Task, TaskId


@operation(
    role=Role.AGENT, changes=True, undoable=True, command="task move",
    tool="Move a task to another column. To `blocked`, say why in `reason`.",
    tool_name="update_task_status", hidden_from_tool=("before", "despite_dependencies"),
)  # fmt: skip
def move_task(
    work: Work,
    task: TaskId,
    to: Status,
    *,
    before: TaskId | None = None,
    despite_dependencies: bool = False,
    expected_version: int | None = None,
) -> Task:
    """Move a task to another column, or within its own.

    Args:
        before: the task that it comes to stand before; last in the column if omitted.
        despite_dependencies: finish it although tasks that it depends on are open.
        expected_version: refuse if the task has changed since this version.

    Raises:
        InvalidTransition: the board's rules do not lead from the present status to `to`.
        VersionConflict: the task has changed; carries the present row and the changes since.
        WipLimit: the column is full and the room refuses.
        OpenDependencies: to `done` while it waits for others, through the review gate too.
    """
    current = work.tasks.get(task, expected_version)
    claims.require_free(work, current)
    asked, to = to, review.gated(work, current, to)
    before = before if to is asked else None
    transitions.check(current, to, reason=work.reason)
    if asked is Status.DONE and current.status is not asked:
        dependencies.require_closed(work, current, despite=despite_dependencies)
    wip.check(work, to, arriving=int(current.status is not to))
    rank = work.tasks.rank_before(before, to, moving=current)
    return moves.moved(work, current, to, rank)


@operation(role=Role.AGENT, changes=True, undoable=True, command="task assign")
def assign_task(work: Work, task: TaskId, to: AgentId | None, *, expected_version: int | None = None) -> Task:
    """Give a task to an agent, or to nobody.

    Args:
        to: an agent's name; `me` for yourself, `nobody` to take it from whoever has it.
        expected_version: refuse if the task has changed since this version.
    """
    return work.save(moves.given(work, work.tasks.get(task, expected_version), to), event="assigned")


@operation(role=Role.AGENT, changes=True, undoable=True, command="task depend")
def depend_task(
    work: Work, task: TaskId, on: tuple[TaskId, ...], *, remove: bool = False, expected_version: int | None = None
) -> Task:
    """Make a task wait for others, or no longer.

    Args:
        on: the tasks that must be done before it.
        remove: no longer wait for them.
        expected_version: refuse if the task has changed since this version.

    Raises:
        DependencyCycle: it would wait for itself; names the circle.
    """
    current = work.tasks.get(task, expected_version)
    needs = [need for need in current.dependencies if need not in on] if remove else [*current.dependencies, *on]
    return work.save(dependencies.with_needs(work, current, tuple(needs)), event="dependencies_changed")


@operation(role=Role.AGENT, changes=True, undoable=True, command="task archive")
def archive_task(work: Work, task: TaskId, *, expected_version: int | None = None) -> Task:
    """Take a task off the board. It can be restored at any time.

    Args:
        expected_version: refuse if the task has changed since this version.
    """
    return moves.archived(work, work.tasks.get(task, expected_version))


@operation(role=Role.AGENT, changes=True, undoable=True, command="task restore")
def restore_task(work: Work, task: TaskId, *, to: Status | None = None, expected_version: int | None = None) -> Task:
    """Bring an archived task back to the board, last in its column.

    Args:
        to: the column; the one from which it was archived if omitted.
        expected_version: refuse if the task has changed since this version.
    """
    current = work.tasks.get(task, expected_version)
    if current.status is not Status.ARCHIVED:
        raise InvalidData(
            f"#{current.number} is not archived; it stands in {current.status}.",
            "Move it instead with `wzp task move`.",
        )
    target = to or current.archived_from or Status.BACKLOG
    if target is Status.ARCHIVED or (target is Status.BLOCKED and not (work.reason or current.blocked_reason)):
        raise InvalidData(f"#{current.number} cannot be restored to {target}.", "Name another column with --to.")
    if target is Status.DONE and current.archived_from is not target:
        dependencies.require_closed(work, current, despite=False)
    if current.archived_from is not Status.DONE:
        target = review.gated(work, current, target)
    wip.check(work, target)
    reason = (work.reason or current.blocked_reason) if target is Status.BLOCKED else None
    rank = work.tasks.rank_before(None, target)
    restored = replace(current, status=target, rank=rank, archived_from=None, blocked_reason=reason)
    return work.save(restored, event="restored")
