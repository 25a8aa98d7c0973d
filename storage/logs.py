"""The program's log: JSON, a line a record, written by a thread of its own so that nobody waits for the disk."""

import json
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

from storage.clock import format_time

BYTES_A_FILE: Final = 1_000_000
FILES_KEPT: Final = 5


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


class _SharedFile(RotatingFileHandler):
    """A rotating file that several processes write: follows the file when another process has rotated it."""

    def emit(self, record: logging.LogRecord) -> None:
        if self.stream is not None and not self._is_current(self.stream.fileno()):
            self.stream.close()
            self.stream = self._open()
        super().emit(record)

    def _is_current(self, descriptor: int) -> bool:
        try:
            mine, there = os.fstat(descriptor), Path(self.baseFilename).stat()
        except OSError:
            return False
        return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)

    def _open(self) -> Any:
        return open(
            self.baseFilename, self.mode, encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)
        )


class _Verbatim(QueueHandler):
    """Hands records over as they are, traceback included: the queue does not leave the process."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        record.getMessage()
        return record


def start_logging(path: Path, *, level: int = logging.INFO) -> Callable[[], None]:
    """Write what is logged from now on to `path`, readable by the user alone. Returns the way to stop, which waits
    until all is written."""
    file = _SharedFile(path, maxBytes=BYTES_A_FILE, backupCount=FILES_KEPT, encoding="utf-8", delay=True)
    file.setFormatter(JsonLines())
    queue: SimpleQueue[logging.LogRecord] = SimpleQueue()
    handler = _Verbatim(queue)
    listener = QueueListener(queue, file)
    listener.start()
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(level)

    def stop() -> None:
        root.removeHandler(handler)
        root.setLevel(before)
        listener.stop()
        file.close()

    return stop
