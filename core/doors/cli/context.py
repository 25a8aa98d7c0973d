"""One run of the command line: the home, the room, the actor, and how results and errors are put out.

For a command written by hand (`wzp backup`, `wzp import`, …), in a module that exports it as `command`:

    @click.command("backup")
    @common_options                      # --room and --json, before or after the word, as everywhere
    @click.pass_obj
    def command(run: Run) -> None:
        '''Back up the store.'''
        backup = create_backup(run.home)
        run.put(to_wire(backup), f"Backed up to {for_screen(backup.path)}.")

A command that opens the app calls `require_terminal("wzp demo")` first, then `run.open_app(home, room_name, actor)`.

Raise ParallelError for what is refused; nothing needs catching, since core/doors/cli/guard.py stands around the whole
program.
"""

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

from core import rooms
from core.doors import identity
from core.errors import NotFound, VersionConflict
from core.operation import Operation
from core.places import present_directory
from core.shapes import shape_error
from core.text import for_screen
from storage import Database, Door, Home, ParallelError, Room, encode_json

if TYPE_CHECKING:
    from core.execute import Outcome
    from core.work import Actor

F = TypeVar("F", bound=Callable[..., Any])
OpenApp = Callable[[Home, str, "Actor"], int]
"""Opens the app on a room of a home, for an actor, until the person quits; gives the exit code."""


