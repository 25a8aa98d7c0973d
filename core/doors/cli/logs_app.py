"""`wzp logs app`: the program's own log, a record a line."""

import re
from collections.abc import Callable, Iterable
from typing import Final

from core.doors.cli.context import Run
from core.doors.cli.drawing import local_time
from core.doors.cli.guard import BROKEN_PIPE
from core.doors.cli.printing import is_reader_gone, write_lines
from core.doors.cli.table import BOLD, CYAN, DIM, RED, YELLOW, styled
from core.logs.application import ApplicationLog, Record, Wish
from core.text import block_for_screen, for_screen
from storage import encode_json, format_time

LOOK_MS: Final = 50
_LEVELS: Final = {"debug": DIM, "warning": YELLOW, "error": RED, "critical": f"{BOLD};{RED}"}


def show_app(run: Run, wish: Wish, pattern: re.Pattern[str] | None, count: int | None, *, follow: bool) -> int | None:
    """Print the records that are wished for, the last so many of them, and those that come."""
    log = ApplicationLog(run.home)
    draw: Callable[[Record], str] = _record_json if run.wants_json else _record_text

    def put(records: Iterable[Record]) -> None:
        fitting = [each for each in records if pattern is None or pattern.search(f"{each.module} {each.message}")]
        if fitting:
            write_lines([draw(each) for each in fitting], is_json=run.wants_json)

    found = log.records(wish, count if pattern is None else None)
    if pattern is not None and count is not None:
        found = [each for each in found if pattern.search(f"{each.module} {each.message}")][-count:] if count else []
    put(found if count != 0 else [])
    while follow:
        if is_reader_gone(LOOK_MS):
            return BROKEN_PIPE
        put(log.more(wish))
    return None


def _record_json(record: Record) -> str:
    return encode_json(record.wire).decode()


def _record_text(record: Record) -> str:
    at = styled(local_time(format_time(record.at)), DIM)
    level = styled(f"{record.level:<8}", _LEVELS.get(record.level, ""))
    line = f"{at} {level} {styled(for_screen(record.module), CYAN)}  {for_screen(record.message)}"
    trace = record.wire.get("traceback")
    return f"{line}\n{_indented(block_for_screen(str(trace)))}" if trace else line


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.split("\n"))
