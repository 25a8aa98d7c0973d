"""Help: the keys of the place one is in, as they really are; docs/keys.md says the same."""

from pathlib import Path

from storage import Home
from tests.support.app import open_app, screen_text, shown, until
from tests.support.users import User
from tui.keys_page import keys_page
from tui.places import all_actions, all_places
from tui.screens.help import HelpScreen, place_name

DOCS = Path(__file__).parents[2] / "docs"


async def test_it_shows_the_keys_of_the_place(board: User) -> None:
    async with open_app(board, size=(100, 130)) as pilot:
        await pilot.press("question_mark")
        await shown(pilot, "Help: the keys of the board", "Write a new card", "Undo your last change.")
        assert "waits for two tasks" in screen_text(pilot)
        await pilot.press("escape", "2")
        await until(pilot, lambda: pilot.app.current_mode == "history")
        await pilot.press("question_mark")
        await shown(pilot, "Help: the keys of the history", "See the board as it was after this event.")
        assert "Write a new card" not in screen_text(pilot)


async def test_it_shows_keys_as_they_were_rebound(board: User, home: Home) -> None:
    home.config.write_text("keys: {app.undo: ctrl+z}\n")
    async with open_app(board, size=(100, 130)) as pilot:
        await pilot.press("question_mark")
        await shown(pilot, "^z")


async def test_it_closes_with_the_key_that_opened_it(board: User) -> None:
    async with open_app(board) as pilot:
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))
        await pilot.press("j", "k", "pagedown", "pageup", "question_mark")
        await until(pilot, lambda: not isinstance(pilot.app.screen, HelpScreen))


def test_every_place_has_a_name_that_a_person_knows() -> None:
    places = [place for place in all_places() if place is not HelpScreen]
    assert [place.__name__ for place in places if place_name(place) == place.__name__] == []


def test_every_action_has_a_name_of_its_own_and_is_explained() -> None:
    ids = [action.id for action in all_actions()]
    assert len(ids) == len(set(ids))
    assert [action.id for action in all_actions() if not action.help or not action.group] == []
    for place in all_places():
        name = place.__name__.removesuffix("Screen").lower()
        assert {action.place for action in place.ACTIONS} == {name}


def test_every_action_can_be_carried_out() -> None:
    from tui.app import ParallelApp

    owners = {"app": ParallelApp, **{place.__name__.removesuffix("Screen").lower(): place for place in all_places()}}
    for action in all_actions():
        name = action.action.partition("(")[0]
        owner = ParallelApp if name.startswith("app.") else owners[action.place]
        assert hasattr(owner, f"action_{name.removeprefix('app.')}") or name == "app.command_palette", action.id


def test_the_page_of_keys_is_up_to_date() -> None:
    """Write it anew with `python -m tui.keys_page > docs/keys.md`."""
    assert (DOCS / "keys.md").read_text() == keys_page()


def test_the_page_of_settings_names_them_all() -> None:
    from dataclasses import fields

    from core.settings import DEFAULTS, Settings

    page = (DOCS / "configuration.md").read_text()
    for each in fields(Settings):
        assert f"`{each.name}`" in page
        assert str(each.metadata["help"]) in page
    assert DEFAULTS.theme in page
