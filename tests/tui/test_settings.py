"""The settings screen: what is changed there holds at once, and stands in config.yaml beside the person's comments."""

from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input

from storage import Home, LostClaims, Status
from tests.support.app import app_of, open_app, screen_text, shown, until
from tests.support.users import User
from tui.dialogs import AskLine, Pick
from tui.screens.settings import SettingsScreen
from tui.widgets.line_list import LineList


async def open_settings(pilot: Pilot[Any], row: str) -> None:
    await pilot.press("f3")
    await until(pilot, lambda: isinstance(pilot.app.screen, SettingsScreen) and pilot.app.screen._rows)
    screen = pilot.app.screen
    assert isinstance(screen, SettingsScreen)
    names = [each if isinstance(each, str) else each.id for each in screen._rows]
    screen.query_one(LineList).action_to(names.index(row))
    await pilot.pause()


async def test_a_theme_is_chosen_seen_and_stored(board: User, home: Home) -> None:
    home.config.write_text("# mine\ndensity: compact # dense\n")
    async with open_app(board) as pilot:
        await open_settings(pilot, "theme")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Pick))
        await pilot.press(*"parallel-light", "enter")
        await until(pilot, lambda: pilot.app.theme == "wezterm-parallel-light")
        assert home.config.read_text() == "# mine\ndensity: compact # dense\ntheme: wezterm-parallel-light\n"


async def test_keys_are_rebound_and_work_at_once(board: User, home: Home) -> None:
    async with open_app(board) as pilot:
        await open_settings(pilot, "app.messages")
        await pilot.press("e")
        await until(pilot, lambda: isinstance(pilot.app.screen, AskLine))
        pilot.app.screen.query_one(Input).value = "f7"
        await pilot.press("enter")
        await until(pilot, lambda: app_of(pilot).settings.keys == {"app.messages": "f7"})
        await pilot.press("escape", "f7")
        await shown(pilot, "No messages yet.")
        await pilot.press("escape")
        await open_settings(pilot, "app.messages")
        await pilot.press("x")
        await until(pilot, lambda: app_of(pilot).settings.keys == {})


async def test_numbers_are_checked(board: User, home: Home) -> None:
    async with open_app(board) as pilot:
        await open_settings(pilot, "toast_seconds")
        for typed in ("soon", "500"):
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(pilot.app.screen, AskLine))
            pilot.app.screen.query_one(Input).value = typed
            told = len(app_of(pilot).notes)
            await pilot.press("enter")
            await until(pilot, lambda told=told: len(app_of(pilot).notes) > told)
        assert not home.config.exists()


async def test_a_file_changed_outside_is_read_when_the_screen_opens(board: User, home: Home) -> None:
    async with open_app(board) as pilot:
        home.config.write_text("theme: nord\nfilters: {hot: '!urgent'}\n")
        await open_settings(pilot, "filter hot")
        assert pilot.app.theme == "nord"
        assert "!urgent" in screen_text(pilot)
        await pilot.press("x")
        await until(pilot, lambda: app_of(pilot).settings.filters == {})


async def test_a_broken_file_is_reported_and_left_alone(board: User, home: Home) -> None:
    home.config.write_text("theme: [nord\n")
    async with open_app(board) as pilot:
        await until(pilot, lambda: app_of(pilot).notes)
        assert "line 2, column 1" in app_of(pilot).notes[0].text
        await open_settings(pilot, "density")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Pick))
        await pilot.press("enter")
        await until(pilot, lambda: len(app_of(pilot).notes) >= 3)
        assert home.config.read_text() == "theme: [nord\n"


async def test_unknown_names_and_clashes_of_keys_are_told(board: User, home: Home) -> None:
    home.config.write_text("keys: {app.redoo: x, app.messages: f9, app.settings: f9}\ntheme: nothing-like-it\n")
    async with open_app(board) as pilot:
        await until(pilot, lambda: len(app_of(pilot).notes) == 3)
        texts = sorted(note.text for note in app_of(pilot).notes)
        assert texts == [
            "There is no theme 'nothing-like-it'; wezterm-parallel-dark is shown.",
            "keys: f9 is bound to app.messages and to app.settings.",
            "keys: there is no action 'app.redoo'. Did you mean app.redo?",
        ]


async def test_the_rooms_settings_are_chosen_typed_and_stored_in_the_room(board: User, home: Home) -> None:
    async with open_app(board) as pilot:
        app = app_of(pilot)
        await open_settings(pilot, "room review_gate")
        await shown(pilot, "Stored in the room, for everybody")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Pick))
        await pilot.press(*"off", "enter")
        await until(pilot, lambda: not app.state.room.review_gate)
        await open_settings(pilot, "room lost_claims")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Pick))
        await pilot.press(*"keep", "enter")
        await until(pilot, lambda: app.state.room.lost_claims is LostClaims.KEEP)
        await open_settings(pilot, "room handoff_alert_minutes")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, AskLine))
        await pilot.press("backspace", "backspace", *"30", "enter")
        await until(pilot, lambda: app.state.room.handoff_alert_minutes == 30)
        await shown(pilot, "room handoff alert minutes", "30")
        assert not home.config.exists()


async def test_limits_of_the_room_are_typed_as_one_writes_them(board: User) -> None:
    board.call("update_room", wip={Status.REVIEW: 2})
    async with open_app(board) as pilot:
        app = app_of(pilot)
        await open_settings(pilot, "room wip")
        await shown(pilot, "review=2")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, AskLine))
        pilot.app.screen.query_one(Input).value = "todo=10, in_progress=3"
        await pilot.press("enter")
        await until(pilot, lambda: app.state.room.wip_limits == {Status.TODO: 10, Status.IN_PROGRESS: 3})
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, AskLine))
        pilot.app.screen.query_one(Input).value = "nowhere=1"
        await pilot.press("enter")
        await until(pilot, lambda: "'nowhere=1' is no limit." in [note.text for note in app.notes])


async def test_what_is_out_of_range_for_the_room_is_told(board: User) -> None:
    async with open_app(board) as pilot:
        app = app_of(pilot)
        await open_settings(pilot, "room lease_seconds")
        for typed, told in (("soon", "'soon' is no number."), ("3", "The seconds of a lease cannot be 3.")):
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(pilot.app.screen, AskLine))
            pilot.app.screen.query_one(Input).value = typed
            await pilot.press("enter")
            await until(pilot, lambda told=told: told in [note.text for note in app.notes])
        assert app.state.room.lease_seconds == 90
