"""The journal: writes down what was observed, in order, many at once, on a thread of its own."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from core.alerts.findings import Finding
from core.errors import HostLost
from core.execute import Call, execute
from core.operations import load
from core.work import Actor
from storage import CorruptedData, Database, ParallelError, Process, RoomId, StorageError

GATHER_S: Final = 0.004
"""What is observed this close together is written in one transaction: half of what one costs."""

RETRY_S: Final = 1.0
"""After this the store is tried again, where it refused: full, held, or read-only. Nothing is dropped meanwhile."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Page:
    """What is to be written of one room."""

    observed: list[Process] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


class Journal:
    """Takes observations at once and writes them soon."""

    def __init__(self, database: Database, actor: Actor) -> None:
        self._database = database
        self._actor = actor
        self._operation = load("observed")["observe_processes"]
        self._pages: dict[RoomId, _Page] = {}
        self._after: list[Callable[[], None]] = []
        self._woken = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "supervisor-journal")

    def note(self, room: RoomId, process: Process) -> None:
        """Write down what was observed of a process."""
        self._pages.setdefault(room, _Page()).observed.append(process)
        self._woken.set()

    def find(self, room: RoomId, finding: Finding) -> None:
        """Write down what a person should see to, or that it is over."""
        self._pages.setdefault(room, _Page()).findings.append(finding)
        self._woken.set()

    def afterwards(self, do: Callable[[], None]) -> None:
        """Call something on the event loop once all that was noted up to now is stored."""
        self._after.append(do)
        self._woken.set()

    async def keep(self) -> None:
        """Write until cancelled.

        Raises:
            HostLost: another host has taken over; what was not written is its to observe.
        """
        loop = asyncio.get_running_loop()
        while True:
            await self._woken.wait()
            await asyncio.sleep(GATHER_S)
            self._woken.clear()
            pages, self._pages = self._pages, {}
            after, self._after = self._after, []
            for room, page in pages.items():
                while not await loop.run_in_executor(self._thread, self._write, room, page):
                    await asyncio.sleep(RETRY_S)
            for do in after:
                do()

    def close(self) -> None:
        """Let the thread end; what it writes at the moment is written."""
        self._thread.submit(self._database.close_thread)
        self._thread.shutdown(wait=False)

    def _write(self, room: RoomId, page: _Page) -> bool:
        """Store a page; False where the store refuses and it is to be tried again."""
        arguments = {"observed": tuple(page.observed), "findings": tuple(page.findings)}
        try:
            execute(self._database, Call(operation=self._operation, arguments=arguments, actor=self._actor, room=room))
        except HostLost:
            raise
        except CorruptedData as error:
            return self._write_without_findings(room, page, error)
        except StorageError as error:
            logger.warning("what was observed could not be stored, it is tried again: %s", error)
            return False
        except ParallelError as error:
            return self._write_singly(room, page, error)
        return True

    def _write_without_findings(self, room: RoomId, page: _Page, error: CorruptedData) -> bool:
        """Store what was observed where only the alerts cannot be read: these must not silence all supervision."""
        if page.observed and not page.findings:
            logger.warning("what was observed could not be stored, it is tried again: %s", error)
            return False
        if not page.observed:
            logger.error("alerts are damaged; what was found is left out: %s", error)
            return True
        return self._write(room, _Page(page.observed)) and self._write(room, _Page([], page.findings))

    def _write_singly(self, room: RoomId, page: _Page, error: ParallelError) -> bool:
        """Store what can be stored of a page that is refused for good: one bad record must not silence the others."""
        singles = [*(_Page([each]) for each in page.observed), *(_Page([], [each]) for each in page.findings)]
        if error.code == "not_found" and len(singles) == 1:  # a restore has undone the making of the room, or of it
            return True
        if len(singles) == 1:
            logger.error("what was observed is refused and left out: %s (%s)", error, page)
            return True
        stored = [self._write(room, each) for each in singles]
        return all(stored)
