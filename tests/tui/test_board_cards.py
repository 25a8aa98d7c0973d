"""The board's keys that write and change cards."""

import pytest
from textual.events import Paste
from textual.widgets import Input

from storage import AgentKind, Priority, Status, StorageFull, WipMode
from tests.support.boards import Hands, open_board
from tests.support.users import User
from tui.board.new_card import NewCard
from tui.dialogs import AskText, ConflictDialog, Pick, TaskForm
from tui.messages import Severity


async def pick(hands: Hands, typed: str) -> None:
    """Find something in the picker that is open, and take it."""
    assert isinstance(hands.app.screen, Pick)
    await hands.type(typed)
    await hands.press("enter")


async def test_a_new_card_is_written_in_place_below_the_cursor(board: User) -> None:
    for title in ("A", "B"):
        board.add(title)
    async with open_board(board) as hands:
        await hands.press("n")
        await hands.type("Between them")
        assert "Between them" in hands.text
        await hands.press("enter")
        await hands.until(lambda: hands.cursor == "Between them")
        assert board.titles("backlog") == ["A", "Between them", "B"]
        await hands.press("L")
        assert board.titles("todo") == ["Between them"]


async def test_a_new_card_on_an_empty_board_comes_into_the_column_of_the_cursor(board: User) -> None:
    async with open_board(board) as hands:
        await hands.press("l", "n")
        await hands.type("First")
        await hands.press("enter")
        await hands.until(lambda: hands.cursor == "First")
        assert board.titles("todo") == ["First"]


@pytest.mark.parametrize("keys", [("escape",), ("enter",)])
async def test_leaving_the_line_empty_writes_no_card(board: User, keys: tuple[str, ...]) -> None:
    board.add("A")
    async with open_board(board) as hands:
        await hands.press("n", *keys)
        assert board.titles("backlog") == ["A"]
        await hands.press("L")
        assert board.titles("todo") == ["A"]


async def test_escape_drops_what_was_typed_for_a_new_card(board: User) -> None:
    async with open_board(board) as hands:
        await hands.press("n")
        await hands.type("Never mind")
        await hands.press("escape")
        assert board.titles("backlog") == []


async def test_the_line_for_a_new_card_stays_at_its_card_while_others_write(board: User, bob: User) -> None:
    cards = [board.add(title) for title in ("A", "B", "C")]
    async with open_board(board) as hands:
        await hands.press("j", "n")
        await hands.type("Half a ti")
        bob.add("On top", before=cards[0].id)
        await hands.until(lambda: hands.titles("backlog")[0] == "On top")
        await hands.type("tle")
        await hands.press("enter")
        await hands.until(lambda: hands.cursor == "Half a title")
        assert board.titles("backlog") == ["On top", "A", "B", "Half a title", "C"]


async def test_a_card_is_edited_in_a_form(board: User) -> None:
    board.add("A")
    async with open_board(board) as hands:
        await hands.press("e")
        assert isinstance(hands.app.screen, TaskForm)


async def test_a_card_is_assigned(board: User, bob: User) -> None:
    bob.add("made to be known")
    card = board.add("A")
    async with open_board(board) as hands:
        await hands.press("j", "a")
        await pick(hands, "bob")
        await hands.until(lambda: board.see(card).assignee == bob.id)
        await hands.until(lambda: "@bob" in hands.text)
        await hands.press("a")
        await pick(hands, "me")
        await hands.until(lambda: board.see(card).assignee == board.id)
        await hands.press("a")
        await pick(hands, "nobody")
        await hands.until(lambda: board.see(card).assignee is None)


async def test_a_selection_is_assigned_as_one_change(board: User) -> None:
    cards = [board.add(title) for title in ("A", "B", "C")]
    async with open_board(board) as hands:
        await hands.press("v", "j", "v", "a")
        await pick(hands, "me")
        await hands.until(lambda: board.see(cards[1]).assignee == board.id)
        assert board.see(cards[0]).assignee == board.id
        assert board.see(cards[2]).assignee is None
        await hands.press("u")
        await hands.until(lambda: board.see(cards[0]).assignee is None)
        assert board.see(cards[1]).assignee is None


async def test_the_priority_is_picked_and_shown_by_a_mark(board: User) -> None:
    card = board.add("A")
    async with open_board(board) as hands:
        await hands.press("p")
        await pick(hands, "urgent")
        await hands.until(lambda: board.see(card).priority is Priority.URGENT)
        await hands.until(lambda: "#1 !!" in hands.text)


async def test_labels_are_chosen_and_new_ones_made(board: User) -> None:
    card = board.add("A", labels=("api",))
    board.add("B", labels=("docs",))
    async with open_board(board) as hands:
        await hands.press("b")
        await hands.type("docs")
        await hands.press("space", "enter")
        await hands.until(lambda: board.see(card).labels == ("api", "docs"))
        await hands.until(lambda: "‹api› ‹docs›" in hands.text)


async def test_labels_of_a_selection_are_added_and_taken_together(board: User) -> None:
    one, two = board.add("A", labels=("api", "old")), board.add("B", labels=("old",))
    board.add("C", labels=("new",))
    async with open_board(board) as hands:
        await hands.press("v", "j", "v", "b")
        await hands.press("space")
        await hands.type("new")
        await hands.press("space", "enter")
        await hands.until(lambda: "new" in board.see(two).labels)
        assert board.see(one).labels == ("api", "new")
        assert board.see(two).labels == ("new",)


