"""Runs: queue a task's command, approve it, look, cancel, pause, resume, try again."""

from dataclasses import replace
from datetime import timedelta

from core.board import runs, transitions
from core.errors import ClaimHeld, InvalidData, PermissionDenied, RuleRefusal
from core.operation import operation
from core.work import Work
from storage import (
    Agent,
    AgentId,
    Desired,
    ProcessKind,
    Role,
    Room,
    Run,
    RunId,
    RunState,
    Session,
    Status,
    Task,
    TaskId,
    new_run_id,
)  # fmt: skip

LONGEST_DELAY_S = 366 * 86_400


@operation(role=Role.AGENT, changes=True, command="task queue")
def queue_task(work: Work, task: TaskId, *, delay_seconds: int = 0, expected_version: int | None = None) -> Run:
    """Let a worker carry out a task's command, as soon as one is free and the task waits for no other.

    A command that an agent has set begins once it is approved, unless the room allows it. Without a command the task
    goes to the room's agent processes.

    Args:
        delay_seconds: begin no earlier than after so many seconds.
        expected_version: refuse if the task has changed since this version.

    Raises:
        InvalidData: the task has no command and the room no agent process; or it is archived.
        RuleRefusal: it is queued or running already, or was quarantined and you are no operator.
        ClaimHeld: an agent has it.
    """
    return _queued(work, work.tasks.get(task, expected_version), delay_seconds)


@operation(role=Role.AGENT, changes=True, command="task queue-many")
def queue_tasks(work: Work, tasks: tuple[TaskId, ...]) -> tuple[Run, ...]:
    """Let workers carry out the commands of several tasks, as one change."""
    return tuple(_queued(work, task, 0) for task in work.tasks.get_all(tasks))


@operation(role=Role.OPERATOR, changes=True, undoable=True, command="task approve-command")
def approve_command(work: Work, task: TaskId, *, expected_version: int | None = None) -> Task:
    """Approve a task's command as it stands, which an agent has set, so that it may run.

    Args:
        expected_version: refuse if the task has changed since this version, its command perhaps.

    Raises:
        InvalidData: it has no command.
    """
    current = work.tasks.get(task, expected_version)
    if current.command is None:
        raise _no_command(current)
    return work.save(replace(current, command_approved=True), event="command_approved")


@operation(role=Role.VIEWER, changes=False, command="queue list")
def list_runs(
    work: Work, *, state: tuple[RunState, ...] = (), task: TaskId | None = None, limit: int = 100
) -> tuple[Run, ...]:
    """List the room's runs, newest first.

    Args:
        state: only those that stand so.
        task: only those of this task.
        limit: at most so many.
    """
    return tuple(work.rows.runs(work.room.id, states=state, task=task, limit=limit))


@operation(role=Role.VIEWER, changes=False, command="queue show")
def get_run(work: Work, run: RunId) -> Run:
    """Show a run with its result and the end of its output.

    Args:
        run: its id, the unique end of one, or a task's number for that task's latest run.
    """
    return work.get(Run, run)


@operation(role=Role.AGENT, changes=True, command="queue cancel")
def cancel_run(work: Work, run: RunId) -> Run:
    """Take a run out of the queue, or end it with all its processes. Its task goes back to todo.

    Args:
        run: its id, the unique end of one, or a task's number for that task's latest run.

    Raises:
        RuleRefusal: it is over.
        PermissionDenied: you have not queued it, and you are no operator.
    """
    current = _open(work, run)
    reason = work.reason or f"cancelled by {work.agent.name}"
    over = runs.cancel(work, current, reason)
    task = work.tasks.get(current.task_id)
    if over.state is RunState.CANCELLED and current.state is RunState.RUNNING and task.status is Status.IN_PROGRESS:
        back(work, task, "returned")  # an agent had it
    return over


@operation(role=Role.AGENT, changes=True, command="queue pause-run")
def pause_run(work: Work, run: RunId) -> Run:
    """Hold a run: one that is queued does not begin, the processes of one that is running stand still.

    Args:
        run: its id, the unique end of one, or a task's number for that task's latest run.

    Raises:
        RuleRefusal: it is over, or an agent has it.
        PermissionDenied: you have not queued it, and you are no operator.
    """
    return _hold(work, run, paused=True)


@operation(role=Role.AGENT, changes=True, command="queue resume-run")
def resume_run(work: Work, run: RunId) -> Run:
    """Let a run go on that was held.

    Args:
        run: its id, the unique end of one, or a task's number for that task's latest run.

    Raises:
        RuleRefusal: it is over.
        PermissionDenied: you have not queued it, and you are no operator.
    """
    return _hold(work, run, paused=False)


@operation(role=Role.AGENT, changes=True, command="queue retry")
def retry_run(work: Work, run: RunId) -> Run:
    """Queue the task of a run that is over once more, with all its attempts.

    Args:
        run: its id, the unique end of one, or a task's number for that task's latest run.

    Raises:
        RuleRefusal: the task is queued or running, or was quarantined and you are no operator.
    """
    return _queued(work, work.tasks.get(work.get(Run, run).task_id), 0)


@operation(role=Role.OPERATOR, changes=True, undoable=True, command="queue pause")
def pause_queue(work: Work) -> Room:
    """Let no further run of the room begin; what is running goes on."""
    return _hold_queue(work, paused=True)


@operation(role=Role.OPERATOR, changes=True, undoable=True, command="queue resume")
def resume_queue(work: Work) -> Room:
    """Let the room's queued runs begin again."""
    return _hold_queue(work, paused=False)


