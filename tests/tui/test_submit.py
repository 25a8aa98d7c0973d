"""Saving beside others: merged where the fields are apart, asked where they are not, never overwritten unseen."""

from typing import Any

import pytest
from textual.pilot import Pilot
from textual.worker import Worker

from storage import Priority, Status, Task
from tests.support.dialogs import bare_app, caught_up, screen_text
from tests.support.users import User
from tui.app import ParallelApp
from tui.dialogs import AskLine, Confirm, ConflictDialog, Dialog
from tui.submit import submit, submit_many


async def begin(pilot: Pilot[Any], operation: str, base: "Task | list[Task]", **arguments: Any) -> Worker[Any]:
    """Begin a change in a worker, as a screen does, and go on when it has ended or asks."""
    app = pilot.app
    assert isinstance(app, ParallelApp)
    await caught_up(pilot)
    depth = len(app.screen_stack)
    if isinstance(base, list):
        sending = submit_many(app, operation, base, **arguments)
    else:
        sending = submit(app, operation, base, **arguments)
    worker = app.run_worker(sending, exit_on_error=False)
    while not worker.is_finished and len(app.screen_stack) == depth:
        await pilot.pause(0.005)
    await opened(pilot)
    return worker


async def opened(pilot: Pilot[Any]) -> None:
    """Wait until the dialog on top, if there is one, listens to keys."""
    while isinstance(pilot.app.screen, Dialog) and pilot.app.screen.focused is None:
        await pilot.pause(0.005)
    await pilot.pause()


async def told(pilot: Pilot[Any]) -> list[str]:
    assert isinstance(pilot.app, ParallelApp)
    return [note.text for note in pilot.app.notes]


async def test_a_change_that_nobody_disputes_is_just_saved(board: User) -> None:
    card = board.add("Fix login")
    async with bare_app(board) as pilot:
        worker = await begin(pilot, "update_task", card, title="Fix logout")
        assert worker.result.value.title == "Fix logout"
        assert await told(pilot) == []


async def test_disjoint_changes_are_merged_and_said_so(board: User, bob: User) -> None:
    card = board.add("Fix login")
    bob.edit(card, labels=("bug",))
    bob.edit(card, labels=("bug", "ui"))
    async with bare_app(board) as pilot:
        await begin(pilot, "update_task", card, title="Fix logout")
        stored = board.see(card)
        assert (stored.title, stored.labels) == ("Fix logout", ("bug", "ui"))
        assert await told(pilot) == ["Merged with bob's change of labels."]


async def test_a_move_is_merged_with_a_change_of_other_fields(board: User, bob: User) -> None:
    card = board.add("Fix login", status="todo")
    bob.edit(card, title="Fix logout")
    async with bare_app(board) as pilot:
        await begin(pilot, "move_task", card, to=Status.REVIEW)
        assert (board.see(card).status, board.see(card).title) == (Status.REVIEW, "Fix logout")
        assert await told(pilot) == ["Merged with bob's change of title."]


async def test_equal_wishes_are_no_dispute(board: User, bob: User) -> None:
    card = board.add("Fix login")
    bob.edit(card, priority=Priority.HIGH)
    async with bare_app(board) as pilot:
        await begin(pilot, "update_task", card, priority=Priority.HIGH, title="Fix logout")
        assert (board.see(card).priority, board.see(card).title) == (Priority.HIGH, "Fix logout")


async def test_nothing_is_written_before_the_person_has_chosen(board: User, bob: User) -> None:
    card = board.add("Fix login")
    theirs = bob.edit(card, title="Fix logout")
    async with bare_app(board) as pilot:
        worker = await begin(pilot, "update_task", card, title="Fix sign-in")
        assert isinstance(pilot.app.screen, ConflictDialog)
        await pilot.press("m")
        assert board.see(card).version == theirs.version
        await pilot.press("enter")
        await worker.wait()
        assert board.see(card).title == "Fix sign-in"


@pytest.mark.parametrize(("keys", "is_unsaved"), [(["t", "enter"], False), (["escape"], True), (["m", "escape"], True)])
async def test_theirs_stays_where_the_person_takes_it(
    board: User, bob: User, keys: list[str], *, is_unsaved: bool
) -> None:
    card = board.add("Fix login")
    theirs = bob.edit(card, title="Fix logout")
    unsaved: list[bool] = []
    async with bare_app(board) as pilot:
        worker = await begin(
            pilot, "update_task", card, title="Fix sign-in", unsaved=lambda: unsaved.append(True)
        )  # fmt: skip
        await pilot.press(*keys)
        assert await worker.wait() is None
        assert board.see(card).version == theirs.version
        assert bool(unsaved) is is_unsaved


async def test_what_nobody_disputes_is_saved_although_theirs_is_taken(board: User, bob: User) -> None:
    card = board.add("Fix login")
    bob.edit(card, title="Fix logout")
    async with bare_app(board) as pilot:
        worker = await begin(pilot, "update_task", card, title="Fix sign-in", priority=Priority.LOW)
        await pilot.press("t")
        assert "enter saves mine: Priority" in screen_text(pilot)
        await pilot.press("enter")
        await worker.wait()
        assert (board.see(card).title, board.see(card).priority) == ("Fix logout", Priority.LOW)


