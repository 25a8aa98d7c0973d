"""The runs whose worker is gone: each is proven dead, and what result it has left is taken, while the queue goes on."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from core.board.runs import is_agents
from core.dispatch import reports
from core.dispatch.known import Known, is_gone
from core.operations.settled import RunEnd, RunStuck
from storage import Home, Process, Run, RunId, utc_now

PATIENCE_S: Final = 0.5
"""How long a thread looks for what does not go, before others have their turn on it."""
STUCK_S: Final = 3.0
"""What is killed and has not gone after so long is told of."""
LONGEST_PAUSE_S: Final = 5.0
"""Between two looks at what does not go: it hangs in the kernel."""

logger = logging.getLogger(__name__)

Lost = tuple[Run, Process | None]


class Burials:
    """What is being buried. On the event loop `note_end` is called with the end of each run that is proven dead, and
    `note_stuck` with each that does not die."""

    def __init__(
        self, home: Home, note_end: Callable[[RunEnd, Process | None], None], note_stuck: Callable[[RunStuck], None]
    ) -> None:
        self._home = home
        self._note_end = note_end
        self._note_stuck = note_stuck
        self._buried: set[RunId] = set()
        """Those that are proven dead, or are to be; until their ends are stored."""
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, known: Known) -> None:
        """Begin to bury the runs whose worker is gone by now."""
        lost: list[Lost] = []
        for run in known.running():
            if run.id in self._buried or is_agents(run) or run.process_id is None:
                continue
            process = known.processes.get(run.process_id)
            if is_gone(process, run.lease):
                lost.append((run, process))
        if lost:
            self._buried.update(run.id for run, _ in lost)
            task = asyncio.create_task(self._bury_or_give_back(lost), name="burial of lost runs")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def stored(self, ends: Sequence[RunId]) -> None:
        """Drop what lost runs have left, now that their ends are stored; a host that dies before finds it again.
        Blocking."""
        buried = self._buried.intersection(ends)
        reports.forget(self._home, buried)
        self._buried -= buried

    async def close(self) -> None:
        """Leave what is not buried yet to the next host."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _bury_or_give_back(self, lost: list[Lost]) -> None:
        """Bury runs; where that fails, a later turn begins anew: a run that nobody buries would stay open for ever."""
        try:
            await self._bury(lost)
        except Exception:
            logger.exception("lost runs could not be buried; it is tried again")
            await asyncio.sleep(LONGEST_PAUSE_S)
            self._buried.difference_update(run.id for run, _ in lost)

    async def _bury(self, lost: list[Lost]) -> None:
        pause_s = PATIENCE_S
        began, is_told = utc_now(), False
        loop = asyncio.get_running_loop()
        tell_at = loop.time() + STUCK_S
        while True:
            found, left = await asyncio.to_thread(reports.bury, self._home, [run for run, _ in lost], PATIENCE_S)
            for run, process in lost:
                if run.id in found:
                    self._note_end(reports.end_of_lost(run, process, found[run.id]), process)
            lost = [each for each in lost if each[0].id not in found]
            if not lost:
                return
            if not is_told and loop.time() >= tell_at:
                is_told = True
                for run, _ in lost:
                    pids = tuple(pid for pid, its in left.items() if its == run.id)
                    self._note_stuck(RunStuck(run.id, run.lease, began, pids))
            if pause_s == PATIENCE_S:
                logger.error("processes of lost runs do not go: %s", ", ".join(run.id for run, _ in lost))
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
