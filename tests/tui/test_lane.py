"""The lane by itself: it knows rows and marks only, and repaints what differs and nothing else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot

from storage import Status, Task, TaskId
from tests.tui.test_card import task as make
from tui.widgets.card import Face, paint_card
from tui.widgets.lane import Ghost, Head, Lane, Look


class Repaints(Lane):
    """A lane that remembers the lines it was asked to repaint."""

    def __init__(self) -> None:
        super().__init__(Status.TODO, face=lambda _: Face(age="2d"))
        self.repainted: list[Region] = []

    def refresh(self, *regions: Region, **options: Any) -> "Repaints":
        if hasattr(self, "repainted"):
            self.repainted.extend(regions)
        super().refresh(*regions, **options)
        return self


class LaneApp(App[None]):
    def compose(self) -> ComposeResult:
        self.lane = Repaints()
        yield self.lane


def cards(count: int) -> list[Task]:
    return [make(id=TaskId(f"tsk_{n}"), number=n, title=f"Card {n}") for n in range(count)]


@asynccontextmanager
async def lane_of(rows: list[Task], height: int = 20) -> AsyncIterator[tuple[Repaints, Pilot[None]]]:
    app = LaneApp()
    async with app.run_test(size=(30, height)) as pilot:
        app.lane.show(rows=rows, head=Head(len(rows), len(rows)))
        await pilot.pause()
        app.lane.repainted.clear()
        yield app.lane, pilot


def lines_of(regions: list[Region]) -> set[int]:
    return {line for region in regions for line in range(region.y, region.bottom)}


async def test_a_cursor_step_repaints_two_cards() -> None:
    rows = cards(100)
    async with lane_of(rows) as (lane, _):
        lane.show(look=Look(cursor=rows[0].id))
        lane.repainted.clear()
        lane.show(look=Look(cursor=rows[1].id))
        assert lines_of(lane.repainted) == {2, 3, 5, 6}


async def test_nothing_new_repaints_nothing() -> None:
    rows = cards(100)
    async with lane_of(rows) as (lane, _):
        lane.show(rows=list(rows), look=Look(), head=Head(100, 100))
        assert not lane.repainted


async def test_one_changed_card_repaints_its_lines() -> None:
    rows = cards(100)
    async with lane_of(rows) as (lane, _):
        lane.show(rows=[rows[0], replace(rows[1], comment_count=1), *rows[2:]])
        assert lines_of(lane.repainted) == {6}


async def test_a_change_out_of_view_repaints_nothing() -> None:
    rows = cards(100)
    async with lane_of(rows) as (lane, _):
        lane.show(rows=[*rows[:50], replace(rows[50], title="Other"), *rows[51:]])
        assert not lane.repainted


async def test_cards_above_the_view_leave_it_as_it_is() -> None:
    rows = cards(100)
    async with lane_of(rows) as (lane, _):
        lane.scroll_to_line(60)
        first = lane.stack.nearest(0)
        lane.repainted.clear()
        lane.show(rows=[make(id=TaskId("tsk_new"), title="New"), *rows])
        assert lane.stack.nearest(0) == first
        assert lines_of(lane.repainted) <= {0, 1, *range(2, 20)}
        assert lane.offset_lines == 63


async def test_the_size_of_the_lane_never_lays_the_screen_out_anew() -> None:
    rows = cards(100)
    async with lane_of(rows) as (lane, _):
        size = lane.virtual_size
        lane.show(rows=cards(10_000))
        assert lane.virtual_size == size


async def test_what_lies_under_a_point() -> None:
    rows = cards(3)
    async with lane_of(rows) as (lane, _):
        assert lane.hit(0).in_header
        assert (lane.hit(2).task, lane.hit(2).slot) == (rows[0].id, 0)
        assert (lane.hit(4).task, lane.hit(4).slot) == (rows[0].id, 1)
        assert (lane.hit(15).task, lane.hit(15).slot) == (None, 3)


async def test_the_ghost_lies_between_the_cards_and_takes_a_point_as_its_own() -> None:
    rows = cards(3)
    async with lane_of(rows) as (lane, _):
        lane.show(look=Look(ghost=Ghost(rows[2], 1)))
        assert lane.stack.ghost_line() == 3
        assert lane.hit(5).slot == 1
        assert lane.hit(8).task == rows[1].id


async def test_it_scrolls_no_further_than_its_ends() -> None:
    rows = cards(100)
    async with lane_of(rows) as (lane, _):
        assert not lane.scroll_lines(-5)
        assert lane.scroll_lines(10_000)
        assert not lane.scroll_lines(1)
        lane.show(rows=rows[:3])
        assert lane.offset_lines == 0


async def test_a_card_out_of_view_is_revealed_whole() -> None:
    rows = cards(100)
    async with lane_of(rows) as (lane, _):
        assert lane.reveal(rows[40].id)
        line = lane.stack.screen_line_of(rows[40].id)
        assert line is not None
        assert 0 <= line <= lane.page - 3
        assert not lane.reveal(rows[40].id)


async def test_another_theme_is_another_picture_at_once() -> None:
    rows = cards(3)
    async with lane_of(rows) as (lane, pilot):
        before = lane.render_line(2)
        pilot.app.theme = "textual-light"
        await pilot.pause()
        assert lane.render_line(2) != before
        assert lane.render_line(2).text == before.text
        drawn = [lane.render_line(line) for line in range(lane.size.height)]
        lane.notify_style_update()
        assert [lane.render_line(line) for line in range(lane.size.height)] == drawn, "colours of both themes"


async def test_a_lane_that_only_gets_shorter_paints_no_card_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    painted: list[TaskId] = []

    def spy(task: Task, *others: Any) -> Any:
        painted.append(task.id)
        return paint_card(task, *others)

    async with lane_of(cards(100)) as (_, pilot):
        monkeypatch.setattr("tui.widgets.lane_painter.paint_card", spy)
        await pilot.resize_terminal(30, 18)
        await pilot.pause()
        assert not painted
        await pilot.resize_terminal(28, 18)
        await pilot.pause()
        assert painted, "another width wraps other words"
