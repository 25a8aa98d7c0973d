"""Who may take a run, and what it is given along: loads of workers, free agents, environment and working directory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from core.agents.sessions import is_answering
from core.dispatch.known import Known, is_wanted
from core.dispatch.order import Queued
from core.dispatch.policy import WorkerLoad
from storage import (
    AgentId,
    Database,
    Home,
    Process,
    ProcessKind,
    ProcessSample,
    Room,
    Run,
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


@dataclass(slots=True)
class Office:
    """An agent process whose agent answers: the agent, its newest session that does, and how many tasks it has."""

    process: Process
    agent: AgentId
    session: SessionId
    busy: int

    @property
    def is_free(self) -> bool:
        """Whether its agent may have one more task."""
        return self.busy < self.process.spec.capacity


def agents_offices(database: Database, known: Known) -> list[Office]:
    """The agent processes that are up, of all rooms, whose agents answer."""
    found = []
    with database.read() as rows:
        presences = {room: rows.presences(room) for room in {each.room_id for each in known.of_kind(ProcessKind.AGENT)}}
        for process in known.of_kind(ProcessKind.AGENT):
            if not is_wanted(process) or process.spec.agent is None:
                continue
            agent = rows.agent_by_name(process.room_id, process.spec.agent)
            if agent is None:
                continue
            for session in rows.sessions(process.room_id, state=SessionState.ACTIVE, agent=agent.id):
                if is_answering(presences[process.room_id].get(session.id)):
                    found.append(Office(process, agent.id, session.id, len(rows.claimed_tasks(session.id))))
                    break  # the newest that answers is the one
    return found


def office_for(queued: Queued, offices: Sequence[Office]) -> Office | None:
    """The agent that a task goes to: its assignee, or of those who have room the least busy; None where none has."""
    free = [
        each
        for each in offices
        if each.is_free and each.process.room_id == queued.run.room_id and queued.task.assignee in (None, each.agent)
    ]
    return min(free, key=lambda each: (each.busy / each.process.spec.capacity, each.process.name), default=None)
