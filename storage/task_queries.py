"""Queries of tasks, where they stand, what hangs on them."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from storage.codec import encode_json
from storage.collecting import collecting_paused
from storage.queries import Queries
from storage.records import Comment, Task
from storage.tables import COMMENTS, TASKS
from storage.vocabulary import AgentId, Priority, RoomId, SessionId, Status, TaskId

_STATUS = TASKS.rows.names.index("status")
_URGENCY = " ".join(f"WHEN '{priority.value}' THEN {rank}" for rank, priority in enumerate(reversed(Priority)))


class TaskQueries(Queries):
    """What is asked of tasks."""

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

    def claimed_tasks(self, session: SessionId) -> list[Task]:
        """The tasks that a session has claimed, in no order, without positions."""
        return [TASKS.rows.decode(row) for row in self._all(f"{TASKS.select} WHERE claimed_by = ?", (session,))]

    def children(self, task: TaskId) -> list[Task]:
        """The tasks whose parent a task is, by number, without positions."""
        rows = self._all(f"{TASKS.select} WHERE parent = ? ORDER BY number", (task,))
        return [TASKS.rows.decode(row) for row in rows]

    # where they stand

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

    def first_task(self, room: RoomId, status: Status) -> TaskId | None:
        """The task at the head of a column."""
        sql = "SELECT id FROM task WHERE room_id = ? AND status = ? ORDER BY rank, id LIMIT 1"
        row = self._one(sql, (room, status.value))
        return None if row is None else TaskId(row[0])
