"""What the dispatcher tells of runs, in batches: begun, ended, given to an agent. For the program itself only."""

from dataclasses import dataclass, replace
from datetime import datetime

from core.agents import handoffs
from core.alerts.findings import found, moment
from core.alerts.raising import raise_alert, resolve_alert
from core.board.runs import LOST, STUCK, close_alerts
from core.dispatch.known import is_wanted
from core.dispatch.ready import why_not_ready
from core.dispatch.retry import Decision, Verdict, decide
from core.operation import operation
from core.operations.run import back, new_run
from core.text import TITLE_LIMIT, clean_text, for_screen, shortened
from core.work import Work
from storage import (
    Agent,
    AlertSeverity,
    Ending,
    Process,
    ProcessId,
    Result,
    Role,
    Run,
    RunId,
    RunState,
    Session,
    SessionId,
    SessionState,
    Status,
    Task,
)  # fmt: skip

OUTPUT_LIMIT = 20_000
"""Characters of the output's end that a run keeps: they tell how it ended."""

NEAR = 400
"""Characters within which a cut output begins with its next line."""

MOST_FILES = 200

MOST_PIDS = 8
"""So many of a stuck run's processes are named; one shows what they wait for."""

_NOT_AT = dict.fromkeys(
    ("cli", "palette", "mcp", "socket", "websocket"), "only the dispatcher tells what became of runs"
)


@dataclass(frozen=True, slots=True)
class RunStart:
    """A run that is to begin on a worker. `lease` is the worker's present runner."""

    run: RunId
    process: ProcessId
    lease: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """How a run has ended.

    Args:
        state: succeeded, failed or cancelled.
        lease: under which it ran; an end under another than the run's present one is not the run's.
        is_interrupted: it was cut off: its worker was stopped, or it is lost.
        never_begun: the command had not begun when it was cut off.
        lost_worker: the worker died under it, or, with `lost_keeper`, the keeper that the worker had for it.
    """

    run: RunId
    lease: str | None
    state: RunState
    ended_at: datetime | None = None
    exit_code: int | None = None
    exit_signal: str | None = None
    reason: str | None = None
    is_interrupted: bool = False
    never_begun: bool = False
    lost_keeper: bool = False
    lost_worker: bool = False
    output: str | None = None
    files: tuple[str, ...] = ()
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class RunStuck:
    """A run whose processes are killed and do not go. `pids` are some of them."""

    run: RunId
    lease: str | None
    since: datetime
    pids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Settled:
    """What was recorded: the runs that have ended, those queued in their place, those that have begun."""

    ended: tuple[Run, ...]
    queued: tuple[Run, ...]
    begun: tuple[Run, ...]


@operation(role=Role.SYSTEM, changes=True, not_at=_NOT_AT)
def settle_runs(
    work: Work, ends: tuple[RunEnd, ...] = (), starts: tuple[RunStart, ...] = (), stuck: tuple[RunStuck, ...] = ()
) -> Settled:
    """Record how runs have ended and what becomes of their tasks, which cannot be ended, then begin others.

    An end of what is over already, or is under another lease, changes nothing; what may no longer begin does not.
    """
    ended = []
    for end in ends:
        current = work.get(Run, end.run)
        if current.state is RunState.RUNNING and current.lease == end.lease:
            ended.append(_ended(work, current, end))
    for each in stuck:
        _note_stuck(work, each)
    again = [found for run in ended if (found := work.rows.open_run(run.task_id)) is not None]
    return Settled(tuple(ended), tuple(again), _begun(work, starts))


