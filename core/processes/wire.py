"""The wire to a runner as its clients have it: lines, bytes in base64, refusals, a name short enough for a socket."""

import asyncio
import binascii
import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from core.errors import BackendUnavailable, HostLost, InvalidData, ProcessFailed
from storage import ParallelError


class Lines(asyncio.Protocol):
    """Parts what a runner sends into lines, however long they are.

    Args:
        connected: is given the transport.
        take: is given each line.
        ended: is called when the connection has gone.
    """

    def __init__(
        self, connected: Callable[[asyncio.Transport], None], take: Callable[[bytes], None], ended: Callable[[], None]
    ) -> None:
        self._connected = connected
        self._take = take
        self._ended = ended
        self._pieces: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """There is somebody."""
        assert isinstance(transport, asyncio.Transport)
        self._connected(transport)

    def data_received(self, data: bytes) -> None:
        """Something has come."""
        first, *rest = data.split(b"\n")
        self._pieces.append(first)
        for piece in rest:
            self._take(b"".join(self._pieces))
            self._pieces = [piece]

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's
        """Nobody is there any more."""
        self._ended()


@contextlib.contextmanager
def short_path(path: Path) -> Iterator[str]:
    """A name for a file that is short enough for a socket (108 bytes on Linux, 104 on macOS), while the block lasts.

    Raises:
        OSError: the directory of `path` is not there.
    """
    if len(os.fsencode(path)) < 100:
        yield str(path)
        return
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):  # noqa: PTH112  the link must not be resolved
            yield f"/proc/self/fd/{descriptor}/{path.name}"
        else:
            with tempfile.TemporaryDirectory(prefix="wzp-", dir="/tmp") as nearby:  # mode 0700
                link = Path(nearby, "f")
                link.symlink_to(path.parent)
                yield str(link / path.name)
    finally:
        os.close(descriptor)


def refusal(code: str, message: str, hint: str | None = None, **details: Any) -> ParallelError:
    """The error that a runner's refusal stands for."""
    if code == "host_lost":
        return HostLost(message, hint or "Nothing is to be done: the later host looks after the process.", **details)
    if code == "invalid_data":
        return InvalidData(message, hint or "Correct the value.", **details)
    if code == "backend_unavailable":
        return BackendUnavailable(
            message, hint or "Look at the home's disk and permissions, then start it again.", **details
        )
    return ProcessFailed(message, hint or "See what the process does with `wzp ps`.", **details)


def unreachable(folder: Path) -> BackendUnavailable:
    """The error of a runner that is gone."""
    return BackendUnavailable(
        f"The runner {folder.name} of process {folder.parent.name} is gone or does not answer.",
        "See with `wzp ps` what became of the process.",
    )


def bytes_of(text: str) -> bytes:
    """The bytes that a text in base64 stands for."""
    return binascii.a2b_base64(text)


def text_of(data: bytes) -> str:
    """Bytes in base64."""
    return binascii.b2a_base64(data, newline=False).decode()
