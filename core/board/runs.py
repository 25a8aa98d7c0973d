"""What an open run means for its task: no agent's hand on it meanwhile, and an end to the run when the task goes on.

A run that the queue holds or a worker carries out has the task. A person may move it all the same, which cancels the
run; a run that was given to an agent ends as the agent's work on the task does.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from core.errors import ClaimHeld
from storage import Agent, Alert, Ending, Process, Run, RunState, Session, Status, Task

if TYPE_CHECKING:
    from core.work import Work

OPEN: Final = (RunState.QUEUED, RunState.RUNNING)
"""The states of a run that is still to come to something."""

WAITING_PLACES: Final = frozenset({Status.BACKLOG, Status.TODO})
"""Where a task may stand while its run is queued."""

SESSION_PREFIX: Final = "ses_"
"""How the lease of a run begins that an agent has: the id of its session."""

QUARANTINED: Final = "quarantined"
LOST: Final = "process_failed"
STUCK: Final = "run_stuck"
"""The rules of the alerts that are raised about a task's runs."""

CLOSED: Final = frozenset({Status.DONE, Status.ARCHIVED})

_ENDINGS: Final = {
    Ending.COMPLETED: RunState.SUCCEEDED,
    Ending.FAILED: RunState.FAILED,
    Ending.GIVEN_BACK: RunState.FAILED,
    Ending.ABANDONED: RunState.FAILED,
}


FOLLOWED: Final = ("status", "claimed_by", "command")
"""The fields of a task whose change means something for its open run."""


def is_agents(run: Run) -> bool:
    """Whether an agent's session has the run, and no worker."""
    return run.lease is not None and run.lease.startswith(SESSION_PREFIX)


def require_none(work: "Work", task: Task) -> None:
    """Refuse an agent's hand on a task whose command is queued or running.

    Raises:
        ClaimHeld: names the run.
    """
    run = work.rows.open_run(task.id)
    if run is None or is_agents(run):
        return
    process = work.rows.get(Process, run.process_id or "")
    where = f"runs on {process.name}" if process is not None else "is queued"
    raise ClaimHeld(
        f"The command of #{task.number} {where} (attempt {run.attempt}); the queue has the task.",
        "Take another with claim_next, or leave a comment on this one.",
    )


def follow(work: "Work", before: Task, after: Task) -> None:
    """End the open run of a task that has been moved to where the run has no business, or taken from the agent that
    has the run; let a queued one show the command as it stands. Part of each change of what is FOLLOWED."""
    if after.status in CLOSED and before.status not in CLOSED:
        close_alerts(work, after)
    run = work.rows.open_run(after.id)
    if run is None:
        return
    if run.state is RunState.QUEUED:
        if after.status not in WAITING_PLACES:
            cancel(work, run, f"{_mover(work)} moved the task to {after.status}")
        elif run.command != (after.command or ""):
            shown = replace(work.get(Run, run.id), command=after.command or "")
            work.save(shown, event="command_changed", undoable=False)
    elif is_agents(run):
        if after.status is not Status.IN_PROGRESS or after.claimed_by != run.lease:
            _end_with(work, run, before, after)
    elif after.status is not Status.IN_PROGRESS:
        cancel(work, run, f"{_mover(work)} moved the task to {after.status}")


def cancel(work: "Work", run: Run, reason: str) -> Run:
    """A run that shall not be: at once where nothing runs yet, else asked for; the dispatcher ends it.

    One that an agent has ends at once: there is nothing to kill.
    """
    current = work.get(Run, run.id)
    asked = replace(current, cancelled_by=current.cancelled_by or work.agent.id, reason=reason)
    if current.state is RunState.RUNNING and not is_agents(current):
        return work.save(asked, event="cancel_asked", undoable=False)
    over = replace(asked, state=RunState.CANCELLED, ended_at=work.now, paused=False)
    return work.save(over, event="cancelled", undoable=False)


def close_alerts(work: "Work", task: Task) -> None:
    """Close what the person was alerted of about a task's runs: it has been seen to."""
    for rule in (QUARANTINED, LOST):
        known = work.rows.open_alert(work.room.id, rule, task.id)
        if known is not None:
            work.save(replace(work.get(Alert, known.id), resolved_at=work.now), event="resolved", undoable=False)


def _end_with(work: "Work", run: Run, before: Task, after: Task) -> None:
    """End an agent's run as its work on the task has ended."""
    current = work.get(Run, run.id)
    told = after.result if after.result != before.result else None
    left = before.result if before.result is not None and before.result.ending is Ending.ABANDONED else None
    if (result := told or left) is not None:
        state = _ENDINGS[result.ending]
        over = replace(
            current, state=state, ended_at=work.now, interrupted=left is not None, lost_worker=left is not None,
            output=result.output, files=result.files,
            reason=None if state is RunState.SUCCEEDED else result.summary.strip().partition("\n")[0],
        )  # fmt: skip
        work.save(over, event=state.value, undoable=False)
    elif after.status in (Status.REVIEW, Status.DONE) and before.claimed_by == work.actor.session_id:
        work.save(replace(current, state=RunState.SUCCEEDED, ended_at=work.now), event="succeeded", undoable=False)
    elif after.status is Status.IN_PROGRESS:
        session = work.rows.get(Session, run.lease or "")
        agent = work.rows.get(Agent, session.agent_id) if session is not None else None
        cancel(work, current, f"{agent.name if agent is not None else 'its agent'} no longer has the task")
    else:
        cancel(work, current, f"{_mover(work)} moved the task to {after.status}")


def _mover(work: "Work") -> str:
    agent = work.rows.get(Agent, work.agent.id)
    return agent.name if agent is not None else work.actor.name
