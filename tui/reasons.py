"""Why a process or a run is as it is, in the person's language; reasons that are told seldom stay English.

The core tells reasons in English, since they are stored, and shared with the command line and JSON.
"""

import re
from typing import Final

from core.text import for_screen
from tui.translation import _, mark

_WORDS: Final = frozenset({"code", "signal", "seconds", "count"})
"""Gaps that hold one word; the others hold anything."""


def _gap(found: re.Match[str]) -> str:
    held = r"[^\s;]+" if found[1] in _WORDS else ".+?"
    return f"(?P<{found[1]}>{held})"


_REASONS: Final = tuple(
    (re.compile(re.sub(r"\\{(\w+)\\}", _gap, re.escape(text)), re.DOTALL), text)
    for text in (
        mark("{reason}; it restarts after {seconds} s"),
        mark("exit code {code}"),
        mark("killed by {signal}"),
        mark("its runner was killed"),
        mark("its end was not seen"),
        mark("its runner has not come up within {seconds} s"),
        mark("it could not be ended, not even killed"),
        mark("its runner was killed; what it left is being ended"),
        mark("liveness probe: {complaint}"),
        mark("readiness probe: {complaint}"),
        mark("not ready yet: {complaint}"),
        mark("restarted {count} times within {seconds} s; the last time: {reason}"),
        mark("waits for {name}, which is stopped"),
        mark("waits for {name}, which has failed"),
        mark("waits for {name}, which has ended"),
        mark("waits for {name}, which there is not"),
        mark("waits for {name}"),
        mark("stops after {name}"),
        mark("depends on itself: {way}"),
        mark("{name}, on which it depends, goes down"),
        mark("{file} has changed: {command} takes it in"),
        mark("the session of its agent is over"),
        mark("it exceeded its time limit of {seconds} s"),
        mark("{name} was stopped under it"),
        mark("{name} died under it"),
        mark("{name} died ({signal}) under it"),
    )
)
"""Each with what it matches; the first that fits is it."""


def reason_text(reason: str) -> str:
    """A reason as it is to be read, safe for the screen."""
    for pattern, text in _REASONS:
        if (found := pattern.fullmatch(reason)) is not None:
            told = found.groupdict()
            if "reason" in told:
                told["reason"] = reason_text(told["reason"])
            return _(text).format(**{name: for_screen(value) for name, value in told.items()})
    return for_screen(reason)
