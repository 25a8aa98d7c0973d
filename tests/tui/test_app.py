"""The app: its messages, its survival, its ways in and out."""

import json
from dataclasses import replace
from time import monotonic
from typing import Any, ClassVar

import pytest
from textual import on
from textual.binding import Binding
from textual.message import Message

from core.settings import Animations
from storage import Event, Home, Reader, Status
from tests.support.app import app_of, caught_up, open_app, screen_text, shown, until
from tests.support.users import User
from tui import following
from tui.dialogs import AskText, Confirm
from tui.screens.board import BoardScreen
from tui.screens.help import HelpScreen
from tui.screens.place import Place


async def test_undo_and_redo_say_what_they_did(board: User) -> None:
    card = board.add("Fix login")
    board.edit(card, title="Fix logout")
    async with open_app(board) as pilot:
        await pilot.press("u")
        await until(pilot, lambda: board.see(card).title == "Fix login")
        await pilot.press("U")
        await until(pilot, lambda: board.see(card).title == "Fix logout")
        await until(pilot, lambda: len(app_of(pilot).notes) == 2)
        assert [note.text for note in app_of(pilot).notes] == [
            "Undid: changed #1: title Fix login → Fix logout.",
            "Redid: changed #1: title Fix login → Fix logout.",
        ]


async def test_undo_of_many_says_how_many(board: User) -> None:
    cards = [board.add(title) for title in ("A", "B", "C")]
    async with open_app(board) as pilot:
        app = app_of(pilot)
        await app.desk.call("move_tasks", tasks=tuple(card.id for card in cards), to=Status.TODO)
        await pilot.press("u")
        await until(pilot, lambda: app.notes)
        assert app.notes[0].text == "Undid: moved #1 A, Backlog → Todo, and 2 more."


async def test_ctrl_c_says_how_to_leave_and_does_not(board: User) -> None:
    async with open_app(board) as pilot:
        await pilot.press("ctrl+c")
        app = app_of(pilot)
        await until(pilot, lambda: app.notes)
        assert "ctrl+q leaves" in app.notes[0].hint
        assert app.is_running


async def test_there_is_nothing_to_undo(board: User) -> None:
    async with open_app(board) as pilot:
        await pilot.press("u")
        await until(pilot, lambda: app_of(pilot).notes)
        assert "nothing of yours to undo" in app_of(pilot).notes[0].text


async def test_q_quits_at_once(board: User) -> None:
    async with open_app(board) as pilot:
        await pilot.press("q")
        await until(pilot, lambda: not pilot.app.is_running or pilot.app._exit)
        assert pilot.app.return_value == 0


async def test_quitting_asks_where_text_would_be_lost(board: User) -> None:
    async with open_app(board) as pilot:
        pilot.app.push_screen(AskText("Comment"))
        await until(pilot, lambda: pilot.app.focused)
        await pilot.press("x", "ctrl+q")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, AskText))
        await pilot.press("ctrl+q")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("y")
        await until(pilot, lambda: pilot.app._exit)


async def test_digits_switch_screens_and_close_what_lies_on_them(board: User) -> None:
    async with open_app(board) as pilot:
        await pilot.press("2", "question_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))
        await pilot.press("1")
        await until(pilot, lambda: isinstance(pilot.app.screen, BoardScreen))
        await pilot.press("2")
        await until(pilot, lambda: pilot.app.current_mode == "history")


class Bang(Message):
    """Makes a handler fail."""


class FailingScreen(Place):
    """A screen with a handler that fails."""

    BINDINGS: ClassVar = [Binding("escape", "dismiss")]

    @on(Bang)
    def fail(self) -> None:
        raise ValueError("[bold]bang[/]")


async def test_an_error_in_a_handler_is_told_and_the_screen_goes_on(board: User) -> None:
    async with open_app(board, survives_errors=True) as pilot:
        app = app_of(pilot)
        screen = FailingScreen()
        await app.push_screen(screen)
        screen.post_message(Bang())
        await until(pilot, lambda: app.notes)
        assert "ValueError: [bold]bang[/]" in app.notes[0].text
        screen.post_message(Bang())
        await pilot.pause()
        assert len(app.notes) == 1, "the same error is not told again and again"
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, BoardScreen))


async def test_an_error_in_a_worker_or_timer_is_told(board: User) -> None:
    async def fail() -> None:
        raise ValueError("worker")

    def fail_later() -> None:
        raise ValueError("timer")

    async with open_app(board, survives_errors=True) as pilot:
        app = app_of(pilot)
        app.run_worker(fail())
        app.set_timer(0.001, fail_later)
        await until(pilot, lambda: len(app.notes) == 2)
        assert {note.text.rpartition(" ")[2] for note in app.notes} == {"worker", "timer"}


