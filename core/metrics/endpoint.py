"""The endpoint: a small HTTP server on 127.0.0.1 that gives `/metrics` to scrapers, only where the settings ask for it.

A page in a browser could reach a loopback port through a name that it controls (DNS rebinding); so the Host that is
asked for must be loopback too. It gives numbers, names of rooms and of processes, and takes nothing.
"""

import logging
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Final

from core.metrics.openmetrics import CONTENT_TYPE

ADDRESS: Final = "127.0.0.1"
TIMEOUT_S: Final = 5.0
"""A client that says nothing for so long is hung up on."""

logger = logging.getLogger(__name__)


class Endpoint:
    """The server while it runs; `port` is where."""

    def __init__(self, port: int, text: Callable[[], str]) -> None:
        """Listen and serve in a thread of its own.

        Args:
            port: 0 takes a free one.
            text: what is given; called for each request, in a thread.

        Raises:
            OSError: the port is taken, or not ours to take.
        """

        class Handler(_Handler):
            exposition = staticmethod(text)

        self._server = _Server((ADDRESS, port), Handler)
        self.port = int(self._server.server_address[1])
        self._thread = Thread(target=self._server.serve_forever, name="openmetrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


class _Handler(BaseHTTPRequestHandler):
    exposition: Callable[[], str]
    server_version = "wezterm-parallel"
    sys_version = ""
    timeout = TIMEOUT_S

    def do_GET(self) -> None:
        """Answer."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """Answer without the text."""
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        if not self._is_asked_for_loopback():
            self.send_error(403, "Forbidden", "Ask for 127.0.0.1 or localhost.")
            return
        if self.path.partition("?")[0] != "/metrics":
            self.send_error(404, "Not Found", "The metrics are at /metrics.")
            return
        body = self.exposition().encode()
        self.send_response(200)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def _is_asked_for_loopback(self) -> bool:
        hosts = self.headers.get_all("Host") or []
        name = hosts[0].strip().lower().rpartition(":")[0] or hosts[0].strip().lower() if len(hosts) == 1 else ""
        return name in (ADDRESS, "localhost")

    def log_message(self, format: str, *args: object) -> None:
        """Scrapers come each few seconds; only for those who look closely."""
        logger.debug(format, *args)
