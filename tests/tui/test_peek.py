"""Peeking at real processes: what they print is seen, whatever they do to their terminal."""

import itertools
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from textual.pilot import Pilot

from core.processes.link import RunnerLink
from storage import ProcessId, ProcessState
from tests.support.app import app_of, open_app, screen_text, shown, until
from tests.support.fleet import Fleet
from tests.support.runners import Runners, exited, running
from tests.support.users import User
from tui.screens.peek import BACKLOG, PeekScreen, PeekView


@pytest.fixture
async def runners(board: User) -> AsyncIterator[Runners]:
    async with running(board.database.home) as made:
        yield made


async def start(runners: Runners, fleet: Fleet, script: str, *, process: ProcessId | None = None) -> RunnerLink:
    """A process of the room that really runs, or runs again."""
    process = process or fleet.add("web")
    link = await runners.start("sh", "-c", script, name=process)
    fleet.observe(process, state=ProcessState.RUNNING, runner=link.folder.name)
    return link


async def peek(pilot: Pilot[Any], *texts: str) -> PeekScreen:
    await pilot.press("5")
    await shown(pilot, "● 1 running")
    await pilot.press("p")
    await until(pilot, lambda: isinstance(pilot.app.screen, PeekScreen))
    await shown(pilot, *texts)
    assert isinstance(pilot.app.screen, PeekScreen)
    return pilot.app.screen


async def test_a_screen_of_80_columns_fits_into_80_columns(board: User, runners: Runners) -> None:
    await start(runners, Fleet(board), "printf '%s' $(seq -s '' 1 45 | cut -c 1-80); sleep 1000")
    async with open_app(board, size=(80, 24)) as pilot:
        screen = await peek(pilot, "web  ● running  80×24")
        line = "".join(str(number) for number in range(1, 46))[:80]
        await shown(pilot, line)
        assert screen.query_one(PeekView).size == (80, 22)
        await shown(pilot, "↑ ↓ ← → scroll")


async def test_the_picture_takes_the_size_that_the_terminal_gets(board: User, runners: Runners) -> None:
    link = await start(runners, Fleet(board), "trap 'stty size' WINCH; echo up; while :; do sleep 0.05; done")
    async with open_app(board, size=(120, 40)) as pilot:
        await peek(pilot, "80×24", "up")
        await link.resize(30, 100)
        await shown(pilot, "100×30", "30 100")
        assert "scroll" not in screen_text(pilot)


async def test_what_comes_while_the_screen_is_asked_for_is_not_lost(board: User, runners: Runners) -> None:
    await start(runners, Fleet(board), "i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo line $i; done; sleep 1000")
    async with open_app(board, size=(100, 40)) as pilot:
        await peek(pilot, *(f"line {number}" for number in range(1978, 2001)))


async def test_what_changes_is_drawn_where_the_picture_is_scrolled(board: User, runners: Runners) -> None:
    script = r"printf '\033[24;1Hone'; read go; printf '\033[23;1Htwo\033[24;4H'; sleep 1000"
    await start(runners, Fleet(board), script)
    async with open_app(board, size=(80, 12)) as pilot:
        screen = await peek(pilot, "80×24", "one")
        assert screen.query_one(PeekView).scroll_offset.y > 0
        await runners.links[0].write(b"\r")
        await shown(pilot, "two")


async def test_after_a_flood_the_picture_is_what_the_terminal_shows(board: User, runners: Runners) -> None:
    count = 3 * BACKLOG // 10
    await start(runners, Fleet(board), f"read go; seq 1 {count}; echo 'the end'; sleep 1000")
    async with open_app(board, size=(100, 40)) as pilot:
        await peek(pilot, "80×24")
        await runners.links[0].write(b"\r")
        await shown(pilot, "the end", str(count), str(count - 21))


async def test_it_waits_for_a_process_that_has_ended_and_shows_the_next_one(board: User, runners: Runners) -> None:
    fleet = Fleet(board)
    link = await start(runners, fleet, "echo first; read go")
    async with open_app(board, size=(100, 40)) as pilot:
        await peek(pilot, "first")
        process = next(iter(app_of(pilot).state.processes))
        await link.write(b"\r")
        await exited(link)
        await link.release()
        fleet.observe(process, state=ProcessState.STOPPED, runner=None)
        await shown(pilot, "web  ○ stopped  does not run; waiting for it", "first")
        await start(runners, fleet, "echo second; sleep 1000", process=process)
        await shown(pilot, "web  ● running  80×24", "second")
        assert "first" not in screen_text(pilot)


async def test_the_cursor_is_seen_whatever_it_stands_on(board: User, runners: Runners) -> None:
    await start(
        runners,
        Fleet(board),
        r"stty -echo; printf '\033[7mab\033[0m検x'; read a; printf '\033[5D'; read b; printf '\033[2C'; read c",
    )
    async with open_app(board, size=(100, 40)) as pilot:
        screen = await peek(pilot, "ab検x")
        view = screen.query_one(PeekView)

        def reversed_text() -> list[str]:
            return [text for text, style, _ in view.render_line(0) if style is not None and style.reverse and text]

        await until(pilot, lambda: reversed_text() == ["ab", " "])
        await runners.links[0].write(b"\r")
        await until(pilot, lambda: reversed_text() == ["b"])
        await runners.links[0].write(b"\r")
        await until(pilot, lambda: reversed_text() == ["ab", "検"])


async def test_no_more_than_ten_pictures_are_drawn_in_a_second(
    board: User, runners: Runners, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    drawn: list[float] = []
    show = PeekView.show

    def noting(view: PeekView, *picture: Any) -> None:
        drawn.append(time.monotonic())
        show(view, *picture)

    monkeypatch.setattr(PeekView, "show", noting)
    await start(runners, Fleet(board), "i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done")
    async with open_app(board, size=(100, 40)) as pilot:
        await peek(pilot, "80×24")
        await until(pilot, lambda: len(drawn) > 15)
    assert min(later - earlier for earlier, later in itertools.pairwise(drawn)) >= 0.09
