"""The local backend: each process on a pseudo-terminal of its runner."""

import errno
import os
import subprocess
from pathlib import Path

from core.errors import ProcessFailed
from core.processes.backends.launching import (
    START_S,
    in_thread,
    launch_line,
    no_more_processes,
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
        await in_thread(_start, launch)
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
            if error.errno == errno.EAGAIN:
                raise no_more_processes(f"'{launch.argv[0]}'") from error
            raise ProcessFailed(
                f"No runner could be started for '{launch.argv[0]}': {error.strerror}.",
                "Look at the machine's memory and its limits (`ulimit -a`).",
                passing=error.errno in (errno.ENOMEM, errno.EMFILE, errno.ENFILE),
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