async def test_dependencies_are_chosen_and_marked(board: User) -> None:
    card, need = board.add("A"), board.add("Needed")
    async with open_board(board) as hands:
        await hands.press("d")
        await hands.type("needed")
        await hands.press("space", "enter")
        await hands.until(lambda: board.see(card).dependencies == (need.id,))
        await hands.until(lambda: "⧗1" in hands.text)


async def test_a_comment_is_left_and_counted(board: User) -> None:
    board.add("A")
    async with open_board(board) as hands:
        await hands.press("c")
        assert isinstance(hands.app.screen, AskText)
        await hands.type("Well done")
        await hands.press("ctrl+s")
        await hands.until(lambda: "❝1" in hands.text)


async def test_cards_are_archived_and_brought_back(board: User) -> None:
    cards = [board.add(title) for title in ("A", "B")]
    async with open_board(board) as hands:
        await hands.press("v", "j", "v", "x")
        await hands.until(lambda: not hands.titles("backlog"))
        assert all(board.see(card).status is Status.ARCHIVED for card in cards)
        await hands.press("A")
        await pick(hands, "#1 A")
        await hands.until(lambda: hands.cursor == "A")
        assert board.titles("backlog") == ["A"]


async def test_a_card_is_duplicated_right_below(board: User) -> None:
    card = board.add("A", labels=("api",))
    board.add("B")
    async with open_board(board) as hands:
        await hands.press("D")
        await hands.until(lambda: hands.titles("backlog") == ["A", "A", "B"])
        await hands.until(lambda: hands.board.cursor != card.id)
        copy = hands.board.at_cursor
        assert copy is not None
        assert copy.labels == ("api",)


async def test_enter_opens_the_card(board: User) -> None:
    board.add("A")
    async with open_board(board) as hands:
        await hands.press("enter")
        from tui.screens.task import TaskScreen

        assert isinstance(hands.app.screen, TaskScreen)


async def test_an_agent_of_another_kind_is_offered_by_its_name(board: User) -> None:
    board.call("create_agent", name="claude", kind=AgentKind.AI, description="writes tests")
    board.add("A")
    async with open_board(board) as hands:
        await hands.press("a")
        assert "claude" in hands.text
        assert "writes tests" in hands.text


async def test_a_title_that_was_refused_stands_there_at_the_next_new_card(board: User) -> None:
    board.call("update_room", wip={Status.TODO: 1}, wip_mode=WipMode.REFUSE)
    board.add("Full", status="todo")
    async with open_board(board) as hands:
        await hands.press("n")
        await hands.type("Long thought about")
        await hands.press("enter")
        await hands.until(lambda: any(note.severity is Severity.ERROR for note in hands.app.notes))
        assert board.titles("todo") == ["Full"]
        await hands.press("h", "n")
        assert "Long thought about" in hands.text
        await hands.press("enter")
        await hands.until(lambda: hands.cursor == "Long thought about")
        assert board.titles("backlog") == ["Long thought about"]
        await hands.press("n")
        assert hands.board.query_one(NewCard).value == ""


async def test_pasted_lines_make_one_title(board: User) -> None:
    async with open_board(board) as hands:
        await hands.press("n")
        await hands.type("See ")
        hands.board.query_one(NewCard).post_message(Paste("line one\n  line two\n"))
        await hands.until(lambda: "See line one line two" in hands.text)
        await hands.press("enter")
        await hands.until(lambda: hands.cursor == "See line one line two")


async def test_what_was_written_is_not_lost_with_a_conflict_that_is_left(board: User, bob: User) -> None:
    card = board.add("Fix login")
    async with open_board(board) as hands:
        await hands.press("e")
        await hands.type(" by mail")
        bob.edit(card, title="Fix logout")
        await hands.press("ctrl+s")
        await hands.until(lambda: isinstance(hands.app.screen, ConflictDialog))
        await hands.press("escape")
        assert board.see(card).title == "Fix logout"
        await hands.press("e")
        form = hands.app.screen
        assert isinstance(form, TaskForm)
        assert form.query_one("#title", Input).value == "Fix login by mail"
        assert form.has_unsaved
        await hands.press("ctrl+s")
        assert board.see(card).title == "Fix login by mail"
        await hands.press("e")
        assert not hands.app.screen.has_unsaved  # type: ignore[attr-defined]


async def test_a_comment_that_could_not_be_stored_is_kept(board: User, monkeypatch: pytest.MonkeyPatch) -> None:
    board.add("Fix login")
    async with open_board(board) as hands:
        call = hands.app.desk.call

        async def fail(*_: object, **__: object) -> None:
            raise StorageFull("The disk is full.", hint="Make room.")

        await hands.press("c")
        await hands.type("Seen twice")
        monkeypatch.setattr(hands.app.desk, "call", fail)
        await hands.press("ctrl+s")
        assert [note.text for note in hands.app.notes] == ["The disk is full.", "The comment was not saved."]
        monkeypatch.setattr(hands.app.desk, "call", call)
        await hands.press("c")
        assert "Seen twice" in hands.text
        await hands.press("ctrl+s")
        assert [each.body for each in board.call("get_task", task="1").comments] == ["Seen twice"]
