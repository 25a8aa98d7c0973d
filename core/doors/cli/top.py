"""`wzp top`: what the machine and the room's processes use, drawn anew each second where a person looks."""

import select
import shutil
import sys
import time
from contextlib import suppress
from typing import Final

import click

from core.doors.cli.context import Run, common_options, put_text
from core.doors.cli.table import cell_width
from core.text import for_screen

_OPEN: Final = "\x1b[?1049h\x1b[?25l"
_CLOSE: Final = "\x1b[?25h\x1b[?1049l"
"""The other screen of the terminal and no cursor; and back to what stood there."""


@click.command("top", short_help="Show what the machine and the room's processes use.")
@click.option("--once", is_flag=True, help="Print it once and end, as where stdout is no terminal.")
@common_options
@click.pass_obj
def command(run: Run, once: bool) -> int:
    """Show what the machine and the room's processes use, the busiest first, each second, until q or Ctrl+C.

    Where stdout is no terminal, with --once or with --json, it is printed once.
    """
    if once or run.wants_json or not (sys.stdout.isatty() and sys.stdin.isatty()):
        outcome = run.call("get_usage", {})
        run.put(outcome.shaped, lambda: _drawn(outcome.shaped))
        return 0
    return _live(run)


def _drawn(shaped: object) -> str:
    from core.doors.cli.drawing.measured import usage_view

    return usage_view(shaped)  # type: ignore[arg-type]


class _Ended(Exception):
    """The program is told to end; the argument is its exit code."""


def _end(number: int, _frame: object) -> None:
    raise _Ended(128 + number)


def _live(run: Run) -> int:
    """Draw until it is over, and leave the terminal as it was, however it ends; the exit code."""
    import signal
    import termios
    import tty

    room = for_screen(run.room.name)
    before = termios.tcgetattr(sys.stdin)
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, _end)
    put_text(_OPEN)
    try:
        tty.setcbreak(sys.stdin)
        while True:
            _draw(f"{room} · {time.strftime('%H:%M:%S')} · q ends\n\n{_drawn(run.call('get_usage', {}).shaped)}")
            if _asked_to_end(1 - time.time() % 1 + 0.1):  # just after each second has been measured
                return 0
    except KeyboardInterrupt:
        return 0
    except _Ended as ended:
        return int(ended.args[0])
    finally:
        with suppress(OSError, termios.error):  # the terminal itself is gone
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
            put_text(_CLOSE)


def _draw(text: str) -> None:
    """Write over what stands there, line by line, so that nothing flickers."""
    size = shutil.get_terminal_size()
    lines = text.split("\n")[: size.lines - 1]
    drawn = "".join(f"{_fitting(line, size.columns)}\x1b[0m\x1b[K\r\n" for line in lines)
    sys.stdout.write(f"\x1b[H{drawn}\x1b[J")
    sys.stdout.flush()


def _fitting(line: str, columns: int) -> str:
    """A line that does not wrap. The table has cut itself; what stands above it has no colours."""
    if "\x1b" in line or cell_width(line) <= columns:
        return line
    return line[: max(0, columns - 1)] + "…"


def _asked_to_end(seconds: float) -> bool:
    """Whether `q` is typed, or nobody can type any more, within some seconds."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if select.select([sys.stdin], [], [], left)[0] and sys.stdin.read(1) in ("q", "Q", ""):
            return True
    return False
