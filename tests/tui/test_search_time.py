"""The filter's likeness: letters in their order within a word, found in good time whatever text it is."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.board import search


@given(word=st.text("ab]^-é", min_size=1, max_size=3), text=st.text("ab]^-é \n", max_size=12), is_long=st.booleans())
def test_letters_are_found_in_their_order_within_a_word(word: str, text: str, is_long: bool):
    text += " x" * search.LONG * is_long
    in_order = re.compile(r"\S*?".join(map(re.escape, word)))
    assert search._likeness(word)(text) is (in_order.search(text) is not None)


@pytest.mark.parametrize("length", [200, 100_000])
def test_a_long_run_of_a_letter_holds_nothing_up(length: int):
    is_like = search._likeness("eez")
    began = time.process_time()
    for _ in range(5):
        is_like("e" * length)
    assert time.process_time() - began < 2
    assert not re.search("z", "e" * length)
