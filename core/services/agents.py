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
from storage import Database, FileWatch

LOOK_S: Final = 0.08
"""Between two looks at the spool, one stat a file, while hooks write or where no watch tells when they do: what an
agent waits with shall be seen at once."""
SURE_S: Final = 1.0
"""Between two looks while the watch tells of nothing."""

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
        written, stop, signs = asyncio.Event(), threading.Event(), FileWatch(self._spool)

        def tell() -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(written.set)

        # on a thread: to wake the event loop for each look would cost an idle app half a percent of a core
        threading.Thread(target=self._look, args=[signs, stop, tell], name="spool", daemon=True).start()
        try:
            due = loop.time()
            while True:
                if loop.time() >= due:
                    await asyncio.to_thread(self._expire)
                    due = loop.time() + EXPIRE_S
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(due):
                        await written.wait()
                if written.is_set():
                    written.clear()
                    await asyncio.to_thread(self._take_in)
        finally:
            stop.set()
            signs.wake()

    def _look(self, signs: FileWatch, stop: threading.Event, tell: Callable[[], None]) -> None:
        try:
            self._look_until(signs, stop, tell)
        finally:
            signs.close()

    def _look_until(self, signs: FileWatch, stop: threading.Event, tell: Callable[[], None]) -> None:
        with suppress(OSError):  # a home that cannot be written is another's to tell of
            self._spool.mkdir(mode=0o700, parents=True, exist_ok=True)  # or there is nothing to watch
        seen: dict[str, int] = {}
        while not stop.is_set():
            if (sizes := self._sizes()) != seen:
                seen = sizes
                tell()
                signs.wait(LOOK_S, for_writes=False)
            elif signs.is_watching:
                signs.wait(SURE_S)
            else:
                signs.watch()  # and look once more: something may have come before it
                signs.wait(LOOK_S)

    def _sizes(self) -> dict[str, int]:
        sizes = {}
        # not there yet, or no descriptor is free: looked at again; pathlib takes twenty times as long
        with suppress(OSError), os.scandir(self._spool) as entries:
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
