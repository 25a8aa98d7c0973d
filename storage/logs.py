"""The program's log: JSON, a line a record, written by a thread of its own so that nobody waits for the disk."""

import fcntl
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from logging.handlers import QueueHandler
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final

from storage.clock import format_time

BYTES_A_FILE: Final = 1_000_000
FILES_KEPT: Final = 5
FLUSH_S: Final = 1.0
BATCH: Final = 100
"""Records are written so soon, or when there are so many: the seed's figures."""


class JsonLines(logging.Formatter):
    """A record as one JSON object: time, level, logger, message, and the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:  # noqa: D102
        entry: dict[str, Any] = {
            "at": format_time(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "pid": record.process,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False, default=str)


class _SharedFile:
    """A file to which several processes append, rotated by size by whoever finds it full, one at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, data: bytes) -> None:
        """Write whole lines; what the disk refuses is lost, as a log may not stop the program."""
        with suppress(OSError):
            descriptor = self._opened()
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                if os.fstat(descriptor).st_size + len(data) > BYTES_A_FILE and self._is_current(descriptor):
                    self._rotate()
                    os.close(descriptor)
                    descriptor = self._opened()
                os.write(descriptor, data)
            finally:
                os.close(descriptor)

    def _opened(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _is_current(self, descriptor: int) -> bool:
        mine = os.fstat(descriptor)
        try:
            there = self._path.stat()
        except FileNotFoundError:  # another process has just rotated it
            return False
        return mine.st_size > 0 and (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)

    def _rotate(self) -> None:
        for number in range(FILES_KEPT, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            newer = self._path.with_name(f"{self._path.name}.{number - 1}") if number > 1 else self._path
            with suppress(FileNotFoundError):
                newer.replace(older)


class _Listener:
    """Takes records from a queue and writes them in batches, on a thread of its own that sleeps where nothing comes.

    A batch is written a second after its first record, when it has `BATCH` records, or at once with an error in it.
    """

    def __init__(self, file: _SharedFile) -> None:
        self.queue: SimpleQueue[logging.LogRecord | None] = SimpleQueue()
        self._file = file
        self._format = JsonLines()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what is left, and end."""
        self.queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        lines: list[str] = []
        due = 0.0
        while True:
            try:
                record = self.queue.get(timeout=max(0.0, due - time.monotonic()) if lines else None)
            except Empty:
                self._write(lines)
                continue
            if record is None:
                self._write(lines)
                return
            if not lines:
                due = time.monotonic() + FLUSH_S
            with suppress(Exception):  # a record that cannot be written down stops no other
                lines.append(self._format.format(record))
            if len(lines) >= BATCH or record.levelno >= logging.ERROR or time.monotonic() >= due:
                self._write(lines)

    def _write(self, lines: list[str]) -> None:
        if lines:
            self._file.append(("\n".join(lines) + "\n").encode("utf-8", "backslashreplace"))
            lines.clear()


class _Verbatim(QueueHandler):
    """Hands records over as they are, traceback included: the queue does not leave the process."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        record.getMessage()
        return record


def start_logging(
    path: Path, *, level: int = logging.INFO, levels: Mapping[str, int] | None = None
) -> Callable[[], None]:
    """Write what is logged from now on to `path`, readable by the user alone. Returns the way to stop, which waits
    until all is written.

    Args:
        level: from which level on.
        levels: other levels for some modules and those below them.
    """
    listener = _Listener(_SharedFile(path))
    handler = _Verbatim(listener.queue)
    root = logging.getLogger()
    before = {name: logging.getLogger(name).level for name in levels or {}}
    was = root.level
    root.addHandler(handler)
    root.setLevel(level)
    for name, other in (levels or {}).items():
        logging.getLogger(name).setLevel(other)

    def stop() -> None:
        root.removeHandler(handler)
        root.setLevel(was)
        for name, other in before.items():
            logging.getLogger(name).setLevel(other)
        listener.stop()

    return stop
