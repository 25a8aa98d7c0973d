"""The latest output that a runner keeps for who comes to look."""

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from core.processes.runner.screen import KEPT_BYTES, Screen

ENTERS, LEAVES = b"\x1b[?1049h", b"\x1b[?1049l"


def test_byte_by_byte_takes_no_more_memory_than_at_once():
    screen = Screen()
    tracemalloc.start()
    try:
        for number in range(600_000):
            screen.take(b"%02d" % (number % 100))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 2 * KEPT_BYTES
    assert len(screen.picture()) == KEPT_BYTES


@given(
    pieces=st.lists(
        st.sampled_from([b"x" * 100_000, b"y" * 4_321, ENTERS, LEAVES, ENTERS[:4], ENTERS[4:]]), max_size=40
    ),
    parts=st.integers(1, 90_000),
)
def test_the_end_is_kept_and_which_screen_it_is_on(pieces, parts):
    data = b"".join(pieces)
    screen = Screen()
    for begin in range(0, len(data), parts):
        screen.take(data[begin : begin + parts])
    picture = screen.picture()
    kept = picture.removeprefix(ENTERS) if not data.endswith(picture) else picture
    assert data.endswith(kept)
    assert len(kept) > min(len(data), KEPT_BYTES) - len(ENTERS)
    assert (picture.rfind(ENTERS) > picture.rfind(LEAVES)) == (data.rfind(ENTERS) > data.rfind(LEAVES))
