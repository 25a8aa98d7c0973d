"""Text that comes from outside: what is let in, and how it is made safe for a terminal."""

import re
from collections.abc import Iterable
from typing import Final

from core.errors import InvalidData

TITLE_LIMIT: Final = 10_000
TEXT_LIMIT: Final = 1_000_000
LABEL_LIMIT: Final = 60
NAME_LIMIT: Final = 60
RESERVED_NAMES: Final = frozenset({"me", "nobody", "none"})
"""Words that stand for an agent, or for none; so no agent may be called so."""

_ESCAPES: Final = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC: window titles, clipboard, links
    r"|\x1b[PX^_][^\x1b]*(?:\x1b\\)?"  # DCS, SOS, PM, APC
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI: colours, cursor
    r"|\x1b[ -/]*[0-~]?"  # the rest
)
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LINE_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_INVISIBLE: Final = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]")
"""Direction overrides can make a title read as what it is not; variation selectors and zero-width characters
make its width differ between us and the terminal."""


def clean_line(text: str, what: str, limit: int) -> str:
    """`text` as one line without escapes and control characters.

    Raises:
        InvalidData: nothing is left, it is longer than `limit` characters, or it is not valid Unicode.
    """
    line = " ".join(_LINE_CONTROLS.sub(" ", _ESCAPES.sub("", _valid(text, what))).split())
    if not for_screen(line).strip():
        raise InvalidData(f"The {what} is empty.", "Give it at least one visible character.")
    if len(line) > limit:
        raise InvalidData(f"The {what} has {len(line):,} characters; at most {limit:,} are allowed.", "Shorten it.")
    return line


def clean_name(text: str, what: str, limit: int) -> str:
    """`text` as `clean_line` gives it, without invisible characters too: no two names look alike that differ.

    Raises:
        InvalidData: nothing is left, it is longer than `limit` characters, or it is not valid Unicode.
    """
    return clean_line(_INVISIBLE.sub("", _ESCAPES.sub("", _valid(text, what))), what, limit)


def shortened(text: str, limit: int) -> str:
    """`text` as one line of at most `limit` characters, with an ellipsis where it was longer."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def clean_lines(texts: Iterable[str], what: str) -> tuple[str, ...]:
    """Several lines, each as `clean_line` gives it and each once.

    Raises:
        InvalidData: one of them is empty or too long.
    """
    return tuple(dict.fromkeys(clean_line(text, what, TITLE_LIMIT) for text in texts))


def clean_labels(labels: Iterable[str], what: str = "label") -> tuple[str, ...]:
    """Labels, or other words as short, each once.

    Raises:
        InvalidData: one of them is empty or too long.
    """
    return tuple(dict.fromkeys(clean_name(label, what, LABEL_LIMIT) for label in labels))


def clean_text(text: str, what: str) -> str:
    """`text` of several lines without escapes and control characters (tabs and line ends stay).

    Raises:
        InvalidData: it is longer than `TEXT_LIMIT` characters or not valid Unicode.
    """
    block = _ESCAPES.sub("", _valid(text, what)).replace("\r\n", "\n").replace("\r", "\n")
    block = _CONTROLS.sub("", block).strip("\n")
    if len(block) > TEXT_LIMIT:
        raise InvalidData(
            f"The {what} has {len(block):,} characters; at most {TEXT_LIMIT:,} are allowed.", "Shorten it."
        )
    return block


def for_screen(text: str) -> str:
    """`text` as one line that draws with the width that it seems to have and does nothing to the terminal."""
    if text.isascii() and text.isprintable():
        return text
    return _INVISIBLE.sub("", _LINE_CONTROLS.sub(" ", _ESCAPES.sub("", text)))


def block_for_screen(text: str) -> str:
    """Like `for_screen`, but line by line."""
    return "\n".join(for_screen(line.expandtabs(4)) for line in text.splitlines())


def _valid(text: str, what: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidData(
            f"The {what} is not valid Unicode at character {error.start}.", "Give it as UTF-8."
        ) from error
    return text
