"""The host's lease: of all processes on one home, exactly one runs the services that act.

A lock on a file in the home: the kernel gives it back when its holder ends, however it ends. Who holds it also has a
fencing token, greater than every one before, which the store and every runner check; and it leaves a sign of life in
the file, so that a host that is suspended and no longer acts can be passed over: its lock file is replaced, and its
token no longer counts when it wakes up.
"""

import asyncio
import fcntl
import json
import os
from contextlib import suppress
from dataclasses import replace
from typing import Final

from core.agents.expiry import PROGRAM
from core.services.sign import SUSPENDED_S, lock_path, sign_in
from core.services.sign import HostSign as HostSign
from core.services.sign import current_host as current_host
from core.work import Actor
from storage import Database, boot_id, monotonic

RETRY_S: Final = 1.0
"""How often one who waits looks again; well under the 5 s within which a dead host must be replaced."""

BEAT_S: Final = 2.0
"""Between two signs of life of a host."""


class HostLease:
    """The right to run the acting services of a home. Not for several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._path = lock_path(database.home)
        self._descriptor: int | None = None
        self._turn = asyncio.Lock()
        self.token = 0
        """The fencing token, while it is held."""

    @property
    def is_held(self) -> bool:
        """Whether this process has it."""
        return self._descriptor is not None

    @property
    def actor(self) -> Actor:
        """The program as the host that has the lease: who its services are in what they observe."""
        return replace(PROGRAM, host_token=self.token)

    @property
    def is_ours(self) -> bool:
        """Whether it is held and nobody has passed us over meanwhile."""
        if self._descriptor is None:
            return False
        try:
            mine, there = os.fstat(self._descriptor), self._path.stat()
        except OSError:
            return False
        return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)

    def try_take(self) -> bool:
        """Take it if nobody has it, or who has it is suspended; whether it is ours now.

        Raises:
            OSError: the home cannot be written.
            ParallelError: the store cannot be written.
        """
        if self.is_ours:
            return True
        self.give_up()
        before = sign_in(self._path)
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = self._lock()
        if descriptor is None and before is not None and before.silent_s > SUSPENDED_S:
            with suppress(FileNotFoundError):
                self._path.unlink()
            descriptor = self._lock()
        if descriptor is None:
            return False
        try:
            with self._database.write("take the host's lease") as writer:
                self.token = writer.take_host_token(above=before.token if before is not None else 0)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        self.beat()
        return True

    async def take(self) -> None:
        """Wait until it is ours."""
        async with self._turn:  # several services wait for one lease
            while not await asyncio.to_thread(self._try_in_thread):
                await asyncio.sleep(RETRY_S)

    async def keep(self) -> None:
        """Show signs of life as long as it is ours; comes back when another has passed us over."""
        while self.is_ours:
            self.beat()
            await asyncio.sleep(BEAT_S)

    def beat(self) -> None:
        """Show a sign of life."""
        assert self._descriptor is not None
        sign = {"pid": os.getpid(), "token": self.token, "boot_id": boot_id(), "beat": monotonic()}
        os.pwrite(self._descriptor, json.dumps(sign).ljust(256).encode(), 0)

    def give_up(self) -> None:
        """Let another have it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _try_in_thread(self) -> bool:
        try:
            return self.try_take()
        finally:
            self._database.close_thread()

    def _lock(self) -> int | None:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            there = self._path.stat()
        except (BlockingIOError, FileNotFoundError):
            os.close(descriptor)
            return None
        mine = os.fstat(descriptor)
        if (mine.st_dev, mine.st_ino) != (there.st_dev, there.st_ino):  # replaced while we opened it
            os.close(descriptor)
            return None
        return descriptor
