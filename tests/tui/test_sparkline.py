"""Sparklines: exactly so many cells, whatever the values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.widgets.sparkline import BLOCKS, PLAIN, chart, sparkline

VALUES = st.lists(st.none() | st.floats(-1e12, 1e12), max_size=200)


def test_values_are_blocks_of_eighths() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7, 8], 9) == "▁▁▂▃▄▅▆▇█"
    assert sparkline([50, 100], 2, high=100) == "▄█"
    assert sparkline([50, 100], 2, high=100, ascii=True) == "=#"


def test_fewer_values_than_cells_stand_at_the_right() -> None:
    assert sparkline([8], 4) == "   █"


def test_a_peak_among_many_values_shows() -> None:
    assert sparkline([0] * 50 + [9] + [0] * 49, 10) == "▁▁▁▁▁█▁▁▁▁"


def test_what_was_not_measured_is_blank_and_not_zero() -> None:
    assert sparkline([None, 0, None, 4], 4) == " ▁ █"
    assert sparkline([], 3) == "   "


def test_a_chart_stands_on_its_ground() -> None:
    assert chart([4, 8, 16], 3, 2) == ["  █", "▄██"]


@given(values=VALUES, width=st.integers(0, 120), height=st.integers(1, 8), ascii=st.booleans())
def test_a_chart_has_exactly_its_cells(values: list[float | None], width: int, height: int, ascii: bool) -> None:
    rows = chart(values, width, height, ascii=ascii)
    assert [len(row) for row in rows] == [width] * height
    assert set("".join(rows)) <= set(PLAIN if ascii else BLOCKS)


@pytest.mark.parametrize("high", [0.0, -5.0])
def test_a_scale_without_extent_is_no_error(high: float) -> None:
    assert sparkline([1, 2], 2, high=high) == "▁▁"
