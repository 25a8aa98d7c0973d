"""The palette: every action of the place and every operation, with arguments found by their types."""

from collections.abc import Callable
from typing import Any

import pytest
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.widgets import Input

from core.operations import load
from storage import SessionState, Status
from tests.support.app import app_of, caught_up, open_app, screen_text, shown, until
from tests.support.crew import Worker
from tests.support.users import User
from tui.dialogs import AskLine, AskText, Pick, ShowToken, TaskForm
from tui.palette import DOOR, all_commands, commands_of, offered
from tui.screens.task import TaskScreen


def run(pilot: Pilot[Any], operation: str, title: str, tasks: list[Any]) -> None:
    found = {command.title: command.run for command in commands_of(app_of(pilot), load()[operation], tasks)}
    assert title in found, sorted(found)
    found[title]()


async def test_every_operation_appears(board: User) -> None:
    async with open_app(board) as pilot:
        assert {each.name for each in offered()} == {each.name for each in load().values() if DOOR not in each.not_at}
        shown = {command.help for command in all_commands(app_of(pilot), pilot.app.screen)}
        assert {each.summary for each in offered()} <= shown


async def test_an_enum_is_one_entry_a_value_for_the_task_at_hand(board: User) -> None:
    card = board.add("Fix login", status="todo")
    async with open_app(board) as pilot:
        run(pilot, "move_task", "Move #1 to Review", [card])
        await until(pilot, lambda: board.see(card).status is Status.REVIEW)


async def test_agents_are_entries_too(board: User, bob: User) -> None:
    card = bob.add("Fix login")
    async with open_app(board) as pilot:
        run(pilot, "assign_task", "Assign #1 to bob", [card])
        await until(pilot, lambda: board.see(card).assignee == bob.id)
        await caught_up(pilot)
        run(pilot, "assign_task", "Assign #1 to nobody", [app_of(pilot).state.tasks[card.id]])
        await until(pilot, lambda: board.see(card).assignee is None)


async def test_a_selection_is_one_change(board: User) -> None:
    cards = [board.add(f"Task {number}") for number in range(3)]
    async with open_app(board) as pilot:
        run(pilot, "archive_tasks", "Archive 3 tasks", cards)
        await until(pilot, lambda: len(board.column("archived")) == 3)


async def test_without_a_task_at_hand_it_asks_for_one(board: User) -> None:
    board.add("Fix login")
    async with open_app(board) as pilot:
        run(pilot, "get_task", "Get task…", [])
        await until(pilot, lambda: isinstance(pilot.app.screen, Pick))
        await pilot.press(*"login", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, TaskScreen))


@pytest.mark.parametrize(
    ("operation", "title", "dialog", "keys", "holds"),
    [
        ("create_task", "Create task…", AskLine, ["x", "enter"], lambda board: board.titles("backlog") == ["Fix", "x"]),
        ("comment_task", "Comment #1…", AskText, ["x", "ctrl+s"], lambda board: board.see("1").comment_count == 1),
    ],
)
async def test_required_texts_are_asked_for(
    board: User, operation: str, title: str, dialog: type, keys: list[str], holds: Callable[[User], bool]
) -> None:
    card = board.add("Fix")
    async with open_app(board) as pilot:
        run(pilot, operation, title, [card])
        await until(pilot, lambda: isinstance(pilot.app.screen, dialog))
        await pilot.press(*keys)
        await until(pilot, lambda: holds(board))


async def test_leaving_the_question_does_nothing(board: User) -> None:
    async with open_app(board) as pilot:
        run(pilot, "create_task", "Create task…", [])
        await until(pilot, lambda: isinstance(pilot.app.screen, AskLine))
        await pilot.press("escape")
        await pilot.pause()
        assert board.titles("backlog") == []


async def test_results_are_told(board: User) -> None:
    board.add("Fix login")
    async with open_app(board) as pilot:
        run(pilot, "list_rooms", "List rooms", [])
        await until(pilot, lambda: [note.text for note in app_of(pilot).notes] == ["List rooms: demo"])