def _note_stuck(work: Work, stuck: RunStuck) -> None:
    """Tell that a run's processes do not go, once: the alert lasts until they do."""
    current = work.get(Run, stuck.run)
    if current.state is not RunState.RUNNING or current.lease != stuck.lease or current.stuck_since is not None:
        return
    since = min(stuck.since, work.now)
    stored = work.save(replace(current, stuck_since=since), event="stuck", undoable=False)
    task = work.tasks.get(current.task_id)
    process = work.rows.get(Process, current.process_id or "")
    raise_alert(work, found(
        "run_stuck", task.id, number=task.number, attempt=stored.attempt, run=stored.id[-8:],
        name=for_screen(process.name) if process is not None else "?", since=moment(since),
        pids=",".join(map(str, stuck.pids[:MOST_PIDS])) or "?",
    ))  # fmt: skip


def _begun(work: Work, starts: tuple[RunStart, ...]) -> tuple[Run, ...]:
    begun = []
    for start in starts:
        current = work.get(Run, start.run)
        task = work.tasks.get(current.task_id)
        process = work.get(Process, start.process)
        if current.state is not RunState.QUEUED or why_not_ready(current, task, work.room, work.now) is not None:
            continue
        if process.runner != start.lease or not is_wanted(process) or task.command is None:
            continue
        running = replace(
            current, state=RunState.RUNNING, process_id=start.process, lease=start.lease, started_at=work.now,
            command=task.command,
        )  # fmt: skip
        begun.append(work.save(running, event="running"))
        rank = work.tasks.rank_before(None, Status.IN_PROGRESS)
        there = replace(task, status=Status.IN_PROGRESS, rank=rank, blocked_reason=None)
        work.save(there, event="status_changed", reason=f"{process.name} runs its command")
    return tuple(begun)


@operation(role=Role.SYSTEM, changes=True, not_at=_NOT_AT)
def give_run(work: Work, run: RunId, process: ProcessId, session: SessionId) -> Run | None:
    """Give a queued run to an agent's session as its claim; None where that may no longer be."""
    current = work.get(Run, run)
    task = work.tasks.get(current.task_id)
    holder = work.get(Session, session)
    agent = work.rows.get(Agent, holder.agent_id)
    if current.state is not RunState.QUEUED or why_not_ready(current, task, work.room, work.now) is not None:
        return None
    if holder.state is not SessionState.ACTIVE or agent is None or task.assignee not in (None, agent.id):
        return None
    given = replace(
        current, state=RunState.RUNNING, process_id=process, lease=session, started_at=work.now,
        command=task.command or "",
    )  # fmt: skip
    stored = work.save(given, event="running")
    work.become(agent, session)
    claimed = replace(
        task, status=Status.IN_PROGRESS, rank=work.tasks.rank_before(None, Status.IN_PROGRESS), assignee=agent.id,
        claimed_by=session, claim=task.claim + 1, result=None, blocked_reason=None,
    )  # fmt: skip
    work.save(claimed, event="claimed", reason="given by the queue")
    return stored


def _ended(work: Work, run: Run, end: RunEnd) -> Run:
    task = work.tasks.get(run.task_id)
    if run.stuck_since is not None:
        resolve_alert(work, STUCK, task.id)
    is_cancelled = end.state is RunState.CANCELLED or (run.cancelled_by is not None and end.state is RunState.FAILED)
    state = RunState.CANCELLED if is_cancelled else end.state
    over = replace(
        run, state=state, ended_at=max(end.ended_at, run.started_at or end.ended_at) if end.ended_at else work.now,
        exit_code=end.exit_code, exit_signal=end.exit_signal, paused=False, stuck_since=None,
        interrupted=end.is_interrupted and not is_cancelled, lost_worker=end.lost_worker,
        reason=run.reason if is_cancelled else _line(end.reason),
        output=_kept(clean_text(end.output, "output")) if end.output else None, files=end.files[:MOST_FILES],
    )  # fmt: skip
    if state is not RunState.FAILED:
        stored = work.save(over, event=state.value)
        close_alerts(work, task)
        if state is RunState.SUCCEEDED:
            _succeeded(work, task, stored, end)
        elif task.status is Status.IN_PROGRESS:
            back(work, task, "returned")
        return stored
    earlier = [over, *(each for each in work.rows.runs(work.room.id, task=run.task_id) if each.id != run.id)]
    decision = decide(task, work.room, earlier, work.agent.id, never_begun=end.never_begun)
    if decision.verdict is Verdict.QUARANTINE:
        over = replace(
            over, state=RunState.QUARANTINED, reason=_line("; ".join(filter(None, (over.reason, decision.why))))
        )
    stored = work.save(over, event=over.state.value)
    if end.lost_worker:
        _tell_of_loss(work, task, stored, end, decision)
    if task.status is not Status.IN_PROGRESS:
        return stored  # somebody has moved it meanwhile
    if decision.verdict is Verdict.RETRY:
        new_run(work, back(work, task, "returned"), delay_s=decision.delay_s, paused=run.paused)
    else:
        _blocked(work, task, stored, end, decision)
    return stored


