"""Sparklines as text: values as blocks of eighths, one row high in a line of a table, several in a chart.

Pure functions, for views that draw by line: never a widget for each.
"""

from collections.abc import Sequence
from typing import Final

BLOCKS: Final = " ▁▂▃▄▅▆▇█"
PLAIN: Final = " .:-=+*%#"
"""The same in ASCII, from little ink to much, for terminals without Unicode."""

Value = float | None
"""A value, or None where nothing was measured: drawn as nothing, not as zero."""


def sparkline(
    values: Sequence[Value], width: int, *, low: float = 0.0, high: float | None = None, ascii: bool = False
) -> str:
    """Values as one row of exactly `width` cells, the newest last; blank where nothing was measured.

    More values than cells share them, the greatest showing: a peak is what one looks for. Fewer stand at the right.

    Args:
        low: the value of an empty cell; what lies below is drawn as it.
        high: the value of a full cell; the greatest value if omitted.
        ascii: without Unicode.
    """
    return chart(values, width, 1, low=low, high=high, ascii=ascii)[0]


def chart(
    values: Sequence[Value], width: int, height: int, *, low: float = 0.0, high: float | None = None,
    ascii: bool = False,
) -> list[str]:  # fmt: skip
    """Values as `height` rows of exactly `width` cells, from the top. See `sparkline`."""
    glyphs = PLAIN if ascii else BLOCKS
    shown = fitted(values, width)
    top = greatest(shown) if high is None else high
    eighths = [None if value is None else _eighths(value, low, top, height) for value in shown]
    return [
        "".join(" " if each is None else glyphs[max(0, min(8, each - 8 * row))] for each in eighths)
        for row in range(height - 1, -1, -1)
    ]


def fitted(values: Sequence[Value], width: int) -> list[Value]:
    """Values in exactly `width` places: those that share one as the greatest of them, None before the first."""
    if width <= 0:
        return []
    count = len(values)
    if count <= width:
        return [None] * (width - count) + list(values)
    edges = [count * place // width for place in range(width + 1)]
    return [_greatest_of(values[edges[place] : edges[place + 1]]) for place in range(width)]


def greatest(values: Sequence[Value]) -> float:
    """The greatest value; 0 where there is none."""
    return _greatest_of(values) or 0.0


def _greatest_of(values: Sequence[Value]) -> Value:
    measured = [value for value in values if value is not None]
    return max(measured) if measured else None


def _eighths(value: float, low: float, high: float, height: int) -> int:
    """How many eighths of a cell a value is high. What is measured shows at least one, so that it differs from none."""
    if high <= low:
        return 1
    share = (value - low) / (high - low)
    return max(1, min(8 * height, round(share * 8 * height)))
