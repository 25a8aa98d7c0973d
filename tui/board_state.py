"""The board as the screens know it: one state, fed by the change feed, told on in small changes.

No widget and no thread lives here. `read_all` and `read_fresh` run where the database is read,
`BoardState.apply` on the event loop.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeVar

from core.agents import AgentReport, reports_of
from core.agents.report import OPEN_COLUMNS
from core.board.runs import OPEN
from storage import (
    COLUMNS,
    Agent,
    AgentId,
    Alert,
    AlertId,
    EntityKind,
    Event,
    Handoff,
    HandoffId,
    HandoffStatus,
    Presence,
    Process,
    ProcessId,
    Reader,
    Room,
    RoomId,
    Run,
    RunId,
    RunState,
    Session,
    SessionId,
    SessionState,
    Status,
    Task,
    TaskId,
)  # fmt: skip

OVER: Final = tuple(state for state in RunState if state not in OPEN)
"""The states of a run of which nothing more comes."""
RUNS_KEPT: Final = 500
"""How many of a room's runs that are over the screens know, the newest; those that are open they know all."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """Rows just read, at one moment. `everything` means that they are all there are."""

    sequence: int
    tasks: Sequence[Task]
    agents: Sequence[Agent]
    room: Room | None
    events: Sequence[Event] = ()
    sessions: Sequence[Session] = ()
    handoffs: Sequence[Handoff] = ()
    processes: Sequence[Process] = ()
    runs: Sequence[Run] = ()
    alerts: Sequence[Alert] = ()
    presences: Mapping[SessionId, Presence] | None = None
    everything: bool = False


@dataclass(frozen=True, slots=True)
class BoardChange:
    """What has become different, so that only that is drawn again.

    Args:
        tasks: those that are new, gone or changed, marks included.
        columns: the columns whose members or order differ.
        handoffs: those that are new or changed.
        processes: those that are new, changed or removed; likewise runs and alerts.
        events: what happened, oldest first; empty after a full load.
        work_changed: what agents are doing may differ: their sessions or signs of life.
        everything: all may differ (first load, restored backup).
    """

    tasks: frozenset[TaskId] = frozenset()
    columns: frozenset[Status] = frozenset()
    handoffs: frozenset[HandoffId] = frozenset()
    processes: frozenset[ProcessId] = frozenset()
    runs: frozenset[RunId] = frozenset()
    alerts: frozenset[AlertId] = frozenset()
    events: Sequence[Event] = ()
    agents_changed: bool = False
    work_changed: bool = False
    room_changed: bool = False
    everything: bool = False


def read_all(rows: Reader, room: RoomId) -> Fresh:
    """The whole room, archived tasks included."""
    return Fresh(
        rows.last_sequence(), rows.tasks(room), rows.agents(room), rows.get(Room, room),
        sessions=rows.sessions(room), handoffs=rows.handoffs(room), presences=rows.presences(room),
        processes=rows.processes(room), alerts=rows.alerts(room),
        runs=[*rows.runs(room, states=OPEN), *rows.runs(room, states=OVER, limit=RUNS_KEPT)],
        everything=True,
    )  # fmt: skip


def read_fresh(rows: Reader, room: RoomId, events: Sequence[Event]) -> Fresh:
    """The rows that `events` (of any room) have made different in `room`: what they name, and the tasks whose marks
    follow from it."""
    here = [event for event in events if event.room_id == room]
    if any(event.type == "restored" and event.entity is EntityKind.ROOM for event in here):
        return read_all(rows, room)
    named = {TaskId(event.subject_id) for event in here if event.subject_id is not None}
    moved = {TaskId(event.entity_id) for event in here if event.entity is EntityKind.TASK and "status" in event.after}
    kinds = {event.entity for event in here}
    return Fresh(
        sequence=events[-1].sequence,
        tasks=rows.tasks_by_id(named | rows.dependants(moved)) if named else (),
        agents=rows.agents(room) if EntityKind.AGENT in kinds else (),
        room=rows.get(Room, room) if EntityKind.ROOM in kinds else None,
        events=here,
        sessions=_named(rows, Session, here, EntityKind.SESSION),
        handoffs=_named(rows, Handoff, here, EntityKind.HANDOFF),
        processes=_named(rows, Process, here, EntityKind.PROCESS),
        runs=_named(rows, Run, here, EntityKind.RUN),
        alerts=_named(rows, Alert, here, EntityKind.ALERT),
    )


