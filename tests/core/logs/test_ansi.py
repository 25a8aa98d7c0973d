"""What of a process's output reaches a terminal or a screen."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidData
from core.logs.ansi import Look, pieces, safe_line, without_escapes
from core.logs.moments import moment_of

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def test_colours_become_looks_and_end_where_they_end():
    assert pieces(b"a \x1b[1;31mred\x1b[0m b") == [
        ("a ", Look()), ("red", Look(foreground=1, bold=True)), (" b", Look())
    ]  # fmt: skip
    assert pieces(b"\x1b[38;2;1;2;3mx")[0][1].foreground == (1, 2, 3)
    assert pieces(b"\x1b[38;5;200;4mx")[0][1] == Look(foreground=200, underline=True)
    assert pieces(b"\x1b[91;48;5;7mx\x1b[39;49my")[1][1] == Look()


def test_what_a_carriage_return_overwrites_is_gone_and_tabs_are_spaces():
    assert pieces(b"10 %\r50 %\r100 %") == [("100 %", Look())]
    assert pieces(b"ab\tc")[0][0] == "ab      c"


@given(st.binary(max_size=300))
def test_no_bytes_do_anything_to_a_terminal(data: bytes):
    shown = safe_line(data.replace(b"\n", b""), has_colour=False)
    assert not any(ord(each) < 32 or 127 <= ord(each) < 160 for each in shown)
    text = "".join(part for part, _look in pieces(data.replace(b"\n", b"")))
    assert not any(ord(each) < 32 or 127 <= ord(each) < 160 for each in text)


@given(st.lists(st.sampled_from(["\x1b", "[", "]", "0", ";", "m", "A", "\x9b", "\x07", "\\", "P", "é"]), max_size=40))
def test_a_coloured_line_has_sgr_and_nothing_else(parts: list[str]):
    import re

    shown = safe_line("".join(parts).encode(), has_colour=True)
    rest = re.sub(r"\x1b\[[0-9;:]*m", "", shown)
    assert not any(ord(each) < 32 or 127 <= ord(each) < 160 for each in rest)


def test_many_lines_are_searched_without_their_colours():
    assert without_escapes(b"\x1b[31ma\x1b[0mb\n\x1b]0;t\x07c\n") == "ab\nc\n"


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("2h", 7200), ("1d", 86_400), ("2026-11-21T11:59:00+00:00", 60)]
)
def test_moments_are_read_as_people_write_them(text: str, seconds: int):
    assert (NOW - moment_of(text, NOW)).total_seconds() == seconds


def test_what_is_no_moment_is_refused():
    for text in ("soon", "25:00", "", "10 parsecs"):
        with pytest.raises(InvalidData):
            moment_of(text, NOW)
