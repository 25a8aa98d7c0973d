"""`wzp logs`: what processes have printed, merged by time, and go on printing; or the program's own log."""

import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final

import click

from core.doors.cli import words
from core.doors.cli.context import Run, common_options, put_text
from core.doors.cli.drawing import local_time
from core.doors.cli.guard import BROKEN_PIPE
from core.doors.cli.logs_app import show_app
from core.doors.cli.printing import is_reader_gone, write_lines
from core.doors.cli.table import BLUE, CYAN, DIM, GREEN, MAGENTA, YELLOW, cell_width, has_colours, styled
from core.errors import NotFound
from core.logs.ansi import safe_line
from core.logs.application import LEVELS, Wish
from core.logs.expressions import Expression
from core.logs.following import Follower, place_of_whole_lines
from core.logs.moments import moment_of
from core.logs.seeking import Seeker
from core.logs.window import Entry, Source, Window, kept_above, kept_between, kept_of, sources_of
from core.operation import ProcessRef
from core.text import for_screen
from storage import Process, Reader, Room, encode_json, format_time, strip_ansi, utc_now

APP: Final = "app"
"""The word for the program's own log."""
LINES: Final = 100
"""So many of the last lines are shown, where nothing else says which."""
LOOK_MS: Final = 50
BATCH: Final = 2_000
_NAMES: Final = (CYAN, GREEN, MAGENTA, YELLOW, BLUE)
SOURCES_S: Final = 1.0
"""How often it is looked whether there are other processes by now."""


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
@click.option("--disk", is_flag=True, help="Instead of lines: what logs and the trash take on the disk.")
@common_options
@click.pass_obj
def command(
    run: Run, processes: Sequence[str], follow: bool, lines: int | None, since: str | None, grep: str | None,
    times: bool, raw: bool, level: str | None, module: str | None, disk: bool,
) -> int | None:  # fmt: skip
    """Show what processes have printed: of one, of several merged by time, or of all of the room.

    A process that was removed can still be named, as long as its log is kept. `wzp logs app` shows the program's own
    log. Colours are kept on a terminal; other escape sequences are not shown.
    With --json each line is one object.
    """
    if disk:
        from core.doors.cli.logs_disk import show_disk

        if processes or follow or raw:
            raise click.UsageError("--disk tells of all logs of the home, and goes with no other wish.")
        show_disk(run)
        return None
    moment = moment_of(since, utc_now()) if since is not None else None
    with _seeking(grep) as seeker:
        return _show(run, processes, follow, lines, moment, grep, seeker, times, raw, level, module)


def _show(
    run: Run, processes: Sequence[str], follow: bool, lines: int | None, moment: datetime | None, grep: str | None,
    seeker: Seeker, times: bool, raw: bool, level: str | None, module: str | None,
) -> int | None:  # fmt: skip
    expression = Expression(grep, is_typed=False) if grep is not None else None
    if tuple(processes) == (APP,):
        if raw:
            raise click.UsageError("--raw is for the output of processes.")
        wish = Wish(level or "debug", module or "", moment)
        return show_app(run, wish, expression, seeker, _count(lines, is_chosen=bool(moment or grep)), follow=follow)
    if level is not None or module is not None:
        raise click.UsageError("--level and --module are for the program's own log: `wzp logs app`.")
    window = Window(_sources(run, processes))
    if raw:
        return _show_raw(window, moment, follow=follow)
    printer = _Printer(run, window, has_times=times)
    end = place_of_whole_lines(window) if follow else window.end()
    place = window.at(moment) if moment is not None else window.begin()
    count = _count(lines, is_chosen=moment is not None or grep is not None)
    if count is None:
        if expression is None:
            printer.put(window.between(place, end))
        else:
            printer.put(seeker.each(kept_between, window, place, end, expression))
    else:
        if expression is None:
            last = window.above(end, count)
        else:
            last = seeker.call(kept_above, window, end, count, expression)
        printer.put(each for each in last if each.line.offset >= place[each.source])
    if not follow:
        return None

    def chosen(entries: Sequence[Entry]) -> Sequence[Entry]:
        if expression is None or not entries:
            return entries
        return seeker.call(kept_of, Window(printer.sources), entries, expression)

    return _follow(run, processes, printer, Follower(window.sources, end), chosen)


