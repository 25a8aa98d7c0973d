"""Quitting while processes run: they are left under supervision, or stopped and waited for."""

import logging
import os
from typing import TYPE_CHECKING, Any

from core.services import current_host, ensure_host
from storage import Database, Home, ParallelError
from tui.processes.counting import living
from tui.translation import _

if TYPE_CHECKING:
    from tui.app import ParallelApp

logger = logging.getLogger(__name__)


async def may_quit(app: "ParallelApp") -> bool:
    """Ask what becomes of what runs, if this app is its host and anything runs; whether the app may end."""
    from core.text import for_screen
    from tui.dialogs import QuitDialog
    from tui.processes.view import natural

    if not living(app.state.processes.values()) or is_somebody_else_host(app.desk.database.home):
        return True

    def names() -> list[str]:
        left = sorted(living(app.state.processes.values()), key=lambda each: natural(each.name))
        return [for_screen(each.name) for each in left]

    def ask(operation: str) -> None:
        ids = tuple(each.id for each in living(app.state.processes.values()))
        if ids:
            calling: Any = app.desk.call(operation, processes=ids, reason=_("the person quits"))
            app.run_worker(app.attempt(calling), group="send", exit_on_error=False)

    dialog = QuitDialog(names, lambda: ask("stop_processes"), lambda: ask("kill_processes"))
    return await app.push_screen_wait(dialog) is not None


def is_somebody_else_host(home: Home) -> bool:
    """Whether another app or `wzp serve` supervises the processes of a home, so that they miss nothing when we end."""
    host = current_host(home)
    return host is not None and host.pid != os.getpid()


def leave_to_host(database: Database) -> None:
    """See that what still runs is supervised after this app: called once its own services have ended. Blocks."""
    try:
        with database.read() as rows:
            runs = any(living(rows.processes(room.id)) for room in rows.rooms())
        if runs:
            ensure_host(database.home)
    except ParallelError:
        # The processes run on all the same, and the next app adopts them.
        logger.exception("no host could be started for the processes that were left")
