"""Output of processes made safe: of all escape sequences only colours and text attributes (SGR) are kept."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from core.text import for_screen

LONGEST_SHOWN: Final = 16_384
"""Bytes of a line that are looked at to show it: what is longer is cut."""
TAB: Final = 8

_SGR: Final = re.compile(r"\x1b\[([0-9;:]*)m")
_ESCAPES: Final = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC: titles, clipboard, links
    r"|\x1b[PX^_][^\x1b]*(?:\x1b\\)?"  # DCS, SOS, PM, APC
    r"|(?:\x1b\[|\x9b)(?![0-9;:]*m)[0-?]*[ -/]*[@-~]?"  # CSI but SGR
    r"|\x9b[0-?]*[ -/]*[@-~]?"
    r"|\x1b(?!\[)[ -/]*[0-~]?"
)

Colour = int | tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Look:
    """How a text is drawn: colours of the terminal's palette (0 to 255) or true ones; None is the terminal's own."""

    foreground: Colour | None = None
    background: Colour | None = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False
    strike: bool = False


PLAIN: Final = Look()
_ON: Final = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "reverse", 9: "strike"}
_OFF: Final = {22: ("bold", "dim"), 23: ("italic",), 24: ("underline",), 27: ("reverse",), 29: ("strike",)}


def pieces(data: bytes) -> list[tuple[str, Look]]:
    """A line as texts that are safe for the screen, each with its look. Of what a carriage return overwrites the last
    is kept; tabs become spaces."""
    found = []
    column = 0
    for text, look in _parts(data):
        shown = for_screen(_expanded(text, column))
        column += len(shown)
        if shown:
            found.append((shown, look))
    return found


def safe_line(data: bytes, *, has_colour: bool) -> str:
    """A line for a terminal: with its colours, which end with it, or without."""
    text = _text_of(data)
    if not has_colour or "\x1b" not in text:
        return _safe(_SGR.sub("", text))
    parts: list[str] = []
    position = 0
    for match in _SGR.finditer(text):
        parts += [_safe(text[position : match.start()]), match.group()]
        position = match.end()
    return "".join([*parts, _safe(text[position:]), "\x1b[0m"])


def without_escapes(data: bytes) -> str:
    """Output of many lines as text without escape sequences."""
    text = data.decode("utf-8", "replace")
    return _SGR.sub("", _ESCAPES.sub("", text)) if "\x1b" in text or "\x9b" in text else text


def _parts(data: bytes) -> Iterator[tuple[str, Look]]:
    text = _text_of(data[:LONGEST_SHOWN])
    if "\x1b" not in text:
        yield text, PLAIN
        return
    look, position = PLAIN, 0
    for match in _SGR.finditer(text):
        if match.start() > position:
            yield text[position : match.start()], look
        look = looking(look, match.group(1))
        position = match.end()
    yield text[position:], look


@lru_cache(maxsize=1024)
def looking(look: Look, parameters: str) -> Look:
    """The look after an SGR sequence; what is not understood changes nothing."""
    codes = [int(each) if each.isdigit() and len(each) < 5 else 0 for each in re.split("[;:]", parameters)]
    while codes:
        code = codes.pop(0)
        if code == 0:
            look = PLAIN
        elif code in _ON:
            look = replace(look, **{_ON[code]: True})
        elif code in _OFF:
            look = replace(look, **dict.fromkeys(_OFF[code], False))
        elif 30 <= code <= 37 or 90 <= code <= 97:
            look = replace(look, foreground=code - 30 if code < 40 else code - 82)
        elif 40 <= code <= 47 or 100 <= code <= 107:
            look = replace(look, background=code - 40 if code < 50 else code - 92)
        elif code in (38, 48):
            colour = _colour(codes)
            if colour is not None and code == 38:
                look = replace(look, foreground=colour)
            elif colour is not None:
                look = replace(look, background=colour)
        elif code == 39:
            look = replace(look, foreground=None)
        elif code == 49:
            look = replace(look, background=None)
    return look


def _colour(codes: list[int]) -> Colour | None:
    """The colour of `5;n` or `2;r;g;b`, taken from the front of the codes."""
    if codes[:1] == [5] and len(codes) >= 2:
        colour = codes[1]
        del codes[:2]
        return colour if colour < 256 else None
    if codes[:1] == [2] and len(codes) >= 4:
        red, green, blue = codes[1:4]
        del codes[:4]
        return (red, green, blue) if max(red, green, blue) < 256 else None
    codes.clear()
    return None


def _text_of(data: bytes) -> str:
    if b"\r" in data:
        data = next((part for part in reversed(data.split(b"\r")) if part.strip()), b"")
    text = data.decode("utf-8", "replace")
    return _ESCAPES.sub("", text) if "\x1b" in text or "\x9b" in text else text


def _expanded(text: str, column: int) -> str:
    if "\t" not in text:
        return text
    return (" " * (column % TAB) + text).expandtabs(TAB)[column % TAB :]


def _safe(text: str) -> str:
    return for_screen(text.expandtabs(TAB)) if text else text
