"""The demo's visitors: ask the web server for pages, for ever, or as often as the first argument says."""

import os
import random
import socket
import sys
import time

PORT = int(os.environ.get("PORT") or sys.argv[2])
PAGES = ("/", "/", "/search?q=login", "/search?q=upload", "/export", "/old-page")


def visit(page: str) -> tuple[int, float]:
    """Ask for a page: the status of the answer, and the milliseconds that it took."""
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", PORT), timeout=10) as connection:
        connection.sendall(f"GET {page} HTTP/1.0\r\n\r\n".encode())
        answer = connection.makefile("rb").read()
    return int(answer.split()[1]), (time.perf_counter() - began) * 1000


def wait_for_server(patience_s: float = 20.0) -> None:
    """Wait until the server answers, or for so long."""
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        try:
            visit("/health")
        except OSError:
            time.sleep(0.2)
        else:
            return


def main() -> int:
    """Visit, and print what came of it; 1 where the server failed."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else None
    wait_for_server()
    done = failures = 0
    while times is None or done < times:
        time.sleep(random.uniform(0.1, 1.2) if times is None else 0.1)  # noqa: S311
        page = random.choice(PAGES)  # noqa: S311
        try:
            status, took_ms = visit(page)
        except OSError as error:
            status, took_ms = 0, 0.0
            print(f"the server does not answer: {error}", flush=True)  # noqa: T201
            time.sleep(1)
        done += 1
        failures += status in (0, 500)
        if times is not None or done % 10 == 0:
            print(f"visit {done}: {page} {status} in {took_ms:.0f} ms", flush=True)  # noqa: T201
    print(f"{done} visits, {failures} failed")  # noqa: T201
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
