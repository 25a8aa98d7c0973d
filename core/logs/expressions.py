"""Expressions as people write them, and when one of them is sure to be found quickly."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_SLOW: Final = frozenset("*+?{|\\(")
"""What repeats, chooses or refers back: without any of these a search tries one way at each place."""
LONGEST_QUICK: Final = 200


@dataclass(frozen=True, slots=True)
class Expression:
    """What is looked for in output. It is compiled where it is looked for: that too can take long.

    Args:
        is_typed: into a field for searching: where it is no regular expression it stands for itself, and the case of
            letters matters only if there are capitals.
    """

    text: str
    is_typed: bool = True

    @property
    def pattern(self) -> re.Pattern[str]:
        """Compiled.

        Raises:
            re.error: it is no regular expression, and was not typed into a field.
        """
        return _compiled(self)


@lru_cache(maxsize=256)
def _compiled(expression: Expression) -> re.Pattern[str]:
    text = expression.text
    flags = re.IGNORECASE if expression.is_typed and text == text.lower() else 0
    try:
        return re.compile(text, flags)
    except (re.error, RecursionError, OverflowError) as error:
        if expression.is_typed:
            return re.compile(re.escape(text), flags)
        raise re.error(str(error)) from None


def is_quick(text: str) -> bool:
    """Whether a search for an expression is sure to take no longer than one for a text."""
    return len(text) <= LONGEST_QUICK and _SLOW.isdisjoint(text)
