"""Typing faster than the screen: no letter is lost, and none becomes a command."""

from textual import events
from textual.widgets import Input, TextArea

from tests.support.users import User
from tui.app import ParallelApp
from tui.desk import Desk

KEYS = {" ": "space"}


def type_at_once(app: ParallelApp, *keys: str) -> None:
    """Hand over keys as one burst, as a terminal does."""
    for key in keys:
        character = key if len(key) == 1 else {"enter": "\r", "space": " "}.get(key)
        app.post_message(events.Key(KEYS.get(key, key), character))


async def until(app: ParallelApp, pilot, holds) -> None:  # type: ignore[no-untyped-def]
    for _ in range(500):
        if holds():
            return
        await pilot.pause(0.01)
    raise AssertionError("it did not happen")


async def test_a_title_typed_in_one_burst_with_its_command_is_the_title(board: User) -> None:
    # each of these letters is a command of the board
    title = "Kept exact: Have A Map DJ"
    desk = Desk.open(board.database.home, "demo", board.actor)
    app = ParallelApp(desk)
    try:
        async with app.run_test(size=(120, 30)) as pilot:
            await until(app, pilot, lambda: app.state.sequence > 0)
            type_at_once(app, "n", *title, "enter")
            await until(app, pilot, lambda: app.state.tasks)
            type_at_once(app, "escape", "n", *"two", "enter")
            await until(app, pilot, lambda: len(app.state.tasks) == 2)
            assert sorted(task.title for task in app.state.tasks.values()) == sorted([title, "two"])
    finally:
        desk.close()


async def test_a_comment_typed_in_one_burst_with_its_command_reaches_the_dialog(board: User) -> None:
    board.add("One")
    desk = Desk.open(board.database.home, "demo", board.actor)
    app = ParallelApp(desk)
    try:
        async with app.run_test(size=(120, 30)) as pilot:
            await until(app, pilot, lambda: app.state.tasks)
            await pilot.pause()
            type_at_once(app, "c", *"quick remark")
            await until(app, pilot, lambda: isinstance(app.focused, (Input, TextArea)))
            field = app.focused
            assert isinstance(field, (Input, TextArea))
            await until(app, pilot, lambda: len(written(field)) >= len("quick remark"))
            assert written(field) == "quick remark"
    finally:
        desk.close()


def written(field: Input | TextArea) -> str:
    return field.value if isinstance(field, Input) else field.text
