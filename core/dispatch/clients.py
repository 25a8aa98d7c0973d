"""The connections of a worker: requests in JSON lines, fenced by the host's token, and what is told back.

Loaded by the worker by its path; the standard library alone.
"""

import contextlib
import json
import os
import selectors
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

SOCKET = "worker.sock"
CHUNK = 65_536
LONGEST_REQUEST = 1_048_576
LONGEST_BACKLOG = 16_777_216
"""A dispatcher that reads nothing for so many bytes is dropped; it may connect again."""

DEAF_S = 0.25
"""How long nobody is taken in once the machine has had no descriptor for one who knocked."""

Words = dict[str, Any]

ENOUGH = 1_048_576
"""So many bytes to be sent are enough before more is said."""


class Client:
    """One connection of a dispatcher."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        self.read = b""
        self.unsent = b""
        self.waiting: deque[Callable[[], Words]] = deque()


class Clients:
    """All connections. `obey` is called with each request whose token is none lower than one seen before, `say` with
    what is to be read in the worker's log."""

    def __init__(
        self, selector: selectors.BaseSelector, obey: Callable[[Client, Words], None], say: Callable[[str], None]
    ) -> None:
        self._selector = selector
        self._obey = obey
        self._say = say
        self.due: float | None = None
        """When those who knock are heard again, in monotonic seconds; None while they are."""
        self._is_deaf = False
        self._token = 0
        self._clients: dict[socket.socket, Client] = {}

    def __bool__(self) -> bool:
        return bool(self._clients)

    def listen(self, folder: str) -> None:
        """Open the socket in a folder, bound by a short name: a path beyond 108 bytes cannot be."""
        here = os.getcwd()
        os.chdir(folder)
        try:
            for name in (SOCKET, f"{SOCKET}.new"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(name)
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listener.setblocking(False)
            before = os.umask(0o177)
            try:
                listener.bind(f"{SOCKET}.new")
            finally:
                os.umask(before)
            listener.listen(16)
            os.rename(f"{SOCKET}.new", SOCKET)  # who finds it is answered
        finally:
            os.chdir(here)
        self._listener = listener
        self._hear()

    def look_at_clock(self) -> None:
        """Hear again who knocks, once that is due."""
        if self.due is not None and time.monotonic() >= self.due:
            self._hear()

    def _hear(self) -> None:
        try:
            self._selector.register(self._listener, selectors.EVENT_READ, lambda _: self._accept())
            self.due = None
        except OSError as error:
            self._be_deaf(error)

    def _be_deaf(self, error: OSError) -> None:
        """Hear nobody for a while: who has knocked waits in the kernel, and would wake us again and again."""
        self.due = time.monotonic() + DEAF_S
        with contextlib.suppress(KeyError):
            self._selector.unregister(self._listener)
        if not self._is_deaf:
            self._is_deaf = True
            self._say(f"nobody can be connected with now, but the runs go on: {error.strerror}")

    def send(self, client: Client, told: Words) -> None:
        """Tell one of them something."""
        client.unsent += json.dumps(told).encode() + b"\n"
        self._flush(client)

    def send_in_turn(self, client: Client, told: Iterable[Callable[[], Words]]) -> None:
        """Tell one of them much, each piece once there is room for it."""
        client.waiting.extend(told)
        self._flush(client)

    def tell(self, told: Words) -> None:
        """Tell all of them something."""
        for client in list(self._clients.values()):
            self.send(client, told)

    def _accept(self) -> None:
        try:
            channel, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # who knocked has gone
        except OSError as error:
            self._be_deaf(error)
            return
        if hasattr(socket, "SO_PEERCRED"):
            size = struct.calcsize("3i")
            owner = struct.unpack("3i", channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[1]
            if owner != os.getuid():
                channel.close()
                return
        channel.setblocking(False)
        client = Client(channel)
        try:
            self._selector.register(channel, selectors.EVENT_READ, lambda events: self._serve(client, events))
        except OSError as error:
            channel.close()
            self._be_deaf(error)
            return
        self._clients[channel] = client
        if self._is_deaf:
            self._is_deaf = False
            self._say("connections are taken again")

    def _serve(self, client: Client, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._flush(client)
        if not events & selectors.EVENT_READ or client.channel not in self._clients:
            return
        try:
            received = client.channel.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        client.read += received
        if not received or len(client.read) > LONGEST_REQUEST:
            self._drop(client)
            return
        *lines, client.read = client.read.split(b"\n")
        for line in lines:
            self._take(client, line)

    def _take(self, client: Client, line: bytes) -> None:
        try:
            request = json.loads(line)
            what, token = request["do"], int(request["token"])
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            self.send(client, {"tell": "error", "message": f"not understood: {line[:80]!r}"})
            return
        if token < self._token:
            self.send(client, {"tell": "refused", "token": self._token})
            return
        self._token = token
        try:
            self._obey(client, request)
        except (KeyError, TypeError) as error:
            self.send(client, {"tell": "error", "message": f"{what}: {error!r}"})

    def _flush(self, client: Client) -> None:
        try:
            while client.unsent or client.waiting:
                while client.waiting and len(client.unsent) < ENOUGH:
                    client.unsent += json.dumps(client.waiting.popleft()()).encode() + b"\n"
                client.unsent = client.unsent[client.channel.send(client.unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            self._drop(client)
            return
        if len(client.unsent) > LONGEST_BACKLOG:
            self._drop(client)
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.unsent else 0)
        if client.channel in self._clients and self._selector.get_key(client.channel).events != wanted:
            self._selector.modify(client.channel, wanted, self._selector.get_key(client.channel).data)

    def _drop(self, client: Client) -> None:
        if self._clients.pop(client.channel, None) is not None:
            self._selector.unregister(client.channel)
            client.channel.close()
