"""The badges of a card: what its agent is doing, whether it was left, whether it is being handed over."""

from collections.abc import Mapping

from core.agents import AgentReport
from storage import AgentId, AgentState, Ending, Run, RunState, Status, Task, TaskId
from tui.translation import _
from tui.widgets.card import Part, Piece
from tui.wording import RUN_STATES

_LEFT_IN = frozenset({Status.TODO, Status.IN_PROGRESS, Status.BLOCKED})


def badges_of(
    task: Task, reports: Mapping[AgentId, AgentReport], handed: Mapping[TaskId, bool], run: Run | None = None
) -> tuple[Piece, ...]:
    """The badges of a task.

    Args:
        reports: what every agent is doing.
        handed: the tasks of which a handoff waits for an answer, and whether it is overdue.
        run: its last run.
    """
    found: list[Piece] = []
    report = reports.get(task.assignee) if task.assignee is not None else None
    if report is not None and task.status is Status.IN_PROGRESS:
        has_it = report.session is not None and task.claimed_by == report.session.id
        if has_it or (task.claimed_by is None and report.task is not None and report.task.id == task.id):
            if report.state is AgentState.WAITING:
                found.append((_("◆ waits"), Part.WAITING))
            elif report.state is AgentState.WORKING:
                found.append(("●", Part.ASSIGNEE))
    if task.result is not None and task.result.ending is Ending.ABANDONED and task.status in _LEFT_IN:
        found.append((_("× no report"), Part.OVERDUE))
    if task.id in handed:
        found.append(("⇄!", Part.OVERDUE) if handed[task.id] else ("⇄", Part.WAITING))
    if run is not None and (badge := _of_run(task, run)) is not None:
        found.append(badge)
    return tuple(found)


def _of_run(task: Task, run: Run) -> Piece | None:
    """The sign of a run that is open, or has failed and left its task blocked."""
    sign, word = RUN_STATES[run.state]
    if run.state is RunState.RUNNING:
        return ("‖" if run.paused else sign), Part.ASSIGNEE
    if run.state is RunState.QUEUED:
        return (sign, Part.FACT) if task.command_approved else (f"{sign} {_('approve?')}", Part.WAITING)
    if run.state in (RunState.FAILED, RunState.QUARANTINED) and task.status is Status.BLOCKED:
        return f"{sign} {_(word)}", Part.OVERDUE
    return None
