"""The board as the screens know it: one state, fed by the change feed, told on in small changes.

No widget and no thread lives here. `read_all` and `read_fresh` run where the database is read,
`BoardState.apply` on the event loop.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from storage import COLUMNS, Agent, AgentId, EntityKind, Event, Reader, Room, RoomId, Status, Task, TaskId


@dataclass(frozen=True, slots=True)
class Fresh:
    """Rows just read, at one moment. `everything` means that they are all there are."""

    sequence: int
    tasks: Sequence[Task]
    agents: Sequence[Agent]
    room: Room | None
    events: Sequence[Event] = ()
    everything: bool = False


@dataclass(frozen=True, slots=True)
class BoardChange:
    """What has become different, so that only that is drawn again.

    Args:
        tasks: those that are new, gone or changed, marks included.
        columns: the columns whose members or order differ.
        events: what happened, oldest first; empty after a full load.
        everything: all may differ (first load, restored backup).
    """

    tasks: frozenset[TaskId] = frozenset()
    columns: frozenset[Status] = frozenset()
    events: Sequence[Event] = ()
    agents_changed: bool = False
    room_changed: bool = False
    everything: bool = False


def read_all(rows: Reader, room: RoomId) -> Fresh:
    """The whole room, archived tasks included."""
    return Fresh(
        rows.last_sequence(), rows.tasks(room), rows.agents(room), rows.get(Room, room), everything=True
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
    )


def _place(task: Task) -> tuple[str, str]:
    return task.rank, task.id


@dataclass(slots=True)
class BoardState:
    """All tasks of one room by id, and each column in its order. Read it freely; change it only through `apply`."""

    room: Room
    tasks: dict[TaskId, Task] = field(default_factory=dict)
    agents: dict[AgentId, Agent] = field(default_factory=dict)
    sequence: int = 0
    _columns: dict[Status, list[Task]] = field(default_factory=lambda: {status: [] for status in Status})

    def column(self, status: Status) -> Sequence[Task]:
        """The tasks of a column (or of the archive), in order."""
        return self._columns[status]

    def agent_name(self, agent: AgentId | None) -> str:
        """The name of an agent; empty for nobody."""
        known = self.agents.get(agent) if agent is not None else None
        return known.name if known else ""

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
            agents_changed=bool(fresh.agents), room_changed=fresh.room is not None,
        )  # fmt: skip

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
            agents_changed=True,
            room_changed=True,
            everything=True,
        )
