"""Text in terminal cells: how wide it is, where it is cut, where a line may break. The only place that knows.

All texts given here are as `core.text.for_screen` leaves them: one line, no escapes, no zero-width joiners, no
variation selectors. Widths are those of Rich, so that what is measured here is what Textual draws.
"""

from typing import Final

from rich.cells import cell_len, get_character_cell_size

ELLIPSIS: Final = "…"

_NOT_AT_START: Final = frozenset(
    "、。，．・：；？！ー）」』】〕〉》］｝’”ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ々〻ゝゞヽヾ〜～…‥゛゜!?,.:;)]}%％°"
)
_NOT_AT_END: Final = frozenset("（「『【〔〈《［｛‘“([{＄￥$#＃@")
"""Kinsoku: the characters with which Japanese (and any careful) typesetting begins or ends no line."""


def width(text: str) -> int:
    """The cells that `text` takes."""
    if text.isascii():
        return len(text)
    return cell_len(text)


def prefix(text: str, cells: int) -> int:
    """How many characters of `text` fit into `cells`; a combining character stays with its base."""
    head = text[: cells + 1]
    if head.isascii():
        return min(cells, len(text))
    used = 0
    for index, character in enumerate(text):
        used += get_character_cell_size(character)
        if used > cells:
            return index
    return len(text)


def truncate(text: str, cells: int) -> str:
    """`text`, or as much of it as leaves room for an ellipsis in `cells`."""
    if len(text) <= cells and text.isascii():
        return text
    if prefix(text, cells) == len(text):
        return text
    if cells <= 0:
        return ""
    return text[: prefix(text, cells - 1)].rstrip() + ELLIPSIS


def truncate_middle(text: str, cells: int) -> str:
    """`text`, or its beginning and its end with an ellipsis between, so that `web.1` and `web.2` stay two names."""
    if prefix(text, cells) == len(text):
        return text
    end = len(text)
    while end and width(text[end - 1 :]) <= cells // 3:
        end -= 1
    while end < len(text) and not width(text[end]):  # a combining character does not leave its base
        end += 1
    tail = text[end:]
    return text[: prefix(text, cells - width(tail) - 1)].rstrip() + ELLIPSIS + tail if cells > 0 else ""


def fit(text: str, cells: int) -> str:
    """`text` cut or filled with spaces to exactly `cells`."""
    cut = truncate(text, cells)
    return cut + " " * (cells - width(cut))


def wrap(text: str, cells: int, lines: int) -> list[str]:
    """`text` in at most `lines` lines of `cells`; what does not fit ends in an ellipsis. At least one line."""
    result: list[str] = []
    rest = text.strip()
    while True:
        fitting = prefix(rest, cells)
        if fitting >= len(rest):
            return [*result, rest]
        if len(result) == lines - 1:
            return [*result, truncate(rest, cells)]
        cut = _break_at(rest, max(fitting, 1))
        result.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()


def _break_at(text: str, limit: int) -> int:
    """Where to break a text of which `limit` characters fit: at the last good place, unless that wastes the line."""
    for index in range(limit, limit // 3, -1):
        if _may_break(text[index - 1], text[index]):
            return index
    return limit


def _may_break(left: str, right: str) -> bool:
    if left == " " or right == " ":
        return True
    if right in _NOT_AT_START or left in _NOT_AT_END or get_character_cell_size(right) == 0:
        return False
    return left in "-/" or get_character_cell_size(left) == 2 or get_character_cell_size(right) == 2
