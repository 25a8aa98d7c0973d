"""The task's screen: all there is to a task, as it is, as it was, and live."""

from typing import Any

from textual.pilot import Pilot
from textual.widgets import Markdown

from storage import Priority, Status, Task, TaskId
from tests.support.app import app_of, caught_up, open_app, screen_text, shown, until
from tests.support.users import User
from tui.dialogs import AskText, Confirm, TaskForm
from tui.screens.task import TaskScreen


async def open_task(pilot: Pilot[Any], task: Task) -> TaskScreen:
    screen = TaskScreen(task.id)
    await pilot.app.push_screen(screen)
    await until(pilot, lambda: screen._seen is not None or screen.has_class("-missing"))
    return screen


async def test_it_shows_what_there_is_to_know(board: User, bob: User) -> None:
    need = board.add("Design the form", status="done")
    fields = {"description": "# Goal\n\nmake it *work*", "labels": ("ui",), "estimate_minutes": 90}
    card = board.add("Fix login", dependencies=(need,), **fields)
    later = board.add("Release", dependencies=(card,))
    board.add("Announce", dependencies=(later,))
    bob.comment(card, "I had a **look**.")
    async with open_app(board, size=(100, 60)) as pilot:
        await open_task(pilot, card)
        await shown(pilot, "#2  Fix login", "1 h 30 min", "make it work", "ui", "I had a look.")
        text = screen_text(pilot)
        assert "└─ ✓ #1 Design the form  Done" in text
        assert "▶ ○ #2 Fix login" in text
        assert "└─ ○ #3 Release  Backlog" in text
        assert "   └─ ○ #4 Announce" in text
        assert "bob (cli)  commented" in text


async def test_what_others_write_is_drawn_as_text_and_does_nothing(board: User) -> None:
    card = board.add(
        "[red]Title[/red] \x1b[31mx", description="<script>alert(1)</script> [bold]no[/bold] \x1b]0;evil\x07end"
    )
    board.comment(card, "[/] \x1b[2Jgone")
    async with open_app(board, size=(100, 60)) as pilot:
        await open_task(pilot, card)
        await shown(pilot, "[red]Title[/red] x", "<script>alert(1)</script>", "[bold]no[/bold] end", "[/] gone")


async def test_links_are_shown_and_not_opened(board: User) -> None:
    card = board.add("Fix login", description="[here](https://example.com)")
    async with open_app(board) as pilot:
        screen = await open_task(pilot, card)
        description = screen.query_one("#description", Markdown)
        screen.post_message(Markdown.LinkClicked(description, "https://example.com"))
        await until(pilot, lambda: [note.text for note in app_of(pilot).notes] == ["Link: https://example.com"])


async def test_a_change_by_somebody_else_appears(board: User, bob: User) -> None:
    card = board.add("Fix login")
    async with open_app(board) as pilot:
        await open_task(pilot, card)
        bob.edit(card, title="Fix logout")
        await shown(pilot, "#1  Fix logout")
        bob.comment(card, "done so")
        await shown(pilot, "done so")


async def test_a_change_keeps_the_place_of_reading(board: User, bob: User) -> None:
    card = board.add("Fix login", description="\n\n".join(f"paragraph {number}" for number in range(60)))
    async with open_app(board, size=(80, 24)) as pilot:
        screen = await open_task(pilot, card)
        await pilot.press("pagedown", "pagedown")
        page = screen.query_one("#page")
        place = page.scroll_offset.y
        assert place > 0
        bob.edit(card, priority=Priority.HIGH)
        await until(pilot, lambda: screen._seen is not None and screen._seen.detail.task.version == 2)
        assert page.scroll_offset.y == place


async def test_the_versions_can_be_stepped_through(board: User) -> None:
    card = board.add("One")
    board.edit(card, title="Two")
    board.edit(card, title="Three")
    async with open_app(board) as pilot:
        await open_task(pilot, card)
        await pilot.press("left_square_bracket")
        await shown(pilot, "As it was at version 2 of 3", "#1  Two")
        await pilot.press("left_square_bracket")
        await shown(pilot, "As it was at version 1 of 3", "#1  One")
        await pilot.press("right_square_bracket")
        await shown(pilot, "As it was at version 2 of 3")
        await pilot.press("escape")
        await shown(pilot, "#1  Three")
        assert "As it was" not in screen_text(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, TaskScreen))


async def test_comment_edit_and_archive(board: User) -> None:
    card = board.add("Fix login")
    async with open_app(board) as pilot:
        await open_task(pilot, card)
        await pilot.press("c")
        await until(pilot, lambda: isinstance(pilot.app.screen, AskText))
        await pilot.press("h", "i", "ctrl+s")
        await until(pilot, lambda: board.see(card).comment_count == 1)
        await caught_up(pilot)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(pilot.app.screen, TaskForm))
        await pilot.press("s", "ctrl+s")
        await until(pilot, lambda: board.see(card).title == "Fix logins")
        await caught_up(pilot)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("y")
        await until(pilot, lambda: board.see(card).status is Status.ARCHIVED)
        await caught_up(pilot)
        await pilot.press("x")
        await until(pilot, lambda: board.see(card).status is Status.BACKLOG)


async def test_a_remark_is_left_as_it_is_although_somebody_changes_the_task_meanwhile(board: User, bob: User) -> None:
    card = board.add("Fix login")
    async with open_app(board) as pilot:
        await open_task(pilot, card)
        await pilot.press("c")
        await until(pilot, lambda: isinstance(pilot.app.screen, AskText))
        await pilot.press("h", "i")
        bob.edit(card, title="Fix logins")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: board.see(card).comment_count == 1)
        await until(pilot, lambda: [note.text for note in app_of(pilot).notes] == ["Commented on #1."])
        assert board.see(card).title == "Fix logins"


async def test_the_own_history_tells_field_by_field(board: User, bob: User) -> None:
    card = board.add("Fix login")
    bob.call("update_task", task=card, labels=("bug",), reason=None)
    async with open_app(board, size=(100, 60)) as pilot:
        await open_task(pilot, card)
        await shown(pilot, "bob (cli)  changed", "Labels: none → bug")


async def test_an_unknown_task_is_said_to_be_unknown(board: User) -> None:
    async with open_app(board) as pilot:
        await pilot.app.push_screen(TaskScreen(TaskId("tsk_00000000000000000000000000000000")))
        await shown(pilot, "No task", "esc goes back")
        await pilot.press("e", "c", "x", "escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, TaskScreen))
