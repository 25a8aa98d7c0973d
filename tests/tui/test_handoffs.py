"""The handoffs' screen: boxes, ages, all that was said; and the person's answers."""

from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import TextArea

from core.operations.handoff import HandoffAnswer
from storage import AgentState, Handoff, HandoffStatus, Status
from tests.support.app import app_of, caught_up, open_app, screen_text, shown, until
from tests.support.crew import Worker
from tests.support.users import User
from tui import handing
from tui.dialogs import AskLine, HandoffForm, Pick
from tui.screens.handoffs import HandoffsScreen
from tui.screens.task import TaskScreen


@pytest.fixture
def ann(board: User) -> Worker:
    return Worker(board, "ann")


@pytest.fixture
def bea(board: User) -> Worker:
    return Worker(board, "bea")


def hand_over(giver: Worker, title: str, **arguments: Any) -> Handoff:
    """A new task, begun by an agent and handed over."""
    card = giver.board.add(title, status="todo")
    giver.call("claim_next", task=card)
    arguments.setdefault("summary", f"Half of {title} is there.")
    handoff: Handoff = giver.call("create_handoff", task=card, **arguments)
    return handoff


def see(board: User, handoff: Handoff) -> Handoff:
    """A handoff as it is now."""
    seen: Handoff = board.call("get_handoff", handoff=handoff).handoff
    return seen


async def open_handoffs(pilot: Pilot[Any], *texts: str) -> HandoffsScreen:
    await pilot.press("4")
    await until(pilot, lambda: isinstance(pilot.app.screen, HandoffsScreen))
    await shown(pilot, *texts)
    assert isinstance(pilot.app.screen, HandoffsScreen)
    return pilot.app.screen


async def test_an_empty_screen_says_how_one_is_written(board: User) -> None:
    async with open_app(board) as pilot:
        await open_handoffs(pilot, "Nothing has been handed over yet.", "create_handoff")


async def test_all_that_was_said_is_shown(board: User, ann: Worker, bea: Worker) -> None:
    hand_over(
        ann, "Fix login", to_agent=bea.agent, summary="The form works.\nThe button does not.",
        next_steps=("Find out why", "Fix it, with a test"), warnings=("Mind the session",),
        failed_approaches=("Waiting longer",), files=("login.py",), branch="fix-login",
    )  # fmt: skip
    async with open_app(board) as pilot:
        await open_handoffs(pilot, "ann → bea", "pending")
        await pilot.press("enter")
        await shown(
            pilot, "#1 Fix login", "The button does not.", "1. Find out why", "2. Fix it, with a test", "Mind the",
            "Waiting longer", "login.py", "fix-login",
        )  # fmt: skip


async def test_the_boxes_part_what_comes_from_what_goes(board: User, ann: Worker, bea: Worker) -> None:
    hand_over(ann, "For bea", to_agent=bea.agent)
    hand_over(bea, "For people", to_role="person")
    async with open_app(board) as pilot:
        screen = await open_handoffs(pilot, "Half of For bea", "Half of For people")
        await pilot.press("tab")
        await shown(pilot, "of owner", "any person")
        assert len(screen.ids) == 1
        await pilot.press("tab")
        await shown(pilot, "Nothing is in this box.")
        await pilot.press("f")
        await until(pilot, lambda: isinstance(pilot.app.screen, Pick))
        await pilot.press(*"ann", "enter")
        await shown(pilot, "of ann", "Half of For bea")
        await pilot.press("shift+tab")
        await shown(pilot, "Nothing is in this box.")


async def test_the_mouse_chooses_box_and_row(board: User, ann: Worker, bea: Worker) -> None:
    hand_over(ann, "For bea", to_agent=bea.agent)
    second = hand_over(bea, "For people", to_role="person")
    async with open_app(board) as pilot:
        screen = await open_handoffs(pilot, "Half of For bea", "Half of For people")
        await pilot.click("#rows", offset=(30, 1))
        assert screen.selected == second.id
        await pilot.click("#rows", offset=(30, 1), times=2)
        assert screen.is_in_detail
        line = screen_text(pilot).splitlines()[0]
        await pilot.click("#heading", offset=(line.index("Outbox") + 1, 0))
        await shown(pilot, "Nothing is in this box.")


async def test_a_new_one_appears_by_itself_below_the_older(board: User, ann: Worker) -> None:
    hand_over(ann, "One", to_role="person")
    async with open_app(board) as pilot:
        screen = await open_handoffs(pilot, "Half of One")
        first = screen.selected
        hand_over(ann, "Two", to_role="person")
        await shown(pilot, "Half of Two")
        assert screen.selected == first == screen.ids[0]


async def test_an_unanswered_one_is_overdue_after_the_minutes_of_the_room(board: User, ann: Worker) -> None:
    board.call("update_room", handoff_alert_minutes=1)
    old = hand_over(ann, "Old", to_role="person")
    with board.database.write("age") as rows:
        rows._connection.execute(
            "UPDATE handoff SET updated_at = '2020-01-01T00:00:00.000000Z' WHERE id = ?", (old.id,)
        )
    hand_over(ann, "New", to_role="person")
    async with open_app(board) as pilot:
        await open_handoffs(pilot, "! overdue ·", "pending")
        await pilot.press("shift+tab")
        await shown(pilot, "Overdue 1")
        assert "Half of New" not in screen_text(pilot)
        await pilot.press("1")
        await shown(pilot, "⇄!")


