"""Those who are connected to a runner's socket: JSON lines in and out, and nobody is ever waited for."""

from __future__ import annotations

import _socket  # `socket` itself costs 8 ms more
import binascii
import os
import struct
import sys

from .light import decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

PENDING_BYTES = 512 << 10
"""With so much unread, a client's live output is dropped, and it is told how much."""

STUCK_BYTES = 4 << 20
"""With so much unread, whatever it is, a client is let go."""

LINE_BYTES = 4 << 20

_SO_PEERCRED = 17  # Linux; 3 ints: pid, uid, gid


class Client:
    """One connection. `wants_output` is set while it follows the output, `dropped` counts what it has missed;
    `has_resized` is set once it has given the process's terminal a size."""

    __slots__ = ("_in", "_out", "_socket", "dropped", "fd", "has_resized", "wants_output")

    def __init__(self, connection: Any) -> None:
        self._socket = connection
        self.fd: int = connection.fileno()
        self._in = bytearray()
        self._out = bytearray()
        self.wants_output = False
        self.has_resized = False
        self.dropped = 0

    @property
    def has_more(self) -> bool:
        """Whether something waits to be sent."""
        return bool(self._out)

    def tell(self, message: dict[str, Any]) -> bool:
        """Send or keep a message; False when the client is to be let go."""
        self._out += encode(message).encode() + b"\n"
        return self.flush() and len(self._out) <= STUCK_BYTES

    def tell_output(self, encoded: str, size: int, end: int) -> bool:
        """Pass on live output (in base64), unless too much waits already. False when it is to be let go."""
        if len(self._out) > PENDING_BYTES:
            self.dropped += size
            return True
        message: dict[str, Any] = {"output": encoded, "end": end}
        if self.dropped:
            message["lost"] = self.dropped
            self.dropped = 0
        return self.tell(message)

    def tell_dropped(self, latest: Callable[[int], bytes], end: int) -> bool:
        """Once it has read all else, tell the end of what it has missed, and how much that is not: no more output may
        come, and its last words count. False if it is to be let go.

        Args:
            latest: gives so many of the last bytes of output, or as many as there are still.
        """
        if not (self.dropped and self.wants_output) or self._out:
            return True
        data = latest(self.dropped)
        lost, self.dropped = self.dropped - len(data), 0
        return self.tell({"output": binascii.b2a_base64(data, newline=False).decode(), "end": end, "lost": lost})

    def flush(self) -> bool:
        """Send what the client takes now; False when it has gone."""
        try:
            while self._out:
                sent = self._socket.send(memoryview(self._out)[: 1 << 18])
                del self._out[:sent]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            return False
        return True

    def read(self) -> list[dict[str, Any]] | None:
        """The messages that have come; None when the client has gone or talks nonsense."""
        try:
            piece = self._socket.recv(1 << 16)
        except (BlockingIOError, InterruptedError):
            return []
        except OSError:
            return None
        if not piece:
            return None
        self._in += piece
        *lines, rest = bytes(self._in).split(b"\n")
        if len(rest) > LINE_BYTES:
            return None
        self._in = bytearray(rest)
        messages = []
        for line in lines:
            try:
                message = decode(line.decode())
            except ValueError:
                return None
            if not isinstance(message, dict):
                return None
            messages.append(message)
        return messages

    def close(self) -> None:
        """Let go of the connection."""
        self._socket.close()


class Door:
    """The listening socket `socket` in the current directory, the runner's folder."""

    def __init__(self) -> None:
        try:
            os.unlink("socket")
        except FileNotFoundError:
            pass
        self._socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        self._socket.bind("socket")  # relative: a path from the root may be too long for a socket
        os.chmod("socket", 0o600)
        self._inode = os.stat("socket").st_ino
        self._socket.listen(64)
        self._socket.setblocking(False)
        self._accept: Any = getattr(self._socket, "_accept")  # noqa: B009  what `socket.accept` wraps
        self.fd: int = self._socket.fileno()

    @property
    def is_in_place(self) -> bool:
        """Whether it is where clients look for it."""
        try:
            return os.stat("socket").st_ino == self._inode
        except OSError:
            return False

    def accept(self) -> Client | None:
        """Whoever knocks, if it is our own user or root.

        Raises:
            OSError: the machine has no descriptor for him now; he waits.
        """
        try:
            descriptor, _ = self._accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return None
        connection = _socket.socket(fileno=descriptor)
        connection.setblocking(False)
        if sys.platform.startswith("linux"):
            told = connection.getsockopt(_socket.SOL_SOCKET, _SO_PEERCRED, 12)
            if struct.unpack("3i", told)[1] not in (os.getuid(), 0):
                connection.close()
                return None
        return Client(connection)

    def close(self) -> None:
        """Nobody comes in any more."""
        self._socket.close()
        try:
            os.unlink("socket")
        except OSError:
            pass


def connect(path: str) -> Any:
    """A blocking connection to a socket in the current directory."""
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    connection.connect(path)
    return connection
