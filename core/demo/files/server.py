"""The demo's web server: answers on loopback, and prints what it was asked and how long that took."""

import os
import random
import time
from datetime import datetime
from hashlib import pbkdf2_hmac
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COLOURS = {200: "\x1b[32m", 404: "\x1b[33m", 500: "\x1b[31m"}


class Site(BaseHTTPRequestHandler):
    """A few pages, of which `/search` has something to do."""

    def do_GET(self) -> None:
        """Answer, and print a line of it; not of `/health`, which is asked all the time."""
        began = time.perf_counter()
        page = self.path.partition("?")[0]
        status = 200 if page in ("/", "/health", "/search", "/export") else 404
        if page == "/search":
            pbkdf2_hmac("sha256", b"query", b"salt", random.randint(20_000, 200_000))  # noqa: S311
            status = 500 if random.random() < 0.01 else 200  # noqa: S311
        self.send_response(status)
        self.end_headers()
        self.wfile.write(b"ok\n" if status == 200 else b"no\n")
        if page != "/health":
            took_ms = (time.perf_counter() - began) * 1000
            at = f"{datetime.now().astimezone():%H:%M:%S}"
            print(f"{at} {COLOURS[status]}{status}\x1b[0m GET {self.path} {took_ms:.0f} ms", flush=True)  # noqa: T201

    def log_message(self, *_: object) -> None:
        """Nothing: the line is printed above."""


if __name__ == "__main__":
    address = ("127.0.0.1", int(os.environ["PORT"]))
    with ThreadingHTTPServer(address, Site) as server:
        print(f"listening on http://127.0.0.1:{address[1]}/", flush=True)  # noqa: T201
        server.serve_forever()