class Run:
    """What every command of one run shares. The database opens on first use and is closed by `close`.

    `room_option` is what `--room` named; `wants_json` whether results and errors are JSON.
    """

    def __init__(self, home: Home | None = None, *, wants_json: bool = False, open_app: OpenApp | None = None) -> None:
        self._home = home
        self._open_app = open_app
        self.room_option: str | None = None
        self.wants_json = wants_json
        self._database: Database | None = None

    @cached_property
    def home(self) -> Home:
        """The home; the one that the environment names, if none was given.

        Raises:
            StorageError: the environment does not say where it is.
        """
        return self._home or Home.default()

    @property
    def database(self) -> Database:
        """The opened database of the home, created or migrated first where that is needed."""
        if self._database is None:
            self._database = Database.open(self.home)
        return self._database

    @cached_property
    def room(self) -> Room:
        """The room that `--room` names, else WZP_ROOM, else the one of the current directory.

        Raises:
            NotFound: there is none; the hint is the command that makes one.
        """
        found = self.find_room()
        if found is None:
            here = present_directory()
            directory = rooms.project_of(here)
            raise NotFound(
                f"No room stands for {here}.",
                f"Create one with `wzp room create NAME --root {_quoted(str(directory))}`, or name one with --room.",
            )
        return found

    def find_room(self) -> Room | None:
        """Like `room`, but None where no room stands for the current directory.

        Raises:
            NotFound: `--room` or WZP_ROOM names a room that there is not.
        """
        from core.execute import find_room

        with self.database.read() as rows:
            named = self.room_option or os.environ.get(identity.ROOM_VARIABLE)
            if named:
                return find_room(rows, named)
            return rooms.room_of(present_directory(), rows.rooms())

    def actor(self, room: Room | None = None) -> "Actor":
        """Who acts; with the role that `room` has stored for that agent, where one is given."""
        if room is None:
            return identity.present_actor(Door.CLI)
        with self.database.read() as rows:
            return identity.present_actor(Door.CLI, rows, room)

    def call(
        self, operation: Operation | str, arguments: Mapping[str, Any], *, reason: str | None = None,
        key: str | None = None,
    ) -> "Outcome":  # fmt: skip
        """Call an operation (or the one of that name) in this run's room, as this run's actor; shaped.

        Raises:
            ParallelError: as the operation declares.
        """
        from core.execute import Call, execute

        if isinstance(operation, str):
            from core.operations import find

            operation = find(operation)
        room = self.room if operation.needs_room else None
        actor = self.actor(room)
        outcome = execute(
            self.database,
            Call(
                operation=operation, arguments=arguments, actor=actor, room=room.id if room else None,
                reason=reason, idempotency_key=key, wants_shape=True,
            ),
        )  # fmt: skip
        starts = operation.name == "session_start" and outcome.value is not None
        if session := outcome.value.session.id if starts else actor.session_id:
            from core.agents.presence import note_command

            with suppress(ParallelError):  # a sign of life that is not noted fails no command
                note_command(self.database, session)
        return outcome

    def put(self, wire: Any, text: str | Callable[[], str]) -> None:
        """Put out a result: `wire` as one JSON value where `--json` asks for it, else `text` (or what it gives)."""
        if self.wants_json:
            put_json(wire)
        elif rendered := text() if callable(text) else text:
            put_text(rendered)

    def warn(self, message: str) -> None:
        """Tell a person something on stderr; with `--json` stderr is for errors alone and nothing is said."""
        if not self.wants_json:
            put_text(f"Warning: {for_screen(message)}", to=sys.stderr)

    def open_app(self, home: Home, room: str, actor: "Actor") -> int:
        """Open the app on a room until the person quits; the exit code. This run's own database is closed first.

        The entry hands the way in, since the core knows no screen.
        """
        from dataclasses import replace

        if self._open_app is None:
            raise AssertionError("this run was not given an app to open")
        self.close()
        return self._open_app(home, room, replace(actor, door=Door.TUI))

    def close(self) -> None:
        """Close the database, if it was opened."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def shape(self, error: ParallelError) -> dict[str, Any]:
        """The wire value of an error; the rows of a conflict with names, where the store can still be read."""
        if isinstance(error, VersionConflict) and self._database is not None:
            try:
                with self._database.read() as rows:
                    return shape_error(error, rows)
            except ParallelError:
                return shape_error(error)  # the names are a courtesy; the conflict is the message
        return shape_error(error)


def common_options(function: F) -> F:
    """`--room` and `--json` for a command or group; they reach the `Run`, not the function."""
    for option in reversed(common_parameters()):
        function = _attach(function, option)
    return function


def common_parameters() -> list[click.Parameter]:
    """`--room` and `--json` as click parameters."""
    from core.doors.cli.words import ROOM

    return [
        click.Option(
            ["--room"], type=ROOM, expose_value=False, callback=_take_room,
            help="The room; the current directory's if omitted.",
        ),
        click.Option(
            ["--json", "wants_json"], is_flag=True, expose_value=False, callback=_take_json,
            help="Print JSON, for scripts.",
        ),
    ]  # fmt: skip


def require_terminal(what: str) -> None:
    """Refuse to go on where nobody can see a screen or type; `what` is the command.

    Raises:
        click.UsageError: stdin or stdout is no terminal.
    """
    if not (_is_terminal(sys.stdin) and _is_terminal(sys.stdout)):
        raise click.UsageError(
            f"{what} opens a screen and needs a terminal; here it has none.", click.get_current_context(silent=True)
        )


def put_json(wire: Any, *, to: TextIO | None = None) -> None:
    """Print one JSON value: on one line, or indented where a person reads it from a terminal."""
    stream = to or sys.stdout
    encoded = encode_json(wire)
    if stream.isatty():
        import msgspec

        encoded = msgspec.json.format(encoded, indent=2)
    stream.flush()
    stream.buffer.write(encoded + b"\n")  # JSON is UTF-8, whatever the locale
    stream.buffer.flush()


def put_text(text: str, *, to: TextIO | None = None) -> None:
    """Print text for people, already safe for the terminal; what the stream cannot encode is replaced."""
    _write(to or sys.stdout, text if text.endswith("\n") else text + "\n")


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and not stream.closed and stream.isatty()


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "replace").decode(encoding))
    stream.flush()


def _take_room(context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.find_object(Run).room_option = value  # type: ignore[union-attr]


def _take_json(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        context.find_object(Run).wants_json = True  # type: ignore[union-attr]


def _attach(function: F, option: click.Parameter) -> F:
    if isinstance(function, click.Command):
        function.params.insert(0, option)
    else:
        known = getattr(function, "__click_params__", [])
        function.__click_params__ = [*known, option]  # type: ignore[attr-defined]
    return function


def _quoted(word: str) -> str:
    import shlex

    return shlex.quote(word)
