"""The server's log: a file of the home that is opened when there is something to say, which is seldom."""

import logging
from collections.abc import Callable

from storage import Home


class SeldomLog(logging.Handler):
    """Opens the log with the first record; a server that has nothing to say needs no thread for it."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._stop: Callable[[], None] | None = None

    def emit(self, record: logging.LogRecord) -> None:  # noqa: ARG002
        """Open the log. The record then goes to it as later ones do: a handler that is added is called in its turn."""
        if self._stop is None:
            from core.logs.levels import start_own_log

            home = Home.default()
            home.create()
            self._stop = start_own_log(home, home.logs / "mcp.log", level=logging.WARNING)

    def close(self) -> None:
        """Wait until all is written."""
        if self._stop is not None:
            self._stop()
            self._stop = None
        super().close()
