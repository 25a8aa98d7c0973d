"""Reviews: the person approves what an agent has done, or sends it back with a comment.

Both run in workers, since one asks and both wait for the store.
"""

from functools import partial
from typing import TYPE_CHECKING

from core.execute import Outcome
from core.text import for_screen
from storage import Status, Task
from tui.dialogs import AskText
from tui.drafts import keep_comment
from tui.submit import submit
from tui.translation import _
from tui.wording import status_name

if TYPE_CHECKING:
    from tui.app import ParallelApp


def is_in_review(app: "ParallelApp", task: Task) -> bool:
    """Whether a task waits in review; the person is told where it does not."""
    if task.status is not Status.REVIEW:
        where = status_name(task.status)
        app.tell(_("#{number} is not in review; it stands in {column}.").format(number=task.number, column=where))
    return task.status is Status.REVIEW


async def approve(app: "ParallelApp", task: Task) -> Outcome | None:
    """Approve a task that waits in review."""
    if not is_in_review(app, task):
        return None
    outcome = await submit(app, "approve_task", task)
    if outcome is not None:
        app.tell(_("Approved #{number} {title}.").format(number=task.number, title=for_screen(task.title)))
    return outcome


async def ask_what_is_missing(app: "ParallelApp", task: Task) -> str:
    """What the agent is to be told with a task that is sent back; empty where the person leaves."""
    if not is_in_review(app, task):
        return ""
    question = AskText(
        _("Send #{number} back: what is missing?").format(number=task.number), initial=app.drafts.take_comment(task.id)
    )
    return (await app.push_screen_wait(question) or "").strip()


async def send_back(app: "ParallelApp", task: Task, body: str) -> Outcome | None:
    """Send a task from review back to the queue."""
    outcome = await submit(app, "send_back_task", task, unsaved=partial(keep_comment, app, task, body), body=body)
    if outcome is not None:
        app.tell(_("Sent #{number} back to the queue.").format(number=task.number))
    return outcome
