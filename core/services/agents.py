"""The agents' service: takes in what hooks have noted, and notices the sessions that have stopped answering."""

import asyncio
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from core.agents.expiry import expire_all
from core.agents.intake import take_in
from core.agents.spool import spool_of
from storage import Database

LOOK_S: Final = 0.08
"""Between two looks at the spool: a look is one stat a file, and what an agent waits with shall be seen at once."""

EXPIRE_S: Final = 5.0


class AgentsService:
    """Keeps what is known of agents true while nobody calls."""

    name = "agents"

    def __init__(self, database: Database) -> None:
        self._database = database
        self._spool = spool_of(database.home)

    async def run(self) -> None:
        """Look until cancelled."""
        loop = asyncio.get_running_loop()
        written, stop = asyncio.Event(), threading.Event()

        def tell() -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(written.set)

        # on a thread: to wake the event loop for each look would cost an idle app half a percent of a core
        threading.Thread(target=self._look, args=[stop, tell], name="spool", daemon=True).start()
        try:
            due = loop.time()
            while True:
                if loop.time() >= due:
                    await asyncio.to_thread(self._expire)
                    due = loop.time() + EXPIRE_S
                with suppress(TimeoutError):
                    await asyncio.wait_for(written.wait(), max(0.0, due - loop.time()))
                if written.is_set():
                    written.clear()
                    await asyncio.to_thread(self._take_in)
        finally:
            stop.set()

    def _look(self, stop: threading.Event, tell: Callable[[], None]) -> None:
        seen: dict[str, int] = {}
        while not stop.wait(LOOK_S):
            if (sizes := self._sizes()) != seen:
                seen = sizes
                tell()

    def _sizes(self) -> dict[str, int]:
        sizes = {}
        with suppress(FileNotFoundError), os.scandir(self._spool) as entries:  # pathlib takes twenty times as long
            for each in entries:
                if each.name.endswith(".jsonl"):
                    with suppress(FileNotFoundError):  # another reader has tidied
                        sizes[each.name] = each.stat().st_size
        return sizes

    def _take_in(self) -> None:
        take_in(self._database)
        self._database.close_thread()

    def _expire(self) -> None:
        expire_all(self._database)
        self._database.close_thread()
