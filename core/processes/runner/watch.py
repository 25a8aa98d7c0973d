"""What the loop waits for: descriptors, and who looks after each."""

from __future__ import annotations

import select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

READ, WRITE = select.POLLIN, select.POLLOUT
READABLE = select.POLLIN | select.POLLHUP | select.POLLERR
"""There is something to read, be it the end."""


class Watch:
    """Calls, for each descriptor that something has happened to, whoever looks after it."""

    def __init__(self) -> None:
        self._poller = select.poll()
        self._handlers: dict[int, Callable[[int], None]] = {}

    def add(self, descriptor: int, handler: Callable[[int], None]) -> None:
        """Look after a descriptor that is to be read."""
        self._handlers[descriptor] = handler
        self._poller.register(descriptor, READ)

    def wait_to_write(self, descriptor: int, waits: bool) -> None:
        """Whether something also waits to be written to it."""
        if descriptor in self._handlers:
            self._poller.modify(descriptor, READ | WRITE if waits else READ)

    def forget(self, descriptor: int) -> None:
        """Look after it no longer."""
        if self._handlers.pop(descriptor, None) is not None:
            self._poller.unregister(descriptor)

    def wait(self, pause_ms: int | None) -> None:
        """Until something happens, at most so long; and have it looked after."""
        for descriptor, happened in self._poller.poll(pause_ms):
            handler = self._handlers.get(descriptor)
            if handler is not None:  # another one's may have forgotten it just now
                handler(happened)
