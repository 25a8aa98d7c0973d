"""`wzp watch`: the room's events as they commit, one a line, until the reader or the person has had enough."""

import select
import sys
from collections.abc import Sequence

import click

from core.doors.cli import words
from core.doors.cli.context import Run, common_options, put_text
from core.doors.cli.guard import BROKEN_PIPE
from core.shapes import Shaper
from core.text import for_screen
from storage import ChangeFeed, Event, encode_json

_LOOK_MS = 1000
"""How often we look whether the feed has ended; the reader's going wakes us at once."""


@click.command("watch", short_help="Print what happens in the room, as it happens.")
@click.option(
    "--after", type=words.NUMBER, metavar="SEQ",
    help="Begin with the events after this sequence number, so that none is missed between two runs; now if omitted.",
)  # fmt: skip
@common_options
@click.pass_obj
def command(run: Run, after: int | None) -> int:
    """Print what happens in the room as it is committed, one line an event, until Ctrl+C.

    With --json each line is one event, as `wzp history --json` shows it.
    """
    room = run.room
    if after is None:
        with run.database.read() as rows:
            after = rows.last_sequence()
    if not run.wants_json:
        put_text(f"Watching room {for_screen(room.name)} after event {after}. Ctrl+C ends it.", to=sys.stderr)
    printer = _Printer(run)
    feed = ChangeFeed(run.database, printer.deliver, after=after)
    feed.start()
    try:
        _wait(run, printer)
    finally:
        feed.stop()
    if printer.failure is not None:
        raise printer.failure
    return BROKEN_PIPE


class _Printer:
    """Prints the events of one room; remembers what stopped it."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._room = run.room.id
        self.failure: Exception | None = None

    def deliver(self, events: Sequence[Event]) -> None:
        """Print a batch, flushed; called on the feed's thread."""
        if self.failure is not None:
            return
        try:
            self._print([event for event in events if event.room_id == self._room])
        except Exception as error:  # the feed would log it and go on; the main thread is to end
            self.failure = error

    def _print(self, events: Sequence[Event]) -> None:
        if not events:
            return
        with self._run.database.read() as rows:
            shaped = [Shaper(rows).shape(event) for event in events]
        if self._run.wants_json:
            sys.stdout.buffer.write(b"".join(encode_json(wire) + b"\n" for wire in shaped))
            sys.stdout.buffer.flush()
        else:
            from core.doors.cli.drawing import event_line

            put_text("\n".join(event_line(wire) for wire in shaped))


def _wait(run: Run, printer: _Printer) -> None:
    """Until the printer has failed or the reader of stdout has gone.

    Raises:
        StorageError: the database was replaced or removed.
    """
    gone = select.poll()
    gone.register(sys.stdout.fileno(), 0)
    while printer.failure is None:
        if any(happened & (select.POLLERR | select.POLLHUP) for _, happened in gone.poll(_LOOK_MS)):
            return
        run.database.require_same_file()  # nothing more would ever be seen in the old one
