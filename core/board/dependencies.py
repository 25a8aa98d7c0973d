"""Dependencies between tasks: never in a circle."""

from collections.abc import Sequence

from core.errors import DependencyCycle
from core.work import Work
from storage import Task, TaskId


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


def _cycle(work: Work, task: Task, last: TaskId, came_from: dict[TaskId, TaskId]) -> DependencyCycle:
    path = [last]
    while path[0] in came_from:
        path.insert(0, came_from[path[0]])
    numbers = [task.number, *(work.tasks.get(each).number for each in path), task.number]
    return DependencyCycle(
        f"That would close a circle: {' → '.join(f'#{number}' for number in numbers)}.",
        "Remove one of these dependencies first: wzp task depend TASK ON --remove.",
        cycle=numbers,
    )