def _count(lines: int | None, *, is_chosen: bool) -> int | None:
    return lines if lines is not None else None if is_chosen else LINES


@contextmanager
def _seeking(grep: str | None) -> Iterator[Seeker]:
    """What looks for `grep`, begun already if there is one."""
    with Seeker() as seeker:
        try:
            if grep is not None:
                seeker.begin()
            yield seeker
        except re.error as error:
            raise click.UsageError(f"--grep: {grep!r} is no regular expression: {error}.") from None


def _sources(run: Run, named: Sequence[str]) -> tuple[Source, ...]:
    """The outputs of those who are named; of all of the room, if nobody is."""
    from core.processes.references import processes_meant

    room = run.room
    found: list[Process] = []
    with run.database.read() as rows:
        for each in named:
            try:
                found += processes_meant(rows, room, [ProcessRef(each)])
            except NotFound:
                removed = _removed(rows, room, each)
                if not removed:
                    raise
                found += removed
        found = found if named else rows.processes(room.id)
    return sources_of(run.home, {each.id: each for each in found}.values())


def _removed(rows: Reader, room: Room, name: str) -> list[Process]:
    """The removed processes of a room that have a name."""
    return [
        each for each in rows.every(Process)
        if each.room_id == room.id and each.removed and name in (each.name, each.declared_name, each.id)
    ]  # fmt: skip


class _Printer:
    """Prints lines of several processes."""

    def __init__(self, run: Run, window: Window, *, has_times: bool) -> None:
        self._wants_json = run.wants_json
        self._has_times = has_times
        self._has_colour = has_colours()
        self.take(window.sources)

    def take(self, sources: tuple[Source, ...]) -> None:
        """Print the lines of these from now on."""
        self.sources = sources
        names = [for_screen(each.name) for each in sources]
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
                write_lines(batch, is_json=self._wants_json)
                batch = []
        if batch:
            write_lines(batch, is_json=self._wants_json)

    def _json(self, entry: Entry) -> str:
        source = self.sources[entry.source]
        wire = {
            "process": source.name, "process_id": source.process, "at": format_time(entry.line.at),
            "offset": entry.line.offset, "text": strip_ansi(entry.line.text),
        }  # fmt: skip
        return encode_json(wire).decode()

    def _text(self, entry: Entry) -> str:
        time = styled(f"{local_time(format_time(entry.line.at))} ", DIM) if self._has_times else ""
        return time + self._heads[entry.source] + safe_line(entry.line.text, has_colour=self._has_colour)


def _follow(
    run: Run, named: Sequence[str], printer: _Printer, follower: Follower,
    chosen: Callable[[Sequence[Entry]], Sequence[Entry]],
) -> int:  # fmt: skip
    """Print what is chosen of what comes until the reader has gone; also of processes that are added meanwhile."""
    wait_ms, due = 0, time.monotonic() + SOURCES_S
    while not is_reader_gone(wait_ms):
        if time.monotonic() >= due:
            due = time.monotonic() + SOURCES_S
            if (sources := _sources(run, named)) != follower.sources:
                follower.take(sources)
                printer.take(sources)
        news = follower.news()
        for source, count in news.missed:
            _tell_missed(source, count)
        printer.put(chosen(news.entries))
        wait_ms = 0 if news.has_more else LOOK_MS
    return BROKEN_PIPE


def _tell_missed(source: Source, count: int) -> None:
    put_text(
        f"wzp: {count} bytes of {for_screen(source.name)} came too fast and were rotated away unread;"
        " `log.max_bytes` and `log.files` in room.yaml keep more.",
        to=sys.stderr,
    )


def _show_raw(window: Window, moment: datetime | None, *, follow: bool) -> int | None:
    if len(window.sources) != 1:
        raise click.UsageError("--raw shows one process; name it.")
    reader = window.sources[0].reader
    (offset,) = window.at(moment) if moment is not None else window.begin()
    while True:
        while (chunk := reader.read(offset)).data:
            if chunk.offset > offset:
                _tell_missed(window.sources[0], chunk.offset - offset)
            sys.stdout.buffer.write(chunk.data)
            offset = chunk.end
        sys.stdout.buffer.flush()
        if not follow:
            return None
        if is_reader_gone(LOOK_MS):
            return BROKEN_PIPE
