"""A pause of the garbage collector, for what makes many values at once."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collecting_paused() -> Iterator[None]:
    """Without the garbage collector for the block.

    Whoever reads thousands of rows or events makes no cycle; looking for cycles among them takes longer than making
    them.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
