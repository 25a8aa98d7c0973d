"""`wzp` alone and `wzp open`: find or make the room of the current directory, and open its board."""

import sys

import click

from core import rooms
from core.doors.cli.context import Run, common_options, require_terminal
from core.places import present_directory
from core.text import for_screen
from storage import Room


@click.command("open", short_help="Open the board.")
@common_options
@click.pass_obj
def command(run: Run) -> int:
    """Open the board of the room that --room names, else of the current directory's."""
    return open_board(run)


def open_board(run: Run) -> int:
    """Open the board of the run's room; where the directory has none yet, offer to make one."""
    require_terminal("wzp")
    room = run.find_room() or _offer_room(run)
    if room is None:
        return 0
    return run.open_app(run.home, room.name, run.actor(room))


def _offer_room(run: Run) -> Room | None:
    directory = rooms.project_of(present_directory())
    with run.database.read() as rows:
        name = rooms.proposed_name(directory, rows.rooms())
    click.echo(f"No room stands for {for_screen(str(directory))} yet.", file=sys.stderr)
    if not click.confirm(f"Create room {name!r} for it and open its board?", default=True, err=True):
        click.echo("Nothing was made. Another name or root: wzp room create NAME --root DIR", file=sys.stderr)
        return None
    room: Room = run.call("create_room", {"name": name, "root": directory}).value
    return room
