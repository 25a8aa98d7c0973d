"""Who may take a run, and what it is given along: loads of workers, free agents, environment and working directory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from core.agents.sessions import is_answering
from core.board.runs import is_agents
from core.dispatch.known import Known, is_wanted
from core.dispatch.order import Queued
from core.dispatch.policy import WorkerLoad
from core.operations.settled import RunEnd
from storage import (
    Database,
    Home,
    Process,
    ProcessId,
    ProcessKind,
    ProcessSample,
    Room,
    Run,
    RunId,
    RunState,
    Session,
    SessionId,
    SessionState,
    Task,
)  # fmt: skip

UNESTIMATED_MINUTES: Final = 5.0
"""What a task without an estimate counts for."""


def load_of(process: Process, tasks: Sequence[Task], sample: ProcessSample | None, failures: int) -> WorkerLoad:
    """How loaded a worker is that has these tasks in hand."""
    return WorkerLoad(
        process=process.id, room=process.room_id, name=process.name, running=len(tasks),
        capacity=process.spec.capacity, labels=process.spec.labels,
        cpu_percent=(sample.cpu_percent or 0.0) if sample is not None else 0.0,
        memory_bytes=sample.memory_bytes if sample is not None else 0,
        estimate_minutes=sum((task.estimate_minutes or UNESTIMATED_MINUTES for task in tasks), 0.0), failures=failures,
    )  # fmt: skip


def with_one_more(load: WorkerLoad, task: Task) -> WorkerLoad:
    """The load of a worker that is given a task."""
    minutes = load.estimate_minutes + (task.estimate_minutes or UNESTIMATED_MINUTES)
    return replace(load, running=load.running + 1, estimate_minutes=minutes)


def runner_folder(home: Home, process: Process) -> Path:
    """Where a process's present runner lives."""
    return home.run / "processes" / process.id / (process.runner or "")


def working_directory(room: Room, process: Process) -> str | None:
    """Where a command runs: the worker's own directory in the room, or the room's root; None where it is not inside."""
    root = Path(room.root)
    inside = (root / process.spec.cwd).resolve()
    return str(inside) if inside.is_relative_to(root.resolve()) else None


def environment(run: Run, task: Task, room: Room, process: Process) -> dict[str, str]:
    """What a command finds in its environment beside the worker's own: `wzp` in it acts as the worker, an agent."""
    return {
        "WZP_ROOM": room.name,
        "WZP_TASK": str(task.number),
        "WZP_ATTEMPT": str(run.attempt),
        "WZP_AGENT": process.name,
    }


def goes_to_agent(task: Task, room: Room, known: Known) -> bool:
    """Whether a task is for an agent process: it has no command, or is assigned to an agent that is one."""
    if task.command is None:
        return True
    if task.assignee is None:
        return False
    agents = {each.spec.agent for each in known.of_kind(ProcessKind.AGENT) if each.room_id == room.id}
    return bool(agents) and known.agent_name(task.assignee) in agents


@dataclass(frozen=True, slots=True)
class Office:
    """An agent process that may have one more task, and its agent's session."""

    process: ProcessId
    session: SessionId


def free_agent(database: Database, known: Known, candidate: Queued) -> Office | None:
    """The agent that a task goes to: its assignee, or of those who answer and have room the least busy; None yet."""
    room = candidate.run.room_id
    offered: list[tuple[float, str, Office]] = []
    with database.read() as rows:
        presences = rows.presences(room)
        for process in known.of_kind(ProcessKind.AGENT):
            if process.room_id != room or not is_wanted(process) or process.spec.agent is None:
                continue
            agent = rows.agent_by_name(room, process.spec.agent)
            if agent is None or candidate.task.assignee not in (None, agent.id):
                continue
            for session in rows.sessions(room, state=SessionState.ACTIVE, agent=agent.id):
                if is_answering(presences.get(session.id)):
                    busy = len(rows.claimed_tasks(session.id))
                    if busy < process.spec.capacity:
                        load = busy / process.spec.capacity
                        offered.append((load, process.name, Office(process.id, session.id)))
                    break  # the newest that answers is the one
    return min(offered, key=lambda each: each[:2])[2] if offered else None


def lost_sessions(database: Database, known: Known) -> dict[RunId, RunEnd]:
    """The ends of runs that agents had whose sessions are over, where nothing else has ended them."""
    ends: dict[RunId, RunEnd] = {}
    theirs = [run for run in known.running() if is_agents(run)]
    if not theirs:
        return ends
    with database.read() as rows:
        for run in theirs:
            session = rows.get(Session, SessionId(run.lease or ""))
            task = rows.get(Task, run.task_id)
            is_over = session is None or session.state is not SessionState.ACTIVE
            if is_over and (task is None or task.claimed_by != run.lease):
                ends[run.id] = RunEnd(
                    run=run.id, lease=run.lease, state=RunState.FAILED, reason="the session of its agent is over",
                    is_interrupted=True, lost_worker=True,
                )  # fmt: skip
    return ends
