"""How a launch comes into a multiplexer's pane: through a socket in the runner's folder, that only we can open.

Neither the arguments of a pane's program nor the environment that a multiplexer is given are private, and a file would
stay: the process's environment may hold secrets.
"""

import socket
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from core.processes.backends.launching import START_S, launch_line, not_begun, require_started
from core.processes.link import Launch
from core.processes.wire import short_path


class PaneLaunch:
    """Listens for the runner that a pane is about to start; blocking, for a thread."""

    def __init__(self, launch: Launch) -> None:
        self._launch = launch
        self._path = launch.folder / "launch"

    def __enter__(self) -> Self:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with short_path(self._path) as path:
            self._socket.bind(path)
        self._path.chmod(0o600)
        self._socket.listen(1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def hand_over(self, is_there: Callable[[], bool]) -> None:
        """Give the launch to the runner that comes, and hear how it went.

        Args:
            is_there: whether the pane still is; asked now and then while nobody comes.

        Raises:
            ProcessFailed, HostLost, BackendUnavailable: as `require_started`.
        """
        deadline = time.monotonic() + START_S
        self._socket.settimeout(0.5)
        while True:
            try:
                connection, _ = self._socket.accept()
                break
            except TimeoutError:
                if time.monotonic() > deadline or not is_there():
                    raise not_begun(self._launch) from None
        with connection:
            connection.settimeout(max(deadline - time.monotonic(), 1.0))
            try:
                connection.sendall(launch_line(self._launch))
                pieces = []
                while piece := connection.recv(1 << 16):
                    pieces.append(piece)
            except OSError:
                raise not_begun(self._launch) from None
        require_started(b"".join(pieces), self._launch)
