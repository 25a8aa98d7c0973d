"""The texts of runs: state with its sign, what they wait for, their facts, the end of their output. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from textual.content import Content

from core.dispatch.ready import Waiting, why_not_ready
from core.text import block_for_screen, for_screen
from storage import Run, RunState, Task
from tui import cells
from tui.board_state import BoardState
from tui.reasons import reason_text
from tui.translation import _, mark
from tui.wording import MUTED, RUN_STATES, Names, age, full_time

WAITING_WORDS: Final[Mapping[Waiting, str]] = {
    Waiting.QUEUE_PAUSED: mark("the queue is paused"),
    Waiting.PAUSED: mark("held"),
    Waiting.APPROVAL: mark("waits for your approval"),
    Waiting.DEPENDENCIES: mark("waits for other tasks"),
    Waiting.LATER: mark("waits for its time"),
    Waiting.MOVED: mark("waits until its task is back in todo"),
    Waiting.CLAIMED: mark("waits for the agent that has the task"),
}

OUTPUT_SHOWN: Final = 400
"""Most lines of output in the detail: the last ones."""

LOOKS: Final[Mapping[RunState, str]] = {
    RunState.QUEUED: "warning",
    RunState.RUNNING: "accent",
    RunState.SUCCEEDED: "plain",
    RunState.FAILED: "error",
    RunState.CANCELLED: "dim",
    RunState.QUARANTINED: "error",
}


def look_of(run: Run) -> str:
    """The look of a run's state."""
    return "error" if run.stuck_since is not None else LOOKS[run.state]


def state_text(run: Run) -> str:
    """`▸ running`."""
    sign, word = RUN_STATES[run.state]
    if run.stuck_since is not None:
        return f"{sign} {_('stuck')}"
    if run.state is RunState.RUNNING and run.cancelled_by is not None:
        return f"{sign} {_('cancelling')}"
    return f"{sign} {_('paused')}" if run.paused else f"{sign} {_(word)}"


def waits_for(run: Run, task: Task | None, state: BoardState, now: datetime) -> str:
    """Why a queued run has not begun, or the next one of its task cannot, in words; empty for others."""
    if run.stuck_since is not None:
        return _("killed, but its processes do not go: the next attempt waits until they have")
    if run.state is not RunState.QUEUED or task is None:
        return ""
    waiting = why_not_ready(run, task, state.room, now)
    if waiting is Waiting.LATER and run.not_before is not None:
        return _("begins in {seconds} s").format(seconds=max(1, int((run.not_before - now).total_seconds())))
    if waiting is not None:
        return _(WAITING_WORDS[waiting])
    return _("waits for an agent") if task.command is None else _("waits for a free worker")


def took(run: Run, now: datetime) -> str:
    """How long it ran, or has been running."""
    if run.started_at is None:
        return ""
    seconds = ((run.ended_at or now) - run.started_at).total_seconds()
    if run.ended_at is not None and seconds < 60:
        return f"{seconds:.1f} s"
    return age(run.started_at, run.ended_at or now)


def ending(run: Run) -> str:
    """How it ended: its reason, signal or exit code."""
    if run.reason:
        return reason_text(run.reason)
    if run.exit_signal:
        return run.exit_signal
    return _("exit code {code}").format(code=run.exit_code) if run.exit_code is not None else ""


def worker_name(run: Run, state: BoardState) -> str:
    """The process that has or had it."""
    process = state.processes.get(run.process_id) if run.process_id is not None else None
    return for_screen(process.name) if process is not None else ""


def run_line(run: Run, state: BoardState, now: datetime) -> Content:
    """A run in a line of its task's own screen."""
    colour = {"error": "$text-error", "warning": "$text-warning", "accent": "$text-accent"}.get(look_of(run), "")
    facts = [worker_name(run, state), took(run, now), waits_for(run, state.tasks.get(run.task_id), state, now)]
    facts.append(ending(run) if run.ended_at is not None else "")
    return Content.assemble(
        (f"{run.attempt}. ", MUTED), (state_text(run), colour), (f"  {age(run.created_at, now)}", MUTED),
        "  " + " · ".join(fact for fact in facts if fact),
    )  # fmt: skip


def brief(run: Run, state: BoardState, now: datetime, output: str | None, lines: int) -> Content:
    """A run in so many lines: the end of its output, below what one must know."""
    task = state.tasks.get(run.task_id)
    facts = [state_text(run), worker_name(run, state), took(run, now), waits_for(run, task, state, now)]
    facts.append(ending(run) if run.ended_at is not None else "")
    head = [
        Content.styled(Names(state).task_with_title(run.task_id), "bold $text-primary"),
        Content.styled(" · ".join(fact for fact in facts if fact), "bold"),
        Content.styled(for_screen(run.command) or _("for an agent"), MUTED),
    ]
    if needs_approval(run, task):
        head.append(Content.styled(_("An agent has set this command. a approves it."), "$text-warning"))
    if run.state is RunState.RUNNING and not output:
        head.append(Content.styled(_("Nothing printed yet."), MUTED))
    printed = block_for_screen(output or "").splitlines()[-max(1, lines - len(head)) :]
    return Content("\n").join([*head, *(Content.styled(line, "$foreground 85%") for line in printed)])


def needs_approval(run: Run, task: Task | None) -> bool:
    """Whether a queued run waits until the person has approved its command."""
    return task is not None and not task.command_approved and run.state is RunState.QUEUED


def description(run: Run, state: BoardState, now: datetime, output: str | None, lines: int) -> Content:
    """All of a run: its facts, then the end of its output, as many lines as there is room for.

    Args:
        lines: how many lines are to be seen at once; at most 0 for all that are kept.
    """
    names = Names(state)
    task = state.tasks.get(run.task_id)
    rows: list[tuple[str, str]] = [
        (_("Attempt"), f"{run.attempt}"),
        (_("Command"), for_screen(run.command) or _("for an agent")),
        (_("Worker"), worker_name(run, state)),
        (_("Waits"), waits_for(run, task, state, now)),
        (_("Queued"), _("{time} by {agent}").format(time=full_time(run.created_at), agent=names.agent(run.queued_by))),
        (_("Started"), full_time(run.started_at) if run.started_at is not None else ""),
        (_("Ended"), full_time(run.ended_at) if run.ended_at is not None else ""),
        (_("Took"), took(run, now)),
        (_("Result"), ending(run) if run.ended_at is not None else ""),
        (_("Files"), ", ".join(map(for_screen, run.files))),
    ]
    shown = [(name, value) for name, value in rows if value]
    width = max(cells.width(name) for name, _value in shown) + 2
    told = [
        Content.styled(names.task_with_title(run.task_id), "bold $text-primary"),
        Content.styled(state_text(run), "bold"),
        *(Content.assemble((cells.fit(name, width), MUTED), value) for name, value in shown),
    ]
    if needs_approval(run, task):
        told.append(Content.styled(_("An agent has set this command. a approves it."), "$text-warning"))
    printed = block_for_screen(output or "").splitlines()
    if printed:
        room = OUTPUT_SHOWN if lines <= 0 else max(3, lines - len(told) - 3)
        told += [Content(""), Content.styled(_("Output"), "bold $text-primary")]
        told += [Content.styled(line, "$foreground 85%") for line in printed[-room:]]
    elif run.state is RunState.RUNNING:
        told += [Content(""), Content.styled(_("Nothing printed yet."), MUTED)]
    return Content("\n").join(told)
