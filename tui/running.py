"""What the person does with runs: queues tasks, approves commands, cancels, holds, tries again.

All run in workers, since they wait for the store.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from storage import Run, RunState, Task
from tui.translation import _, ngettext

if TYPE_CHECKING:
    from tui.app import ParallelApp

TAIL_BYTES: Final = 65_536
"""How much of the end of a running command's output is read."""


async def queue(app: "ParallelApp", tasks: Sequence[Task]) -> None:
    """Let workers carry out the tasks' commands."""
    if not tasks:
        return
    outcome = await app.attempt(app.desk.call("queue_tasks", tasks=tuple(task.id for task in tasks)))
    if outcome is None:
        return
    numbers = ", ".join(f"#{task.number}" for task in tasks[:5])
    text = ngettext("Queued {tasks}.", "Queued {count} tasks: {tasks}.", len(tasks))
    hint = " ".join(outcome.warnings) or _("6 shows the queue.")
    app.tell(text.format(tasks=numbers, count=len(tasks)), hint=hint)


async def approve_command(app: "ParallelApp", task: Task) -> None:
    """Approve a command that an agent has set, as the person sees it."""
    if task.command is None or task.command_approved:
        app.tell(_("The command of #{number} needs no approval.").format(number=task.number))
        return
    from tui.dialogs import Confirm

    question = Confirm(
        _("Let the command of #{number} run?").format(number=task.number),
        "\n\n".join([task.command, _("An agent has set it. It runs as you, in the room's directory.")]),
        yes=_("Approve"),
    )
    if not await app.push_screen_wait(question):
        return
    call = app.desk.call("approve_command", task=task.id, expected_version=task.version)
    if await app.attempt(call) is not None:
        app.tell(_("Approved the command of #{number}.").format(number=task.number))


async def cancel(app: "ParallelApp", run: Run, name: str) -> None:
    """Take a run out of the queue, or end it; one that is running is asked about."""
    if run.state is RunState.RUNNING:
        from tui.dialogs import Confirm

        question = Confirm(
            _("Cancel {task}?").format(task=name), _("Its processes are ended; what they have done so far stays."),
            yes=_("Cancel it"), no=_("Let it run"),
        )  # fmt: skip
        if not await app.push_screen_wait(question):
            return
    if await app.attempt(app.desk.call("cancel_run", run=run.id)) is not None:
        app.tell(_("Cancelled {task}.").format(task=name))


async def hold(app: "ParallelApp", run: Run) -> None:
    """Hold a run, or let it go on."""
    await app.attempt(app.desk.call("resume_run" if run.paused else "pause_run", run=run.id))


async def hold_queue(app: "ParallelApp") -> None:
    """Let nothing more begin, or let the queue go on."""
    is_paused = app.state.room.queue_paused
    if await app.attempt(app.desk.call("resume_queue" if is_paused else "pause_queue")) is not None:
        app.tell(
            _("The queue goes on.") if is_paused else _("The queue is paused: what runs goes on, nothing more begins.")
        )


async def retry(app: "ParallelApp", run: Run, name: str) -> None:
    """Queue the task of a run once more."""
    if await app.attempt(app.desk.call("retry_run", run=run.id)) is not None:
        app.tell(_("Queued {tasks}.").format(tasks=name))
