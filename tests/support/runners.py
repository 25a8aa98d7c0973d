"""Runners of real programs in tests: started, looked at, and ended again whatever the test did."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from core.processes.backend import ProcessBackend, backend_for
from core.processes.link import Launch, RunnerLink, RunnerStatus, end_leftovers, read_status
from core.processes.runner import tree
from storage import Backend, Home, ProcessId

PATIENCE_S = 60.0
"""A machine may be busy; nothing here should take a second."""


class Runners:
    """Starts runners in a home of their own."""

    def __init__(self, home: Home, backend: ProcessBackend | None = None) -> None:
        self.home = home
        self.backend = backend or backend_for(Backend.LOCAL, home)
        self.count = 0
        self.links: list[RunnerLink] = []

    def launch(self, *argv: str, name: str = "prc_a", **more: object) -> Launch:
        """A launch of a program, with a folder of its own."""
        self.count += 1
        values: dict[str, object] = {
            "process": ProcessId(name), "folder": self.home.run / "processes" / name / f"run{self.count}-{os.getpid()}",
            "argv": argv, "cwd": self.home.path, "env": {**os.environ, "HOME": str(self.home.path)},
            "output": self.home.logs / "processes" / name, "max_bytes": 10_000_000, "files": 3,
            "stop_signal": "SIGTERM", "grace_s": 0.5, "token": 1,
        }  # fmt: skip
        return Launch(**{**values, **more})  # type: ignore[arg-type]

    async def start(self, *argv: str, **more: object) -> RunnerLink:
        """Start a program."""
        link = await self.backend.start(self.launch(*argv, **more))
        self.links.append(link)
        return link

    async def python(self, program: str, **more: object) -> RunnerLink:
        """Start a Python program given as text."""
        return await self.start(sys.executable, "-I", "-S", "-c", program, **more)

    def printed(self, name: str = "prc_a") -> bytes:
        """All that is kept of a process's output, in order."""
        folder = self.home.logs / "processes" / name
        files = sorted(folder.glob("output.log*"), key=lambda each: each.name, reverse=True)
        return b"".join(each.read_bytes() for each in files if each.suffix != ".idx")

    async def end(self) -> None:
        """End whatever lives."""
        for link in self.links:
            with contextlib.suppress(Exception):
                known = await RunnerLink.connect(link.folder, 1 << 40)
                if known.status.state != "exited":
                    await known.kill()
                    await exited(known)
                await known.release()
            link.close()
            if link.folder.exists():
                with contextlib.suppress(Exception):
                    await asyncio.to_thread(end_leftovers, link.folder, read_status(link.folder))


@contextlib.asynccontextmanager
async def running(home: Home, backend: ProcessBackend | None = None) -> AsyncIterator[Runners]:
    """Runners, ended afterwards."""
    runners = Runners(home, backend)
    try:
        yield runners
    finally:
        await runners.end()


async def status_when(link: RunnerLink, state: str) -> RunnerStatus:
    """The status as soon as a process is in a state."""
    async with asyncio.timeout(PATIENCE_S), contextlib.aclosing(link.changes()) as changes:
        async for status in changes:
            if status.state == state:
                return status
    raise AssertionError(f"the runner was gone before the process was {state}; it was {link.status.state}")


async def exited(link: RunnerLink) -> RunnerStatus:
    """The status once all is over."""
    return await status_when(link, "exited")


async def until(is_so: Callable[[], object]) -> None:
    """Wait for something that nothing tells of."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, "it has not come about"
        await asyncio.sleep(0.01)


def lives(pid: int) -> bool:
    """Whether a process runs; a dead one that nobody has reaped does not."""
    row = tree.row_of(pid)
    return row is not None and row.lives


def marked(folder: Path) -> list[int]:
    """The pids of all that was started under a runner, by the environment."""
    return [row.pid for row in tree.marked(tree.table(), folder.name)]
