"""The log screen: live, searched, filtered, at any moment; on real files."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psutil
import pytest
import time_machine
from textual.pilot import Pilot

from core.logs.seeking import PATIENCE_S
from storage import Process, utc_now
from tests.support.app import app_of, open_app, screen_text, shown, until
from tests.support.outputs import Printing, add_process
from tests.support.users import User
from tui.screens.log import LogScreen


async def open_log(pilot: Pilot[Any], process: Process | None = None) -> LogScreen:
    screen = LogScreen(process.id if process is not None else None)
    await app_of(pilot).push_screen(screen)
    await shown(pilot, "Log of")
    return screen


async def answer(pilot: Pilot[Any], text: str) -> None:
    await until(pilot, lambda: app_of(pilot).screen.is_modal)
    await pilot.press(*text, "enter")
    await until(pilot, lambda: not app_of(pilot).screen.is_modal)


async def test_the_end_is_shown_and_followed(board: User) -> None:
    process = add_process(board, "web")
    output = Printing(board, process)
    output.say(*(f"line {number}" for number in range(1000)))
    async with open_app(board) as pilot:
        await open_log(pilot, process)
        await shown(pilot, "line 999", "following", "Log of web")
        output.say("the newest")
        await shown(pilot, "the newest")


async def test_what_was_printed_before_is_read_line_by_line_and_stands_still(board: User) -> None:
    process = add_process(board, "web")
    output = Printing(board, process)
    output.say(*(f"line {number:04}" for number in range(1000)))
    async with open_app(board) as pilot:
        await open_log(pilot, process)
        await shown(pilot, "line 0999")
        await pilot.press("g")
        await shown(pilot, "line 0000", "f follows")
        await pilot.press("j", "j", "j")
        await until(pilot, lambda: "line 0002" not in screen_text(pilot))
        assert "line 0003" in screen_text(pilot)
        output.say("more")
        await pilot.press("k")
        await shown(pilot, "line 0002")
        await pilot.press("G")
        await shown(pilot, "more", "following")


async def test_a_search_goes_back_from_the_end_and_on_again(board: User) -> None:
    process = add_process(board, "web")
    output = Printing(board, process)
    output.say(*(f"needle {n}" if n in (100, 500) else f"line {n}" for n in range(1000)))
    async with open_app(board) as pilot:
        await open_log(pilot, process)
        await shown(pilot, "line 999")
        await pilot.press("slash")
        await answer(pilot, "NEEDLE".lower())
        await shown(pilot, "needle 500")
        await pilot.press("N")
        await shown(pilot, "needle 100")
        await pilot.press("n")
        await shown(pilot, "needle 500")
        await pilot.press("n")
        await until(pilot, lambda: any("not found" in note.text for note in app_of(pilot).notes))


async def test_all_processes_are_merged_by_time_and_filtered(board: User) -> None:
    web, db = add_process(board, "web"), add_process(board, "db")
    outputs = [Printing(board, web), Printing(board, db)]
    for number in range(30):
        outputs[number % 2].say(f"step {number:02}")
    async with open_app(board, size=(100, 50)) as pilot:
        await open_log(pilot)
        await shown(pilot, "Log of 2 processes", "step 29", "web │", "db  │")
        await pilot.press("ampersand")
        await answer(pilot, "step 2[0-4]")
        await until(pilot, lambda: "step 25" not in screen_text(pilot))
        text = screen_text(pilot)
        assert [number for number in range(30) if f"step {number:02}" in text] == [20, 21, 22, 23, 24]
        await pilot.press("escape")
        await shown(pilot, "step 29")


async def test_escapes_do_nothing_but_colour_and_japanese_stays_in_its_cells(board: User) -> None:
    process = add_process(board, "web")
    output = Printing(board, process)
    output.say("\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b[2J日本語|", b"\xff\xfe bad", b"a\x00b", "x" * 5000)
    async with open_app(board) as pilot:
        await open_log(pilot, process)
        await shown(pilot, "red 日本語|", "bad", "a b")
        assert "title" not in screen_text(pilot)
        await pilot.press("w")
        await until(pilot, lambda: screen_text(pilot).count("x" * 80) > 10)


async def test_without_processes_it_says_what_to_do(board: User) -> None:
    async with open_app(board) as pilot:
        await pilot.press("f4")
        await shown(pilot, "There are no processes", "wzp process add")
        assert "0 processes" not in screen_text(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app_of(pilot).screen, LogScreen))


async def test_one_goes_to_a_moment(board: User) -> None:
    process = add_process(board, "web")
    output = Printing(board, process)
    output.say(*(f"line {number:04}" for number in range(300)))
    async with open_app(board) as pilot:
        await open_log(pilot, process)
        await shown(pilot, "line 0299")
        await pilot.press("t")
        await answer(pilot, "1h")
        await shown(pilot, "line 0000")


async def test_a_log_that_was_empty_shows_what_comes(board: User) -> None:
    process = add_process(board, "web")
    async with open_app(board) as pilot:
        await open_log(pilot, process)
        await shown(pilot, "Nothing has been printed yet")
        Printing(board, process).say("the first line", *(f"line {number}" for number in range(200)))
        await shown(pilot, "line 199")
        await pilot.press("pageup")
        await until(pilot, lambda: "line 199" not in screen_text(pilot))


async def test_what_is_found_near_the_end_leaves_no_row_empty(board: User) -> None:
    process = add_process(board, "web")
    output = Printing(board, process)
    output.say(*(f"{'needle' if n == 997 else 'line'} {n}" for n in range(1000)))
    async with open_app(board, size=(100, 30)) as pilot:
        await open_log(pilot, process)
        await shown(pilot, "line 999")
        await pilot.press("slash")
        await answer(pilot, "needle")
        await shown(pilot, "needle 997", "f follows")
        assert screen_text(pilot).count("line 9") == 27
        output.say("more")
        await pilot.press("k")
        await shown(pilot, "line 971")
        assert "more" not in screen_text(pilot)


async def test_a_filter_is_followed_and_left_and_taken_up_again(board: User) -> None:
    web, db = add_process(board, "web"), add_process(board, "db")
    outputs = [Printing(board, web), Printing(board, db)]
    for number in range(100):
        outputs[number % 2].say(f"step {number:02} {'good' if number % 10 else 'bad'}")
    async with open_app(board, size=(100, 12)) as pilot:
        await open_log(pilot)
        await shown(pilot, "step 99")
        await pilot.press("ampersand")
        await answer(pilot, "bad")
        await shown(pilot, "step 90 bad", "step 10 bad", "following")
        outputs[0].write(b"step 100 ")
        outputs[1].say("step 101 good", "step 102 bad")
        await shown(pilot, "step 102 bad")
        outputs[0].write(b"bad at last\n")
        await shown(pilot, "step 100 bad at last", "step 102 bad")
        await pilot.press("g")
        await shown(pilot, "step 00 bad", "f follows")
        await pilot.press("f")
        await shown(pilot, "step 102 bad", "following")
        await pilot.resize_terminal(100, 20)
        await shown(pilot, "step 00 bad", "step 102 bad")


async def test_of_many_places_the_one_that_was_found_last_is_marked(board: User) -> None:
    web, db = add_process(board, "web"), add_process(board, "db")
    outputs = [Printing(board, web), Printing(board, db)]
    for number in range(20):
        with time_machine.travel(utc_now() + timedelta(seconds=number), tick=False):
            outputs[number % 2].say(f"needle {number:02}")
    async with open_app(board) as pilot:
        await open_log(pilot)
        await shown(pilot, "needle 19")

        def marked() -> list[str]:
            return [line[-2:] for line in screen_text(pilot).split("\n") for line in [line.rstrip()] if "▶" in line]

        await pilot.press("slash")
        await answer(pilot, "needle")
        await until(pilot, lambda: marked() == ["19"])
        await pilot.press("N", "N")
        await until(pilot, lambda: marked() == ["17"])
        await pilot.press("n")
        await until(pilot, lambda: marked() == ["18"])
        await pilot.press("escape")
        await until(pilot, lambda: marked() == [])


ENDLESS = "(a+)+$"


async def longest_hold(pilot: Pilot[Any], is_over: Callable[[], object]) -> float:
    """The longest that the event loop was held, in seconds, until something is true."""
    begun = last = time.monotonic()
    longest = 0.0
    while not is_over():
        await asyncio.sleep(0.005)
        now = time.monotonic()
        longest, last = max(longest, now - last), now
        assert now - begun < 30 * PATIENCE_S
    return longest


def told(pilot: Pilot[Any], text: str) -> bool:
    return any(text in note.text for note in app_of(pilot).notes)


@pytest.mark.parametrize("key", ["slash", "ampersand"])
async def test_an_expression_that_takes_for_ever_holds_nothing_up_and_is_told_of(board: User, key: str) -> None:
    process = add_process(board, "web")
    output = Printing(board, process)
    output.say(*(f"line {number:04}" for number in range(1000)), "a" * 28 + "!")
    async with open_app(board) as pilot:
        screen = await open_log(pilot, process)
        await shown(pilot, "aaa!")
        await pilot.press(key)
        await answer(pilot, ENDLESS)
        held = await longest_hold(pilot, lambda: told(pilot, f"{ENDLESS} takes too long"))
        assert held < 1.0, "held by the search, it would be for as long as that takes"
        assert told(pilot, "the log of web")
        assert "no repeat stands within another" in app_of(pilot).notes[-1].hint
        assert f"/{ENDLESS}" not in screen_text(pilot)
        await pilot.press("g")
        await shown(pilot, "line 0000")
        await pilot.press("slash")
        await answer(pilot, "line 05.7")
        await shown(pilot, "line 0507")
        await pilot.press("escape")
    assert not screen.is_running


async def test_while_it_searches_the_log_is_read_on_and_escape_stops_it(board: User) -> None:
    process = add_process(board, "web")
    output = Printing(board, process)
    output.say(*(f"line {number:04}" for number in range(1000)), "a" * 40 + "!")  # one that is in view
    async with open_app(board) as pilot:
        await open_log(pilot, process)
        await shown(pilot, "line 0999")
        await pilot.press("slash")
        await answer(pilot, ENDLESS)
        await shown(pilot, "searching…  esc stops it")
        output.say("the newest")
        await shown(pilot, "the newest", "searching…")
        await pilot.press("s")
        await until(pilot, lambda: "\nline 0999" in screen_text(pilot))
        assert "searching…" in screen_text(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: "searching" not in screen_text(pilot))
        await shown(pilot, "following")
        assert not told(pilot, "takes too long")


async def test_with_the_screen_ends_what_it_looked_with(board: User) -> None:
    process = add_process(board, "web")
    Printing(board, process).say("a needle")
    before = set(psutil.Process().children())
    async with open_app(board) as pilot:
        await open_log(pilot, process)
        await shown(pilot, "a needle")
        await pilot.press("slash")
        await answer(pilot, "needle")
        await shown(pilot, "/needle")
        await until(pilot, lambda: len(set(psutil.Process().children()) - before) == 2)
        await pilot.press("escape", "escape")
        await until(pilot, lambda: not isinstance(app_of(pilot).screen, LogScreen))
        await until(pilot, lambda: not set(psutil.Process().children()) - before)
