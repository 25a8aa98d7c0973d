"""Pictures of the app that are the same each time: at one moment, in one zone, with no cursor that blinks."""

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from tests.support.app import app_of, settled, until
from tests.support.users import User
from tui.app import ParallelApp
from tui.desk import Desk

NOW = datetime(2026, 11, 20, 14, 3, 7, tzinfo=UTC)

Prepare = Callable[[Pilot[Any]], Awaitable[None]]
"""Brings the app to where the picture is taken."""

Snap = Callable[[Prepare, tuple[int, int]], None]
"""Compares the app, brought there, at a size, with its stored picture."""


@contextmanager
def fixed_moment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """It is always the same moment, in UTC, and no cursor blinks."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        patch.setattr(Input, "cursor_blink", False)
        patch.setattr(TextArea, "cursor_blink", False)
        time.tzset()
        with time_machine.travel(NOW, tick=False):
            yield
    time.tzset()


@contextmanager
def snapping(user: User, compare: Callable[..., bool]) -> Iterator[Snap]:
    """The app of a user on its room, to be compared by `compare`, the plugin's `snap_compare`."""
    desk = Desk.open(user.database.home, user.room or "", user.actor)

    def snap(prepare: Prepare, size: tuple[int, int]) -> None:
        async def ready(pilot: Pilot[Any]) -> None:
            await settled(pilot)
            await prepare(pilot)
            app = app_of(pilot)
            await until(pilot, lambda: not app._keys and not app._is_taken)  # every key has done what it does

        assert compare(ParallelApp(desk), terminal_size=size, run_before=ready)

    try:
        yield snap
    finally:
        desk.close()
