"""The whole app for tests: on a real room, at a size, waited for by what has become true."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot
from textual.widget import Widget

from tests.support.dialogs import caught_up, screen_text, settled
from tests.support.users import User
from tui.app import ParallelApp
from tui.desk import Desk

__all__ = ["app_of", "caught_up", "open_app", "screen_text", "settled", "shown", "until"]


@asynccontextmanager
async def open_app(
    user: User, *, size: tuple[int, int] = (100, 40), survives_errors: bool | None = None
) -> AsyncIterator[Pilot[Any]]:
    """The app of `user` with its room loaded."""
    desk = Desk.open(user.database.home, user.room or "", user.actor)
    try:
        app = ParallelApp(desk, survives_errors=survives_errors)
        async with app.run_test(size=size) as pilot:
            await settled(pilot)
            yield pilot
    finally:
        desk.close()


def app_of(pilot: Pilot[Any]) -> ParallelApp:
    """The app, as what it is."""
    assert isinstance(pilot.app, ParallelApp)
    return pilot.app


async def until(pilot: Pilot[Any], condition: Callable[[], object]) -> None:
    """Let the app work until something is true; the test's own time limit ends what never becomes true."""
    for _ in range(2000):
        if pilot.app._exception is not None:  # nothing becomes true any more; run_test raises it
            raise pilot.app._exception
        if condition():
            await pilot.pause()
            return
        await pilot.pause(0.005)
    raise AssertionError(f"never became true; the screen was:\n{screen_text(pilot)}")


async def shown(pilot: Pilot[Any], *texts: str) -> None:
    """Wait until all of these stand on the screen."""
    await until(pilot, lambda: all(text in screen_text(pilot) for text in texts))


def has_focus(pilot: Pilot[Any], kind: type[Widget]) -> bool:
    """Whether the focus is on a widget of that kind."""
    return isinstance(pilot.app.focused, kind)
