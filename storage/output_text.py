"""Lines of output as text: without escape sequences, as a terminal would have left them standing."""

import re
from typing import Final

_ESCAPES: Final = re.compile(
    rb"\x1b(?:"
    rb"\[[0-?]*[ -/]*[@-~]?"  # CSI: colours, cursor
    rb"|\][^\x07\x1b\n]*(?:\x07|\x1b\\)?"  # OSC: titles, links
    rb"|[PX^_][^\x1b\n]*(?:\x1b\\)?"  # DCS, SOS, PM, APC
    rb"|[ -/]*[0-~]?"  # what is left: character sets, modes
    rb")"
)
_CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f]")


def strip_ansi(data: bytes) -> str:
    """A line's text without escape sequences and control characters, as a terminal would have left it standing.

    Of what a carriage return overwrites, the last is kept; invalid UTF-8 becomes U+FFFD.
    """
    if b"\r" in data:
        data = next((part for part in reversed(data.split(b"\r")) if part.strip()), b"")
    return _plain(data)


def searchable(data: bytes) -> str:
    """Lines without escape sequences; what carriage returns overwrite stands beside what they leave."""
    return _plain(data.replace(b"\r\n", b"\n").removesuffix(b"\r").replace(b"\r", b" "))


def _plain(data: bytes) -> str:
    if b"\x1b" in data:
        data = _ESCAPES.sub(b"", data)
    text = data.decode("utf-8", "replace")
    return text if text.isprintable() else _CONTROLS.sub("", text)
