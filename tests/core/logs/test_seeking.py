"""A user's expression: found as `re` finds it, and ended where it would take for ever."""

import re
import time

import pytest

from core.errors import InvalidData
from core.logs.seeking import first_line_with, is_quick

ENDLESS = r"^(\w+\s?)+$"


@pytest.mark.parametrize("pattern", ["listening on port", r"port \d\d", "^a|^listening", r"port \d+$", r"^l[^ ]* on"])
def test_the_first_line_with_an_expression_is_found(pattern: str):
    assert first_line_with(pattern, ["starting", "listening on port 80", "listening on port 81"]) == 1
    assert first_line_with(pattern, ["starting", "", "é\ud800"]) is None
    assert first_line_with(pattern, []) is None


def test_an_expression_that_would_take_for_ever_is_ended():
    began = time.monotonic()
    with pytest.raises(InvalidData, match="more than 2 s"):
        first_line_with(ENDLESS, ["a" * 100 + "!"])
    assert time.monotonic() - began < 30


def test_what_is_no_expression_is_said_so():
    with pytest.raises(re.error):
        first_line_with("(+", ["a"])


def test_only_what_repeats_nothing_is_quick():
    assert is_quick("Server started (ready|up)")
    assert not is_quick(ENDLESS)
