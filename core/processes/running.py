"""The supervisor's hands: starts runners, follows what they tell, stops, kills and clears away. It decides nothing."""

import asyncio
import logging
import os
import shutil
import signal
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from core.errors import BackendUnavailable, HostLost
from core.processes.backend import backend_for
from core.processes.environment import as_reason, own_environment
from core.processes.fingerprint import fingerprint
from core.processes.happenings import Cleared, Event, Kill, Lost, StartFailed, Stop, Told
from core.processes.identity import is_same_process
from core.processes.launching import launch_of, note_launched, runner_folder, sight_of
from core.processes.link import (
    Launch,
    RunnerLink,
    RunnerStatus,
    end_leftovers,
    is_runner_alive,
    read_status,
    runner_folders,
)
from storage import Home, ParallelError, Process, ProcessId, Room, RoomId, boot_id

PARALLEL_STARTS: Final = (os.cpu_count() or 1) + 2
"""A start costs 40 ms of a core, mostly the new runner's own: more at once only wait for each other."""

START_DEADLINE_S: Final = 30.0
"""A runner that has not answered by then does not come up."""

RETRY_S: Final = 0.5
ANSWER_DEADLINE_S: Final = 3.0
"""A runner answers at once, unless it is suspended."""

logger = logging.getLogger(__name__)


