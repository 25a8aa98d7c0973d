"""What waits for the person: `!` goes from one thing to the next, footers count them, news come as toasts."""

from typing import Any

import pytest
from textual.pilot import Pilot

from core.settings import Notify
from storage import AgentState, Finish
from tests.support.app import app_of, caught_up, open_app, screen_text, shown, until
from tests.support.crew import Worker
from tests.support.users import User
from tui.messages import Severity
from tui.news import News, gathered
from tui.screens.agents import AgentsScreen
from tui.screens.board import BoardScreen
from tui.screens.handoffs import HandoffsScreen
from tui.terminal import notification


@pytest.fixture
def ann(board: User) -> Worker:
    return Worker(board, "ann")


def told(pilot: Pilot[Any]) -> list[str]:
    return [note.text for note in app_of(pilot).notes]


def at_cursor(pilot: Pilot[Any]) -> str | None:
    screen = pilot.app.screen
    assert isinstance(screen, BoardScreen)
    return screen.at_cursor.title if screen.at_cursor else None


async def test_it_goes_to_all_that_waits_one_after_the_other_and_round_again(board: User, ann: Worker) -> None:
    bea = Worker(board, "bea")
    ann.is_seen(AgentState.WAITING, "Which port?")
    for title in ("Handed", "Reviewed", "Left"):
        board.add(title, status="todo")
    bea.call("claim_next", task=board.column("todo")[0])
    handoff = bea.call("create_handoff", task=board.column("in_progress")[0], summary="Take it.", to_role="person")
    bea.call("claim_next", task=board.column("todo")[0])
    bea.call("finish_task", task=board.column("in_progress")[1], finish=Finish.COMPLETE, summary="Done.")
    bea.call("claim_next", task=board.column("todo")[0])
    board.call("end_session", session=bea.session)
    async with open_app(board, size=(160, 45)) as pilot:
        await shown(pilot, "! 4 wait")
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, AgentsScreen))
        assert pilot.app.screen.selected == ann.agent.id  # type: ignore[attr-defined]
        await shown(pilot, "Which port?", "! 4 wait")
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, HandoffsScreen))
        assert pilot.app.screen.selected == handoff.id  # type: ignore[attr-defined]
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, BoardScreen) and at_cursor(pilot) == "Reviewed")
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: at_cursor(pilot) == "Left")
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, AgentsScreen))


async def test_it_says_so_where_nothing_waits(board: User) -> None:
    async with open_app(board) as pilot:
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: told(pilot) == ["Nothing waits for you."])
        assert " wait" not in screen_text(pilot).splitlines()[-1]


async def test_it_finds_a_card_that_the_filter_hides(board: User) -> None:
    board.add("Hidden", status="review")
    board.add("Shown")
    async with open_app(board) as pilot:
        await shown(pilot, "Shown")
        await pilot.press("slash", *"shown", "enter")
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: at_cursor(pilot) == "Hidden")


async def test_it_works_from_a_task_and_from_the_past(board: User) -> None:
    board.add("Wait for me", status="review")
    async with open_app(board) as pilot:
        await shown(pilot, "Wait for me")
        await pilot.press("2", "enter")
        await shown(pilot, "#1  Wait for me", "! 1 waits")
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, BoardScreen))


async def test_what_was_so_when_the_app_came_is_no_news(board: User, ann: Worker) -> None:
    ann.is_seen(AgentState.WAITING, "Which port?")
    async with open_app(board) as pilot:
        await shown(pilot, "! 1 waits")
        await pilot.pause(0.3)
        assert told(pilot) == []


async def test_an_agent_that_comes_to_wait_is_told_with_its_question(board: User, ann: Worker) -> None:
    async with open_app(board) as pilot:
        ann.is_seen(AgentState.WAITING, "Which \x1b[31mport?")
        await until(pilot, lambda: app_of(pilot).notes)
        (note,) = app_of(pilot).notes
        assert (note.text, note.severity) == ("ann waits for you.", Severity.WARNING)
        assert note.hint == "Which port?"


async def test_reports_losses_and_handoffs_are_told_but_not_what_the_person_did(board: User, ann: Worker) -> None:
    card = board.add("Fix login", status="todo")
    ann.call("claim_next", task=card)
    async with open_app(board) as pilot:
        ann.call("finish_task", task=card, finish=Finish.FAIL, summary="No access.\nReally.")
        await until(pilot, lambda: told(pilot) == ["ann failed at #1 Fix login."])
        assert app_of(pilot).notes[0].hint == "No access."
        ann.call("claim_next", task=card)
        ann.call("create_handoff", task=card, summary="Your turn.", to_role="person")
        await until(pilot, lambda: told(pilot)[1:] == ["ann hands #1 Fix login to you."])
        await app_of(pilot).desk.call("create_task", title="Mine")
        board.call("end_session", session=ann.session)
        await caught_up(pilot)
        await pilot.pause(0.3)
        assert len(told(pilot)) == 2


async def test_many_at_once_are_one_toast_and_each_is_kept(board: User) -> None:
    crew = [Worker(board, f"agent{number}") for number in range(6)]
    async with open_app(board) as pilot:
        toasts: list[str] = []
        app_of(pilot).notify = lambda message, **_: toasts.append(message)  # type: ignore[method-assign]
        for each in crew:
            each.is_seen(AgentState.WAITING, "Well?")
        await until(pilot, lambda: len(told(pilot)) >= 7)
        assert sum("waits for you." in each for each in told(pilot)) == 6
        assert len(toasts) <= 2


def test_of_several_long_pieces_of_news_the_beginnings_are_told_at_once() -> None:
    long = News("worker.1 failed: " + "a long story " * 50)
    assert gathered([long]).text == long.text
    assert len(gathered([long] * 9).hint) < 500


def test_news_are_gathered_into_one_with_the_loudest_voice() -> None:
    loud = News("b waits.", severity=Severity.WARNING)
    assert gathered([loud]) is loud
    many = gathered([News("a."), loud, *[News(f"{number}.") for number in range(5)]])
    assert many == News("7 things have happened.", "a. b waits. 0. 1. … and 3 more: F2 lists them.", Severity.WARNING)


@pytest.mark.parametrize(
    ("way", "sequence"),
    [
        (Notify.OSC_9, "\x1b]9;ann waits, go, on\x1b\\"),
        (Notify.OSC_777, "\x1b]777;notify;wezterm-parallel;ann waits, go, on\x1b\\"),
    ],
)
def test_a_notification_is_one_that_wezterm_takes_and_holds_no_escapes(way: Notify, sequence: str) -> None:
    text = "ann\x1b]0;evil\x07 waits; go; on\x1b[2J"
    assert notification(way, "wezterm-parallel", text) == sequence
    wrapped = notification(way, "wezterm-parallel", text, is_in_tmux=True)
    assert wrapped == "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"


async def test_the_terminal_is_told_only_where_the_person_wants_it(board: User, ann: Worker) -> None:
    async with open_app(board) as pilot:
        written: list[str] = []
        app = app_of(pilot)
        app._driver.write = written.append  # type: ignore[method-assign, union-attr]
        ann.is_seen(AgentState.WAITING, "One?")
        await until(pilot, lambda: len(app.notes) == 1)
        await pilot.pause()
        assert written == []
        await app.change_settings(notify=Notify.OSC_9)
        ann.is_seen(AgentState.WAITING, "Two?")
        await until(pilot, lambda: written)
        assert [each for each in written if "]9;" in each] == ["\x1b]9;ann waits for you. Two?\x1b\\"]
