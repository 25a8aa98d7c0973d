"""The log analyser: reads on in what processes print and in the program's own log, and finds what deserves an alert.

It remembers how far it has read in a file of its own, so that nothing is told twice, whichever host reads. What nobody
prints costs a stat a second. What is printed faster than `STEP_BYTES` a second for long is not read whole: an analyser
must not slow down what it watches; of more than `MOST_BEHIND` only the end is looked at.
"""

import json
import logging
import os
import re
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from core.alerts.configuration import AlertRules
from core.alerts.findings import Finding, found, over
from core.errors import InvalidData
from core.logs.ansi import without_escapes
from core.logs.seeking import Seeker, first_line_with
from core.logs.window import output_folder, output_folders
from core.text import for_screen, shortened
from storage import Home, OutputReader, Process, RoomId, write_atomically

STEP_BYTES: Final = 8_000_000
"""All that is read in one look."""
CHUNK_BYTES: Final = 256_000
MOST_BEHIND: Final = 32_000_000
SAVE_S: Final = 5.0
TOLD_AGAIN_S: Final = 5.0
"""A line that a pattern names is told of again so soon at most."""
SERVICE_QUIET_S: Final = 600.0
"""A service that has not failed for so long has recovered."""
LONGEST_LINE: Final = 300

APP: Final = "app"
"""The subject of what the program's own log tells."""

OWN: Final = ("app", "serve", "mcp")
"""The program's own logs."""

_WORDS: Final = (b"error", b"exception", b"fatal", b"panic", b"critical", b"traceback")
_ERROR: Final = re.compile(
    r"(?:(?<![a-z0-9_])|(?<=[a-z]))(?:error|exception|fatal|panic(?:ked)?|critical|traceback)(?![a-z0-9_])"
    r"(?!\s*[:=]\s*(?:0|none|null|false)\b)"
)
"""A line that tells of an error, in small letters: `ValueError` does, `errors: 0`, `error=0` and `no_error` do not."""
_SERVICE: Final = re.compile(r"service (\S+) failed")

logger = logging.getLogger(__name__)

Found = tuple[RoomId | None, Finding]
"""A room (None for all of them) and what was found in it."""


@dataclass(slots=True)
class _Burst:
    """How many lines told of errors lately."""

    counts: deque[tuple[float, int]] = field(default_factory=deque)
    is_on: bool = False

    def add(self, now: float, count: int, seconds: float) -> int:
        if count:
            self.counts.append((now, count))
        while self.counts and self.counts[0][0] <= now - seconds:
            self.counts.popleft()
        return sum(each for _at, each in self.counts)