class Runners:
    """All runners that this host has begun or adopted.

    Args:
        token: the host's fencing token, which goes with every command.
        tell: takes what has happened, on the event loop.
        room_of: the room of that id, as it is now.
    """

    def __init__(
        self, home: Home, token: int, tell: Callable[[Event], None], room_of: Callable[[RoomId], Room]
    ) -> None:  # fmt: skip
        self._home = home
        self._token = token
        self._tell = tell
        self._room_of = room_of
        self._links: dict[str, RunnerLink] = {}
        self._asked: dict[str, Stop | Kill] = {}
        """What was asked of runners that could not be told yet."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(PARALLEL_STARTS)
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Raises what no hand can go on after: the lease is lost, or there is a defect of ours."""

    def link(self, runner: str) -> RunnerLink | None:
        """The link to a runner that is followed and answers."""
        return self._links.get(runner)

    def folder(self, process: ProcessId, runner: str) -> Path:
        """Where a runner lives."""
        return runner_folder(self._home, process, runner)

    # what the machine asks for

    def start(self, process: Process, runner: str) -> None:
        """Start a process under a new runner and follow it."""
        self._begin(self._start(process, runner))

    def adopt(self, process: ProcessId, runner: str) -> None:
        """Follow a runner that an earlier host has started."""
        self._begin(self._follow(process, runner, None))

    def stop(self, asked: Stop | Kill) -> None:
        """Let a runner stop or kill its process, as soon as it can be told."""
        self._asked[asked.runner] = asked
        link = self._links.get(asked.runner)
        if link is not None:
            self._begin(self._ask(link, asked))
        elif isinstance(asked, Kill):
            self._begin(self._kill_overhead(asked))

    def clear(self, process: Process, runner: str) -> None:
        """End what a lost runner has left."""
        self._begin(self._clear(process, runner))

    def release(self, process: ProcessId, runner: str) -> None:
        """Let a runner that has told its process's end go, and its folder."""
        self._asked.pop(runner, None)
        self._begin(self._release(process, runner))

    def forget(self, process: ProcessId) -> None:
        """Remove what a removed process has left in the run folder."""
        self._begin(asyncio.to_thread(shutil.rmtree, self._home.run / "processes" / process, ignore_errors=True))

    def fail(self, error: BaseException) -> None:
        """Let `failure` raise."""
        if not self.failure.done():
            self.failure.set_exception(error)

    async def close(self) -> None:
        """Follow nothing any more. The runners live on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for link in self._links.values():
            link.close()
        self.failure.cancel()

    def clear_stray(self, process: ProcessId, folder: Path, *, is_known: bool) -> None:
        """End a runner that nobody wants, with all that runs under it, and remove its folder.

        Args:
            is_known: whether there is such a process; else nothing of it shall stay.
        """
        self._begin(self._clear_stray(process, folder, is_known=is_known))

    # how it is done

    async def _start(self, process: Process, runner: str) -> None:
        try:
            async with self._turns:
                if runner in self._asked:
                    self._tell(StartFailed(process.id, runner, "stopped before it began", final=False))
                    return
                backend = backend_for(process.spec.backend, self._home)
                room = self._room_of(process.room_id)
                launch, own = await asyncio.to_thread(self._prepared, process, room, runner)
                async with asyncio.timeout(START_DEADLINE_S):
                    link = await backend.start(launch)
                note_launched(launch.folder, process, fingerprint(own))
        except TimeoutError:
            await self._end_all(process.id, runner)
            reason = f"its runner has not come up within {START_DEADLINE_S:g} s"
            self._tell(StartFailed(process.id, runner, reason, final=False))
        except ParallelError as error:
            if isinstance(error, HostLost):
                raise
            passing = isinstance(error, BackendUnavailable) or bool(error.details.get("passing"))
            self._tell(StartFailed(process.id, runner, as_reason(error), final=not passing))
        else:
            await self._follow(process.id, runner, link)

    def _prepared(self, process: Process, room: Room, runner: str) -> tuple[Launch, Mapping[str, str]]:
        """What a runner needs, with the variables that the process declares. Reads files."""
        own = own_environment(process, room)
        return launch_of(process, room, self._home, runner, self._token, own), own

    async def _follow(self, process: ProcessId, runner: str, link: RunnerLink | None) -> None:
        """Tell what a runner tells, until its process has ended or it is gone."""
        folder = self.folder(process, runner)
        while True:
            link = link or await self._connect(folder)
            if link is not None:
                self._links[runner] = link
                asked = self._asked.get(runner)
                if asked is not None:
                    self._begin(self._ask(link, asked))
                if await self._listen(process, runner, link):
                    return
                self._links.pop(runner, None)
                link = None
            status = read_status(folder)
            if status is not None and status.state == "exited":
                self._tell(Told(process, runner, sight_of(status)))
                return
            if not is_runner_alive(folder):
                self._tell(Lost(process, runner))
                return
            await asyncio.sleep(RETRY_S)  # it lives and does not answer: suspended, or under load

    async def _listen(self, process: ProcessId, runner: str, link: RunnerLink) -> bool:
        """Tell what comes over a link; whether the end of the process was told."""
        with suppress(BackendUnavailable):
            async for status in link.changes():
                self._tell(Told(process, runner, sight_of(status)))
                if status.state == "exited":
                    return True
        return False

    async def _connect(self, folder: Path) -> RunnerLink | None:
        try:
            async with asyncio.timeout(START_DEADLINE_S):
                return await RunnerLink.connect(folder, self._token)
        except (BackendUnavailable, TimeoutError):
            return None

    async def _ask(self, link: RunnerLink, asked: Stop | Kill) -> None:
        try:
            async with asyncio.timeout(ANSWER_DEADLINE_S):
                if isinstance(asked, Kill):
                    await link.kill()
                else:
                    await link.stop(asked.grace_s)
        except TimeoutError:  # it is suspended
            if isinstance(asked, Kill):
                await self._kill_overhead(asked)
        except HostLost:
            raise
        except ParallelError as error:  # it is gone, or has ended meanwhile: who follows it notices
            logger.info("runner %s was asked in vain: %s", asked.runner, error)

    async def _kill_overhead(self, asked: Kill) -> None:
        """Kill a runner that cannot be told; what it leaves is cleared once it is seen to be gone."""
        status = read_status(self.folder(asked.process, asked.runner))
        if status is not None:
            kill_runner(status)

    async def _clear(self, process: Process, runner: str) -> None:
        if process.boot_id is not None and process.runner == runner and process.boot_id != boot_id():
            await self._remove(self.folder(process.id, runner))
            self._tell(Cleared(process.id, runner, anew=True))
            return
        await self._end_all(process.id, runner)
        self._tell(Cleared(process.id, runner))

    async def _end_all(self, process: ProcessId, runner: str) -> None:
        """End what is left of a runner and its process, however long it takes."""
        folder = self.folder(process, runner)
        while True:
            status = read_status(folder)
            if status is not None and is_runner_alive(folder):
                kill_runner(status)
            try:
                await asyncio.to_thread(end_leftovers, folder, status)
            except ParallelError as error:
                logger.warning("what runner %s of %s left is not ended yet: %s", runner, process, error)
                await asyncio.sleep(RETRY_S)
            else:
                return

    async def _clear_stray(self, process: ProcessId, folder: Path, *, is_known: bool) -> None:
        status = read_status(folder)
        if status is None or status.state != "exited":
            logger.warning("runner %s of process %s belongs to nobody; it is ended", folder.name, process)
        await self._end_all(process, folder.name)
        await self._remove(folder)
        if not is_known and not runner_folders(self._home).get(process):
            await self._remove(folder.parent)

    async def _release(self, process: ProcessId, runner: str) -> None:
        link = self._links.pop(runner, None)
        if link is not None:
            try:
                await link.release()
                return
            except HostLost:
                raise
            except ParallelError as error:
                logger.info("runner %s was not released: %s", runner, error)
        folder = self.folder(process, runner)
        if not is_runner_alive(folder):
            await self._remove(folder)

    async def _remove(self, folder: Path) -> None:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finish)
        return task

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fail(error)


def kill_runner(status: RunnerStatus) -> None:
    """Kill a runner over its head; never another process that has its pid by now."""
    if is_same_process(status.runner_pid, status.runner_started, status.boot_id):
        with suppress(ProcessLookupError):
            os.kill(status.runner_pid, signal.SIGKILL)
