"""`wzp logs app`: the program's own log, a record a line."""

from collections.abc import Callable, Sequence
from typing import Final

from core.doors.cli.context import Run
from core.doors.cli.drawing import local_time
from core.doors.cli.guard import BROKEN_PIPE
from core.doors.cli.printing import is_reader_gone, write_lines
from core.doors.cli.table import BOLD, CYAN, DIM, RED, YELLOW, styled
from core.logs.application import ApplicationLog, Record, Wish
from core.logs.expressions import Expression
from core.logs.seeking import Seeker, TooSlow, fitting
from core.text import block_for_screen, for_screen
from storage import encode_json, format_time

LOOK_MS: Final = 50
AT_ONCE: Final = 5_000
"""So many records are looked through at once."""
_LEVELS: Final = {"debug": DIM, "warning": YELLOW, "error": RED, "critical": f"{BOLD};{RED}"}


def show_app(
    run: Run, wish: Wish, expression: Expression | None, seeker: Seeker, count: int | None, *, follow: bool
) -> int | None:
    """Print the records that are wished for, the last so many of them, and those that come."""
    log = ApplicationLog(run.home)
    draw: Callable[[Record], str] = _record_json if run.wants_json else _record_text

    def put(records: Sequence[Record]) -> None:
        if records:
            write_lines([draw(each) for each in records], is_json=run.wants_json)

    def chosen(records: Sequence[Record]) -> Sequence[Record]:
        return records if expression is None else _fitting(records, expression, seeker)

    found = chosen(log.records(wish, count if expression is None else None))
    put(found if count is None else found[-count:] if count else [])
    while follow:
        if is_reader_gone(LOOK_MS):
            return BROKEN_PIPE
        put(chosen(log.more(wish)))
    return None


def _fitting(records: Sequence[Record], expression: Expression, seeker: Seeker) -> list[Record]:
    """The records in whose module and message an expression is found."""
    found: list[Record] = []
    for begin in range(0, len(records), AT_ONCE):
        some = records[begin : begin + AT_ONCE]
        try:
            numbers = seeker.call(fitting, expression, [f"{each.module} {each.message}" for each in some])
        except TooSlow:
            raise TooSlow("app") from None
        found += [some[number] for number in numbers]
    return found


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
