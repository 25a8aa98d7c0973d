"""The process's terminal as the runner holds it: what comes out of it, what is typed into it, its size."""

from __future__ import annotations

import os
import time
from collections import deque

from . import child
from .desk import Refused
from .watch import READABLE, WRITE, Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

INPUT_BYTES = 1 << 20
"""With so much that the process has not read, more input is refused."""

READ_BYTES = 64 << 10
"""So much is taken at once, into one buffer: a terminal gives 4 KB at a time, and so many objects leave a heap full of
holes, 4 MB of them in a flood of 500."""

HANGUP_LOOK_S = 0.5
"""How often a terminal that everybody has closed is looked at again."""

LAST_OUTPUT_S = 1.0
"""How long the last output is taken for, at most: something detached may print on."""


class Terminal:
    """The master's side; `take` is given all output. The slave is held open too, so that nothing hangs it up."""

    def __init__(self, watch: Watch, master: int, slave: int, take: Callable[[bytes], None]) -> None:
        self._watch = watch
        self._master = master
        self._slave = slave
        self._take = take
        self._input: deque[bytes] = deque()
        self._input_size = 0
        self._buffer = bytearray(READ_BYTES)
        self.look_at: float | None = None
        """When (monotonic) to look at it again."""
        watch.add(master, self._ready)

    def look(self) -> None:
        """Look again at what everybody had closed."""
        self.look_at = None
        self._watch.add(self._master, self._ready)

    def write(self, data: bytes) -> None:
        """Type something; what the process does not read yet waits.

        Raises:
            Refused: too much waits.
        """
        if self._input_size + len(data) > INPUT_BYTES:
            raise Refused("process_failed", "The process does not read its input; no more is kept for it.")
        self._input.append(data)
        self._input_size += len(data)
        self._feed()

    def resize(self, rows: int, columns: int) -> None:
        """Give it another size."""
        child.set_size(self._master, rows, columns)

    def end(self) -> None:
        """Take what is left in it, and close it."""
        os.close(self._slave)
        deadline = time.monotonic() + LAST_OUTPUT_S
        while self._drain()[1] and time.monotonic() < deadline:
            pass
        self._watch.forget(self._master)
        self.look_at = None
        self._input.clear()
        os.close(self._master)

    def _ready(self, happened: int) -> None:
        if happened & WRITE:
            self._feed()
        if happened & READABLE and not self._drain()[0]:
            self._watch.forget(self._master)
            self.look_at = time.monotonic() + HANGUP_LOOK_S

    def _drain(self) -> tuple[bool, int]:
        """Take what it has, at most a share of it; whether somebody has the other side open, and how much it was."""
        size, is_open = 0, True
        try:
            while size < READ_BYTES:
                got = os.readv(self._master, (memoryview(self._buffer)[size:],))
                if not got:
                    is_open = False
                    break
                size += got
        except BlockingIOError:
            pass
        except OSError:  # EIO: nobody has the other side open
            is_open = False
        if size:
            self._take(bytes(memoryview(self._buffer)[:size]))
        return is_open, size

    def _feed(self) -> None:
        """Give the process the input that waits, as much as it takes."""
        try:
            while self._input:
                written = os.write(self._master, self._input[0])
                self._input_size -= written
                if written < len(self._input[0]):
                    self._input[0] = self._input[0][written:]
                    break
                self._input.popleft()
        except OSError as error:
            if not isinstance(error, BlockingIOError):  # nobody reads any more
                self._input.clear()
                self._input_size = 0
        self._watch.wait_to_write(self._master, bool(self._input))
