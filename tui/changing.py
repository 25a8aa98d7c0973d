"""What the person changes of one task wherever it is shown: its fields, in a form, and what is said of it.

All run in workers, since they wait for dialogs and the store.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from core.execute import Outcome
from core.text import for_screen
from storage import Task
from tui.drafts import keep_comment, keep_fields
from tui.submit import submit
from tui.translation import _

if TYPE_CHECKING:
    from tui.app import ParallelApp

Sending = Callable[[Task], Awaitable[Outcome | None]]
"""Sends one change of a task as the person saw it; the outcome, None where nothing was written."""


async def edit(
    app: "ParallelApp", task: Task, *, through: Callable[[Sending], Awaitable[object]] | None = None
) -> None:
    """Edit all fields of a task.

    Args:
        through: what carries the change out and shows it on its way; it goes straight to the store if omitted.
    """
    from tui.dialogs import TaskForm

    fields = await app.push_screen_wait(TaskForm(task, app.state, draft=app.drafts.take_fields(task.id)))
    if not fields:
        return
    keep = partial(keep_fields, app, task, fields)

    async def sending(base: Task) -> Outcome | None:
        return await submit(app, "update_task", base, unsaved=keep, **fields)

    await (sending(task) if through is None else through(sending))


async def comment(app: "ParallelApp", task: Task) -> None:
    """Leave a remark on a task. It overwrites nothing, so it is not held to the version that the person saw."""
    from tui.dialogs import AskText

    title = _("Comment on {task}").format(task=f"#{task.number} {for_screen(task.title)}")
    body = await app.push_screen_wait(AskText(title, initial=app.drafts.take_comment(task.id)))
    if not body or not body.strip():
        return
    if await app.attempt(app.desk.call("comment_task", task=task.id, body=body)) is None:
        keep_comment(app, task, body)
    else:
        app.tell(_("Commented on #{number}.").format(number=task.number))
