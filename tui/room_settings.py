"""The room's own settings: what they are called, how they stand, and the question for another value."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from core.errors import InvalidData
from core.operation import OnOff
from storage import COLUMNS, AgentCommands, LostClaims, Room, Status, WipMode
from tui.dialogs import AskLine, Choice, Pick
from tui.translation import _, mark

if TYPE_CHECKING:
    from tui.app import ParallelApp

ROOM_SETTINGS: Final[Mapping[str, str]] = {
    "name": mark("What the room is called."),
    "wip": mark("The most cards that a column should hold, as in_progress=3 todo=10; 0 takes a limit away."),
    "wip_mode": mark("Whether a full column warns or refuses."),
    "review_gate": mark("Whether what an agent calls done waits in review for approval."),
    "lost_claims": mark("Whether the tasks of an agent that is gone return to the queue or stay with it."),
    "lease_seconds": mark("How long an agent may be silent before its session is lost, 10 to 86,400 seconds."),
    "handoff_alert_minutes": mark("After how many minutes a handoff that nobody has acknowledged alerts."),
    "agent_commands": mark("Whether a command that an agent has set for a task waits for approval or may run."),
    "quarantine_after": mark("How many workers a task may lose before it is not tried again, 1 to 100."),
}
"""The arguments of `update_room` that the app offers, and what each means."""

_CHOICES: Final = {
    "wip_mode": WipMode, "review_gate": OnOff, "lost_claims": LostClaims, "agent_commands": AgentCommands,
}  # fmt: skip


def value_of(room: Room, name: str) -> str:
    """How a setting stands, as one would type it."""
    if name == "wip":
        return " ".join(f"{status}={limit}" for status, limit in room.wip_limits.items())
    if name == "review_gate":
        return OnOff.ON if room.review_gate else OnOff.OFF
    return str(getattr(room, name))


async def ask_value(app: "ParallelApp", name: str) -> dict[str, Any] | None:
    """Another value of a setting as an argument of `update_room`; None where the person leaves it.

    Raises:
        InvalidData: what was typed is none.
    """
    present = value_of(app.state.room, name)
    if name in _CHOICES:
        options = [Choice(each.value, each.value) for each in _CHOICES[name]]
        picked = await app.push_screen_wait(Pick(_(ROOM_SETTINGS[name]), options, selected=(present,)))
        return {name: _CHOICES[name](picked[0])} if picked and picked[0] != present else None
    typed = await app.push_screen_wait(AskLine(_(ROOM_SETTINGS[name]), initial=present, is_replaced=present.isdigit()))
    if typed is None or typed == present or not (typed or name == "wip"):
        return None
    return {name: _read(name, typed, app.state.room)}


async def change(app: "ParallelApp", name: str) -> None:
    """Ask for another value of a setting, and store it."""
    asked = await ask_value(app, name)
    if asked is not None:
        await app.attempt(app.desk.call("update_room", expected_version=app.state.room.version, **asked))


def _read(name: str, typed: str, room: Room) -> Any:
    if name == "wip":
        return _limits(typed, room)
    if name == "name":
        return typed
    if not typed.isascii() or not typed.isdigit():
        raise InvalidData(_("{typed!r} is no number.").format(typed=typed), _(ROOM_SETTINGS[name]))
    return int(typed)


def _limits(typed: str, room: Room) -> dict[Status, int]:
    """Limits by column; a column that had one and is not named any more loses it."""
    limits = dict.fromkeys(room.wip_limits, 0)
    for word in typed.replace(",", " ").split():
        column, _sign, limit = word.partition("=")
        if column not in COLUMNS or not limit.isdigit():
            hint = _("Write COLUMN=NUMBER; there are: {columns}.").format(columns=", ".join(COLUMNS))
            raise InvalidData(_("{word!r} is no limit.").format(word=word), hint)
        limits[Status(column)] = int(limit)
    return limits
