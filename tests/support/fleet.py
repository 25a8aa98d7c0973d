"""Processes as they might be in a room, put in as they are stored: for screens that show what others have done."""

import os
from dataclasses import replace
from datetime import timedelta
from typing import Any

from core.processes.identity import process_started
from storage import Desired, Door, Process, ProcessId, ProcessSpec, ProcessState, boot_id, new_process_id, utc_now
from storage.writer import Authorship
from tests.support.users import User

_UP = frozenset({ProcessState.STARTING, ProcessState.RUNNING, ProcessState.READY, ProcessState.UNHEALTHY})

_IDENTITY: dict[str, Any] = {
    "pid": os.getpid(), "pid_started": process_started(os.getpid()), "boot_id": boot_id(),
}  # fmt: skip
"""The test's own process, by which it can be seen that it lives."""


class Fleet:
    """The processes of the room of `board`, each as somebody has observed it."""

    def __init__(self, board: User) -> None:
        self.database = board.database
        board.call("get_room")
        with self.database.read() as rows:
            room = rows.room_by_name(board.room or "")
            assert room is not None
            self.room = room
        if not self._agents():
            board.call("create_agent", name="somebody")

    def add(
        self, name: str, state: ProcessState = ProcessState.RUNNING, *, up_s: float = 65, declared: bool = True,
        fields: dict[str, Any] | None = None, **spec: Any,
    ) -> ProcessId:  # fmt: skip
        """A process in some state, by its pid the test's own. `fields` are the record's, others its declaration's."""
        now = utc_now()
        is_up = state in _UP
        stem, _, number = name.rpartition(".")
        has_number = bool(stem) and number.isdigit()
        process = Process(
            id=new_process_id(), room_id=self.room.id, name=name, declared_name=stem if has_number else name,
            instance=int(number) if has_number else 1, is_declared=declared,
            spec=ProcessSpec(**{"command": ("sleep", "1000"), **spec}),
            desired=Desired.RUNNING if state is not ProcessState.STOPPED else Desired.STOPPED, generation=1,
            observed_generation=1, state=state, state_at=now - timedelta(seconds=up_s),
            started_at=now - timedelta(seconds=up_s) if is_up else None,
            created_at=now, updated_at=now,
        )  # fmt: skip
        process = replace(process, **(_IDENTITY if is_up else {}) | (fields or {}))
        with self.database.write("test") as writer:
            writer.insert(process, self._by())
        return process.id

    def observe(self, process: ProcessId, **fields: Any) -> None:
        """Something else is seen of a process."""
        with self.database.write("test") as writer:
            current = writer.get(Process, process)
            assert current is not None
            writer.update(current, replace(current, **fields), self._by(), type=str(fields.get("state", "observed")))

    def see(self, process: ProcessId) -> Process:
        """A process as it is stored."""
        with self.database.read() as rows:
            found = rows.get(Process, process)
            assert found is not None
            return found

    def _agents(self) -> Any:
        with self.database.read() as rows:
            return rows.agents(self.room.id)

    def _by(self) -> Authorship:
        return Authorship(agent_id=self._agents()[0].id, door=Door.CLI, operation="test")
