"""Users' expressions: found as `re` finds them, and ended where they would take for ever or nobody waits."""

import os
import re
import threading
import time
from collections.abc import Iterator

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.logs.expressions import Expression, is_quick
from core.logs.seeking import (
    PATIENCE_S,
    Seeker,
    SeekingStopped,
    TooSlow,
    first_fitting,
    first_line_with,
    fitting,
)
from core.logs.window import Window, kept_between, sources_of
from tests.support.outputs import Printing, add_process
from tests.support.users import User

ENDLESS = [r"(a+)+$", r"^(\w+\s?)+$", r"(\w+\s?)*!", "(a|a)" * 40 + "b", r"^(a|aa)*\1$"]
LONG = "a" * 100 + "?"


@pytest.fixture(scope="module")
def seeker() -> Iterator[Seeker]:
    with Seeker() as seeker:
        yield seeker


def child_of(seeker: Seeker) -> psutil.Process:
    before = set(psutil.Process().children())
    seeker.begin()
    (child,) = set(psutil.Process().children()) - before
    return child


@pytest.mark.parametrize("pattern", ["listening on port", r"port \d\d", "^a|^listening", r"port \d+$", r"^l[^ ]* on"])
def test_the_first_line_with_an_expression_is_found(pattern: str):
    assert first_line_with(pattern, ["starting", "listening on port 80", "listening on port 81"]) == 1
    assert first_line_with(pattern, ["starting", "", "é\ud800"]) is None
    assert first_line_with(pattern, []) is None


@pytest.mark.parametrize("pattern", ENDLESS)
def test_an_expression_that_would_take_for_ever_is_ended(pattern: str):
    began = time.monotonic()
    with pytest.raises(TooSlow, match="more than 2 s"):
        first_line_with(pattern, [LONG])
    assert time.monotonic() - began < 60


def test_what_is_no_expression_is_said_so(seeker: Seeker):
    with pytest.raises(re.error, match="nothing to repeat"):
        first_line_with("(+", ["a"])
    with pytest.raises(re.error, match="nothing to repeat"):
        seeker.call(fitting, Expression("(+", is_typed=False), ["a"])
    assert seeker.call(fitting, Expression("(+"), ["a", "x(+"]) == [1], "what was typed stands for itself"


@pytest.mark.parametrize("pattern", ENDLESS)
def test_only_what_tries_one_way_is_quick(pattern: str):
    assert is_quick("Server started, 100% [ready].")
    assert not is_quick(pattern)
    assert not is_quick("[a]" * 100)


@pytest.mark.parametrize(
    ("typed", "line", "is_found"),
    [("needle", "a NEEDLE", True), ("Needle", "a needle", False), ("Needle", "a Needle", True), ("(", "f(x)", True),
     ("日本", "こんにちは日本語", True), (r"^\d+ ms$", "12 ms", True), ("a{", "A{}", True)],
)  # fmt: skip
def test_what_is_typed_is_taken_as_people_mean_it(typed: str, line: str, is_found: bool):
    assert bool(Expression(typed).pattern.search(line)) is is_found


ATOMS = st.sampled_from(["a", "b", "é", "日", ".", r"\d", r"\w", r"\s", "[ab]", "[^a]", r"\.", "1", " ", "{", "A"])
REPEATED = st.tuples(ATOMS, st.sampled_from(["", "", "*", "+", "?", "{2}", "*?", "{1,2}"])).map("".join)
ROW = st.lists(REPEATED, min_size=1, max_size=5).map("".join)
ORDINARY = st.tuples(
    st.sampled_from(["", "^", r"\b"]), ROW, st.sampled_from(["", "$", r"\b", "|b1", "(a|b)", r"(?=a)"])
)
LINES = st.lists(st.text("abAéÉ日1 .{\u3042\ud800", max_size=12), max_size=6)


@given(expression=st.builds(Expression, ORDINARY.map("".join), st.booleans()), lines=LINES)
def test_ordinary_expressions_are_found_where_re_finds_them(seeker: Seeker, expression: Expression, lines: list[str]):
    search = expression.pattern.search
    assert seeker.call(fitting, expression, lines) == [number for number, line in enumerate(lines) if search(line)]
    if not expression.is_typed:
        found = seeker.call(first_fitting, expression, lines)
        assert found == next((number for number, line in enumerate(lines) if re.search(expression.text, line)), None)


def test_it_goes_on_with_others_after_one_was_too_slow(seeker: Seeker):
    with pytest.raises(TooSlow):
        seeker.call(fitting, Expression(ENDLESS[0]), [LONG])
    assert seeker.call(fitting, Expression("a$"), ["a", "b"]) == [0]


def test_what_goes_wrong_there_is_told_here_and_ends_nothing(seeker: Seeker):
    with pytest.raises(RuntimeError, match="No such file"):
        seeker.call(os.listdir, "/nowhere")
    assert seeker.call(fitting, Expression("a"), ["a"]) == [0]


def test_what_is_stopped_ends_at_once_and_leaves_nothing():
    seeker = Seeker()
    child = child_of(seeker)
    began = time.monotonic()
    threading.Timer(0.3, seeker.stop).start()
    with pytest.raises(SeekingStopped):
        seeker.call(fitting, Expression(ENDLESS[0]), [LONG])
    assert time.monotonic() - began < PATIENCE_S
    seeker.close()
    assert not child.is_running()
    with pytest.raises(SeekingStopped):
        seeker.call(fitting, Expression("a"), ["a"])


def test_a_search_that_nobody_takes_to_its_end_is_ended():
    with Seeker() as seeker:
        many = seeker.each(iter, [*range(100_000)])
        assert next(many) == 0
        many.close()
        assert seeker.call(fitting, Expression("a"), ["a"]) == [0]


@pytest.mark.parametrize("slow", ["web", "db"])
def test_it_tells_in_which_log_it_took_too_long(board: User, seeker: Seeker, slow: str):
    processes = [add_process(board, name) for name in ("db", "web")]
    outputs = {each.name: Printing(board, each) for each in processes}
    for number in range(20):
        outputs[("db", "web")[number % 2]].say(f"a line {number}")
    outputs[slow].say("a" * 100 + " !")
    window = Window(sources_of(board.database.home, processes))
    end = window.end()
    with pytest.raises(TooSlow, match=f"the log of {slow}") as caught:
        list(seeker.each(kept_between, window, window.begin(), end, Expression(r"line|^(a+)+$")))
    assert caught.value.source == slow
    with pytest.raises(TooSlow, match=f"the log of {slow}"):
        seeker.call(Window.find, window, end, Expression(r"^(a+)+$").pattern, forward=False)


def test_a_long_search_is_not_a_slow_one(board: User):
    """What is spent counts for each piece that is read, however many there are."""
    process = add_process(board, "web")
    output = Printing(board, process)
    for _ in range(50):
        output.write(b"".join(b"%04d %s\n" % (number, b"a" * 120) for number in range(1000)))
    window = Window(sources_of(board.database.home, [process]))
    quadratic = Expression("a+x")
    with Seeker() as seeker:
        child = child_of(seeker)
        found = seeker.each(kept_between, window, window.begin(), window.end(), quadratic)
        while child.cpu_times().user < 1.5 * PATIENCE_S:
            assert list(found) == []
            found = seeker.each(kept_between, window, window.begin(), window.end(), quadratic)
