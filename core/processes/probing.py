"""The probes of all processes: each in a task of its own, as long as the machine wants to know."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, suppress

from core.errors import BackendUnavailable
from core.processes.environment import as_reason, directory_of, environment_of
from core.processes.happenings import Event, Probed, ProbeKind, StartProbe
from core.processes.launching import output_folder
from core.processes.link import RunnerLink
from core.processes.probes import LONGEST_LINE, Asked, keep_asking
from storage import Home, ParallelError, ProcessId, Room, RoomId

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
        asked = Asked(cwd, environment, lambda: self._lines(process.id, runner))

        def answer(complaint: str | None) -> None:
            self._tell(Probed(process.id, runner, begun.kind, complaint))

        try:
            await keep_asking(begun.probe, asked, answer, is_readiness=begun.kind is ProbeKind.READINESS)
        except Exception as error:
            logger.exception("the %s probe of %s failed", begun.kind, process.name)
            answer(f"it cannot be asked: {error}")

    async def _lines(self, process: ProcessId, runner: str) -> AsyncIterator[bytes]:
        """What a process has printed since its start, and prints."""
        link = self._link_to(runner)
        if link is None:
            return
        live: asyncio.Queue[bytes | None] = asyncio.Queue()

        async def gather() -> None:
            with suppress(BackendUnavailable):
                async with aclosing(link.output(replay=True)) as output:
                    async for chunk in output:
                        live.put_nowait(chunk)
            live.put_nowait(None)

        gathering = asyncio.create_task(gather())
        try:
            started_at = link.status.started_at
            if started_at is not None:
                from storage import OutputReader

                folder = output_folder(self._home, process)
                for line in await asyncio.to_thread(lambda: list(OutputReader(folder).since(started_at))):
                    yield line.text
            rest = b""
            while (chunk := await live.get()) is not None:
                *lines, rest = (rest + chunk).split(b"\n")
                for text in lines:
                    yield text
                if rest:
                    yield rest  # a prompt ends no line
                rest = rest[-LONGEST_LINE:]
        finally:
            gathering.cancel()