def _succeeded(work: Work, task: Task, run: Run, end: RunEnd) -> None:
    if task.status is not Status.IN_PROGRESS:
        return
    to = Status.REVIEW if work.room.review_gate or task.waiting_on else Status.DONE
    result = _result(work, Ending.COMPLETED, run, f"`{_short(run)}` succeeded{_after(end)}.")
    rank = work.tasks.rank_before(None, to)
    stored = work.save(replace(task, status=to, rank=rank, result=result, blocked_reason=None), event="finished")
    if to is Status.DONE:
        handoffs.close(work, stored)


def _blocked(work: Work, task: Task, run: Run, end: RunEnd, decision: Decision) -> None:
    so = "" if decision.verdict is Verdict.QUARANTINE else f"; {decision.why}"  # the run itself says it then
    why = f"`{_short(run)}` failed{_after(end)}: {_how(run)}{so}"
    result = _result(work, Ending.FAILED, run, f"{why}.")
    rank = work.tasks.rank_before(None, Status.BLOCKED)
    there = replace(task, status=Status.BLOCKED, rank=rank, blocked_reason=shortened(why, TITLE_LIMIT), result=result)
    work.save(there, event="failed")


def _result(work: Work, ending: Ending, run: Run, summary: str) -> Result:
    return Result(
        ending=ending, summary=summary, files=run.files, output=run.output, agent=work.agent.id, at=work.now
    )  # fmt: skip


def _tell_of_loss(work: Work, task: Task, run: Run, end: RunEnd, decision: Decision) -> None:
    if decision.verdict is Verdict.QUARANTINE:
        resolve_alert(work, LOST, task.id)  # it said that the task is tried again
        raise_alert(work, found(
            "quarantined", task.id, severity=AlertSeverity.CRITICAL, number=task.number, count=decision.losses
        ))  # fmt: skip
        return
    process = work.rows.get(Process, run.process_id or "")
    who = "keeper" if end.lost_keeper else "worker"
    is_again = decision.verdict is Verdict.RETRY
    then = "again" if is_again else "blocked" if task.idempotent or end.never_begun else "cut_off"
    raise_alert(work, found(
        f"{who}_lost_{then}", task.id, severity=AlertSeverity.INFO if is_again else AlertSeverity.WARNING,
        number=task.number, name=process.name if process is not None else "?",
    ))  # fmt: skip


def _how(run: Run) -> str:
    if run.reason:
        return run.reason
    return f"signal {run.exit_signal}" if run.exit_signal else f"exit code {run.exit_code}"


def _after(end: RunEnd) -> str:
    return f" after {end.seconds:.1f} s" if end.seconds is not None else ""


def _short(run: Run) -> str:
    return shortened(run.command.replace("`", "'"), 80)


def _kept(output: str) -> str:
    """The end of an output, from the beginning of a line where one is near."""
    kept = output[-OUTPUT_LIMIT:]
    if len(kept) == len(output):
        return kept
    head, _, rest = kept.partition("\n")
    return rest if rest and len(head) <= NEAR else kept


def _line(text: str | None) -> str | None:
    return shortened(" ".join(text.split()), TITLE_LIMIT) if text else None
