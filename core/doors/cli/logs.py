"""`wzp logs`: what processes have printed, merged by time, and go on printing; or the program's own log."""

import re
import select
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

import click

from core.doors.cli import words
from core.doors.cli.context import Run, common_options, put_text
from core.doors.cli.drawing import local_time
from core.doors.cli.guard import BROKEN_PIPE
from core.doors.cli.table import BLUE, BOLD, CYAN, DIM, GREEN, MAGENTA, RED, YELLOW, cell_width, has_colours, styled
from core.logs.ansi import safe_line
from core.logs.application import LEVELS, ApplicationLog, Record, Wish
from core.logs.moments import moment_of
from core.logs.window import Entry, Place, Source, Window, keeping, sources_of
from core.operation import ProcessRef
from core.text import block_for_screen, for_screen
from storage import encode_json, format_time, strip_ansi, utc_now

APP: Final = "app"
"""The word for the program's own log."""
LINES: Final = 100
"""So many of the last lines are shown, where nothing else says which."""
LOOK_MS: Final = 50
BATCH: Final = 2_000
_NAMES: Final = (CYAN, GREEN, MAGENTA, YELLOW, BLUE)
_LEVELS: Final = {"debug": DIM, "warning": YELLOW, "error": RED, "critical": f"{BOLD};{RED}"}


@click.command("logs", short_help="Show what processes print, or the program's own log.")
@click.argument("processes", nargs=-1, metavar="[PROCESS…|app]", type=words.word_for(ProcessRef))
@click.option("-f", "--follow", is_flag=True, help="Go on as more comes, over restarts, until Ctrl+C.")
@click.option("-n", "--lines", type=words.NUMBER, help=f"The last so many; {LINES} if nothing else says which.")
@click.option("--since", metavar="WHEN", help="Since then: 10m ago, 14:03, 2026-11-21T14:03.")
@click.option("--grep", metavar="REGEX", help="Only lines in which it is found; (?i) at its head for any case.")
@click.option("-t", "--times", is_flag=True, help="With the time of each line.")
@click.option("--raw", is_flag=True, help="The bytes of one process as they came, escape sequences and all.")
@click.option("--level", type=click.Choice(LEVELS), help="Of the program's own log: this level and above.")
@click.option("--module", metavar="NAME", help="Of the program's own log: this module and those below it.")
@common_options
@click.pass_obj
def command(
    run: Run, processes: Sequence[str], follow: bool, lines: int | None, since: str | None, grep: str | None,
    times: bool, raw: bool, level: str | None, module: str | None,
) -> int | None:  # fmt: skip
    """Show what processes have printed: of one, of several merged by time, or of all of the room.

    `wzp logs app` shows the program's own log. Colours are kept on a terminal; other escape sequences are not shown.
    With --json each line is one object.
    """
    moment = moment_of(since, utc_now()) if since is not None else None
    pattern = _pattern(grep)
    if tuple(processes) == (APP,):
        if raw:
            raise click.UsageError("--raw is for the output of processes.")
        wish = Wish(level or "debug", module or "", moment)
        return _show_app(run, wish, pattern, _count(lines, is_chosen=bool(moment or grep)), follow=follow)
    if level is not None or module is not None:
        raise click.UsageError("--level and --module are for the program's own log: `wzp logs app`.")
    window = Window(_sources(run, processes))
    if raw:
        return _show_raw(window, moment, follow=follow)
    printer = _Printer(run, window, pattern, has_times=times)
    end = window.end()
    place = window.at(moment) if moment is not None else window.begin()
    count = _count(lines, is_chosen=moment is not None or grep is not None)
    if count is None:
        printer.put(window.between(place, end, keeping(pattern)))
    else:
        last = window.above(end, count, keeping(pattern))
        printer.put(each for each in last if each.line.offset >= place[each.source])
    return _follow(run, processes, printer, end) if follow else None


def _count(lines: int | None, *, is_chosen: bool) -> int | None:
    return lines if lines is not None else None if is_chosen else LINES


def _pattern(grep: str | None) -> re.Pattern[str] | None:
    try:
        return re.compile(grep) if grep is not None else None
    except re.error as error:
        raise click.UsageError(f"--grep: {grep!r} is no regular expression: {error}.") from None


def _sources(run: Run, named: Sequence[str]) -> tuple[Source, ...]:
    """The outputs of those who are named; of all of the room, if nobody is."""
    from core.processes.references import processes_meant

    room = run.room
    with run.database.read() as rows:
        meant = [ProcessRef(each) for each in named]
        found = processes_meant(rows, room, meant) if meant else rows.processes(room.id)
    return sources_of(run.home, found)


