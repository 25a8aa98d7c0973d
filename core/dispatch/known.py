"""What the dispatcher knows of the store: open runs with their tasks, worker and agent processes, rooms.

Read where the database is read, kept true by the events of the change feed.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from core.board.runs import OPEN
from storage import (
    Agent,
    AgentId,
    Database,
    Desired,
    EntityKind,
    Event,
    Process,
    ProcessId,
    ProcessKind,
    ProcessState,
    Reader,
    Room,
    RoomId,
    Run,
    RunId,
    RunState,
    Task,
    TaskId,
    utc_now,
)  # fmt: skip

ALIVE: Final = frozenset(
    {ProcessState.STARTING, ProcessState.RUNNING, ProcessState.READY, ProcessState.UNHEALTHY, ProcessState.STOPPING}
)
SERVING: Final = frozenset({ProcessState.RUNNING, ProcessState.READY})
"""The states of a process that is given work."""

_CONCERNED: Final = frozenset({EntityKind.RUN, EntityKind.TASK, EntityKind.PROCESS, EntityKind.ROOM, EntityKind.AGENT})


@dataclass(slots=True)
class Known:
    """The rows that matter to the dispatcher, in all rooms."""

    rooms: dict[RoomId, Room] = field(default_factory=dict)
    runs: dict[RunId, Run] = field(default_factory=dict)
    tasks: dict[TaskId, Task] = field(default_factory=dict)
    processes: dict[ProcessId, Process] = field(default_factory=dict)
    agents: dict[AgentId, str] = field(default_factory=dict)
    next_begin: datetime | None = None
    """When the next of the runs may begin that wait for their time."""

    def load(self, database: Database) -> int:
        """Read everything anew; the sequence number up to which it is read."""
        with database.read() as rows:
            self.rooms = {room.id: room for room in rows.rooms()}
            self.runs = {run.id: run for run in rows.runs(states=OPEN)}
            wanted = [run.task_id for run in self.runs.values()]
            self.tasks = {task.id: task for task in rows.tasks_by_id(wanted)}
            self.processes = {each.id: each for each in rows.processes() if _takes_work(each)}
            for process in {run.process_id for run in self.runs.values() if run.process_id is not None}:
                self._read_process(rows, process)  # removed ones too, as long as they have a run
            self.agents = {agent.id: agent.name for agent in rows.every(Agent)}
            return rows.last_sequence()

    def refresh(self, database: Database, events: Sequence[Event]) -> None:
        """Read again what events name."""
        if any(event.type == "restored" for event in events):
            self.load(database)
            return
        if not any(event.entity in _CONCERNED for event in events):
            return
        with database.read() as rows:
            self.read_runs(rows, {RunId(each.entity_id) for each in events if each.entity is EntityKind.RUN})
            moved = {TaskId(each.entity_id) for each in events if each.entity is EntityKind.TASK}
            if moved:
                waiting = rows.dependants(moved)  # their count of open needs has no event of its own
                known = [task for task in moved | waiting if task in self.tasks]
                self.tasks.update((task.id, task) for task in rows.tasks_by_id(known))
            for event in events:
                if event.entity is EntityKind.PROCESS:
                    self._read_process(rows, ProcessId(event.entity_id))
                elif event.entity is EntityKind.ROOM and (room := rows.get(Room, event.room_id)) is not None:
                    self.rooms[room.id] = room
                elif event.entity is EntityKind.AGENT and (agent := rows.get(Agent, event.entity_id)) is not None:
                    self.agents[agent.id] = agent.name

    def read_runs(self, rows: Reader, runs: Iterable[RunId]) -> None:
        """Read some runs again, with their tasks; forget those that are over."""
        new: set[TaskId] = set()
        for each in runs:
            run = rows.get(Run, each)
            if run is not None and run.state in OPEN:
                self.runs[run.id] = run
                new.add(run.task_id)
            elif (gone := self.runs.pop(each, None)) is not None and not self._has_run(gone.task_id):
                self.tasks.pop(gone.task_id, None)
        self.tasks.update((task.id, task) for task in rows.tasks_by_id(new))

    def look_ahead(self) -> None:
        """Find when the next run's time comes."""
        now = utc_now()
        times = (run.not_before for run in self.runs.values() if run.state is RunState.QUEUED)
        self.next_begin = min((each for each in times if each is not None and each > now), default=None)

    def has_queued(self) -> bool:
        """Whether there is a run that has not begun."""
        return any(run.state is RunState.QUEUED for run in self.runs.values())

    def queued(self) -> list[Run]:
        """The runs that have not begun."""
        return [run for run in self.runs.values() if run.state is RunState.QUEUED]

    def running(self) -> list[Run]:
        """The runs that somebody has."""
        return [run for run in self.runs.values() if run.state is RunState.RUNNING]

    def by_worker(self) -> dict[tuple[ProcessId, str], list[Run]]:
        """The runs that workers have, by the worker and the runner under which it has them."""
        found: dict[tuple[ProcessId, str], list[Run]] = defaultdict(list)
        for run in self.runs.values():
            if run.state is RunState.RUNNING and run.process_id is not None and run.lease is not None:
                found[run.process_id, run.lease].append(run)
        return found

    def of_kind(self, kind: ProcessKind) -> list[Process]:
        """The processes that work in one way."""
        return [each for each in self.processes.values() if each.spec.kind is kind]

    def agent_name(self, agent: AgentId) -> str | None:
        """The name of an agent."""
        return self.agents.get(agent)

    def _has_run(self, task: TaskId) -> bool:
        return any(run.task_id == task for run in self.runs.values())

    def _read_process(self, rows: Reader, process: ProcessId) -> None:
        found = rows.get(Process, process)
        if found is not None and _takes_work(found) and not (found.removed and found.state not in ALIVE):
            self.processes[found.id] = found
        else:
            self.processes.pop(process, None)


def is_wanted(process: Process) -> bool:
    """Whether a process is up and shall stay so: only then is it given work."""
    return process.state in SERVING and process.desired is Desired.RUNNING and not process.removed


def _takes_work(process: Process) -> bool:
    return process.spec.kind in (ProcessKind.WORKER, ProcessKind.AGENT)


def is_gone(process: Process | None, lease: str | None) -> bool:
    """Whether the runner under which a run was begun is no more, as the supervisor has observed and proven."""
    return process is None or process.runner != lease or process.state not in (*ALIVE, ProcessState.UNKNOWN)