async def test_a_refusal_is_told(board: User) -> None:
    async with open_app(board) as pilot:
        run(pilot, "redo", "Redo", [])
        await until(pilot, lambda: app_of(pilot).notes and "nothing of yours to redo" in app_of(pilot).notes[0].text)


async def test_it_is_searched_by_typing_and_run_with_enter(board: User) -> None:
    async with open_app(board) as pilot:
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(pilot.app.screen, CommandPalette))
        pilot.app.screen.query_one(Input).value = "theme: nord"
        await until(pilot, lambda: pilot.app.screen.query_one("CommandList").option_count)  # type: ignore[attr-defined]
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.theme == "nord")
        assert "theme: nord" in board.database.home.config.read_text()


async def test_on_the_board_it_takes_the_card_under_the_cursor_or_the_selection(board: User) -> None:
    board.add("Fix login")
    board.add("Write tests")
    async with open_app(board) as pilot:
        await shown(pilot, "Write tests")
        titles = {command.title for command in all_commands(app_of(pilot), pilot.app.screen)}
        assert {"Move #1 to Todo", "Archive #1", "Comment #1…", "Assign #1 to owner"} <= titles
        await pilot.press("v", "j", "v")
        titles = {command.title for command in all_commands(app_of(pilot), pilot.app.screen)}
        assert "Move 2 tasks to Todo" in titles


async def test_an_edit_asks_what_is_to_change_and_may_be_left(board: User) -> None:
    card = board.add("Fix login")
    async with open_app(board) as pilot:
        run(pilot, "update_task", "Update #1", [card])
        await until(pilot, lambda: isinstance(pilot.app.screen, TaskForm))
        await pilot.press("escape")
        await pilot.pause()
        assert board.see(card).version == 1
        run(pilot, "update_task", "Update #1", [card])
        await until(pilot, lambda: isinstance(pilot.app.screen, TaskForm))
        await pilot.press("s", "ctrl+s")
        await until(pilot, lambda: board.see(card).title == "Fix logins")
        run(pilot, "update_tasks", "Update #1", [card])
        await until(pilot, lambda: isinstance(pilot.app.screen, AskLine))
        await pilot.press("u", "i", "enter")
        await until(pilot, lambda: board.see(card).labels == ("ui",))
        run(pilot, "update_room", "Update room", [])
        await until(pilot, lambda: isinstance(pilot.app.screen, Pick))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, AskLine))
        await pilot.press("2", "enter")
        await until(pilot, lambda: app_of(pilot).state.room.name == "demo2")


async def test_a_handoff_is_written_answered_and_a_session_ended_from_here(board: User) -> None:
    ann = Worker(board, "ann")
    card = board.add("Fix login", status="todo")
    async with open_app(board) as pilot:
        run(pilot, "create_handoff", "Create handoff #1…", [card])
        await until(pilot, lambda: isinstance(pilot.app.screen, AskText))
        await pilot.press("x", "ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, Pick))
        await pilot.press(*"ann", "enter")
        await until(pilot, lambda: board.call("list_handoffs"))
        await caught_up(pilot)
        run(pilot, "acknowledge_handoff", "Acknowledge handoff…", [])
        await until(pilot, lambda: isinstance(pilot.app.screen, Pick))
        await pilot.press("enter")
        await until(pilot, lambda: "What do you answer?" in screen_text(pilot))
        await pilot.press(*"decline", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, AskLine))
        await pilot.press("n", "o", "enter")
        await until(pilot, lambda: not board.call("list_handoffs"))
        run(pilot, "end_session", "End session", [])
        await until(pilot, lambda: isinstance(pilot.app.screen, Pick))
        await pilot.press("enter")
        await until(pilot, lambda: board.call("get_session", session=ann.session).state is SessionState.ENDED)


async def test_a_new_sessions_token_is_shown_and_not_kept_among_the_messages(board: User) -> None:
    board.call("create_agent", name="ann")
    async with open_app(board) as pilot:
        run(pilot, "create_session", "Create session agent ann…", [])
        await until(pilot, lambda: isinstance(pilot.app.screen, ShowToken))
        await shown(pilot, "WZP_SESSION_TOKEN=")
        assert not any("wzs_" in f"{note.text}{note.hint}" for note in app_of(pilot).notes)
