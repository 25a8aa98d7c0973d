"""The desk: how the screens call operations and read, off the event loop, one writer thread and one reader thread."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

from core.execute import Call, Outcome, execute, find_room
from core.operations import find
from core.work import Actor
from storage import Database, Door, Home, Reader, Room

T = TypeVar("T")


class Desk:
    """The TUI's door. Everything that it returns is immutable; everything that it raises is a ParallelError.

    `room` is the room as it was when the desk was opened; the board state knows it as it is.
    """

    def __init__(self, database: Database, room: Room, actor: Actor) -> None:
        self.database = database
        self.room = room
        self.actor = replace(actor, door=Door.TUI)
        self._writer = ThreadPoolExecutor(1, "writer")
        self._reader = ThreadPoolExecutor(1, "reader")

    @classmethod
    def open(cls, home: Home, room: str, actor: Actor) -> "Desk":
        """Open the database of a home at one of its rooms, named or by id."""
        database = Database.open(home)
        try:
            with database.read() as rows:
                return cls(database, find_room(rows, room), actor)
        except BaseException:
            database.close()
            raise

    async def call(self, operation: str, *, reason: str | None = None, **arguments: Any) -> Outcome:
        """Carry out an operation in this room; see `core.execute.execute`. When it returns, the change is durable."""
        declared = find(operation)
        call = Call(
            operation=declared,
            arguments=arguments,
            actor=self.actor,
            room=self.room.id if declared.needs_room else None,
            reason=reason,
        )
        thread = self._writer if declared.changes else self._reader
        return await asyncio.get_running_loop().run_in_executor(thread, execute, self.database, call)

    async def read(self, query: Callable[[Reader], T]) -> T:
        """What `query` gives of one consistent snapshot."""

        def ask() -> T:
            with self.database.read() as rows:
                return query(rows)

        return await asyncio.get_running_loop().run_in_executor(self._reader, ask)

    def close(self) -> None:
        """Finish what has been begun, then close every connection."""
        for thread in (self._writer, self._reader):
            thread.submit(self.database.close_thread)
            thread.shutdown(wait=True)
        self.database.close()
