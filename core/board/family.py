"""Sub-tasks: never in a circle; when all of a parent are closed, what came of them is gathered there."""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from core.errors import DependencyCycle
from core.text import shortened
from storage import Comment, Ending, Result, Status, Task, TaskId, new_comment_id

if TYPE_CHECKING:
    from core.work import Work

CLOSED: Final = frozenset({Status.DONE, Status.ARCHIVED})
MOST_FILES: Final = 200
LONGEST_LINE: Final = 300
_HEAD: Final = "All sub-tasks are done"


def check(work: "Work", task: Task, parent: TaskId | None) -> TaskId | None:
    """The parent, if a task may have it.

    Raises:
        NotFound: it is not in this room.
        DependencyCycle: it is the task itself, or one of those below it; names the circle.
    """
    above, numbers = parent, [task.number]
    while above is not None:
        found = work.tasks.get(above)
        numbers.append(found.number)
        if found.id == task.id:
            raise DependencyCycle(
                f"That would make #{task.number} a part of itself: {' → '.join(f'#{number}' for number in numbers)}.",
                "Choose another parent, or none.",
                cycle=numbers,
            )
        above = found.parent
    return parent


def follow(work: "Work", before: Task, after: Task) -> None:
    """Gather the results on the parent of a task that has just been closed as the last one, or has left it so."""
    if before.status in CLOSED:
        return
    if after.parent is not None and after.status in CLOSED:
        _gather(work, after.parent)
    if before.parent is not None and before.parent != after.parent:
        _gather(work, before.parent)


def _gather(work: "Work", above: TaskId) -> None:
    children = work.rows.children(above)
    if not children or any(child.status not in CLOSED for child in children):
        return
    parent = work.tasks.get(above)
    if parent.status in CLOSED:
        return
    summary = _summary(children)
    files = dict.fromkeys(file for child in children if child.result is not None for file in child.result.files)
    has_own = parent.result is not None and not parent.result.summary.startswith(_HEAD)
    if has_own:
        work.add(
            Comment(
                id=new_comment_id(), room_id=work.room.id, task_id=parent.id, author=work.agent.id, body=summary,
                created_at=work.now, updated_at=work.now,
            )
        )  # fmt: skip
        return
    gathered = Result(
        ending=Ending.COMPLETED, summary=summary, files=tuple(files)[:MOST_FILES], agent=work.agent.id, at=work.now
    )  # fmt: skip
    work.save(replace(parent, result=gathered), event="gathered")


def _summary(children: list[Task]) -> str:
    lines = [f"{_HEAD}: {len(children)}.", ""]
    for child in children:
        told = child.result.summary.strip().partition("\n")[0] if child.result is not None else "no result"
        dropped = " (archived)" if child.status is Status.ARCHIVED else ""
        lines.append(f"- #{child.number} {child.title}{dropped}: {shortened(told, LONGEST_LINE)}")
    return "\n".join(lines)