async def test_each_field_goes_its_own_way(board: User, bob: User) -> None:
    card = board.add("Fix login")
    bob.edit(card, title="Fix logout", priority=Priority.HIGH)
    async with bare_app(board) as pilot:
        worker = await begin(
            pilot, "update_task", card, title="Fix sign-in", priority=Priority.LOW, labels=("mine",)
        )  # fmt: skip
        await pilot.press("left", "down", "right", "enter")
        await worker.wait()
        stored = board.see(card)
        assert (stored.title, stored.priority, stored.labels) == ("Fix logout", Priority.LOW, ("mine",))


async def test_a_change_during_the_dialog_asks_again(board: User, bob: User) -> None:
    card = board.add("Fix login")
    bob.edit(card, title="Fix logout")
    async with bare_app(board) as pilot:
        worker = await begin(pilot, "update_task", card, title="Fix sign-in")
        first = pilot.app.screen
        bob.edit(card, title="Fix everything")
        await pilot.press("m", "enter")
        while pilot.app.screen is first or not isinstance(pilot.app.screen, ConflictDialog):
            await pilot.pause(0.005)
        await opened(pilot)
        assert "theirs  Fix everything" in screen_text(pilot)
        await pilot.press("m", "enter")
        await worker.wait()
        assert board.see(card).title == "Fix sign-in"


async def test_the_dialog_of_a_move_shows_column_and_place(board: User, bob: User) -> None:
    card = board.add("Fix login", status="todo")
    board.add("Write tests", status="review")
    bob.move(card, "in_progress", reason="started it")
    async with bare_app(board) as pilot:
        worker = await begin(pilot, "move_task", card, to=Status.REVIEW, before=board.column("review")[0].id)
        text = screen_text(pilot)
        for words in (
            "base    Todo, last",
            "theirs  In progress, last",
            "mine    Review, before #2 Write tests",
            "started it",
        ):
            assert words in text
        await pilot.press("m", "enter")
        await worker.wait()
        assert board.titles("review") == ["Fix login", "Write tests"]


async def test_finishing_despite_open_dependencies_asks_and_names_them(board: User) -> None:
    need = board.add("Write tests")
    card = board.add("Fix login", status="review", dependencies=(need,))
    async with bare_app(board) as pilot:
        worker = await begin(pilot, "move_task", card, to=Status.DONE)
        assert isinstance(pilot.app.screen, Confirm)
        assert "#1 Write tests (Backlog)" in screen_text(pilot)
        await pilot.press("n")
        assert await worker.wait() is None
        assert board.see(card).status is Status.REVIEW
        worker = await begin(pilot, "move_task", card, to=Status.DONE)
        await pilot.press("y")
        await worker.wait()
        assert board.see(card).status is Status.DONE


async def test_blocking_asks_for_the_reason(board: User) -> None:
    card = board.add("Fix login", status="todo")
    async with bare_app(board) as pilot:
        worker = await begin(pilot, "move_task", card, to=Status.BLOCKED)
        assert isinstance(pilot.app.screen, AskLine)
        await pilot.press("n", "o", "enter")
        await worker.wait()
        assert board.see(card).blocked_reason == "no"


async def test_a_reason_is_stored_with_the_change(board: User) -> None:
    card = board.add("Fix login", status="todo")
    async with bare_app(board) as pilot:
        await begin(pilot, "move_task", card, to=Status.BLOCKED, reason="waits for the key")
        assert board.see(card).blocked_reason == "waits for the key"


async def test_a_refusal_is_told_with_its_hint(board: User) -> None:
    card = board.add("Fix login")
    async with bare_app(board) as pilot:
        worker = await begin(pilot, "move_task", card, to=Status.REVIEW)
        assert worker.result is None
        assert "cannot go from backlog to review" in (await told(pilot))[0]


async def test_a_warning_is_told(board: User) -> None:
    board.call("update_room", wip={Status.TODO: 1})
    board.add("One", status="todo")
    card = board.add("Two")
    async with bare_app(board) as pilot:
        await begin(pilot, "move_task", card, to=Status.TODO)
        assert "its limit is 1" in (await told(pilot))[0]


async def test_many_are_one_change_with_one_undo(board: User, bob: User) -> None:
    cards = [board.add(f"Task {number}", status="todo") for number in range(3)]
    bob.edit(cards[1], labels=("bug",))
    async with bare_app(board) as pilot:
        worker = await begin(pilot, "move_tasks", cards, to=Status.REVIEW)
        assert board.titles("review") == ["Task 0", "Task 1", "Task 2"]
        assert worker.result.change is not None
        board.call("undo")
        assert board.titles("todo") == ["Task 0", "Task 1", "Task 2"]


async def test_a_disputed_one_of_many_is_left_out_where_theirs_is_taken(board: User, alice: User) -> None:
    cards = [board.add(f"Task {number}", status="todo") for number in range(3)]
    alice.move(cards[1], "done")
    async with bare_app(board) as pilot:
        worker = await begin(pilot, "move_tasks", cards, to=Status.REVIEW)
        await pilot.press("t", "enter")
        await worker.wait()
        assert board.titles("review") == ["Task 0", "Task 2"]
        assert board.titles("done") == ["Task 1"]


async def test_labels_added_to_many_keep_what_others_added(board: User, bob: User) -> None:
    card = board.add("Fix login", labels=("bug",))
    bob.edit(card, labels=("bug", "ui"))
    async with bare_app(board) as pilot:
        worker = await begin(pilot, "update_tasks", [card], add_labels=("urgent",))
        assert "mine    bug, ui, urgent" in screen_text(pilot)
        await pilot.press("m", "enter")
        await worker.wait()
        assert board.see(card).labels == ("bug", "ui", "urgent")
