"""The probes of all processes: each in a task of its own, as long as the machine wants to know."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing, suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

from core.errors import BackendUnavailable
from core.logs.expressions import Expression, is_quick
from core.logs.seeking import first_line_with
from core.processes.environment import as_reason, directory_of, environment_of
from core.processes.happenings import Event, Probed, ProbeKind, StartProbe
from core.processes.launching import output_folder
from core.processes.link import RunnerLink
from core.processes.probes import Asked, keep_asking
from storage import Home, ParallelError, ProcessId, Room, RoomId

LONGEST_LINE: Final = 65_536
"""Bytes of a line without an end in which a pattern is looked for."""
LINES_AT_ONCE: Final = 10_000
"""So many of what was printed before are looked through at once."""

logger = logging.getLogger(__name__)


class Probing:
    """Asks, and tells the answers.

    Args:
        tell: takes the answers, on the event loop.
        room_of: the room of that id, as it is now.
        link_to: the link to a runner, where there is one.
    """

    def __init__(
        self, home: Home, tell: Callable[[Event], None], room_of: Callable[[RoomId], Room],
        link_to: Callable[[str], RunnerLink | None],
    ) -> None:  # fmt: skip
        self._home = home
        self._tell = tell
        self._room_of = room_of
        self._link_to = link_to
        self._tasks: dict[tuple[ProcessId, ProbeKind], asyncio.Task[None]] = {}

    def begin(self, begun: StartProbe) -> None:
        """Begin to ask whether a process is well."""
        self.end(begun.process.id, begun.kind)
        self._tasks[begun.process.id, begun.kind] = asyncio.create_task(self._probe(begun))

    def end(self, process: ProcessId, kind: ProbeKind) -> None:
        """Ask no more."""
        task = self._tasks.pop((process, kind), None)
        if task is not None:
            task.cancel()

    async def close(self) -> None:
        """Ask nothing any more."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _probe(self, begun: StartProbe) -> None:
        process, runner = begun.process, begun.runner
        room = self._room_of(process.room_id)
        try:
            cwd = await asyncio.to_thread(directory_of, process, room)
            environment = await asyncio.to_thread(environment_of, process, room, self._home)
        except ParallelError as error:  # the room changed under it: what cannot be asked is not well
            self._tell(Probed(process.id, runner, begun.kind, as_reason(error)))
            return
        asked = Asked(cwd, environment, lambda pattern: self._until_printed(process.id, runner, pattern))

        def answer(complaint: str | None) -> None:
            self._tell(Probed(process.id, runner, begun.kind, complaint))

        try:
            await keep_asking(begun.probe, asked, answer, is_readiness=begun.kind is ProbeKind.READINESS)
        except Exception as error:
            logger.exception("the %s probe of %s failed", begun.kind, process.name)
            answer(f"it cannot be asked: {error}")

    async def _until_printed(self, process: ProcessId, runner: str, pattern: str) -> None:
        """Comes back when a process has printed what a pattern finds, since its start; also if that was long ago."""
        link = self._link_to(runner)
        if link is not None and await self._has_printed(process, link, pattern):
            return
        await asyncio.Event().wait()  # it has ended without; the supervisor hears of that elsewhere

    async def _has_printed(self, process: ProcessId, link: RunnerLink, pattern: str) -> bool:
        """Whether a pattern is found in its output; comes back when it is, or when there will be no more output."""
        live: asyncio.Queue[bytes | None] = asyncio.Queue()

        async def gather() -> None:
            with suppress(BackendUnavailable):
                async with aclosing(link.output(replay=True)) as output:
                    async for chunk in output:
                        live.put_nowait(chunk)
            live.put_nowait(None)

        gathering = asyncio.create_task(gather())
        try:
            since = link.status.started_at
            folder = output_folder(self._home, process)
            if since is not None and await asyncio.to_thread(_was_printed, folder, pattern, since):
                return True
            rest, is_over = b"", False
            while not is_over:
                chunks = [await live.get()]
                while not live.empty():
                    chunks.append(live.get_nowait())
                is_over = chunks[-1] is None
                data = rest + b"".join(each for each in chunks if each is not None)
                if await asyncio.to_thread(_find, pattern, data) is not None:  # the last line may be a prompt
                    return True
                rest = data.rpartition(b"\n")[2][-LONGEST_LINE:]
            return False
        finally:
            gathering.cancel()


def _find(pattern: str, data: bytes) -> int | None:
    from storage import searchable

    return first_line_with(pattern, searchable(data).split("\n"))


def _was_printed(folder: Path, pattern: str, since: datetime) -> bool:
    """Whether a pattern is found in what is kept of an output since a moment."""
    from storage import OutputReader

    reader = OutputReader(folder)
    if is_quick(pattern):
        return next(reader.grep(Expression(pattern, is_typed=False).pattern, since=since), None) is not None
    lines = reader.since(since)
    while batch := [each.text for each in islice(lines, LINES_AT_ONCE)]:
        if _find(pattern, b"\n".join(batch)) is not None:
            return True
    return False
