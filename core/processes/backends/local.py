"""The local backend: each process on a pseudo-terminal of its runner."""

import asyncio
import errno
import os
import subprocess
from pathlib import Path

from core.errors import ProcessFailed
from core.processes.backends.launching import (
    START_S,
    THREADS,
    launch_line,
    not_begun,
    prepared,
    require_started,
    runner_argv,
    runner_environment,
)
from core.processes.link import Launch, RunnerLink
from storage import Backend, Home


class LocalBackend:
    """Processes without a window of their own: the app shows them, and hands its terminal over on attach."""

    name = Backend.LOCAL

    def __init__(self, home: Home) -> None:
        self._home = home

    def is_available(self) -> str | None:
        """It always is."""
        return None

    async def start(self, launch: Launch) -> RunnerLink:
        """Start a process; see `ProcessBackend.start`."""
        await asyncio.get_running_loop().run_in_executor(THREADS, _start, launch)
        return await RunnerLink.connect(launch.folder, launch.token)

    async def focus(self, folder: Path) -> bool:  # noqa: ARG002  the protocol's
        """There is no pane."""
        return False


def _start(launch: Launch) -> None:
    with prepared(launch):
        log = os.open(launch.folder / "runner.log", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            runner = subprocess.Popen(
                runner_argv(launch.folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd="/",
                env=runner_environment(), start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise ProcessFailed(
                f"No runner could be started for '{launch.argv[0]}': {error.strerror}.",
                "End some processes, or raise the limit (`ulimit -u`, or the container's).",
                passing=error.errno in (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE),
            ) from error
        finally:
            os.close(log)
        try:
            answer, _ = runner.communicate(launch_line(launch), START_S)
        except subprocess.TimeoutExpired:
            runner.kill()
            runner.communicate()
            raise not_begun(launch) from None
        require_started(answer, launch)
