"""What all queries stand on: one transaction's connection, and the entities of any kind by their ids."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import apsw

from storage.engine import Engine
from storage.home import Home
from storage.process_records import Alert, Process, Run
from storage.records import Agent, Comment, Handoff, Room, Session, Task
from storage.tables import TABLES
from storage.vocabulary import RoomId

R = TypeVar("R", Room, Task, Agent, Comment, Session, Handoff, Process, Run, Alert)


class Queries:
    """Queries of one transaction, valid only inside it."""

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

    # how rows are fetched

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Any]:
        """The rows of a query one by one; for this package's own modules."""
        return iter(self._connection.execute(sql, values))

    def _one(self, sql: str, values: Sequence[Any] = ()) -> Sequence[Any] | None:
        rows = self._all(sql, values)
        return rows[0] if rows else None

    def _all(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        return self._connection.execute(sql, values).fetchall()
