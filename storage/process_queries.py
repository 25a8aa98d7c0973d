"""Queries of processes, of the runs that workers carry out, and of alerts."""

from collections.abc import Collection

from storage.process_records import Alert, Process, Run
from storage.queries import Queries
from storage.tables import ALERTS, PROCESSES, RUNS
from storage.vocabulary import RoomId, RunState, TaskId


class ProcessQueries(Queries):
    """What is asked of what runs."""

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

    def alerts(self, room: RoomId, *, resolved: bool = False, limit: int = -1) -> list[Alert]:
        """The room's alerts that are not resolved (with `resolved`, all), newest first."""
        where = "" if resolved else " AND resolved_at IS NULL"
        rows = self._all(
            f"{ALERTS.select} WHERE room_id = ?{where} ORDER BY created_at DESC, id DESC LIMIT {limit}", (room,)
        )
        return [ALERTS.rows.decode(row) for row in rows]

    def past_alerts(self, room: RoomId, limit: int) -> list[Alert]:
        """The room's alerts that are over, those first that were over last."""
        where = "WHERE room_id = ? AND resolved_at IS NOT NULL"
        rows = self._all(f"{ALERTS.select} {where} ORDER BY resolved_at DESC, id DESC LIMIT ?", (room, limit))
        return [ALERTS.rows.decode(row) for row in rows]

    def open_alert(self, room: RoomId, rule: str, subject: str) -> Alert | None:
        """The alert of a rule about a subject that is not resolved."""
        sql = f"{ALERTS.select} WHERE room_id = ? AND rule = ? AND subject = ? AND resolved_at IS NULL"
        row = self._one(sql, (room, rule, subject))
        return None if row is None else ALERTS.rows.decode(row)
