"""The board by keys: the cursor, carrying, moving at once, selecting, and what others do meanwhile."""

from typing import Any

import pytest

from core.execute import Outcome
from storage import Priority, Status, WipMode
from tests.support.boards import open_board
from tests.support.users import User
from tui.board_state import BoardChange
from tui.dialogs import AskLine, Confirm, ConflictDialog, Pick
from tui.widgets.card import Mark


async def test_every_column_shows_its_cards_and_their_number(board: User) -> None:
    board.add("Write", status="backlog")
    board.add("Test", status="review")
    async with open_board(board) as hands:
        assert hands.titles("backlog") == ["Write"]
        assert hands.titles("review") == ["Test"]
        for name in ("Backlog", "Todo", "In progress", "Blocked", "Review", "Done"):
            assert name in hands.text
        assert "2 cards" in hands.text


async def test_the_header_warns_where_a_column_is_over_its_limit(board: User) -> None:
    board.call("update_room", wip={Status.TODO: 1, Status.REVIEW: 3}, wip_mode=WipMode.WARN)
    board.add("One", status="todo")
    board.add("Two", status="todo")
    async with open_board(board) as hands:
        assert "2/1!" in hands.text
        assert "0/3" in hands.text


async def test_arrows_and_letters_move_the_cursor(board: User) -> None:
    for title in ("A", "B", "C"):
        board.add(title, status="backlog")
    board.add("D", status="todo")
    async with open_board(board) as hands:
        assert hands.cursor == "A"
        await hands.press("j", "down")
        assert hands.cursor == "C"
        await hands.press("k")
        assert hands.cursor == "B"
        await hands.press("l")
        assert hands.cursor == "D"
        await hands.press("left", "g")
        assert hands.cursor == "A"
        await hands.press("G")
        assert hands.cursor == "C"
        await hands.press("home")
        assert hands.cursor == "A"
        await hands.press("end")
        assert hands.cursor == "C"
        await hands.press("tab")
        assert hands.cursor == "D"
        await hands.press("right")
        assert hands.cursor is None
        assert hands.board.column is Status.IN_PROGRESS


async def test_pages_go_by_what_the_lane_shows(board: User) -> None:
    for number in range(40):
        board.add(f"Card {number}")
    async with open_board(board) as hands:
        await hands.press("pagedown")
        first = hands.board.at_cursor
        assert first is not None
        assert first.number > 5
        assert hands.lane("backlog").offset_lines > 0
        await hands.press("pageup")
        assert hands.cursor == "Card 0"


async def test_a_lifted_card_is_carried_and_dropped_into_another_column(board: User) -> None:
    board.add("A")
    board.add("X", status="todo")
    board.add("Y", status="todo")
    async with open_board(board) as hands:
        await hands.press("space", "l", "j")
        assert hands.board.lift is not None
        assert hands.board.lift.column is Status.TODO
        ghost = hands.lane("todo").look.ghost
        assert ghost is not None
        assert ghost.index == 1
        assert board.titles("todo") == ["X", "Y"]
        await hands.press("enter")
        assert board.titles("todo") == ["X", "A", "Y"]
        assert hands.titles("todo") == ["X", "A", "Y"]
        assert hands.cursor == "A"


async def test_m_lifts_too_and_space_drops(board: User) -> None:
    for title in ("A", "B", "C"):
        board.add(title)
    async with open_board(board) as hands:
        await hands.press("m", "down", "down", "space")
        assert board.titles("backlog") == ["B", "C", "A"]


async def test_a_place_that_the_rules_forbid_is_named_while_one_carries(board: User) -> None:
    board.add("A")
    async with open_board(board) as hands:
        await hands.press("space", "l")
        assert "cannot go" not in hands.text
        await hands.press("l", "l", "l")
        assert "#1 cannot go from Backlog to Review" in hands.text
        await hands.press("enter")
        assert hands.titles("backlog") == ["A"]
        assert "cannot go" in hands.app.notes[-1].text


async def test_escape_puts_a_lifted_card_back(board: User) -> None:
    card = board.add("A")
    async with open_board(board) as hands:
        await hands.press("space", "l", "l", "escape")
        assert hands.board.lift is None
        assert hands.titles("backlog") == ["A"]
        assert hands.titles("in_progress") == []
        assert board.see(card).version == card.version