def new_run(work: Work, task: Task, *, delay_s: float = 0.0, paused: bool = False) -> Run:
    """A further attempt at a task, at the queue's end; not begun before `delay_s` have passed, nor while `paused`."""
    return work.add(
        Run(
            id=new_run_id(), room_id=work.room.id, task_id=task.id, attempt=work.rows.last_attempt(task.id) + 1,
            command=task.command or "", queued_by=work.agent.id,
            not_before=work.now + timedelta(seconds=delay_s) if delay_s else None, paused=paused,
            created_at=work.now, updated_at=work.now,
        ),
        event="queued",
    )  # fmt: skip


def back(work: Work, task: Task, event: str) -> Task:
    """The task at the head of todo, as it was before its run."""
    if task.status is Status.TODO:
        return task
    rank = work.tasks.rank_before(work.rows.first_task(work.room.id, Status.TODO), Status.TODO)
    return work.save(replace(task, status=Status.TODO, rank=rank, claimed_by=None, blocked_reason=None), event=event)


def _hold(work: Work, run: RunId, *, paused: bool) -> Run:
    current = _open(work, run)
    if paused and runs.is_agents(current):
        session = work.rows.get(Session, current.lease or "")
        agent = work.rows.get(Agent, session.agent_id) if session is not None else None
        raise RuleRefusal(
            f"{agent.name if agent is not None else 'An agent'} has it, and an agent cannot be made to stand still.",
            "Leave a comment on the task, or take it back with `wzp queue cancel`.",
        )
    return work.save(replace(current, paused=paused), event="paused" if paused else "resumed")


def _hold_queue(work: Work, *, paused: bool) -> Room:
    held = replace(work.get(Room, work.room.id), queue_paused=paused)
    return work.save(held, event="queue_paused" if paused else "queue_resumed")


def _queued(work: Work, task: Task, delay_seconds: int) -> Run:
    if not 0 <= delay_seconds <= LONGEST_DELAY_S:
        raise InvalidData(f"A delay of {delay_seconds} seconds makes no sense.", f"Give 0 to {LONGEST_DELAY_S:,}.")
    known = work.rows.open_run(task.id)
    if known is not None and known.stuck_since is not None:
        raise RuleRefusal(
            f"The processes of #{task.number} (attempt {known.attempt}) are killed and do not go.",
            "It can be queued again once they are gone; see `wzp alerts list`.",
        )
    if known is not None:
        raise RuleRefusal(
            f"#{task.number} is {known.state} already (attempt {known.attempt}).",
            "Wait for it, or cancel it with `wzp queue cancel`.",
        )
    if task.command is None and not _has_agents(work):
        raise _no_command(task)
    if task.claimed_by is not None:
        raise ClaimHeld(
            f"#{task.number} is claimed by an agent's session.", "Wait for it, or take the task back to todo first."
        )
    last = next(iter(work.rows.runs(work.room.id, task=task.id, limit=1)), None)
    if last is not None and last.state is RunState.QUARANTINED and work.actor.role < Role.OPERATOR:
        raise RuleRefusal(
            f"#{task.number} is quarantined: {last.reason}.", "A person can look at it, and queue it again."
        )
    transitions.check(task, Status.TODO, reason=None)
    if task.status not in runs.WAITING_PLACES:
        rank = work.tasks.rank_before(None, Status.TODO)
        moved = replace(task, status=Status.TODO, rank=rank, blocked_reason=None, claimed_by=None)
        task = work.save(moved, event="status_changed")
    if not task.command_approved:
        work.warn(
            f"The command of #{task.number} was set by an agent and waits for approval:"
            f" `wzp task approve-command {task.number}`."
        )
    _warn_of_idleness(work)
    runs.close_alerts(work, task)
    return new_run(work, task, delay_s=delay_seconds)


def _warn_of_idleness(work: Work) -> None:
    """Say where nobody is there who would carry it out."""
    takers = [each for each in work.rows.processes(work.room.id) if each.spec.kind in _TAKERS]
    if not takers:
        work.warn("It waits: the room has no worker. Add a process of the kind worker to room.yaml, then `wzp start`.")
    elif not any(each.desired is Desired.RUNNING for each in takers):
        work.warn(f"It waits: no worker is wanted running. Start one with `wzp start {takers[0].name}`.")


_TAKERS = (ProcessKind.WORKER, ProcessKind.AGENT)


def _open(work: Work, run: RunId) -> Run:
    current = work.get(Run, run)
    if current.state not in runs.OPEN:
        raise RuleRefusal(
            f"The run is over: it {_PAST[current.state]}.", "Queue the task again with `wzp queue retry`."
        )
    if work.actor.role < Role.OPERATOR and _asker(work, current) != work.agent.id:
        raise PermissionDenied("Another has queued it.", "Ask the person, or leave a comment on the task.")
    return current


def _asker(work: Work, run: Run) -> AgentId:
    """Who has asked for a run: of an attempt that the program has added, who has asked for the first of them."""
    for each in work.rows.runs(work.room.id, task=run.task_id):
        by = work.rows.get(Agent, each.queued_by)
        if each.attempt <= run.attempt and by is not None and by.role is not Role.SYSTEM:
            return each.queued_by
    return run.queued_by


_PAST = {
    RunState.SUCCEEDED: "succeeded",
    RunState.FAILED: "failed",
    RunState.CANCELLED: "was cancelled",
    RunState.QUARANTINED: "was quarantined",
}


def _has_agents(work: Work) -> bool:
    return any(each.spec.kind is ProcessKind.AGENT for each in work.rows.processes(work.room.id))


def _no_command(task: Task) -> InvalidData:
    return InvalidData(
        f"#{task.number} has no command to run.", f"Give it one: `wzp task edit {task.number} --command 'make test'`."
    )
