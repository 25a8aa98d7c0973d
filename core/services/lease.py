"""The host's lease: of all processes on one home, exactly one runs the services that act.

A lock on a file in the home: the kernel gives it back when its holder ends, however it ends, so that no clock has to
be trusted and no lease outlives its host.
"""

import asyncio
import fcntl
import os
from typing import Final

from storage import Home

RETRY_S: Final = 1.0
"""How often one who waits looks again; well under the 5 s within which a dead host must be replaced."""


class HostLease:
    """The right to run the acting services of a home. Not for several threads."""

    def __init__(self, home: Home) -> None:
        self._path = home.run / "host.lock"
        self._descriptor: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether this process has it."""
        return self._descriptor is not None

    def try_take(self) -> bool:
        """Take it if nobody has it; whether it is ours now.

        Raises:
            OSError: the home cannot be written.
        """
        if self._descriptor is not None:
            return True
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    async def take(self) -> None:
        """Wait until it is ours."""
        while not self.try_take():
            await asyncio.sleep(RETRY_S)

    def give_up(self) -> None:
        """Let another have it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
