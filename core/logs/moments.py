"""Times as people write them: how long ago, a time of day, a date and time."""

import re
from datetime import datetime, timedelta
from typing import Final

from core.errors import InvalidData

_AGO: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(s|sec|m|min|h|d|w)")
_UNITS: Final = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?")


def moment_of(text: str, now: datetime) -> datetime:
    """The moment that a text names, seen from `now` (aware): `10m` ago, `14:03` (the last one), an ISO 8601 time, which
    is local where it says nothing else.

    Raises:
        InvalidData: it names none.
    """
    word = text.strip().lower()
    local = now.astimezone()
    try:
        if ago := _AGO.fullmatch(word):
            return now - timedelta(seconds=float(ago[1]) * _UNITS[ago[2]])
        if clock := _CLOCK.fullmatch(word):
            at = local.replace(hour=int(clock[1]), minute=int(clock[2]), second=int(clock[3] or 0), microsecond=0)
            return at if at <= local else at - timedelta(days=1)
        found = datetime.fromisoformat(text.strip())
        return found if found.tzinfo is not None else found.astimezone()
    except (ValueError, OverflowError):
        raise InvalidData(
            f"{text!r} is no time.", "Give 90s, 10m, 2h or 1d for how long ago, 14:03, or 2026-11-21T14:03."
        ) from None
