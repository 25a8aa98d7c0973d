"""The dialogs: what is typed, what comes back, and that nothing entered is lost by accident."""

from datetime import date
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Select, TextArea

from storage import Priority, Task
from tests.support.app import until
from tests.support.dialogs import bare_app, screen_text
from tests.support.users import User
from tui.app import ParallelApp
from tui.dialogs import AskLine, AskText, Choice, Confirm, ConflictDialog, Dialog, Pick, TaskForm
from tui.dialogs.field_input import Unreadable, read_dependencies, read_due, read_estimate, read_labels
from tui.dialogs.pick import SHOWN
from tui.wording import Names

UNANSWERED = object()


class Answers:
    """Shows a dialog and remembers what it gave."""

    def __init__(self, pilot: Pilot[Any]) -> None:
        self.pilot = pilot
        self.given: Any = UNANSWERED

    async def show(self, dialog: Dialog[Any]) -> None:
        self.pilot.app.push_screen(dialog, self._take)
        while dialog.focused is None:
            await self.pilot.pause(0.005)
        await self.pilot.pause()

    def _take(self, answer: Any) -> None:
        self.given = answer


async def type_in(pilot: Pilot[Any], text: str) -> None:
    await pilot.press(*("space" if letter == " " else letter for letter in text))


def app_of(pilot: Pilot[Any]) -> ParallelApp:
    assert isinstance(pilot.app, ParallelApp)
    return pilot.app


async def test_a_line_is_given_back_without_blanks_around_it(board: User) -> None:
    async with bare_app(board) as pilot:
        answers = Answers(pilot)
        await answers.show(AskLine("Name", initial="old"))
        await type_in(pilot, " x ")
        await pilot.press("enter")
        assert answers.given == "old x"


async def test_escape_gives_none(board: User) -> None:
    async with bare_app(board) as pilot:
        for dialog in (AskLine("Name"), AskText("Text"), Pick("One", [Choice("a", "a")])):
            answers = Answers(pilot)
            await answers.show(dialog)
            await pilot.press("escape")
            assert answers.given is None


async def test_text_is_saved_with_ctrl_s(board: User) -> None:
    async with bare_app(board) as pilot:
        answers = Answers(pilot)
        await answers.show(AskText("Comment", initial=""))
        await pilot.press("a", "enter", "b", "ctrl+s")
        assert answers.given == "a\nb"


async def test_leaving_written_text_asks_first(board: User) -> None:
    async with bare_app(board) as pilot:
        answers = Answers(pilot)
        await answers.show(AskText("Comment"))
        await pilot.press("a", "escape")
        assert isinstance(pilot.app.screen, Confirm)
        await pilot.press("n")
        assert answers.given is UNANSWERED
        assert pilot.app.screen.query_one(TextArea).text == "a"
        await pilot.press("escape", "y")
        await pilot.pause()
        assert answers.given is None


@pytest.mark.parametrize(
    ("keys", "answer"),
    [(["enter"], True), (["y"], True), (["n"], False), (["escape"], False), (["right", "enter"], False)],
)
async def test_confirm_is_answered_with_one_key(board: User, keys: list[str], answer: bool) -> None:
    async with bare_app(board) as pilot:
        answers = Answers(pilot)
        await answers.show(Confirm("Archive?", "It can be restored."))
        await pilot.press(*keys)
        assert answers.given is answer


async def test_picking_by_a_few_letters(board: User) -> None:
    async with bare_app(board) as pilot:
        answers = Answers(pilot)
        await answers.show(Pick("Label", [Choice("1", "frontend"), Choice("2", "backend"), Choice("3", "docs")]))
        await type_in(pilot, "bakend")
        await pilot.press("enter")
        assert answers.given == ("2",)


async def test_several_are_marked_with_space(board: User) -> None:
    async with bare_app(board) as pilot:
        answers = Answers(pilot)
        options = [Choice(name, name) for name in ("red", "green", "blue")]
        await answers.show(Pick("Labels", options, multiple=True, selected=["green"]))
        await pilot.press("space", "down", "space", "down", "space", "enter")
        assert answers.given == ("red", "blue")


