"""The dispatcher's connection to one worker: requests with the fencing token out, what it tells back in."""

import asyncio
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from core.dispatch.places import WORKER_SOCKET
from core.errors import BackendUnavailable

LONGEST_LINE: Final = 4_194_304
"""A result carries up to 64 KiB of output, six times as much where each byte is escaped."""

logger = logging.getLogger(__name__)

Told = Mapping[str, Any]


class WorkerLink:
    """An open connection. `tell` is called on the event loop with each message, and with None once it is over."""

    def __init__(self, writer: asyncio.StreamWriter, token: int) -> None:
        self._writer = writer
        self._token = token
        self._reading: asyncio.Task[None] | None = None
        self.is_open = True

    @classmethod
    async def connect(cls, folder: Path, token: int, tell: Callable[[Told | None], None]) -> "WorkerLink":
        """Connect to the worker whose runner has a folder.

        Raises:
            BackendUnavailable: nobody answers there.
        """
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise _unavailable(folder, error) from error
        try:
            # a path beyond 108 bytes is no address; the folder's descriptor makes a short one
            short = (
                f"/proc/self/fd/{descriptor}/{WORKER_SOCKET}"
                if sys.platform == "linux"
                else str(folder / WORKER_SOCKET)
            )
            reader, writer = await asyncio.open_unix_connection(short, limit=LONGEST_LINE)
        except OSError as error:
            raise _unavailable(folder, error) from error
        finally:
            os.close(descriptor)
        link = cls(writer, token)
        link._reading = asyncio.create_task(link._read(reader, tell), name="worker-link")
        link.send("hello")
        return link

    def send(self, do: str, **words: Any) -> None:
        """Ask for something. The answer comes by `tell`; where the connection is over, nothing does."""
        if self.is_open:
            self._writer.write(json.dumps({"do": do, "token": self._token, **words}).encode() + b"\n")

    async def close(self) -> None:
        """End the connection; the worker goes on."""
        self.is_open = False
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        self._writer.close()

    async def _read(self, reader: asyncio.StreamReader, tell: Callable[[Told | None], None]) -> None:
        try:
            while line := await reader.readline():
                tell(json.loads(line))
        except ConnectionError:
            pass  # it was killed: what becomes of its runs is seen to by who hears of the end
        except (OSError, ValueError):
            logger.exception("a worker's connection failed")
        finally:
            was_open, self.is_open = self.is_open, False
            if was_open:
                self._writer.close()
                tell(None)


def _unavailable(folder: Path, error: OSError) -> BackendUnavailable:
    return BackendUnavailable(
        f"No worker answers in {folder}: {error.strerror or error}.", "See `wzp ps`; start it with `wzp start`."
    )
