"""Looking for a user's expression in lines of output, however long that would take.

An expression with a repeat in a repeat can take for ever over one line, and would hold the whole program: its threads
share one interpreter, which the search does not let go of. So any with repeats is sought in a process of its own, whose
time is bounded by the kernel.
"""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from core.errors import InvalidData

CPU_S: Final = 2
"""Most that a search may take; what has to be read at once takes a hundredth."""

_REPEATS: Final = frozenset("*+?{")

_PROGRAM: Final = f"""
import json, re, resource, sys
resource.setrlimit(resource.RLIMIT_CPU, ({CPU_S}, {CPU_S}))
pattern, lines = json.load(sys.stdin)
search = re.compile(pattern).search
print(next((number for number, line in enumerate(lines) if search(line)), -1))
"""


def is_quick(pattern: str) -> bool:
    """Whether a search for an expression is sure to take no longer than one for a text."""
    return _REPEATS.isdisjoint(pattern)


def first_line_with(pattern: str, lines: Sequence[str]) -> int | None:
    """The number of the first line in which an expression is found. Blocking: for a thread, not for an event loop.

    Raises:
        InvalidData: the expression takes too long over these lines.
        OSError: the machine allows no more processes.
        re.error: it is no expression.
    """
    if is_quick(pattern):
        search = _compiled(pattern).search
        return next((number for number, line in enumerate(lines) if search(line)), None)
    _compiled(pattern)
    sought = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _PROGRAM],
        input=json.dumps((pattern, lines)).encode(), capture_output=True, check=False,
    )  # fmt: skip
    if sought.returncode:
        raise InvalidData(
            f"The expression {pattern!r} takes more than {CPU_S} s over some lines.",
            "Write it so that no repeat stands within another.",
        )
    number = int(sought.stdout)
    return number if number >= 0 else None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