async def test_where_one_is_picked_space_is_a_letter(board: User) -> None:
    async with bare_app(board) as pilot:
        answers = Answers(pilot)
        await answers.show(Pick("Task", [Choice("1", "fix it"), Choice("2", "fix login")]))
        await type_in(pilot, "fix l")
        assert pilot.app.screen.query_one(Input).value == "fix l"
        await pilot.press("enter")
        assert answers.given == ("2",)


async def test_what_is_typed_can_be_picked_as_new(board: User) -> None:
    async with bare_app(board) as pilot:
        answers = Answers(pilot)
        await answers.show(Pick("Label", [Choice("bug", "bug")], allow_new=True))
        await type_in(pilot, "perf")
        await pilot.press("enter")
        assert answers.given == ("perf",)


async def test_ten_thousand_options_list_only_the_first(board: User) -> None:
    async with bare_app(board) as pilot:
        answers = Answers(pilot)
        await answers.show(Pick("Task", [Choice(str(number), f"task {number}") for number in range(10_000)]))
        assert pilot.app.screen.query_one(OptionList).option_count == SHOWN
        await type_in(pilot, "task 9876")
        await pilot.press("enter")
        assert answers.given == ("9876",)


async def test_labels_are_data_and_never_markup(board: User) -> None:
    async with bare_app(board) as pilot:
        await Answers(pilot).show(Pick("[red]Title[/]", [Choice("1", "[bold]x[/] \x1b[31my", "[/nonsense")]))
        assert "[bold]x[/] y" in screen_text(pilot)
        assert "[/nonsense" in screen_text(pilot)
        assert "[red]Title[/]" in screen_text(pilot)


async def test_the_form_gives_only_what_differs(board: User) -> None:
    card = board.add("Fix login", labels=("bug",), estimate_minutes=95, command="make test")
    async with bare_app(board) as pilot:
        answers = Answers(pilot)
        await answers.show(TaskForm(card, app_of(pilot).state))
        await type_in(pilot, " now")
        pilot.app.screen.query_one("#labels", Input).value = "bug, ui"
        pilot.app.screen.query_one("#priority", Select).value = Priority.URGENT
        pilot.app.screen.query_one("#due", Input).value = "2026-12-01"
        await pilot.press("ctrl+s")
        assert answers.given == {
            "title": "Fix login now", "labels": ("bug", "ui"), "priority": Priority.URGENT, "due": date(2026, 12, 1),
        }  # fmt: skip


async def test_the_form_of_a_new_task_gives_what_create_task_takes(board: User) -> None:
    other = board.add("First")
    async with bare_app(board) as pilot:
        answers = Answers(pilot)
        await answers.show(TaskForm(None, app_of(pilot).state))
        await type_in(pilot, "Second")
        pilot.app.screen.query_one("#dependencies", Input).value = f"#{other.number}"
        await pilot.press("ctrl+s")
        created: Task = board.call("create_task", **answers.given)
        assert (created.title, created.dependencies) == ("Second", (other.id,))


async def test_the_form_keeps_what_cannot_be_read_and_says_why_beside_it(board: User) -> None:
    card = board.add("Fix login")
    async with bare_app(board) as pilot:
        answers = Answers(pilot)
        await answers.show(TaskForm(card, app_of(pilot).state))
        pilot.app.screen.query_one("#due", Input).value = "someday"
        pilot.app.screen.query_one("#dependencies", Input).value = "#99"
        await pilot.press("ctrl+s")
        assert answers.given is UNANSWERED
        assert "There is no task #99" in screen_text(pilot)
        assert "Write it like 2026-12-01" in screen_text(pilot)
        assert pilot.app.focused is pilot.app.screen.query_one("#dependencies")


