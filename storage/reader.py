"""Reading: every query the product asks, within one consistent snapshot, answered with frozen records."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import apsw

from storage.clock import format_time
from storage.codec import encode_json
from storage.collecting import collecting_paused
from storage.engine import Engine
from storage.home import Home
from storage.process_records import Alert, Process, Run
from storage.records import Agent, Comment, Event, Handoff, Presence, Room, Session, Task
from storage.tables import (
    AGENTS,
    ALERTS,
    COMMENTS,
    EVENT_ROWS,
    HANDOFFS,
    PRESENCE_ROWS,
    PROCESSES,
    ROOMS,
    RUNS,
    SESSIONS,
    TABLES,
    TASKS,
)
from storage.vocabulary import (
    AgentId,
    ChangeId,
    EntityKind,
    HandoffStatus,
    Priority,
    RoomId,
    RunState,
    SessionId,
    SessionState,
    Status,
    TaskId,
)

R = TypeVar("R", Room, Task, Agent, Comment, Session, Handoff, Process, Run, Alert)
_STATUS = TASKS.rows.names.index("status")
_URGENCY = " ".join(f"WHEN '{priority.value}' THEN {rank}" for rank, priority in enumerate(reversed(Priority)))


class StoredResult(NamedTuple):
    """What an earlier call with the same idempotency key gave. `result` is JSON text."""

    arguments_hash: str
    result: str


class Reader:
    """The queries. Valid only inside the transaction that made it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: apsw.Connection = engine.connection()

    @property
    def home(self) -> Home:
        """The home whose database is read."""
        return Home(Path(self._engine.database).parent)

    def get(self, record: type[R], entity_id: str) -> R | None:
        """The entity with that id."""
        table = TABLES[record]
        row = self._one(table.get, (entity_id,))
        return None if row is None else table.rows.decode(row)

    def by_suffix(self, record: type[R], room: RoomId, suffix: str) -> list[R]:
        """The room's entities of a kind whose id ends in `suffix`; at most two, since more tell no more."""
        table = TABLES[record]
        rows = self._all(
            f"{table.select} WHERE room_id = ? AND substr(id, -length(?)) = ? LIMIT 2", (room, suffix, suffix)
        )
        return [table.rows.decode(row) for row in rows]

    def every(self, record: type[R]) -> list[R]:
        """All entities of a kind, in all rooms."""
        table = TABLES[record]
        return [table.rows.decode(row) for row in self._all(table.select)]

    # rooms and agents

    def rooms(self) -> list[Room]:
        """All rooms, by name."""
        return [ROOMS.rows.decode(row) for row in self._all(f"{ROOMS.select} ORDER BY name")]

    def room_by_name(self, name: str) -> Room | None:
        """The room of that name."""
        row = self._one(f"{ROOMS.select} WHERE name = ?", (name,))
        return None if row is None else ROOMS.rows.decode(row)

    def agents(self, room: RoomId) -> list[Agent]:
        """The room's agents, by name."""
        return [
            AGENTS.rows.decode(row) for row in self._all(f"{AGENTS.select} WHERE room_id = ? ORDER BY name", (room,))
        ]

    def agent_by_name(self, room: RoomId, name: str) -> Agent | None:
        """The room's agent of that name."""
        row = self._one(f"{AGENTS.select} WHERE room_id = ? AND name = ?", (room, name))
        return None if row is None else AGENTS.rows.decode(row)

    # tasks

    def tasks(self, room: RoomId, statuses: Collection[Status] | None = None) -> list[Task]:
        """The room's tasks (only those of `statuses`, if given), column by column in order, with positions."""
        where, values = "WHERE room_id = ?", [str(room)]
        if statuses is not None:
            where += f" AND status IN ({', '.join('?' * len(statuses))})"
            values.extend(status.value for status in statuses)
        tasks: list[Task] = []
        status, position = "", 0
        with collecting_paused():
            for row in self._all(f"{TASKS.select} {where} ORDER BY status, rank, id", values):
                position = position + 1 if row[_STATUS] == status else 0
                status = row[_STATUS]
                tasks.append(TASKS.rows.decode(row, position=position))
        return tasks

    def tasks_by_id(self, ids: Iterable[TaskId]) -> list[Task]:
        """Those of the tasks that exist, in no order, without positions."""
        wanted = encode_json(list(ids)).decode()
        rows = self._all(f"{TASKS.select} WHERE id IN (SELECT value FROM json_each(?))", (wanted,))
        return [TASKS.rows.decode(row) for row in rows]

    def task_by_number(self, room: RoomId, number: int) -> Task | None:
        """The room's task of that number."""
        row = self._one(f"{TASKS.select} WHERE room_id = ? AND number = ?", (room, number))
        return None if row is None else TASKS.rows.decode(row)

    def with_positions(self, tasks: Sequence[Task]) -> list[Task]:
        """The tasks, each with its present 0-based place in its column."""
        sql = "SELECT count(*) FROM task WHERE room_id = ? AND status = ? AND (rank, id) < (?, ?)"
        return [
            replace(task, position=self._one(sql, (task.room_id, task.status.value, task.rank, task.id))[0])  # type: ignore[index]
            for task in tasks
        ]

    def next_task_number(self, room: RoomId) -> int:
        """The number that the room's next task gets; numbers are never given twice."""
        # after a restore those count too that the backup does not have: see storage/restore.py
        sql = """SELECT max(
            ifnull((SELECT max(number) FROM task WHERE room_id = ?1), 0),
            ifnull((SELECT max(json_extract(after, '$.highest_number')) FROM event
                    WHERE entity_id = ?1 AND type = 'restored'), 0)
        ) + 1"""
        row = self._one(sql, (room,))
        return int(row[0]) if row else 1

    def column_count(self, room: RoomId, status: Status) -> int:
        """How many tasks stand in a column."""
        row = self._one("SELECT count(*) FROM task WHERE room_id = ? AND status = ?", (room, status.value))
        return int(row[0]) if row else 0

    def last_rank(self, room: RoomId, status: Status, without: Collection[TaskId] = ()) -> str | None:
        """The greatest rank in a column, not counting the tasks `without`."""
        return self._rank(room, status, without, "", (), "DESC")

    def rank_below(self, room: RoomId, status: Status, rank: str, without: Collection[TaskId] = ()) -> str | None:
        """The greatest rank in a column that is less than `rank`, not counting the tasks `without`."""
        return self._rank(room, status, without, "AND rank < ?", (rank,), "DESC")

    def rank_above(self, room: RoomId, status: Status, rank: str, without: Collection[TaskId] = ()) -> str | None:
        """The least rank in a column that is greater than `rank`, not counting the tasks `without`."""
        return self._rank(room, status, without, "AND rank > ?", (rank,), "ASC")

    def _rank(
        self, room: RoomId, status: Status, without: Collection[TaskId], where: str, values: tuple[str, ...], way: str
    ) -> str | None:
        sql = f"SELECT rank, id FROM task WHERE room_id = ? AND status = ? {where} ORDER BY rank {way}, id {way}"
        for rank, task in self._connection.execute(f"{sql} LIMIT ?", (room, status.value, *values, len(without) + 1)):
            if task not in without:
                return str(rank)
        return None

    def is_rank_taken(self, room: RoomId, status: Status, rank: str, without: Collection[TaskId]) -> bool:
        """Whether another task than those `without` has this rank in a column."""
        sql = "SELECT id FROM task WHERE room_id = ? AND status = ? AND rank = ?"
        return any(row[0] not in without for row in self._all(sql, (room, status.value, rank)))

    def dependants(self, ids: Iterable[TaskId]) -> set[TaskId]:
        """The tasks that wait for any of `ids`, directly."""
        wanted = encode_json(list(ids)).decode()
        sql = "SELECT task_id FROM dependency WHERE needs_id IN (SELECT value FROM json_each(?))"
        return {TaskId(row[0]) for row in self._all(sql, (wanted,))}

    def comments(self, task: TaskId) -> list[Comment]:
        """The task's comments that are not removed, oldest first."""
        sql = f"{COMMENTS.select} WHERE task_id = ? AND NOT removed ORDER BY created_at, id"
        return [COMMENTS.rows.decode(row) for row in self._all(sql, (task,))]

    def ready_tasks(self, room: RoomId, agent: AgentId) -> Iterator[Task]:
        """What stands in todo and waits for none, for an agent to take: its own first, then the most urgent.

        Ties go by due date, then by the labels that are skills of the agent, then by order. Tasks that are assigned
        or being handed to another are left out, and those that have a run in the queue. Without positions.
        """
        columns = ", ".join(f'task."{name}"' for name in TASKS.rows.names)
        sql = f"""SELECT {columns} FROM task WHERE room_id = ?1 AND status = 'todo' AND waiting_on = 0
            AND (assignee IS NULL OR assignee = ?2)
            AND NOT EXISTS (SELECT 1 FROM handoff WHERE handoff.task_id = task.id AND handoff.status = 'pending'
                            AND handoff.to_agent IS NOT ?2)
            AND NOT EXISTS (SELECT 1 FROM run WHERE run.task_id = task.id AND run.state IN ('queued', 'running'))
            ORDER BY assignee IS NULL, CASE priority {_URGENCY} END, due IS NULL, due,
                NOT EXISTS (SELECT 1 FROM json_each(task.labels) AS label
                            JOIN agent ON agent.id = ?2 JOIN json_each(agent.skills) AS skill
                            ON skill.value = label.value),
                rank, id"""
        return (TASKS.rows.decode(row) for row in self.stream(sql, (room, agent)))

    def assigned_tasks(self, room: RoomId, statuses: Collection[Status], agent: AgentId | None = None) -> list[Task]:
        """The tasks of some columns that an agent has (any agent, if none is named), in no order, without positions."""
        who, values = ("= ?", [agent]) if agent is not None else ("IS NOT NULL", [])
        where = f"WHERE assignee {who} AND room_id = ? AND status IN ({', '.join('?' * len(statuses))})"
        rows = self._all(f"{TASKS.select} {where}", [*values, room, *(status.value for status in statuses)])
        return [TASKS.rows.decode(row) for row in rows]

    def first_task(self, room: RoomId, status: Status) -> TaskId | None:
        """The task at the head of a column."""
        sql = "SELECT id FROM task WHERE room_id = ? AND status = ? ORDER BY rank, id LIMIT 1"
        row = self._one(sql, (room, status.value))
        return None if row is None else TaskId(row[0])

    def claiming_sessions(self, room: RoomId) -> list[Session]:
        """The sessions that have claimed a task of the room."""
        sql = (
            f"{SESSIONS.select} WHERE id IN (SELECT claimed_by FROM task WHERE claimed_by IS NOT NULL AND room_id = ?)"
        )
        return [SESSIONS.rows.decode(row) for row in self._all(sql, (room,))]

    def claimed_tasks(self, session: SessionId) -> list[Task]:
        """The tasks that a session has claimed, in no order, without positions."""
        return [TASKS.rows.decode(row) for row in self._all(f"{TASKS.select} WHERE claimed_by = ?", (session,))]

    # sessions and handoffs

    def session_by_token(self, token_hash: str) -> Session | None:
        """The session that the token of this hash proves."""
        row = self._one(f"{SESSIONS.select} WHERE token_hash = ?", (token_hash,))
        return None if row is None else SESSIONS.rows.decode(row)

    def sessions(
        self, room: RoomId, *, state: SessionState | None = None, agent: AgentId | None = None, limit: int = -1
    ) -> list[Session]:
        """The room's sessions that fit what is named, newest first."""
        where, values = "WHERE room_id = ?", [str(room)]
        if state is not None:
            where += f" AND state = '{state.value}'"  # in the text, so that the partial index serves
        if agent is not None:
            where += " AND agent_id = ?"
            values.append(agent)
        rows = self._all(f"{SESSIONS.select} {where} ORDER BY created_at DESC, id DESC LIMIT {limit}", values)
        return [SESSIONS.rows.decode(row) for row in rows]

    def latest_sessions(self, room: RoomId) -> dict[AgentId, Session]:
        """Each agent's session that tells what it does: one that is active before one that is over, then the newest."""
        sql = f"""{SESSIONS.select} WHERE room_id = ? AND id = (
            SELECT id FROM session AS other WHERE other.agent_id = session.agent_id
            ORDER BY other.state = 'active' DESC, other.created_at DESC, other.id DESC LIMIT 1)"""
        found = [SESSIONS.rows.decode(row) for row in self._all(sql, (room,))]
        return {session.agent_id: session for session in found}

    def presence(self, session: SessionId) -> Presence | None:
        """How alive a session is; None where nothing has been heard of it."""
        row = self._one(f"SELECT {PRESENCE_ROWS.columns} FROM presence WHERE session_id = ?", (session,))
        return None if row is None else PRESENCE_ROWS.decode(row)

    def presences(self, room: RoomId | None = None) -> dict[SessionId, Presence]:
        """How alive the sessions of a room, or of all rooms, are."""
        sql = f"SELECT {PRESENCE_ROWS.columns} FROM presence"
        rows = self._all(sql) if room is None else self._all(f"{sql} WHERE room_id = ?", (room,))
        return {found.session_id: found for found in map(PRESENCE_ROWS.decode, rows)}

    def handoffs(
        self, room: RoomId, *, status: Collection[HandoffStatus] = (), task: TaskId | None = None
    ) -> list[Handoff]:
        """The room's handoffs that fit what is named, oldest first."""
        where, values = "WHERE room_id = ?", [str(room)]
        if status:
            where += f" AND status IN ({', '.join('?' * len(status))})"
            values.extend(each.value for each in status)
        if task is not None:
            where += " AND task_id = ?"
            values.append(task)
        rows = self._all(f"{HANDOFFS.select} {where} ORDER BY created_at, id", values)
        return [HANDOFFS.rows.decode(row) for row in rows]

    def spool_offsets(self) -> dict[str, int]:
        """How far each file of the hooks' spool has been taken in."""
        return dict(self._all("SELECT file, offset FROM spool"))

    # processes, runs, alerts

    def host_token(self) -> int:
        """The fencing token of the newest host."""
        row = self._one("SELECT token FROM host")
        return int(row[0]) if row else 0

    def processes(self, room: RoomId | None = None, *, leaving: bool = False) -> list[Process]:
        """The processes of a room, or of all rooms, that are not removed, by declared name and instance.

        Args:
            leaving: also those that are removed, and of which no host has seen yet that they are down.
        """
        shown = "(NOT removed OR observed_generation < generation)" if leaving else "NOT removed"
        where, values = ("", []) if room is None else (" AND room_id = ?", [room])
        rows = self._all(f"{PROCESSES.select} WHERE {shown}{where} ORDER BY room_id, declared_name, instance", values)
        return [PROCESSES.rows.decode(row) for row in rows]

    def runs(
        self, room: RoomId | None = None, *, states: Collection[RunState] = (), task: TaskId | None = None,
        limit: int = -1,
    ) -> list[Run]:  # fmt: skip
        """The runs of a room, or of all rooms, that fit what is named, newest first."""
        conditions, values = ["true"], []
        if room is not None:
            conditions.append("room_id = ?")
            values.append(str(room))
        if states:
            # in the text, so that the partial indexes serve
            conditions.append(f"state IN ({', '.join(repr(each.value) for each in states)})")
        if task is not None:
            conditions.append("task_id = ?")
            values.append(task)
        where = " AND ".join(conditions)
        rows = self._all(f"{RUNS.select} WHERE {where} ORDER BY created_at DESC, id DESC LIMIT {limit}", values)
        return [RUNS.rows.decode(row) for row in rows]

    def open_run(self, task: TaskId) -> Run | None:
        """The run of a task that is queued or running; there is at most one."""
        row = self._one(f"{RUNS.select} WHERE task_id = ? AND state IN ('queued', 'running')", (task,))
        return None if row is None else RUNS.rows.decode(row)

    def last_attempt(self, task: TaskId) -> int:
        """The number of a task's last run; 0 before the first."""
        row = self._one("SELECT ifnull(max(attempt), 0) FROM run WHERE task_id = ?", (task,))
        return int(row[0]) if row else 0

    def children(self, task: TaskId) -> list[Task]:
        """The tasks whose parent a task is, by number, without positions."""
        rows = self._all(f"{TASKS.select} WHERE parent = ? ORDER BY number", (task,))
        return [TASKS.rows.decode(row) for row in rows]

    def alerts(self, room: RoomId, *, resolved: bool = False, limit: int = -1) -> list[Alert]:
        """The room's alerts that are not resolved (with `resolved`, all), newest first."""
        where = "" if resolved else " AND resolved_at IS NULL"
        rows = self._all(
            f"{ALERTS.select} WHERE room_id = ?{where} ORDER BY created_at DESC, id DESC LIMIT {limit}", (room,)
        )
        return [ALERTS.rows.decode(row) for row in rows]

    def open_alert(self, room: RoomId, rule: str, subject: str) -> Alert | None:
        """The alert of a rule about a subject that is not resolved."""
        sql = f"{ALERTS.select} WHERE room_id = ? AND rule = ? AND subject = ? AND resolved_at IS NULL"
        row = self._one(sql, (room, rule, subject))
        return None if row is None else ALERTS.rows.decode(row)

    # events

    def last_sequence(self) -> int:
        """The sequence number of the newest event; 0 before the first."""
        row = self._one("SELECT ifnull(max(sequence), 0) FROM event")
        return int(row[0]) if row else 0

    def sequence_at(self, moment: datetime) -> int:
        """The sequence number of the last event at or before `moment`; 0 if there is none."""
        row = self._one("SELECT ifnull(max(sequence), 0) FROM event WHERE at <= ?", (format_time(moment),))
        return int(row[0]) if row else 0

    def events(
        self,
        *,
        room: RoomId | None = None,
        entity: EntityKind | None = None,
        entity_id: str | None = None,
        subject: TaskId | None = None,
        agent: AgentId | None = None,
        change: ChangeId | None = None,
        after: int = 0,
        until: int | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[Event]:
        """The events that fit all that is named, with `after < sequence <= until`, oldest first unless said."""
        wanted: dict[str, Any] = {
            "room_id = ?": room, "entity = ?": entity, "entity_id = ?": entity_id, "subject_id = ?": subject,
            "agent_id = ?": agent, "change = ?": change, "sequence <= ?": until,
        }  # fmt: skip
        conditions = ["sequence > ?", *(sql for sql, value in wanted.items() if value is not None)]
        values = [
            after,
            *(str(value) if not isinstance(value, int) else value for value in wanted.values() if value is not None),
        ]
        order = "DESC" if newest_first else "ASC"
        sql = f"SELECT {EVENT_ROWS.columns} FROM event WHERE {' AND '.join(conditions)} ORDER BY sequence {order}"
        if limit is not None:
            sql += f" LIMIT {int(limit)}"
        return [EVENT_ROWS.decode(row) for row in self._all(sql, values)]

    def undos_of(self, change: ChangeId) -> list[ChangeId]:
        """The changes that undo `change`, oldest first."""
        sql = "SELECT change FROM event WHERE undoes = ? GROUP BY change ORDER BY min(sequence)"
        return [ChangeId(row[0]) for row in self._all(sql, (change,))]

    def recent_changes(self, room: RoomId, agent: AgentId, *, undos: bool) -> Iterable[ChangeId]:
        """An agent's undoable changes in a room, newest first: its own ones, or those that undo others."""
        which = "undoes IS NOT NULL" if undos else "undoes IS NULL"
        sql = (
            f"SELECT change FROM event WHERE room_id = ? AND agent_id = ? AND undoable AND {which} "
            "ORDER BY sequence DESC"
        )
        seen: set[str] = set()
        for (change,) in self._connection.execute(sql, (room, agent)):
            if change not in seen:
                seen.add(change)
                yield ChangeId(change)

    def stored_result(self, room: RoomId | None, agent: AgentId, operation: str, key: str) -> StoredResult | None:
        """The result stored under an idempotency key."""
        sql = (
            "SELECT arguments_hash, result FROM idempotency "
            "WHERE room_id = ? AND agent_id = ? AND operation = ? AND key = ?"
        )
        row = self._one(sql, (room or "", agent, operation, key))
        return None if row is None else StoredResult(*row)

    # how rows are fetched

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Any]:
        """The rows of a query one by one; for this package's own modules."""
        return iter(self._connection.execute(sql, values))

    def _one(self, sql: str, values: Sequence[Any] = ()) -> Sequence[Any] | None:
        rows = self._all(sql, values)
        return rows[0] if rows else None

    def _all(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        return self._connection.execute(sql, values).fetchall()