class _Printer:
    """Prints lines of several processes."""

    def __init__(self, run: Run, window: Window, pattern: re.Pattern[str] | None, *, has_times: bool) -> None:
        self._wants_json = run.wants_json
        self._keep = keeping(pattern)
        self._has_times = has_times
        self._has_colour = has_colours()
        self.take(window)

    def take(self, window: Window) -> None:
        """Print the lines of this window from now on."""
        self.window = window
        names = [for_screen(each.name) for each in window.sources]
        width = max((cell_width(name) for name in names), default=0)
        self._heads = [
            styled(f"{name}{' ' * (width - cell_width(name))} │ ", _NAMES[number % len(_NAMES)])
            for number, name in enumerate(names)
        ] if len(names) > 1 else [""] * len(names)  # fmt: skip

    def put(self, entries: Iterable[Entry]) -> None:
        """Print lines, in batches."""
        batch: list[str] = []
        for entry in entries:
            batch.append(self._json(entry) if self._wants_json else self._text(entry))
            if len(batch) >= BATCH:
                _write(batch, is_json=self._wants_json)
                batch = []
        if batch:
            _write(batch, is_json=self._wants_json)

    def new(self, place: Place) -> Place:
        """Print the whole lines that have come since a place; the place below them."""
        ends = tuple(_end_of_lines(source, begin) for source, begin in zip(self.window.sources, place, strict=True))
        if ends != place:
            self.put(self.window.between(place, ends, self._keep))
        return ends

    def _json(self, entry: Entry) -> str:
        source = self.window.sources[entry.source]
        wire = {
            "process": source.name, "process_id": source.process, "at": format_time(entry.line.at),
            "offset": entry.line.offset, "text": strip_ansi(entry.line.text),
        }  # fmt: skip
        return encode_json(wire).decode()

    def _text(self, entry: Entry) -> str:
        time = styled(f"{local_time(format_time(entry.line.at))} ", DIM) if self._has_times else ""
        return time + self._heads[entry.source] + safe_line(entry.line.text, has_colour=self._has_colour)


def _end_of_lines(source: Source, begin: int) -> int:
    """Where the whole lines from an offset on end; of a very long line, where it is parted."""
    chunk = source.reader.read(begin)
    if not chunk.data:
        return begin
    end = chunk.data.rfind(b"\n") + 1
    if end:
        return chunk.offset + end
    return chunk.end if len(chunk.data) >= 1 << 20 else begin


def _follow(run: Run, named: Sequence[str], printer: _Printer, place: Place) -> int:
    """Print what comes until the reader has gone. A process that is added meanwhile is followed too."""
    looks = 0
    while not _is_reader_gone():
        looks += 1
        if looks % 20 == 0 and (sources := _sources(run, named)) != printer.window.sources:
            known = dict(zip((each.process for each in printer.window.sources), place, strict=True))
            printer.take(Window(sources))
            place = tuple(known.get(each.process, 0) for each in sources)
        place = printer.new(place)
    return BROKEN_PIPE


def _show_raw(window: Window, moment: datetime | None, *, follow: bool) -> int | None:
    if len(window.sources) != 1:
        raise click.UsageError("--raw shows one process; name it.")
    reader = window.sources[0].reader
    (offset,) = window.at(moment) if moment is not None else window.begin()
    while True:
        while (chunk := reader.read(offset)).data:
            sys.stdout.buffer.write(chunk.data)
            offset = chunk.end
        sys.stdout.buffer.flush()
        if not follow:
            return None
        if _is_reader_gone():
            return BROKEN_PIPE


def _show_app(run: Run, wish: Wish, pattern: re.Pattern[str] | None, count: int | None, *, follow: bool) -> int | None:
    log = ApplicationLog(run.home)
    draw: Callable[[Record], str] = _record_json if run.wants_json else _record_text

    def put(records: Iterable[Record]) -> None:
        fitting = [each for each in records if pattern is None or pattern.search(f"{each.module} {each.message}")]
        if fitting:
            _write([draw(each) for each in fitting], is_json=run.wants_json)

    found = log.records(wish, count if pattern is None else None)
    if pattern is not None and count is not None:
        found = [each for each in found if pattern.search(f"{each.module} {each.message}")][-count:] if count else []
    put(found if count != 0 else [])
    while follow:
        if _is_reader_gone():
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


def _write(lines: Sequence[str], *, is_json: bool) -> None:
    text = "\n".join(lines)
    if is_json:  # JSON is UTF-8, whatever the locale
        sys.stdout.buffer.write(f"{text}\n".encode())
        sys.stdout.buffer.flush()
    else:
        put_text(text)


def _is_reader_gone() -> bool:
    """Whether nobody reads stdout any more; waits for it a moment."""
    gone = select.poll()
    gone.register(sys.stdout.fileno(), 0)
    return any(happened & (select.POLLERR | select.POLLHUP) for _, happened in gone.poll(LOOK_MS))
