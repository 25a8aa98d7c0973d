"""Where a runner's clients are let in, answered, and told what is new; whoever has gone or is stuck is let go."""

from __future__ import annotations

import binascii
import time

from .clients import Client, Door
from .watch import READABLE, WRITE, Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    class Obeying(Protocol):
        """Who does what clients ask."""

        status: dict[str, Any]

        def obey(self, client: Client, message: dict[str, Any]) -> dict[str, Any]:
            """Do it; gives what the answer says."""

        def latest(self, size: int) -> bytes:
            """So many of the last bytes of output, or as many as are still there."""

        def left(self, client: Client) -> None:
            """A client has gone."""


DEAF_S = 0.25
"""How long nobody is let in once the machine has had no descriptor for one who knocked: he would wake us again and
again."""


class Refused(Exception):
    """A command is not obeyed: a code of core/errors.py and one sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Desk:
    """All clients of one runner."""

    def __init__(self, watch: Watch, runner: Obeying) -> None:
        self._watch = watch
        self._runner = runner
        self._clients: dict[int, Client] = {}
        self._end = 0
        self.hears_at: float | None = None
        """When those who knock are heard again, in monotonic seconds; None while they are."""
        self._door = Door()
        watch.add(self._door.fd, self._knocked)

    def tell_status(self, status: dict[str, Any]) -> None:
        """Tell everybody the status."""
        for client in list(self._clients.values()):
            self._keep(client, client.tell({"status": status}))

    def tell_output(self, data: bytes, end: int) -> None:
        """Pass output on to those who follow it."""
        self._end = end
        encoded = None
        for client in list(self._clients.values()):
            if client.wants_output:
                if encoded is None:
                    encoded = binascii.b2a_base64(data, newline=False).decode()
                self._keep(client, client.tell_output(encoded, len(data), end))

    def open_again(self) -> None:
        """Have a door where clients look for it, if somebody has swept it away. Who is inside stays."""
        if self._door.is_in_place:
            return
        self._watch.forget(self._door.fd)
        self._door.close()
        self._door = Door()
        self._watch.add(self._door.fd, self._knocked)

    def hear_again(self) -> None:
        """Hear who knocks, once that is due."""
        if self.hears_at is not None and time.monotonic() >= self.hears_at:
            self.hears_at = None
            self._watch.add(self._door.fd, self._knocked)

    def close(self) -> None:
        """Let everybody go."""
        self._door.close()
        for client in list(self._clients.values()):
            client.flush()
            client.close()

    def _knocked(self, _happened: int) -> None:
        try:
            client = self._door.accept()
        except OSError:
            self._watch.forget(self._door.fd)
            self.hears_at = time.monotonic() + DEAF_S
            return
        if client is not None:
            self._clients[client.fd] = client
            self._watch.add(client.fd, lambda happened: self._ready(client, happened))
            self._keep(client, client.tell({"status": self._runner.status}))

    def _ready(self, client: Client, happened: int) -> None:
        if happened & WRITE:
            is_there = client.flush() and client.tell_dropped(self._runner.latest, self._end)
            if not self._keep(client, is_there):
                return
        if not happened & READABLE:
            return
        messages = client.read()
        if messages is None:
            self._drop(client)
            return
        for message in messages:
            answer: dict[str, Any] = {"id": message.get("id")}
            try:
                answer |= self._runner.obey(client, message)
            except Refused as error:
                answer |= {"error": error.code, "message": error.message, "token": self._runner.status["token"]}
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                answer |= {"error": "invalid_data", "message": f"The runner does not understand it: {error!r}."}
            except OSError as error:  # who asks is answered, whatever disk or terminal refuse
                answer |= {"error": "process_failed", "message": f"The runner could not do it: {error}."}
            if not self._keep(client, client.tell(answer)):
                return

    def _keep(self, client: Client, is_there: bool) -> bool:
        """Keep a client, and send on when it reads; or drop it if it has gone."""
        if client.fd not in self._clients:
            return False
        if not is_there:
            self._drop(client)
            return False
        self._watch.wait_to_write(client.fd, client.has_more)
        return True

    def _drop(self, client: Client) -> None:
        self._watch.forget(client.fd)
        del self._clients[client.fd]
        client.close()
        self._runner.left(client)