async def test_the_person_takes_one_on_and_completes_it(board: User, ann: Worker) -> None:
    handoff = hand_over(ann, "Fix login", to_role="person")
    async with open_app(board) as pilot:
        await open_handoffs(pilot, "pending")
        await pilot.press("a")
        await shown(pilot, "acknowledged")
        assert see(board, handoff).taken_by == board.id
        assert board.see("1").assignee == board.id
        await pilot.press("c")
        await shown(pilot, "completed")


async def test_declining_asks_why(board: User, ann: Worker) -> None:
    handoff = hand_over(ann, "Fix login", to_role="person")
    async with open_app(board) as pilot:
        await open_handoffs(pilot, "pending")
        await pilot.press("d")
        await until(pilot, lambda: isinstance(pilot.app.screen, AskLine))
        await pilot.press(*"no", "space", *"time", "enter")
        await shown(pilot, "declined")
        assert see(board, handoff).answer == "no time"
        await shown(pilot, "Answer: no time")


async def test_one_is_redirected_to_somebody_else(board: User, ann: Worker, bea: Worker) -> None:
    handoff = hand_over(ann, "Fix login", to_role="person")
    async with open_app(board) as pilot:
        await open_handoffs(pilot, "pending")
        await pilot.press("r")
        await until(pilot, lambda: isinstance(pilot.app.screen, Pick))
        assert "ann" not in [each.label for each in pilot.app.screen._choices]  # type: ignore[attr-defined]
        await pilot.press(*"bea", "enter")
        await shown(pilot, "ann → bea")
        assert see(board, handoff).to_agent == bea.agent.id


async def test_the_person_writes_one_with_all_its_fields(board: User, ann: Worker) -> None:
    board.add("Fix login", status="todo")
    async with open_app(board, size=(120, 50)) as pilot:
        await open_handoffs(pilot)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, Pick))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, HandoffForm))
        await pilot.press("ctrl+s")
        await shown(pilot, "Say where the work stands.")
        form = pilot.app.screen
        form.query_one("#summary", TextArea).text = "It is half done."
        form.query_one("#next_steps", TextArea).text = "First this\n- Then, that\n"
        await pilot.press("ctrl+s")
        await shown(pilot, "owner → ann")
        (handoff,) = board.call("list_handoffs")
        assert (handoff.summary, handoff.next_steps) == ("It is half done.", ("First this", "Then, that"))


async def test_leaving_a_form_with_something_written_asks(board: User, ann: Worker) -> None:
    board.add("Fix login", status="todo")
    async with open_app(board) as pilot:
        await shown(pilot, "Fix login")
        await pilot.press("o")
        await until(pilot, lambda: isinstance(pilot.app.screen, HandoffForm))
        await pilot.press("x", "escape")
        await shown(pilot, "Discard what you have written?")
        await pilot.press("y")
        await caught_up(pilot)
        assert board.call("list_handoffs") == ()


async def test_what_was_written_and_could_not_be_stored_stands_there_again(board: User, ann: Worker) -> None:
    card = board.add("Fix login", status="todo")
    async with open_app(board) as pilot:
        await shown(pilot, "Fix login")
        await pilot.press("o")
        await until(pilot, lambda: isinstance(pilot.app.screen, HandoffForm))
        ann.call("claim_next", task=card)
        other = ann.call("create_handoff", task=card, summary="Mine.", to_role="person")
        await pilot.press(*"half", "ctrl+s")
        await until(pilot, lambda: "The handoff was not stored." in [note.text for note in app_of(pilot).notes])
        ann.call("acknowledge_handoff", handoff=other, answer=HandoffAnswer.DECLINE, reason="yours first")
        await caught_up(pilot)
        await pilot.press("o")
        await until(pilot, lambda: isinstance(pilot.app.screen, HandoffForm))
        assert pilot.app.screen.query_one("#summary", TextArea).text == "half"


async def test_a_changed_handoff_is_not_answered_unseen(board: User, ann: Worker) -> None:
    handoff = hand_over(ann, "Fix login", to_role="person")
    async with open_app(board) as pilot:
        await open_handoffs(pilot, "pending")
        known = app_of(pilot).state.handoffs[handoff.id]
        ann.call("acknowledge_handoff", handoff=handoff, answer=HandoffAnswer.DECLINE, reason="done myself")
        await shown(pilot, "declined")
        app = app_of(pilot)
        await handing.answer(app, known, HandoffAnswer.ACKNOWLEDGE)
        assert "you know 1" in app.notes[-1].text
        assert see(board, handoff).status is HandoffStatus.DECLINED


async def test_t_opens_the_task_which_tells_of_its_handoffs(board: User, ann: Worker) -> None:
    hand_over(ann, "Fix login", to_role="person")
    ann.is_seen(AgentState.WORKING)
    async with open_app(board) as pilot:
        await open_handoffs(pilot, "pending")
        await pilot.press("t")
        await until(pilot, lambda: isinstance(pilot.app.screen, TaskScreen))
        await shown(pilot, "⇄ ann → any person", "Half of Fix login")
        assert board.see("1").status is Status.IN_PROGRESS
