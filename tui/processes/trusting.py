"""Approving room.yaml: read what is there, show it whole, approve by the hash of what was shown."""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from core.processes.room_file import content_hash, is_approved, read_room_file, room_file
from storage import Home, ParallelError, Process, Room
from tui.messages import Severity
from tui.processes.doing import tell_warnings
from tui.translation import _

if TYPE_CHECKING:
    from core.processes.declaration import Declared
    from tui.app import ParallelApp


async def approved_hash(app: "ParallelApp") -> str | None:
    """Show room.yaml and what it would run; the hash of what was shown if the person approves it."""
    from core.processes.declaration import BrokenDeclarations, read_declarations
    from tui.dialogs import TrustDialog

    room = app.state.room
    content = await asyncio.to_thread(read_room_file, room)
    if content is None:
        app.tell(
            _("There is no {path}.").format(path=room_file(room)),
            hint=_("Write it, or add a process with n; docs/processes.md has every key."),
        )
        return None
    try:
        declared = (await asyncio.to_thread(read_declarations, content, room.root)).processes
        problems: tuple[str, ...] = ()
    except BrokenDeclarations as error:
        declared = ()
        problems = tuple(
            _("line {line}, column {column}: {message}").format(
                line=each.line, column=each.column, message=f"{each.message} {each.hint}".strip()
            )
            for each in error.problems
        )
    present = tuple(app.state.processes.values())
    shown = content_hash(content)
    anew = await asyncio.to_thread(_who_starts_anew, app.desk.database.home, room, present, declared)
    dialog = TrustDialog(
        room_file(room), content, declared, problems, present, is_trusted=shown == room.trusted_hash, anew=anew
    )
    app.clear_notifications()  # they may tell of this very file, and would lie over it
    return shown if await app.push_screen_wait(dialog) else None


def _who_starts_anew(
    home: Home, room: Room, present: Iterable[Process], declared: Iterable["Declared"]
) -> frozenset[str]:
    from core.processes.declare import starts_anew

    by_name = {each.name: each for each in declared}
    there = [each for each in present if each.is_declared and each.declared_name in by_name]
    return frozenset(each.declared_name for each in there if starts_anew(home, each, room, by_name[each.declared_name]))


async def ask_trust(app: "ParallelApp") -> None:
    """Show room.yaml and what it would run, and approve it if the person says so."""
    shown = await approved_hash(app)
    if shown is None:
        return
    outcome = await app.attempt(app.desk.call("trust_room", hash=shown))
    if outcome is None:
        return
    approval = outcome.value
    words = [
        _("{what}: {names}").format(what=what, names=", ".join(names))
        for what, names in (
            (_("new"), approval.added), (_("changed"), approval.changed), (_("gone"), approval.removed)
        )
        if names
    ]  # fmt: skip
    app.tell(_("Approved room.yaml."), hint="; ".join(words))
    tell_warnings(app, outcome.warnings)


async def tell_at_start(app: "ParallelApp") -> None:
    """Say at the start of the app that room.yaml waits for approval."""
    try:
        waits = not await asyncio.to_thread(is_approved, app.desk.room)
    except ParallelError as error:
        app.tell(error.message, severity=Severity.WARNING, hint=error.hint or "")
        return
    if waits:
        app.tell(
            _("{path} waits for your approval; nothing of it runs before.").format(path=room_file(app.desk.room)),
            severity=Severity.WARNING,
            hint=_("5 goes to the processes, T there shows and approves it."),
        )
