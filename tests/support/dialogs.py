"""An app for tests of dialogs: the real app on a real room, with an empty screen where the board would be."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.widgets import Static

from tests.support.users import User
from tui.app import ParallelApp
from tui.desk import Desk
from tui.screens.place import Place


class EmptyPlace(Place):
    """A screen with nothing to do."""

    def compose(self) -> ComposeResult:
        yield Static("nothing here")


class BareApp(ParallelApp):
    """The app without its board."""

    MODES = {**ParallelApp.MODES, "board": EmptyPlace}  # noqa: RUF012


@asynccontextmanager
async def bare_app(user: User, *, size: tuple[int, int] = (100, 40)) -> AsyncIterator[Pilot[Any]]:
    """The app of `user` with its room loaded."""
    desk = Desk.open(user.database.home, user.room or "", user.actor)
    try:
        app = BareApp(desk)
        async with app.run_test(size=size) as pilot:
            await settled(pilot)
            yield pilot
    finally:
        desk.close()


async def settled(pilot: Pilot[Any]) -> None:
    """Wait until what was begun has ended, save for what waits for the person."""
    app = pilot.app
    loading = [worker for worker in app.workers if worker.group == "load"]
    await app.workers.wait_for_complete(loading)
    await pilot.pause()


async def caught_up(pilot: Pilot[Any]) -> None:
    """Wait until the app knows all that is stored."""
    app = pilot.app
    assert isinstance(app, ParallelApp)
    with app.desk.database.read() as rows:
        last = rows.last_sequence()
    while app.state.sequence < last:
        await pilot.pause(0.005)
    await pilot.pause()


def screen_text(pilot: Pilot[Any]) -> str:
    """What stands on the screen."""
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)
