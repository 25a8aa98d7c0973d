"""The list of lines: what reads otherwise is drawn again, wherever the list is scrolled to, and nothing else."""

from collections.abc import Sequence

import pytest
from textual.app import App, ComposeResult

from tui.widgets.line_list import LineList, Piece, _differing


class Rows(App[None]):
    """A hundred rows, each with a value that the test sets."""

    def __init__(self) -> None:
        super().__init__()
        self.values = dict.fromkeys(range(100), "a")

    def compose(self) -> ComposeResult:
        yield LineList(self._paint)

    def on_mount(self) -> None:
        self.lines.show(100)

    @property
    def lines(self) -> LineList:
        return self.query_one(LineList)

    def _paint(self, row: int) -> Sequence[Piece]:
        return [(f"row {row:3} ", "dim"), (self.values[row], "plain"), (" end", "plain")]

    def shown(self) -> list[str]:
        """The text of each line of the screen, as the terminal has it."""
        return [strip.text.rstrip() for strip in self.screen._compositor.render_strips()]


async def test_what_has_changed_is_drawn_where_the_list_is_scrolled() -> None:
    app = Rows()
    async with app.run_test(size=(40, 10)) as pilot:
        app.lines.action_to(60)
        await pilot.pause()
        top = app.lines.scroll_offset.y
        assert top > 40
        app.values[60] = "b"
        app.lines.refresh_changed()
        await pilot.pause()
        assert app.shown()[60 - top] == "row  60 b end"


async def test_the_cursor_is_drawn_where_the_list_is_scrolled() -> None:
    app = Rows()
    async with app.run_test(size=(40, 10)) as pilot:
        app.lines.action_to(60)
        await pilot.pause()
        app.lines.action_to(55)
        await pilot.pause()
        top = app.lines.scroll_offset.y
        assert [row for row in range(10) if is_ground_of_cursor(app, row)] == [55 - top]


def is_ground_of_cursor(app: Rows, y: int) -> bool:
    (segment, *_) = app.screen._compositor.render_strips()[y]
    assert segment.style is not None
    return segment.style.bgcolor == app.lines._ground(["cursor"]).rich_color


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([("ab", "x"), ("cd", "x"), ("ef", "x")], [("ab", "x"), ("cD", "x"), ("ef", "x")], (2, 2)),
        ([("ab", "x"), ("cd", "x"), ("ef", "x")], [("aB", "x"), ("cd", "x"), ("ef", "y")], (0, 6)),
        ([("日本", "x"), ("cd", "x")], [("日本", "x"), ("ce", "x")], (4, 2)),
        ([("ab", "x")], [("abc", "x")], None),
        ([("ab", "x")], [("ab", "x"), ("", "x")], None),
        ([("日", "x")], [("ab", "x")], (0, 2)),
    ],
)
def test_of_a_row_only_what_differs_is_sent(
    before: Sequence[Piece], after: Sequence[Piece], expected: tuple[int, int] | None
) -> None:
    assert _differing(before, after) == expected


async def test_a_row_that_reads_the_same_is_not_drawn() -> None:
    app = Rows()
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        drawn: list[int] = []
        render = app.lines.render_line
        app.lines.render_line = lambda y: drawn.append(y) or render(y)  # type: ignore[method-assign, func-returns-value]
        app.values[3] = "b"
        app.lines.refresh_changed()
        await pilot.pause()
        assert drawn == [3]
        app.lines.refresh_changed()
        await pilot.pause()
        assert drawn == [3]
