"""The history's screen: every event, found, undone, and the board as it was."""

from typing import Any

import pytest
from textual.pilot import Pilot

from core.alerts.findings import found, over
from storage import Role, Status
from tests.support.app import app_of, caught_up, open_app, screen_text, shown, until
from tests.support.users import User
from tui.dialogs import Confirm
from tui.event_query import PAGE, EventQuery
from tui.screens.history import HistoryScreen
from tui.screens.task import TaskScreen
from tui.widgets.line_list import LineList


async def open_history(pilot: Pilot[Any]) -> HistoryScreen:
    await pilot.press("2")
    await until(pilot, lambda: isinstance(pilot.app.screen, HistoryScreen) and pilot.app.screen._events)
    assert isinstance(pilot.app.screen, HistoryScreen)
    return pilot.app.screen


async def test_it_tells_newest_first_who_did_what(board: User, bob: User) -> None:
    card = board.add("Fix login", status="todo")
    bob.move(card, "in_progress", reason="mine")
    async with open_app(board) as pilot:
        await open_history(pilot)
        await shown(pilot, "bob", "moved #1 Fix login, Todo → In progress, because: mine", "added #1 Fix login to Todo")
        lines = screen_text(pilot).splitlines()
        moved = next(index for index, line in enumerate(lines) if "moved #1" in line)
        added = next(index for index, line in enumerate(lines) if "added #1" in line)
        assert moved < added


async def test_a_new_event_appears_on_top_and_the_cursor_stays_on_its_event(board: User, bob: User) -> None:
    board.add("One")
    board.add("Two")
    async with open_app(board) as pilot:
        screen = await open_history(pilot)
        await pilot.press("j")
        here = screen._current()
        bob.add("Three")
        await shown(pilot, "added #3 Three")
        assert screen._current() == here


async def test_thousands_are_loaded_as_one_scrolls(board: User) -> None:
    card = board.add("One")
    for number in range(PAGE * 2):
        board.edit(card, title=f"Title {number}")
    async with open_app(board) as pilot:
        screen = await open_history(pilot)
        assert len(screen._events) == PAGE
        await pilot.press("G")
        await until(pilot, lambda: len(screen._events) == PAGE * 2)
        await pilot.press("G")
        await until(pilot, lambda: screen._before is None)
        await pilot.press("G")
        await shown(pilot, "added #1 One")


@pytest.mark.parametrize(
    ("typed", "found"),
    [("#2", ["Two"]), ("@bob", ["Two"]), ("type:edited", ["Zwei"]), ("zwei", ["Zwei"]), ("@nobody-there", [])],
)
async def test_the_filter_finds_by_task_agent_type_and_words(
    board: User, bob: User, typed: str, found: list[str]
) -> None:
    board.add("One")
    bob.add("Two")
    async with open_app(board) as pilot:
        screen = await open_history(pilot)
        board.edit("2", title="Zwei")
        await shown(pilot, "Zwei")
        await pilot.press("slash", *typed, "enter")
        wanted = EventQuery.parse(typed)
        await until(
            pilot, lambda: screen._query == wanted and all(wanted.fits(e, screen._names) for e in screen._events)
        )
        text = screen_text(pilot)
        for word in found:
            assert word in text
        assert "added #1 One" not in text
        if not found:
            assert "No event fits the filter" in text
        await pilot.press("escape")
        await shown(pilot, "added #1 One")


async def test_enter_opens_the_task_of_the_event(board: User) -> None:
    board.add("Fix login")
    async with open_app(board) as pilot:
        await open_history(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, TaskScreen))
        await shown(pilot, "#1  Fix login")


async def test_stepping_back_through_time_shows_the_board_as_it_was(board: User) -> None:
    card = board.add("Fix login", status="todo")
    board.edit(card, title="Fix logout")
    board.move(card, "done")
    async with open_app(board, size=(160, 40)) as pilot:
        screen = await open_history(pilot)
        await pilot.press("t")
        await shown(pilot, "The board after event", "finished #1 Fix logout, Todo → Done")
        await pilot.press("left")
        await shown(pilot, "title Fix login → Fix logout")
        await pilot.press("left")
        await shown(pilot, "added #1 Fix login to Todo")
        lanes = screen.query_one("#past").lanes  # type: ignore[attr-defined]
        assert [task.title for task in lanes[Status.TODO].rows] == ["Fix login"]
        assert lanes[Status.DONE].rows == []
        await pilot.press("right")
        await shown(pilot, "title Fix login → Fix logout")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.focused, LineList))
        assert "The board after event" not in screen_text(pilot)


async def test_time_begins_somewhere(board: User) -> None:
    async with open_app(board) as pilot:
        await open_history(pilot)
        await pilot.press("G", "t")
        await shown(pilot, "The board after event 1")
        await pilot.press("left")
        await until(pilot, lambda: [note.text for note in app_of(pilot).notes] == ["This is how the room began."])


async def test_a_change_is_undone_from_its_event_after_a_question(board: User) -> None:
    card = board.add("Fix login")
    board.edit(card, title="Fix logout")
    async with open_app(board) as pilot:
        await open_history(pilot)
        await pilot.press("u")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        assert "title Fix login → Fix logout" in screen_text(pilot)
        await pilot.press("n")
        assert board.see(card).title == "Fix logout"
        await pilot.press("u")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("y")
        await until(pilot, lambda: board.see(card).title == "Fix login")
        await caught_up(pilot)
        await shown(pilot, "undid:")


async def test_escape_leads_to_the_board(board: User) -> None:
    async with open_app(board) as pilot:
        await open_history(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.current_mode == "board")


async def test_alerts_are_told_by_what_they_say_also_when_they_are_over(board: User) -> None:
    program = User(board.database, "wezterm-parallel", room=board.room, role=Role.SYSTEM)
    program.call("note_alerts", findings=(found("backup_none", span=7 * 86_400),))
    program.call("note_alerts", findings=(over("backup_old"),))
    async with open_app(board, size=(160, 40)) as pilot:
        await pilot.press("2")
        said = "There is no backup; the room is 7 d old or older."
        await shown(pilot, f"raised an alert: {said}", f"resolved: {said}")
        program.call("note_alerts", findings=(found("service_failed", "sync", service="sync"),))
        await shown(pilot, "raised an alert: The service sync has failed.")
        program.call("note_alerts", findings=(over("service_failed", "sync"),))
        await shown(pilot, "resolved: The service sync has failed.")
