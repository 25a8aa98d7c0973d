"""The agents' service: takes in what hooks have noted, and notices the sessions that have stopped answering."""

import asyncio
from contextlib import suppress
from typing import Final

from core.agents.expiry import expire_all
from core.agents.intake import take_in
from core.agents.spool import spool_of
from storage import Database

LOOK_S: Final = 0.05
"""Between two looks at the spool: a look is one stat a file, and what an agent waits with shall be seen at once."""

EXPIRE_S: Final = 5.0


class AgentsService:
    """Keeps what is known of agents true while nobody calls."""

    name = "agents"

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: dict[str, int] = {}

    async def run(self) -> None:
        """Look until cancelled."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            if (sizes := self._sizes()) != self._seen:
                await asyncio.to_thread(self._take_in)
                self._seen = sizes
            if loop.time() >= due:
                await asyncio.to_thread(self._expire)
                due = loop.time() + EXPIRE_S
            await asyncio.sleep(LOOK_S)

    def _sizes(self) -> dict[str, int]:
        sizes = {}
        for path in spool_of(self._database.home).glob("*.jsonl"):
            with suppress(FileNotFoundError):  # another reader has tidied
                sizes[path.name] = path.stat().st_size
        return sizes

    def _take_in(self) -> None:
        take_in(self._database)
        self._database.close_thread()

    def _expire(self) -> None:
        expire_all(self._database)
        self._database.close_thread()
