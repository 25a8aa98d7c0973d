"""The dependencies of a task as a small drawing: what it waits for above, what waits for it below, two levels each."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from textual.content import Content

from core.board import CLOSED
from core.text import for_screen
from storage import Status, Task, TaskId
from tui.translation import _
from tui.wording import MUTED, status_name

LEVELS: Final = 2
MOST_A_LEVEL: Final = 12
"""Most neighbours drawn for one task; the rest are counted."""

MARKS: Final[Mapping[Status, str]] = {
    Status.BACKLOG: "○",
    Status.TODO: "○",
    Status.IN_PROGRESS: "◐",
    Status.BLOCKED: "⊘",
    Status.REVIEW: "◑",
    Status.DONE: "✓",
    Status.ARCHIVED: "✓",
}
"""The mark of each status; the word always stands beside it."""


def draw_graph(task: Task, tasks: Mapping[TaskId, Task]) -> list[Content]:
    """The lines of the drawing; none where the task stands alone."""
    waiting: dict[TaskId, list[TaskId]] = {}
    for each in tasks.values():
        for need in each.dependencies:
            waiting.setdefault(need, []).append(each.id)

    def needs_of(each: TaskId) -> Sequence[TaskId]:
        return task.dependencies if each == task.id else tasks[each].dependencies

    above = _branches(task.id, needs_of, tasks)
    below = _branches(task.id, lambda each: waiting.get(each, ()), tasks)
    if not above and not below:
        return []
    lines: list[Content] = []
    if above:
        lines += [Content.styled(_("waits for"), MUTED), *above]
    lines.append(Content.assemble(("▶ ", "$text-accent"), _node(task).stylize("bold")))
    if below:
        lines += [Content.styled(_("waited for by"), MUTED), *below]
    return lines


def _branches(
    root: TaskId, neighbours: Callable[[TaskId], Sequence[TaskId]], tasks: Mapping[TaskId, Task], indent: str = "  ",
    level: int = 1,
) -> list[Content]:  # fmt: skip
    known = [tasks[each] for each in neighbours(root) if each in tasks]
    known.sort(key=lambda each: each.number)
    lines: list[Content] = []
    for index, each in enumerate(known[:MOST_A_LEVEL]):
        is_last = index == len(known) - 1
        lines.append(Content.assemble((f"{indent}{'└─' if is_last else '├─'} ", MUTED), _node(each)))
        if level < LEVELS:
            lines += _branches(each.id, neighbours, tasks, indent + ("   " if is_last else "│  "), level + 1)
    if len(known) > MOST_A_LEVEL:
        more = _("… {count} more").format(count=len(known) - MOST_A_LEVEL)
        lines.append(Content.styled(f"{indent}└─ {more}", MUTED))
    return lines


def _node(task: Task) -> Content:
    style = "$text-success" if task.status in CLOSED else "$text-warning"
    title = for_screen(task.title[:300])
    return Content.assemble(
        (MARKS[task.status], style), f" #{task.number} {title}", (f"  {status_name(task.status)}", MUTED)
    )
