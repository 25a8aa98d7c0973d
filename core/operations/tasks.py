"""Several tasks at once, each time as one change: move, edit, archive."""

from dataclasses import replace
from datetime import date

from core.board import claims, dependencies, moves, review, transitions, wip
from core.operation import UNSET, Line, OrUnset, operation
from core.text import clean_labels
from core.work import Work
from storage import AgentId, Priority, Role, Status, Task, TaskId


@operation(role=Role.AGENT, changes=True, undoable=True, command="task move-many")
def move_tasks(
    work: Work,
    tasks: tuple[TaskId, ...],
    to: Status,
    *,
    before: TaskId | None = None,
    despite_dependencies: bool = False,
    expected_versions: tuple[int, ...] = (),
) -> tuple[Task, ...]:
    """Move several tasks, one after the other in the given order, as one change.

    Args:
        before: the task that they come to stand before; last in the column if omitted.
        despite_dependencies: finish them although tasks that they depend on are open.
        expected_versions: refuse if any has changed since its version; one a task, in order.
    """
    found = work.tasks.get_all(tasks, expected_versions)
    asked = to
    gates = [review.gated(work, task, to) for task in found]  # each, since each may be refused
    if any(gate is not to for gate in gates):
        to, before = Status.REVIEW, None
    for task in found:
        claims.require_free(work, task)
        transitions.check(task, to, reason=work.reason)
        if asked is Status.DONE and task.status is not asked:
            dependencies.require_closed(work, task, despite=despite_dependencies, finishing=tasks)
    wip.check(work, to, arriving=sum(task.status is not to for task in found))
    ranks = work.tasks.ranks_before(before, to, found)
    return tuple(moves.moved(work, task, to, rank) for task, rank in zip(found, ranks, strict=True))


@operation(role=Role.AGENT, changes=True, undoable=True, command="task edit-many")
def update_tasks(
    work: Work,
    tasks: tuple[TaskId, ...],
    *,
    priority: Priority | OrUnset = UNSET,
    assignee: AgentId | OrUnset | None = UNSET,
    due: date | OrUnset | None = UNSET,
    add_labels: tuple[Line, ...] = (),
    remove_labels: tuple[Line, ...] = (),
    expected_versions: tuple[int, ...] = (),
) -> tuple[Task, ...]:
    """Edit several tasks as one change. What is omitted stays as it is.

    Args:
        add_labels: labels that each gets, beside its own.
        remove_labels: labels that each loses.
        expected_versions: refuse if any has changed since its version; one a task, in order.
    """
    added, removed = clean_labels(add_labels), set(remove_labels)
    return tuple(
        work.save(
            replace(
                moves.given(work, task, assignee),
                priority=task.priority if priority is UNSET else priority,
                due=task.due if due is UNSET else due,
                labels=tuple(label for label in dict.fromkeys((*task.labels, *added)) if label not in removed),
            ),
            event="edited",
        )
        for task in work.tasks.get_all(tasks, expected_versions)
    )


@operation(role=Role.AGENT, changes=True, undoable=True, command="task archive-many")
def archive_tasks(
    work: Work, tasks: tuple[TaskId, ...], *, expected_versions: tuple[int, ...] = ()
) -> tuple[Task, ...]:
    """Take several tasks off the board as one change.

    Args:
        expected_versions: refuse if any has changed since its version; one a task, in order.
    """
    return tuple(moves.archived(work, task) for task in work.tasks.get_all(tasks, expected_versions))
