"""The connections of a worker: requests in JSON lines, fenced by the host's token, and what is told back.

Loaded by the worker by its path; the standard library alone.
"""

import contextlib
import json
import os
import selectors
import socket
import struct
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

SOCKET = "worker.sock"
CHUNK = 65_536
LONGEST_REQUEST = 1_048_576
LONGEST_BACKLOG = 16_777_216
"""A dispatcher that reads nothing for so many bytes is dropped; it may connect again."""

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
    """All connections. `obey` is called with each request whose token is none lower than one seen before."""

    def __init__(self, selector: selectors.BaseSelector, obey: Callable[[Client, Words], None]) -> None:
        self._selector = selector
        self._obey = obey
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
        self._selector.register(listener, selectors.EVENT_READ, lambda _: self._accept(listener))

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

    def _accept(self, listener: socket.socket) -> None:
        channel, _ = listener.accept()
        if hasattr(socket, "SO_PEERCRED"):
            size = struct.calcsize("3i")
            owner = struct.unpack("3i", channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[1]
            if owner != os.getuid():
                channel.close()
                return
        channel.setblocking(False)
        client = Client(channel)
        self._clients[channel] = client
        self._selector.register(channel, selectors.EVENT_READ, lambda events: self._serve(client, events))

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
        except (ValueError, KeyError, TypeError):
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
