"""Printing much, or for long: lines in batches, until nobody reads them any more."""

import select
import sys
from collections.abc import Sequence

from core.doors.cli.context import put_text


def write_lines(lines: Sequence[str], *, is_json: bool) -> None:
    """Print lines at once."""
    text = "\n".join(lines)
    if is_json:  # JSON is UTF-8, whatever the locale
        sys.stdout.buffer.write(f"{text}\n".encode())
        sys.stdout.buffer.flush()
    else:
        put_text(text)


def is_reader_gone(wait_ms: int) -> bool:
    """Whether nobody reads stdout any more; waits for that so long."""
    gone = select.poll()
    gone.register(sys.stdout.fileno(), 0)
    return any(happened & (select.POLLERR | select.POLLHUP) for _, happened in gone.poll(wait_ms))
