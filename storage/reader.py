"""Reading: every query the product asks, within one consistent snapshot, answered with frozen records."""

from storage.agent_queries import AgentQueries
from storage.event_queries import EventQueries
from storage.event_queries import StoredResult as StoredResult
from storage.process_queries import ProcessQueries
from storage.records import Room
from storage.tables import ROOMS
from storage.task_queries import TaskQueries


class Reader(TaskQueries, AgentQueries, ProcessQueries, EventQueries):
    """The queries. Valid only inside the transaction that made it."""

    def rooms(self) -> list[Room]:
        """All rooms, by name."""
        return [ROOMS.rows.decode(row) for row in self._all(f"{ROOMS.select} ORDER BY name")]

    def room_by_name(self, name: str) -> Room | None:
        """The room of that name."""
        row = self._one(f"{ROOMS.select} WHERE name = ?", (name,))
        return None if row is None else ROOMS.rows.decode(row)

    def spool_offsets(self) -> dict[str, int]:
        """How far each file of the hooks' spool has been taken in."""
        return dict(self._all("SELECT file, offset FROM spool"))

    def host_token(self) -> int:
        """The fencing token of the newest host."""
        row = self._one("SELECT token FROM host")
        return int(row[0]) if row else 0
