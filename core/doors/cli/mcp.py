"""`wzp mcp` as people meet it: its help, and its refusals. What clients start goes past the command line."""

import sys

import click

from core.doors.cli.context import Run, common_options, put_text


@click.command("mcp", short_help="Serve the board to an AI agent's client.")
@common_options
@click.pass_obj
def command(run: Run) -> None:
    """Serve the board to an AI agent over MCP (Model Context Protocol), on standard input and output.

    An agent's client starts this; `wzp agents install` tells it how. The room is the one that --room names, else
    WZP_ROOM, else that of the project in which the client works.
    """
    from core.doors.mcp.program import serve

    if sys.stdin.isatty():
        put_text("Waiting for a client's messages on standard input. Ctrl+C ends it.", to=sys.stderr)
    serve(run.room_option)