async def test_digits_send_a_lifted_card_to_a_column(board: User) -> None:
    board.add("A")
    async with open_board(board) as hands:
        await hands.press("space", "3")
        assert board.titles("in_progress") == ["A"]
        assert hands.board.column is Status.IN_PROGRESS


async def test_digits_belong_to_the_app_while_nothing_is_lifted(board: User) -> None:
    board.add("A")
    async with open_board(board) as hands:
        assert not hands.board.check_action("send", ("todo",))
        await hands.press("3")
        assert board.titles("backlog") == ["A"]


async def test_capital_letters_and_shifted_arrows_move_at_once(board: User) -> None:
    board.add("A")
    board.add("B")
    async with open_board(board) as hands:
        await hands.press("L")
        assert board.titles("todo") == ["A"]
        await hands.press("shift+right")
        assert board.titles("in_progress") == ["A"]
        await hands.press("H", "shift+left")
        assert board.titles("backlog") == ["A", "B"]
        await hands.press("J")
        assert board.titles("backlog") == ["B", "A"]
        await hands.press("shift+up")
        assert board.titles("backlog") == ["A", "B"]
        await hands.press("shift+down", "K")
        assert board.titles("backlog") == ["A", "B"]


async def test_quick_moves_of_one_card_stand_on_each_other(board: User) -> None:
    card = board.add("A")
    async with open_board(board) as hands:
        await hands.press("L", "L", "H", "J", "L")
        assert board.titles("in_progress") == ["A"]
        assert not hands.app.notes
        assert board.see(card).version == 5


async def test_a_picker_sends_the_card_to_a_column(board: User) -> None:
    board.add("A")
    async with open_board(board) as hands:
        await hands.press("t")
        assert isinstance(hands.app.screen, Pick)
        await hands.type("progress")
        await hands.press("enter")
        await hands.until(lambda: board.titles("in_progress") == ["A"])


async def test_a_moved_card_is_shown_at_once_and_as_pending(board: User) -> None:
    card = board.add("A")
    async with open_board(board) as hands:
        with board.database.write("holding the store"):
            await hands.pilot.press("L")
            await hands.pilot.pause()
            assert hands.titles("todo") == ["A"]
            assert Mark.PENDING in hands.lane("todo").look.marks(card.id)
            assert board.see(card).status is Status.BACKLOG
        await hands.rest()
        assert board.titles("todo") == ["A"]
        assert Mark.PENDING not in hands.lane("todo").look.marks(card.id)


async def test_a_refused_move_goes_back_and_says_why(board: User) -> None:
    board.call("update_room", wip={Status.TODO: 1}, wip_mode=WipMode.REFUSE)
    board.add("A")
    board.add("B", status="todo")
    async with open_board(board) as hands:
        await hands.press("L")
        assert hands.titles("backlog") == ["A"]
        assert hands.titles("todo") == ["B"]
        assert "limit" in hands.app.notes[-1].text


async def test_a_selection_moves_as_one_change_with_one_undo(board: User) -> None:
    for title in ("A", "B", "C", "D"):
        board.add(title)
    async with open_board(board) as hands:
        await hands.press("v", "j", "j", "v")
        assert hands.lane("backlog").look.selected == frozenset(hands.board.selected)
        await hands.press("2")
        assert board.titles("todo") == ["A", "C"]
        assert not hands.board.selected
        await hands.press("u")
        await hands.until(lambda: hands.titles("backlog") == ["A", "B", "C", "D"])
        assert board.titles("backlog") == ["A", "B", "C", "D"]


async def test_a_lifted_selection_is_carried_together(board: User) -> None:
    for title in ("A", "B", "C"):
        board.add(title)
    board.add("X", status="todo")
    async with open_board(board) as hands:
        await hands.press("v", "j", "v", "space", "l", "G", "enter")
        assert board.titles("todo") == ["X", "A", "B"]
        assert board.titles("backlog") == ["C"]


async def test_a_range_is_selected_and_escape_clears_it(board: User) -> None:
    for title in ("A", "B", "C", "D"):
        board.add(title)
    async with open_board(board) as hands:
        await hands.press("v", "j", "j", "V")
        assert len(hands.board.selected) == 3
        assert "3 selected" in hands.text
        await hands.press("escape")
        assert not hands.board.selected