E = TypeVar("E", Session, Handoff, Process, Run, Alert)


def _named(rows: Reader, record: type[E], events: Sequence[Event], kind: EntityKind) -> list[E]:
    """The entities of one kind that events are about, as they are now."""
    ids = dict.fromkeys(event.entity_id for event in events if event.entity is kind)
    return [found for each in ids if (found := rows.get(record, each)) is not None]


def _tells_more(session: Session, other: Session) -> bool:
    """Whether a session tells what its agent does rather than another: as `Reader.latest_sessions` has it."""

    def weight(each: Session) -> tuple[bool, datetime, str]:
        return each.state is SessionState.ACTIVE, each.created_at, each.id

    return weight(session) > weight(other)


def _place(task: Task) -> tuple[str, str]:
    return task.rank, task.id


@dataclass(slots=True)
class BoardState:
    """All tasks of one room by id, and each column in its order. Read it freely; change it only through `apply`."""

    room: Room
    tasks: dict[TaskId, Task] = field(default_factory=dict)
    agents: dict[AgentId, Agent] = field(default_factory=dict)
    sessions: dict[SessionId, Session] = field(default_factory=dict)
    presences: Mapping[SessionId, Presence] = field(default_factory=dict)
    handoffs: dict[HandoffId, Handoff] = field(default_factory=dict)
    processes: dict[ProcessId, Process] = field(default_factory=dict)
    runs: dict[RunId, Run] = field(default_factory=dict)
    latest_runs: dict[TaskId, Run] = field(default_factory=dict)
    """Each task's last run, of those that are known."""
    alerts: dict[AlertId, Alert] = field(default_factory=dict)
    sequence: int = 0
    _most_runs: int = 2 * RUNS_KEPT
    """With more than so many runs, old ones are forgotten."""
    _columns: dict[Status, list[Task]] = field(default_factory=lambda: {status: [] for status in Status})

    def column(self, status: Status) -> Sequence[Task]:
        """The tasks of a column (or of the archive), in order."""
        return self._columns[status]

    def agent_name(self, agent: AgentId | None) -> str:
        """The name of an agent; empty for nobody."""
        known = self.agents.get(agent) if agent is not None else None
        return known.name if known else ""

    def agent_named(self, name: str) -> Agent | None:
        """The agent of that name."""
        return next((agent for agent in self.agents.values() if agent.name == name), None)

    def pending_handoffs(self) -> list[Handoff]:
        """The handoffs that nobody has answered, oldest first."""
        pending = [each for each in self.handoffs.values() if each.status is HandoffStatus.PENDING]
        return sorted(pending, key=lambda each: (each.created_at, each.id))

    def reports(self) -> tuple[AgentReport, ...]:
        """What every agent is doing at this moment, by name."""
        latest: dict[AgentId, Session] = {}
        for session in self.sessions.values():
            known = latest.get(session.agent_id)
            if known is None or _tells_more(session, known):
                latest[session.agent_id] = session
        return reports_of(
            self.agents.values(),
            sessions=latest,
            presences=self.presences,
            pending=self.pending_handoffs(),
            tasks=(task for status in OPEN_COLUMNS for task in self._columns[status]),
        )

    def by_number(self, number: int) -> Task | None:
        """The task with that number."""
        return next((task for task in self.tasks.values() if task.number == number), None)

    def apply(self, fresh: Fresh) -> BoardChange:
        """Take in rows that were read later than all that is known; tell what differs."""
        if fresh.room is not None:
            self.room = fresh.room
        if fresh.agents:
            self.agents = {agent.id: agent for agent in fresh.agents}
        self.sequence = max(self.sequence, fresh.sequence)
        if fresh.presences is not None:
            self.presences = fresh.presences
        if fresh.everything:
            self.sessions, self.handoffs, self.processes, self.runs, self.alerts = {}, {}, {}, {}, {}
            self.latest_runs = {}
        self.sessions.update((session.id, session) for session in fresh.sessions)
        self.handoffs.update((handoff.id, handoff) for handoff in fresh.handoffs)
        self._take_runs(fresh.runs)
        self._take_processes(fresh.processes)
        self._take_alerts(fresh.alerts)
        if fresh.everything:
            return self._replace_all(fresh.tasks)
        changed: set[TaskId] = set()
        columns: set[Status] = set()
        for task in fresh.tasks:
            before = self.tasks.get(task.id)
            if before == task:
                continue
            changed.add(task.id)
            if before is None or (before.status, before.rank) != (task.status, task.rank):
                columns.add(task.status)
                if before is not None:
                    columns.add(before.status)
            self._put(before, task)
        return BoardChange(
            tasks=frozenset(changed), columns=frozenset(columns), events=fresh.events,
            handoffs=frozenset(handoff.id for handoff in fresh.handoffs),
            processes=frozenset(each.id for each in fresh.processes), runs=frozenset(each.id for each in fresh.runs),
            alerts=frozenset(each.id for each in fresh.alerts), agents_changed=bool(fresh.agents),
            work_changed=bool(fresh.sessions), room_changed=fresh.room is not None,
        )  # fmt: skip

    def take_presences(self, presences: Mapping[SessionId, Presence]) -> BoardChange | None:
        """Take in new signs of life; None where they are the old ones."""
        if presences == self.presences:
            return None
        self.presences = presences
        return BoardChange(work_changed=True)

    def _take_processes(self, processes: Iterable[Process]) -> None:
        for process in processes:
            if process.removed:
                self.processes.pop(process.id, None)
            else:
                self.processes[process.id] = process

    def _take_runs(self, runs: Iterable[Run]) -> None:
        for run in runs:
            self.runs[run.id] = run
            known = self.latest_runs.get(run.task_id)
            if known is None or run.attempt >= known.attempt:
                self.latest_runs[run.task_id] = run
        if len(self.runs) > self._most_runs:
            newest = sorted(self.runs.values(), key=lambda each: (each.created_at, each.id), reverse=True)
            over = [each for each in newest if each.state not in OPEN][:RUNS_KEPT]
            self.runs = {each.id: each for each in (*(each for each in newest if each.state in OPEN), *over)}
            self._most_runs = len(self.runs) + RUNS_KEPT

    def _take_alerts(self, alerts: Iterable[Alert]) -> None:
        for alert in alerts:
            if alert.resolved_at is not None:
                self.alerts.pop(alert.id, None)
            else:
                self.alerts[alert.id] = alert

    def _put(self, before: Task | None, task: Task) -> None:
        if before is not None:
            column = self._columns[before.status]
            del column[bisect_left(column, _place(before), key=_place)]
        insort(self._columns[task.status], task, key=_place)
        self.tasks[task.id] = task

    def _replace_all(self, tasks: Iterable[Task]) -> BoardChange:
        self.tasks = {task.id: task for task in tasks}
        for status in Status:
            self._columns[status] = sorted((task for task in self.tasks.values() if task.status is status), key=_place)
        return BoardChange(
            tasks=frozenset(self.tasks),
            columns=frozenset(COLUMNS),
            handoffs=frozenset(self.handoffs),
            processes=frozenset(self.processes),
            runs=frozenset(self.runs),
            alerts=frozenset(self.alerts),
            agents_changed=True,
            work_changed=True,
            room_changed=True,
            everything=True,
        )
