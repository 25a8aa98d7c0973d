"""Reviews: approve what an agent has done, or send it back with a comment."""

from dataclasses import replace

from core.agents import handoffs
from core.board import dependencies, review, wip
from core.errors import InvalidTransition
from core.operation import Text, operation
from core.work import Work
from storage import Role, Status, Task, TaskId


@operation(role=Role.AGENT, changes=True, undoable=True, command="review approve")
def approve_task(work: Work, task: TaskId, *, expected_version: int | None = None) -> Task:
    """Approve a task that waits in review: it is done.

    Args:
        expected_version: refuse if the task has changed since this version.

    Raises:
        ReviewRequired: you may not, since it is your own work or you have not the skill review.
        InvalidTransition: it is not in review.
        OpenDependencies: it waits for others.
    """
    current = _in_review(work, task, expected_version)
    dependencies.require_closed(work, current, despite=False)
    wip.check(work, Status.DONE)
    rank = work.tasks.rank_before(None, Status.DONE)
    approved = work.save(replace(current, status=Status.DONE, rank=rank), event="approved")
    handoffs.close(work, approved)
    return approved


@operation(role=Role.AGENT, changes=True, undoable=True, command="review send-back")
def send_back_task(work: Work, task: TaskId, body: Text, *, expected_version: int | None = None) -> Task:
    """Send a task from review back to the queue, with a comment on what is missing. It stays assigned as it is.

    Args:
        body: what is missing, in Markdown.
        expected_version: refuse if the task has changed since this version.

    Raises:
        ReviewRequired: you may not, since it is your own work or you have not the skill review.
        InvalidTransition: it is not in review.
    """
    from core.operations.task import comment_task

    current = _in_review(work, task, expected_version)
    comment_task(work, task, body)
    wip.check(work, Status.TODO)
    rank = work.tasks.rank_before(work.rows.first_task(work.room.id, Status.TODO), Status.TODO)
    return work.save(replace(current, status=Status.TODO, rank=rank), event="sent_back")


def _in_review(work: Work, task: TaskId, expected_version: int | None) -> Task:
    current = work.tasks.get(task, expected_version)
    if current.status is not Status.REVIEW:
        raise InvalidTransition(
            f"#{current.number} is not in review; it stands in {current.status}.", "Move it with `wzp task move`."
        )
    if not review.may_review(work, current):
        raise review.refusal(current)
    return current