async def test_the_cursor_stays_on_its_card_while_others_move_cards_around_it(board: User, bob: User) -> None:
    cards = [board.add(title) for title in ("A", "B", "C", "D")]
    async with open_board(board) as hands:
        await hands.press("j", "j")
        line = hands.place(cards[2])[1]
        bob.move(cards[0], "todo")
        await hands.until(lambda: hands.titles("todo") == ["A"])
        assert hands.cursor == "C"
        bob.move(cards[3], "backlog", before=cards[1])
        await hands.until(lambda: hands.titles("backlog") == ["D", "B", "C"])
        assert hands.cursor == "C"
        assert abs(hands.place(cards[2])[1] - line) <= 3


async def test_the_cursor_follows_its_card_into_another_column(board: User, alice: User) -> None:
    cards = [board.add(title) for title in ("A", "B")]
    async with open_board(board, size=(80, 24)) as hands:
        alice.move(cards[0], "done")
        await hands.until(lambda: hands.titles("done") == ["A"])
        assert hands.cursor == "A"
        assert hands.board.column is Status.DONE
        assert Status.DONE in hands.board.deck.in_view


async def test_the_scrolled_lane_keeps_what_it_shows_when_cards_come_above(board: User, bob: User) -> None:
    cards = [board.add(f"Card {number}") for number in range(60)]
    async with open_board(board) as hands:
        await hands.press("G")
        line = hands.place(cards[-1])[1]
        bob.add("On top", before=cards[0].id)
        await hands.until(lambda: hands.titles("backlog")[0] == "On top")
        assert hands.cursor == "Card 59"
        assert hands.place(cards[-1])[1] == line


