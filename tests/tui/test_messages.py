"""The messages: nothing that was told is lost, and all can be copied."""

from tests.support.app import app_of, open_app, screen_text, shown, until
from tests.support.users import User
from tui.messages import Severity
from tui.screens.messages import MessagesScreen


async def test_messages_are_kept_newest_first_with_their_hints(board: User) -> None:
    async with open_app(board) as pilot:
        app = app_of(pilot)
        app.tell("First thing.")
        app.tell("It [bold]failed[/] \x1b[31m.", severity=Severity.ERROR, hint="Do this.")
        await pilot.press("f2")
        await shown(pilot, "First thing.", "error: It [bold]failed[/]", "Do this.")
        text = screen_text(pilot)
        assert text.index("failed") < text.index("First thing.")
        await pilot.press("j", "c")
        await until(pilot, lambda: app.clipboard.endswith("First thing."))
        await pilot.press("C")
        await until(pilot, lambda: "Do this." in app.clipboard and "First thing." in app.clipboard)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, MessagesScreen))


async def test_without_messages_it_says_so(board: User) -> None:
    async with open_app(board) as pilot:
        await pilot.press("f2")
        await shown(pilot, "No messages yet.")
        app_of(pilot).tell("One.")
        await pilot.press("escape", "f2")
        await shown(pilot, "One.")
        await pilot.press("x")
        await shown(pilot, "No messages yet.")
