"""The program that looks for users' expressions, one call after the other; seeking.py starts it and asks.

It reads pickled calls and writes pickled answers: ("at", the name of the output that it looks into), ("some", results),
and at last ("done", the result), ("refused", why the expression is none) or ("failed", a traceback). A timer of the
kernel ends it where it spends too long on what it has read last; the end of its input ends it too.
"""

import os
import pickle
import re
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from core.logs.seeking import PATIENCE_S

NICE: Final = 5
"""Screens go first."""
BATCH: Final = 500
BATCH_S: Final = 0.05


class Answering:
    """Carries one call out, and says what comes of it."""

    def __init__(self) -> None:
        self._at = ""

    def watch(self, source: str) -> None:
        """A piece of an output is looked into from now on: time counts anew."""
        signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE_S)
        if source != self._at:
            self._at = source
            say("at", source)

    def answer(self, function: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Call it."""
        signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE_S)
        try:
            watched = [each.watched(self.watch) if hasattr(each, "watched") else each for each in arguments]
            result = function(*watched, **named)
            if isinstance(result, Iterator):
                self._hand_over(result)
                result = None
            say("done", result)
        except re.error as error:
            say("refused", str(error))
        except Exception:
            say("failed", traceback.format_exc())
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)

    def _hand_over(self, results: Iterator[Any]) -> None:
        some: list[Any] = []
        due = time.monotonic() + BATCH_S
        for each in results:
            some.append(each)
            if len(some) >= BATCH or time.monotonic() >= due:
                say("some", some)
                some, due = [], time.monotonic() + BATCH_S
        say("some", some)


def say(kind: str, value: Any) -> None:
    """Write an answer at once."""
    pickle.dump((kind, value), sys.stdout.buffer)
    sys.stdout.buffer.flush()


def main() -> None:
    """Answer until there is no more to answer."""
    os.nice(NICE)
    while True:
        try:
            function, arguments, named = pickle.load(sys.stdin.buffer)  # noqa: S301  # from the program that began us
            Answering().answer(function, arguments, named)
        except (EOFError, BrokenPipeError):
            return


if __name__ == "__main__":
    main()
