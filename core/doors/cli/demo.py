"""`wzp demo`: the app on a room with living data, in a home of its own."""

import click

from core.doors.cli.context import Run, require_terminal


@click.command("demo", short_help="Open the app on a room with living data.")
@click.option("--still", is_flag=True, help="Without the agents and processes that are at work in it.")
@click.pass_obj
def command(run: Run, still: bool) -> int:
    """Open the app on a demo room in which agents and processes are at work. Nothing of yours is touched.

    The demo has a home of its own, made anew each time and removed at the end, with all that runs in it.
    """
    require_terminal("wzp demo")
    from core.demo.hands import ROOM
    from core.demo.project import PERSON
    from core.demo.stage import stage

    with stage(still=still, settings=run.home.config) as home:
        return run.open_app(home, ROOM, PERSON)
