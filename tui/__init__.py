"""The Textual app: screens, widgets, styles, key bindings. No rule of the product lives here."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.work import Actor
    from storage import Home


def run(home: "Home", room: str, *, actor: "Actor") -> int:
    """Open the app on a room and stay until the person quits. Returns the exit code of the program.

    Args:
        room: the room's name or id.
        actor: who sits at the keyboard.

    Raises:
        ParallelError: the database or the room cannot be opened; nothing has been drawn yet.
    """
    if os.environ.get("TERM_PROGRAM") == "WezTerm":
        # wezterm#8149: with the kitty protocol, alt+j reaches Textual as a plain j. Read when textual is imported.
        os.environ.setdefault("TEXTUAL_DISABLE_KITTY_KEY", "1")
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)  # exported by some shells and runners; Textual would believe them over the terminal
    from core.logs.levels import start_own_log
    from core.services import HostLease, services
    from storage import note_crashes
    from tui.app import ParallelApp
    from tui.desk import Desk

    desk = Desk.open(home, room, actor)
    try:
        stop_crashes = note_crashes(home.logs / "crash.log")
    except BaseException:
        desk.close()
        raise
    stop_logging = start_own_log(home, home.logs / "app.log")
    try:
        lease = HostLease(desk.database)
        app = ParallelApp(desk, services=services(desk.database, lease), lease=lease)
        result = app.run()
        if result == 0:  # an orderly end; after a crash or a hang-up nothing is started, and what runs goes on alone
            from tui.processes.quitting import leave_to_host

            lease.give_up()
            leave_to_host(desk.database)
        return app.return_code or 0 if result is None else result
    finally:
        desk.close()
        stop_logging()
        stop_crashes()
