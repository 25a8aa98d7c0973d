"""The terminal of a multiplexer's pane in which a runner runs: relayed to the process's own, and back."""

from __future__ import annotations

import os
import termios

from . import child

PENDING_BYTES = 1 << 20
"""With so much unread by the pane, output for it is dropped: the process is never held up by its picture."""


class Pane:
    """The pane's terminal, standard input and output of the runner, without its own echo and editing."""

    def __init__(self) -> None:
        self.fd = os.open(os.ttyname(0), os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._out = bytearray()
        attributes = termios.tcgetattr(self.fd)
        attributes[0] = attributes[1] = attributes[3] = 0
        attributes[2] = (attributes[2] & ~(termios.CSIZE | termios.PARENB)) | termios.CS8
        attributes[6][termios.VMIN], attributes[6][termios.VTIME] = 1, 0
        termios.tcsetattr(self.fd, termios.TCSANOW, attributes)

    @property
    def has_more(self) -> bool:
        """Whether output waits for the pane."""
        return bool(self._out)

    def size(self) -> tuple[int, int] | None:
        """Its rows and columns; None when it is gone."""
        try:
            return child.size_of(self.fd)
        except OSError:
            return None

    def show(self, data: bytes) -> None:
        """Show output, as far as the pane takes it."""
        if len(self._out) < PENDING_BYTES:
            self._out += data
            self.flush()

    def flush(self) -> None:
        """Pass on what the pane takes now."""
        try:
            while self._out:
                del self._out[: os.write(self.fd, memoryview(self._out)[:4096])]
        except OSError:  # it takes no more now, or is gone, which reading will tell
            return

    def read(self) -> bytes | None:
        """What was typed in it; None when the pane is gone."""
        try:
            return os.read(self.fd, 4096) or None
        except BlockingIOError:
            return b""
        except OSError:
            return None

    def close(self) -> None:
        """Let go of it."""
        os.close(self.fd)
