"""Dependencies between tasks: never in a circle, and closed before the task that waits for them."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from core.errors import DependencyCycle, OpenDependencies, PermissionDenied
from core.work import Work
from storage import Role, Status, Task, TaskId

CLOSED = frozenset({Status.DONE, Status.ARCHIVED})
"""The statuses of a task that nobody waits for any longer."""


def check(work: Work, task: Task, needs: Sequence[TaskId]) -> None:
    """Refuse dependencies that lie in another room or lead back to the task.

    Raises:
        NotFound: one of `needs` is not in this room.
        DependencyCycle: names the cycle.
    """
    if task.id in needs:
        raise DependencyCycle(
            f"#{task.number} cannot wait for itself.", "Leave it out.", cycle=[task.number, task.number]
        )
    came_from: dict[TaskId, TaskId] = {}
    frontier = [work.tasks.get(need).id for need in needs]
    seen = set(frontier)
    while frontier:
        next_frontier: list[TaskId] = []
        for found in work.rows.tasks_by_id(frontier):
            for need in found.dependencies:
                if need == task.id:
                    raise _cycle(work, task, found.id, came_from)
                if need not in seen:
                    seen.add(need)
                    came_from[need] = found.id
                    next_frontier.append(need)
        frontier = next_frontier


def with_needs(work: Work, task: Task, needs: Sequence[TaskId]) -> Task:
    """The task, waiting for these; not yet stored.

    Raises:
        NotFound, DependencyCycle: see `check`.
    """
    needs = tuple(dict.fromkeys(needs))
    check(work, task, needs)
    return replace(task, dependencies=needs)


def require_closed(work: Work, task: Task, *, despite: bool, finishing: Collection[TaskId] = ()) -> None:
    """Refuse to finish a task that waits for open ones.

    Args:
        despite: finish it nevertheless, which an operator may ask for.
        finishing: tasks that the same change finishes; they count as closed.

    Raises:
        OpenDependencies: names them.
        PermissionDenied: `despite` from less than an operator.
    """
    if not task.dependencies:
        return
    needs = work.rows.tasks_by_id(need for need in task.dependencies if need not in finishing)
    numbers = sorted(need.number for need in needs if need.status not in CLOSED)
    if not numbers:
        return
    names = ", ".join(f"#{number}" for number in numbers)
    if not despite:
        raise OpenDependencies(
            f"#{task.number} waits for {names}, not done yet.",
            "Finish that first, or pass --despite-dependencies." if len(numbers) == 1
            else "Finish those first, or pass --despite-dependencies.",
            open=numbers,
        )  # fmt: skip
    if work.actor.role < Role.OPERATOR:
        raise PermissionDenied(
            f"Only an operator may finish #{task.number} although {names} is open.",
            "Ask the person, or finish that first.",
        )


def _cycle(work: Work, task: Task, last: TaskId, came_from: dict[TaskId, TaskId]) -> DependencyCycle:
    path = [last]
    while path[0] in came_from:
        path.insert(0, came_from[path[0]])
    numbers = [task.number, *(work.tasks.get(each).number for each in path), task.number]
    return DependencyCycle(
        f"That would close a circle: {' → '.join(f'#{number}' for number in numbers)}.",
        "Remove one of these dependencies first, with `wzp task depend TASK ON --remove`.",
        cycle=numbers,
    )
