"""The metrics screen: what it shows, how one reads values at a moment, and that it stays cheap."""

import os
import subprocess
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from core.metrics.series import CATALOGUE, Span, Unit
from core.metrics.units import with_unit
from storage import Home, MetricsReader, MetricsStore, Process, ProcessState, Subject
from tests.support.app import app_of, open_app, screen_text, shown, until
from tests.support.measured import fill_metrics, note_running, note_state
from tests.support.users import User
from tui.measured import View, round_up, take_picture, title_of
from tui.screens.metrics import MetricsScreen
from tui.translation import set_language
from tui.widgets.chart import Chart
from tui.widgets.line_list import LineList


@pytest.fixture
def web(board: User) -> Iterator[Process]:
    sleeper = subprocess.Popen(["sleep", "300"], start_new_session=True)
    yield note_running(board, "web", sleeper.pid)
    os.killpg(sleeper.pid, 9)
    sleeper.wait()


@pytest.fixture
def measured(board: User, web: Process) -> User:
    """A room of which an hour has been measured, with a process."""
    fill_metrics(board.database.home, web.room_id, [web.id])
    return board


def screen_of(pilot: Pilot[object]) -> MetricsScreen:
    assert isinstance(pilot.app.screen, MetricsScreen)
    return pilot.app.screen


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_everything_of_the_machine_is_shown_with_scale_and_unit(measured: User, size: tuple[int, int]) -> None:
    async with open_app(measured, size=size) as pilot:
        await pilot.press("7")
        await shown(pilot, "CPU", "Core 1", "Load, 1 min", "of 14.9 GiB", "Disk /", "Network out", "last 1h")
        rows = [line for line in screen_text(pilot).splitlines() if " of " in line]
        assert len(rows) == 13
        assert all(any(block in row for block in "▁▂▃▄▅▆▇█") for row in rows)
        assert len(list(pilot.app.screen.query("*"))) < 12, "never a widget a sparkline"


async def test_without_measurements_it_says_what_to_do(board: User) -> None:
    async with open_app(board) as pilot:
        await pilot.press("7")
        await shown(pilot, "Nothing has been measured yet.", "wzp serve")


async def test_the_cursor_of_time_reads_values(measured: User) -> None:
    async with open_app(measured) as pilot:
        await pilot.press("7")
        await shown(pilot, "now")
        screen = screen_of(pilot)
        await pilot.press("left", "left", "H")
        picture = screen._picture
        assert picture is not None
        cell = picture.cell_of(screen._moment)
        assert cell == picture.count - 12
        point = picture.rows[0].cells[cell]
        assert point is not None
        await shown(pilot, f"{with_unit(point.mean, Unit.PERCENT)}  (")
        await pilot.press("escape")
        await shown(pilot, "now")
        await pilot.press("escape")
        await until(pilot, lambda: app_of(pilot).current_mode == "board")


async def test_the_mouse_reads_values_and_chooses_rows_and_views(measured: User) -> None:
    async with open_app(measured) as pilot:
        await pilot.press("7")
        await shown(pilot, "now")
        screen = screen_of(pilot)
        await pilot.click(Chart, offset=(60, 4))
        await until(pilot, lambda: screen._moment is not None)
        before = screen._moment
        await pilot.click("#series", offset=(40, 6))
        await until(pilot, lambda: screen.query_one(LineList).cursor == 6)
        assert screen._moment != before
        await shown(pilot, "Memory  ")
        await pilot.click("#heading", offset=(12, 0))
        await until(pilot, lambda: screen._view is View.PROCESSES)


async def test_processes_are_compared_on_one_scale(measured: User) -> None:
    async with open_app(measured) as pilot:
        await pilot.press("7", "tab")
        await shown(pilot, "web", "of 50 %")
        await pilot.press("m")
        await shown(pilot, "of 128 MiB", "Memory")


async def test_the_process_that_used_most_can_come_first_and_the_cursor_stays_on_its_line(
    board: User, web: Process
) -> None:
    other = note_running(board, "worker", os.getpid())
    fill_metrics(board.database.home, web.room_id, [web.id, other.id], seconds=300)
    async with open_app(board) as pilot:
        await pilot.press("7", "tab")
        await shown(pilot, "web ", "worker ")
        screen = screen_of(pilot)
        assert [row.title for row in screen._picture.rows] == ["web", "worker"]  # type: ignore[union-attr]
        await pilot.press("s")
        await until(pilot, lambda: [row.title for row in screen._picture.rows] == ["worker", "web"])  # type: ignore[union-attr]
        assert screen.query_one(LineList).cursor == 1, "on web still"


async def test_ranges_go_from_a_minute_to_thirty_days(measured: User) -> None:
    async with open_app(measured) as pilot:
        await pilot.press("7")
        await shown(pilot, "last 1h")
        for _ in range(9):
            await pilot.press("+")
        await shown(pilot, "last 1m")
        for _ in range(9):
            await pilot.press("-")
        await shown(pilot, "last 30d")