class LogWatch:
    """Looks at all logs once a call. Blocking, for one thread."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._path = home.logs / "watch.json"
        self._output_folders = str(output_folders(home))
        state = _read_state(self._path)
        self._is_first = state is None
        self._offsets: dict[str, int] = dict(state["outputs"]) if state else {}
        self._own: dict[str, list[int]] = dict(state["own"]) if state else {}
        self._stamps: dict[str, tuple[int, int]] = {}
        self._bursts: dict[str, _Burst] = {}
        self._told: dict[str, float] = {}
        self._unsought: set[str] = set()
        self._seeker = Seeker()
        self._services: dict[str, float] = {}
        self._is_dirty = False
        self._saved_at = 0.0

    def look(self, processes: Sequence[Process], rules: AlertRules) -> list[Found]:
        """What has been printed since the last look, judged."""
        now = time.monotonic()
        told: list[Found] = []
        budget = STEP_BYTES
        for process in processes:
            budget -= self._look_at(process, rules, now, budget, told)
        told += self._look_at_app(rules, now)
        for gone in self._offsets.keys() - {each.id for each in processes}:
            del self._offsets[gone]
            self._is_dirty = True
        self._is_first = False
        return told

    def save(self, *, now: bool = False) -> None:
        """Remember how far was read; call it when what was found is recorded."""
        if self._is_dirty and (now or time.monotonic() - self._saved_at >= SAVE_S):
            state = {"outputs": self._offsets, "own": self._own}
            with suppress(OSError):  # a full disk has its own alert; we read again then
                write_atomically(self._path, json.dumps(state).encode())
                self._is_dirty, self._saved_at = False, time.monotonic()

    def close(self) -> None:
        """End what looks for patterns; nothing is looked at any more."""
        self._seeker.close()

    def is_bursting(self, subject: str) -> bool:
        """Whether somebody tells of errors now."""
        return subject in self._bursts

    # what processes print

    def _look_at(self, process: Process, rules: AlertRules, now: float, budget: int, told: list[Found]) -> int:
        stamp = _stamp(f"{self._output_folders}/{process.id}/output.log")  # a Path takes four times as long
        taken = errors = 0
        if stamp != self._stamps.get(process.id) and budget > 0:
            reader = OutputReader(output_folder(self._home, process.id))
            offset = self._offset_of(process, reader)
            while taken < budget:
                chunk = reader.read(offset, CHUNK_BYTES)
                data = _whole_lines(chunk.data)
                if not data:
                    self._stamps[process.id] = stamp
                    break
                offset = chunk.offset + len(data)
                taken += len(data)
                errors += _errors_in(data)
                told += self._patterns_in(process, data, now)
                time.sleep(0)  # the screens go first
            if self._offsets.get(process.id) != offset:
                self._offsets[process.id] = offset
                self._is_dirty = True
        if errors or process.id in self._bursts:
            told += self._burst(process.room_id, process.id, for_screen(process.name), errors, rules, now)
        return taken

    def _offset_of(self, process: Process, reader: OutputReader) -> int:
        known = self._offsets.get(process.id)
        _begin, end = reader.bounds()
        if known is None:
            return end if self._is_first else 0
        if known > end:  # the log was removed
            return 0
        if end - known > MOST_BEHIND:
            logger.info(
                "the output of %s came too fast to be analysed: %d bytes passed over", process.name, end - known
            )
            return end - MOST_BEHIND // 8
        return known

    def _patterns_in(self, process: Process, data: bytes, now: float) -> Iterator[Found]:
        patterns = process.spec.log.alert_on
        if not patterns:
            return
        lines = without_escapes(data).split("\n")
        for pattern in patterns:
            told = f"{process.id} {pattern}"
            if now - self._told.get(told, -TOLD_AGAIN_S) < TOLD_AGAIN_S:
                continue
            number = self._first_line_with(pattern, lines)
            if number is None:
                continue
            self._told[told] = now
            line = for_screen(shortened(lines[number], LONGEST_LINE))
            name = for_screen(process.name)
            yield process.room_id, found("log_pattern", process.id, name=name, pattern=for_screen(pattern), line=line)

    def _first_line_with(self, pattern: str, lines: Sequence[str]) -> int | None:
        """What cannot be sought is told of in the log, once, and passed over from then on."""
        if pattern in self._unsought:
            return None
        try:
            return first_line_with(pattern, lines, self._seeker)
        except (re.error, InvalidData) as error:
            self._unsought.add(pattern)
            logger.warning("the pattern %r of alert_on is not looked for any more: %s", pattern, error)
        except OSError as error:
            logger.warning("the pattern %r of alert_on could not be looked for: %s", pattern, error)
        return None

    def _burst(
        self, room: RoomId | None, subject: str, name: str, errors: int, rules: AlertRules, now: float
    ) -> Iterator[Found]:
        wanted = rules.error_burst
        burst = self._bursts.setdefault(subject, _Burst())
        count = burst.add(now, errors, wanted.seconds)
        if wanted.on and not burst.is_on and count >= wanted.lines:
            burst.is_on = True
            if subject == APP:
                yield room, found("own_error_burst", APP, count=wanted.lines, span=wanted.seconds)
            else:
                yield room, found("error_burst", subject, name=name, count=wanted.lines, span=wanted.seconds)
        elif not count:
            del self._bursts[subject]
            if burst.is_on:
                yield room, over("error_burst", subject)

    # the program's own log

    def _look_at_app(self, rules: AlertRules, now: float) -> list[Found]:
        errors = 0
        told: list[Found] = []
        for line in (line for name in OWN for line in self._lines_of(name)):
            level, module, message = _record(line)
            errors += level in ("error", "critical")
            if module == "core.services.host" and (failed := _SERVICE.search(message)):
                service = failed[1]
                self._services[service] = now
                told.append((None, found("service_failed", service, service=for_screen(service))))
        for service, failed_at in list(self._services.items()):
            if now - failed_at >= SERVICE_QUIET_S:
                del self._services[service]
                told.append((None, over("service_failed", service)))
        if errors or APP in self._bursts:
            told += self._burst(None, APP, "", errors, rules, now)
        return told

    def _lines_of(self, name: str) -> Iterator[bytes]:
        """What has come in one of the program's logs, each line with its inode and offset remembered."""
        path = self._home.logs / f"{name}.log"
        stamp = _stamp(path)
        if name not in self._own:
            self._own[name], self._is_dirty = list(stamp if self._is_first else (0, 0)), True
        if stamp == self._stamps.get(name) or stamp == (0, 0):
            return
        self._stamps[name] = stamp
        inode, offset = self._own[name]
        if inode not in (0, stamp[0]):  # rotated: what is left of the old one first
            for number in range(1, 6):
                old = path.with_name(f"{path.name}.{number}")
                if _stamp(old)[0] == inode:
                    yield from _lines_from(old, offset)[0]
                    break
            offset = 0
        lines, end = _lines_from(path, offset)
        self._own[name], self._is_dirty = [stamp[0], end], True
        yield from lines


def _errors_in(data: bytes) -> int:
    """How many lines tell of errors."""
    lowered = data.lower()
    if not any(word in lowered for word in _WORDS):
        return 0
    text = lowered.decode("utf-8", "replace")
    count = position = 0
    while (match := _ERROR.search(text, position)) is not None:
        count += 1
        position = text.find("\n", match.end())
        if position < 0:
            break
    return count


def _whole_lines(data: bytes) -> bytes:
    """As much as ends with a line; all of what is one long line."""
    end = data.rfind(b"\n") + 1
    return data[:end] if end else data if len(data) >= CHUNK_BYTES else b""


def _record(line: bytes) -> tuple[str, str, str]:
    """Level, logger and message of a line of the program's log; empty where it is none."""
    try:
        record = json.loads(line)
        return str(record["level"]), str(record["logger"]), str(record["message"])
    except (ValueError, KeyError, TypeError):
        return "", "", ""


def _lines_from(path: Path, offset: int) -> tuple[list[bytes], int]:
    """The whole lines of a file from an offset on, and where they end; the last `MOST_BEHIND` bytes of more."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            offset = 0 if offset > size else offset
            file.seek(max(offset, size - MOST_BEHIND))
            begin = file.tell()
            data = file.read()
    except OSError:
        return [], offset
    end = data.rfind(b"\n") + 1
    return data[:end].splitlines(), begin + end


def _stamp(path: Path | str) -> tuple[int, int]:
    """Inode and size; nothing where there is no file."""
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return 0, 0
    return status.st_ino, status.st_size


def _read_state(path: Path) -> dict[str, Any] | None:
    try:
        state = json.loads(path.read_bytes())
        return state if isinstance(state["outputs"], dict) and isinstance(state["own"], dict) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