async def test_ones_own_change_is_not_highlighted_although_the_store_answers_late(
    board: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = board.add("Mine")
    async with open_board(board) as hands:
        app, changed = hands.app, hands.app.changed
        call, publish = app.desk.call, changed.publish
        held: list[BoardChange] = []

        async def late(operation: str, **arguments: Any) -> Outcome:
            outcome = await call(operation, **arguments)
            await hands.until(lambda: held)
            return outcome

        monkeypatch.setattr(app.desk, "call", late)
        monkeypatch.setattr(changed, "publish", held.append)
        await hands.pilot.press("L")
        await hands.until(lambda: held and not any(worker.group == "send" for worker in app.workers))
        publish(held[0])
        await hands.rest()
        assert hands.titles("todo") == ["Mine"]
        assert Mark.FLASH not in hands.lane("todo").look.marks(mine.id)


async def test_a_change_by_somebody_else_is_highlighted_and_ones_own_is_not(board: User, bob: User) -> None:
    mine, theirs = board.add("Mine"), board.add("Theirs")
    async with open_board(board) as hands:
        await hands.press("L")
        assert Mark.FLASH not in hands.lane("todo").look.marks(mine.id)
        bob.edit(theirs, title="Theirs, better")
        await hands.until(lambda: hands.titles("backlog") == ["Theirs, better"])
        assert Mark.FLASH in hands.lane("backlog").look.marks(theirs.id)
        assert "*Theirs, better" in hands.text
        hands.board.flashes._until = dict.fromkeys(hands.board.flashes.tasks, 0.0)
        hands.board.flashes.end()
        await hands.pilot.pause()
        assert Mark.FLASH not in hands.lane("backlog").look.marks(theirs.id)


async def test_a_drop_on_what_somebody_has_moved_asks_before_it_writes(board: User, bob: User) -> None:
    card = board.add("A")
    async with open_board(board) as hands:
        await hands.press("space", "l")
        bob.move(card, "in_progress")
        await hands.until(lambda: hands.titles("in_progress") == ["A"])
        await hands.press("enter")
        assert isinstance(hands.app.screen, ConflictDialog)
        assert board.see(card).status is Status.IN_PROGRESS
        await hands.press("escape")
        await hands.until(lambda: not hands.board.outbox.pending)
        assert board.see(card).status is Status.IN_PROGRESS
        assert hands.titles("in_progress") == ["A"]


async def test_a_drop_on_what_somebody_has_only_edited_goes_through(board: User, bob: User) -> None:
    card = board.add("A")
    async with open_board(board) as hands:
        await hands.press("space", "l")
        bob.edit(card, priority=Priority.URGENT)
        await hands.until(lambda: hands.app.state.tasks[card.id].priority is Priority.URGENT)
        await hands.press("enter")
        assert board.see(card).status is Status.TODO
        assert board.see(card).priority is Priority.URGENT
        assert "bob" in hands.app.notes[-1].text


async def test_a_carried_card_keeps_its_place_while_the_lane_changes(board: User, alice: User) -> None:
    board.add("A")
    targets = [board.add(title, status="todo") for title in ("X", "Y", "Z")]
    async with open_board(board) as hands:
        await hands.press("space", "l", "j", "j")
        alice.move(targets[0], "done")
        await hands.until(lambda: hands.titles("done") == ["X"])
        await hands.press("enter")
        assert board.titles("todo") == ["Y", "A", "Z"]


async def test_blocking_asks_why(board: User) -> None:
    board.add("A", status="in_progress")
    async with open_board(board) as hands:
        await hands.press("L")
        assert isinstance(hands.app.screen, AskLine)
        await hands.type("no access")
        await hands.press("enter")
        await hands.until(lambda: board.titles("blocked") == ["A"] and hands.titles("blocked") == ["A"])
        assert "no access" in hands.text


async def test_finishing_with_open_dependencies_asks_first(board: User) -> None:
    need = board.add("First")
    board.add("Then", status="review", dependencies=(need.id,))
    async with open_board(board) as hands:
        await hands.press("l", "l", "l", "l", "L")
        assert isinstance(hands.app.screen, Confirm)
        assert board.titles("done") == []
        await hands.press("y")
        await hands.until(lambda: board.titles("done") == ["Then"])


async def test_undo_and_redo_are_keys_of_the_board(board: User) -> None:
    board.add("A")
    async with open_board(board) as hands:
        await hands.press("L")
        assert board.titles("todo") == ["A"]
        await hands.press("u")
        await hands.until(lambda: hands.titles("backlog") == ["A"])
        await hands.press("ctrl+r")
        await hands.until(lambda: hands.titles("todo") == ["A"])


async def test_the_last_archived_card_leaves_the_cursor_on_its_neighbour(board: User) -> None:
    for title in ("A", "B", "C"):
        board.add(title)
    async with open_board(board) as hands:
        await hands.press("j", "x")
        await hands.until(lambda: hands.titles("backlog") == ["A", "C"])
        assert hands.cursor == "C"
        assert [task.title for task in board.column("archived")] == ["B"]


async def test_a_narrow_terminal_pages_through_the_columns(board: User) -> None:
    board.add("A")
    board.add("Z", status="done")
    async with open_board(board, size=(80, 24)) as hands:
        assert hands.board.deck.in_view == (Status.BACKLOG, Status.TODO, Status.IN_PROGRESS)
        assert "Done 1 ›" in hands.text
        await hands.press("l", "l", "l", "l", "l")
        assert hands.cursor == "Z"
        assert hands.board.deck.in_view == (Status.BLOCKED, Status.REVIEW, Status.DONE)
        assert "‹ Backlog 1" in hands.text
        await hands.pilot.resize_terminal(200, 50)
        await hands.until(lambda: len(hands.board.deck.in_view) == 6)
        assert "‹" not in hands.text.splitlines()[0]


async def test_a_terminal_that_is_too_small_says_so_and_recovers(board: User) -> None:
    board.add("A")
    async with open_board(board) as hands:
        await hands.pilot.resize_terminal(40, 10)
        await hands.until(lambda: hands.board.is_too_small)
        assert "60×15" in hands.text
        await hands.press("L")
        assert board.titles("backlog") == ["A"]
        await hands.pilot.resize_terminal(80, 24)
        await hands.until(lambda: not hands.board.is_too_small)
        assert "Backlog" in hands.text
        await hands.press("L")
        assert board.titles("todo") == ["A"]


async def test_an_empty_board_says_what_to_do(board: User) -> None:
    async with open_board(board) as hands:
        assert "The board is empty." in hands.text
        assert "wzp task add" in hands.text
        await hands.press("j", "k", "l", "h", "space", "enter", "x", "L", "v", "J", "a", "p")
        assert not hands.app.screen.is_modal


async def test_hostile_titles_are_drawn_as_plain_text(board: User) -> None:
    board.add("[bold]not bold[/bold] [@click=app.quit]x[/]", status="todo")
    board.add("\u202egnp.exe \u200bzero", status="review")
    board.add("x" * 10_000, status="done")
    async with open_board(board) as hands:
        assert "[bold]not" in hands.text
        assert "\u202e" not in hands.text
        assert "\u200b" not in hands.text
        assert "…" in hands.text