async def test_the_flow_of_the_board_tells_its_counts(board: User) -> None:
    card = board.add("Fix", status="todo")
    board.add("Write")
    async with open_app(board, size=(120, 30)) as pilot:
        await pilot.press("7", "shift+tab")
        await shown(pilot, "Backlog 1", "Todo 1", "Done 0")
        board.move(card, "done")
        await pilot.press("+")
        await shown(pilot, "Todo 0", "Done 1")


async def test_nothing_is_read_while_another_screen_is_shown(measured: User) -> None:
    async with open_app(measured) as pilot:
        await pilot.press("7", *"++++++")
        await shown(pilot, "last 1m")
        screen = screen_of(pilot)
        await pilot.press("1")
        await until(pilot, lambda: app_of(pilot).current_mode == "board")
        read_at = screen._read_at
        screen._look()
        await pilot.pause(0.1)
        assert screen._read_at == read_at


def test_every_series_has_a_title_and_every_span_a_picture(measured: User, web: Process) -> None:
    assert all(title_of(series) for series in CATALOGUE if "total" not in series.name)
    reader = MetricsReader(measured.database.home)
    for view in View:
        for span in Span:
            for width in (2, 60, 190):
                picture = take_picture(
                    measured.database, reader, web.room_id, view, span, width, processes=[web]
                )  # fmt: skip
                assert 1 <= picture.count <= max(width, 2), (view, span, width)
                assert all(len(row.cells) == picture.count for row in picture.rows)
                assert abs(picture.end - picture.start - span.seconds) <= max(picture.step * 2, 60)


@given(value=st.floats(0, 1e15), binary=st.booleans())
def test_a_scale_is_a_round_number_that_is_not_less(value: float, binary: bool) -> None:
    assert value <= round_up(value, binary=binary) <= max(1024.0 if binary else 1.0, value * 10.001)


async def test_the_values_are_those_of_now_and_none_where_nobody_measures(board: User, web: Process) -> None:
    end = fill_metrics(board.database.home, web.room_id, seconds=30)
    store = MetricsStore(board.database.home)
    store.open()
    async with open_app(board) as pilot:
        await pilot.press("7")
        await shown(pilot, "now")
        store.put(end + 1, {Subject("cpu"): {"percent": 42.25}, Subject("load"): {"one": 3.125}})
        await shown(pilot, "42.2 %", "CPU  42.2 %  now")
        screen = screen_of(pilot)
        screen._now = (end - 100, screen._now[1])
        screen._redraw()
        await shown(pilot, "CPU  -  now")
    store.close()


async def test_it_begins_with_a_span_that_what_was_measured_fills(board: User, web: Process) -> None:
    fill_metrics(board.database.home, web.room_id, seconds=10)
    async with open_app(board) as pilot:
        await pilot.press("7")
        await shown(pilot, "last 1m", "Core 1")
        await pilot.press("minus")
        await shown(pilot, "last 5m")
        await pilot.press("tab")
        await shown(pilot, "last 5m", "web")


async def test_it_stands_any_size(measured: User) -> None:
    async with open_app(measured, size=(300, 80)) as pilot:
        await pilot.press("7", "left", "left")
        await shown(pilot, "Core 1")
        for size in ((40, 10), (20, 5), (80, 24), (12, 3), (120, 40)):
            await pilot.resize_terminal(*size)
            for key in ("tab", "left", "down", "H", "shift+tab", "tab"):
                await pilot.press(key)
        await pilot.press("escape")
        await pilot.press("tab", "tab", "tab")
        await until(pilot, lambda: screen_of(pilot)._view is View.MACHINE)
        await shown(pilot, "Core 1", "Network out")


async def test_a_process_that_ran_within_the_range_is_compared_though_it_is_down(board: User, web: Process) -> None:
    gone = note_state(board, note_running(board, "gone", os.getpid()), ProcessState.STOPPED)
    never = note_state(board, note_running(board, "never", os.getpid()), ProcessState.EXITED)
    fill_metrics(board.database.home, web.room_id, [web.id, gone.id], seconds=120)
    async with open_app(board) as pilot:
        await pilot.press("7", "tab")
        await shown(pilot, "web ", "gone ")
        picture = screen_of(pilot)._picture
        assert picture is not None
        assert [row.title for row in picture.rows] == ["gone", "web"]
        assert never.name not in screen_text(pilot)


@pytest.mark.parametrize("language", ["en", "ja"])
async def test_the_legend_of_the_flow_is_whole_at_80_columns(board: User, home: Home, language: str) -> None:
    home.config.write_text(f"language: {language}\n")
    board.add("Over", status="done")
    try:
        async with open_app(board, size=(80, 24)) as pilot:
            await pilot.press("7", "shift+tab")
            await until(pilot, lambda: screen_of(pilot)._view is View.FLOW and screen_of(pilot)._picture is not None)
            await pilot.press("minus", "minus", "minus", "left")
            await until(pilot, lambda: screen_of(pilot)._moment is not None)
            done = {"en": "█ Done ", "ja": "█ 完了 "}[language]
            await until(pilot, lambda: any(line.partition(done)[2][:1].isdigit() for line in screen_lines(pilot)))
    finally:
        set_language("en")


def screen_lines(pilot: Pilot[object]) -> list[str]:
    return screen_text(pilot).splitlines()