async def test_in_a_test_an_error_is_raised(board: User) -> None:
    with pytest.raises(ValueError, match="bang"):  # noqa: PT012
        async with open_app(board) as pilot:
            screen = FailingScreen()
            await pilot.app.push_screen(screen)
            screen.post_message(Bang())
            await until(pilot, lambda: False)


async def test_after_a_failure_of_the_feed_the_board_is_read_anew(
    board: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    def fail_once(rows: Reader, room: Any, events: list[Event]) -> Any:
        nonlocal calls
        calls += 1
        raise OSError("the disk had a bad moment")

    async with open_app(board) as pilot:
        monkeypatch.setattr(following, "read_fresh", fail_once)
        bob.add("Fix login")
        await caught_up(pilot)
        assert calls >= 1
        assert [task.title for task in app_of(pilot).state.tasks.values()] == ["Fix login"]


async def test_a_failed_start_is_tried_again(board: User, monkeypatch: pytest.MonkeyPatch) -> None:
    board.add("Fix login")
    real = following.read_all
    failures = [OSError("not yet"), OSError("not yet")]

    def sometimes(rows: Reader, room: Any) -> Any:
        if failures:
            raise failures.pop()
        return real(rows, room)

    monkeypatch.setattr(following, "RETRY_FIRST_S", 0.001)
    monkeypatch.setattr(following, "read_all", sometimes)
    async with open_app(board) as pilot:
        await shown(pilot, "Fix login")
        assert "not yet" in app_of(pilot).notes[0].text


async def test_nothing_moves_by_default_and_settings_are_heard_of(board: User, home: Home) -> None:
    async with open_app(board) as pilot:
        app = app_of(pilot)
        assert app.animation_level == "none"
        heard: list[Any] = []
        app.settings_changed.subscribe(app.screen, heard.append)
        await app.change_settings(animations=Animations.FULL)
        assert app.animation_level == "full"
        await until(pilot, lambda: heard == [app.settings])


@pytest.mark.parametrize("theme", ["wezterm-parallel-light", "ansi-dark", "textual-light"])
async def test_it_works_in_every_kind_of_theme(board: User, home: Home, theme: str) -> None:
    home.config.write_text(json.dumps({"theme": theme}))
    board.add("Fix login")
    async with open_app(board) as pilot:
        await shown(pilot, "Fix login")
        assert pilot.app.theme == theme


async def test_it_works_without_colours(board: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    board.add("Fix login")
    async with open_app(board) as pilot:
        await shown(pilot, "Fix login")
        await pilot.press("question_mark")
        await shown(pilot, "Help")
        assert "Help" in screen_text(pilot)


async def test_a_store_that_was_taken_away_is_told_without_a_key(
    board: User, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "WATCH_STORE_S", 0.01)
    board.add("Fix login")
    async with open_app(board) as pilot:
        await shown(pilot, "Fix login")
        assert "NOT LIVE" not in screen_text(pilot)
        aside = home.database.with_suffix(".aside")
        home.database.rename(aside)
        await shown(pilot, "NOT LIVE")
        app = app_of(pilot)
        assert ["was replaced or removed" in note.text for note in app.notes] == [True]
        aside.rename(home.database)
        await until(pilot, lambda: "NOT LIVE" not in screen_text(pilot))
        assert app.notes[-1].text == "The board follows the store again."


async def test_the_same_message_again_is_kept_but_not_stacked_up(board: User) -> None:
    async with open_app(board) as pilot:
        app = app_of(pilot)
        for _ in range(3):
            app.tell("The store was busy.", hint="Try again.")
        app.tell("The store was busy.", hint="Another hint.")
        assert len(app.notes) == 4
        await until(pilot, lambda: len(app._notifications) == 2)


async def test_what_is_told_again_and_again_stays_to_be_seen(board: User) -> None:
    async with open_app(board) as pilot:
        app = app_of(pilot)
        app.settings = replace(app.settings, toast_seconds=2.0)
        app.tell("No space is left.")
        await until(pilot, lambda: len(app._notifications) == 1)
        begun = monotonic()
        while monotonic() - begun < 5:
            app.tell("No space is left.")
            await pilot.pause(0.2)
            assert [each.message for each in app._notifications] == ["No space is left."]