async def test_leaving_a_changed_form_asks_and_an_untouched_one_does_not(board: User) -> None:
    card = board.add("Fix login", description="a\tb")
    async with bare_app(board) as pilot:
        answers = Answers(pilot)
        await answers.show(TaskForm(card, app_of(pilot).state))
        await pilot.press("escape")
        assert answers.given is None
        answers = Answers(pilot)
        await answers.show(TaskForm(card, app_of(pilot).state))
        await pilot.press("x", "escape")
        assert isinstance(pilot.app.screen, Confirm)


async def test_dependencies_of_the_form_can_be_picked_by_name(board: User) -> None:
    card, other = board.add("Fix login"), board.add("Write the tests")
    async with bare_app(board) as pilot:
        answers = Answers(pilot)
        await answers.show(TaskForm(card, app_of(pilot).state))
        await pilot.press("ctrl+t")
        await until(pilot, lambda: isinstance(pilot.app.screen, Pick))
        await type_in(pilot, "write")
        await pilot.press("space", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, TaskForm))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: answers.given == {"dependencies": (other.id,)})


@pytest.mark.parametrize(
    ("typed", "minutes"), [("90", 90), ("1h 30m", 90), ("1.5h", 90), ("2d", 960), ("45 min", 45), ("", None)]
)
def test_estimates_are_read_as_people_write_them(typed: str, minutes: int | None) -> None:
    assert read_estimate(typed) == minutes


@pytest.mark.parametrize(
    ("typed", "day"), [("today", 20), ("tomorrow", 21), ("+3", 23), ("3 days", 23), ("2026-11-30", 30)]
)
def test_days_are_read_as_people_write_them(typed: str, day: int) -> None:
    assert read_due(typed, date(2026, 11, 20)) == date(2026, 11, day)


@pytest.mark.parametrize("typed", ["soon", "0", "h", "-5", "1h 90x"])
def test_an_estimate_that_makes_no_sense_is_refused(typed: str) -> None:
    with pytest.raises(Unreadable):
        read_estimate(typed)


def test_a_task_cannot_wait_for_itself(board: User) -> None:
    card = board.add()
    with pytest.raises(Unreadable, match="itself"):
        read_dependencies("#1", {1: card}.get, card.id)


def test_labels_are_parted_by_commas() -> None:
    assert read_labels(" bug,  two  words ,bug,") == ("bug", "two words")


async def conflict_dialog(pilot: Pilot[Any], board: User, bob: User) -> ConflictDialog:
    base = board.add("Fix login")
    bob.call("update_task", task=base, title="Fix logout", priority=Priority.HIGH)
    with board.database.read() as rows:
        changes = rows.events(entity_id=base.id, after=0)[1:]
        theirs = rows.get(Task, base.id)
    assert theirs is not None
    app_of(pilot).state.agents = {each.agent.id: each.agent for each in board.call("list_agents")}
    mine = {"title": "Fix sign-in", "priority": Priority.LOW}
    return ConflictDialog(base, theirs, mine, changes, Names(app_of(pilot).state))


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        (["m", "enter"], {"title": "Fix sign-in", "priority": Priority.LOW}),
        (["t", "enter"], {}),
        (["escape"], None),
        (["right", "down", "left", "enter"], {"title": "Fix sign-in"}),
        (["t", "down", "space", "enter"], {"priority": Priority.LOW}),
        (["enter"], UNANSWERED),
        (["right", "enter"], UNANSWERED),
    ],
)
async def test_a_conflict_is_settled_field_by_field(board: User, bob: User, keys: list[str], answer: Any) -> None:
    async with bare_app(board) as pilot:
        answers = Answers(pilot)
        await answers.show(await conflict_dialog(pilot, board, bob))
        await pilot.press(*keys)
        await pilot.pause()
        assert answers.given is answer if answer is UNANSWERED else answers.given == answer


async def test_a_conflict_shows_base_theirs_by_whom_and_mine(board: User, bob: User) -> None:
    async with bare_app(board) as pilot:
        await Answers(pilot).show(await conflict_dialog(pilot, board, bob))
        text = screen_text(pilot)
        for words in ("base    Fix login", "theirs  Fix logout", "mine    Fix sign-in", "bob"):
            assert words in text
