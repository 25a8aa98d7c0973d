"""How other programs' words become ours: statuses, priorities, dates, durations, names."""

import re
from datetime import date
from typing import Any, Final

from core.transfer.board import Unmapped
from storage import Priority, Status

STATUSES: Final = {
    "backlog": Status.BACKLOG, "draft": Status.BACKLOG, "deferred": Status.BACKLOG, "icebox": Status.BACKLOG,
    "todo": Status.TODO, "pending": Status.TODO, "open": Status.TODO, "new": Status.TODO, "ready": Status.TODO,
    "inprogress": Status.IN_PROGRESS, "doing": Status.IN_PROGRESS, "started": Status.IN_PROGRESS,
    "active": Status.IN_PROGRESS, "wip": Status.IN_PROGRESS,
    "blocked": Status.BLOCKED, "onhold": Status.BLOCKED, "waiting": Status.BLOCKED,
    "review": Status.REVIEW, "inreview": Status.REVIEW, "testing": Status.REVIEW, "qa": Status.REVIEW,
    "done": Status.DONE, "completed": Status.DONE, "complete": Status.DONE, "closed": Status.DONE,
    "finished": Status.DONE, "resolved": Status.DONE,
    "archived": Status.ARCHIVED, "cancelled": Status.ARCHIVED, "canceled": Status.ARCHIVED,
}  # fmt: skip

PRIORITIES: Final = {
    "low": Priority.LOW, "lowest": Priority.LOW, "minor": Priority.LOW,
    "normal": Priority.NORMAL, "medium": Priority.NORMAL, "none": Priority.NORMAL,
    "high": Priority.HIGH, "highest": Priority.URGENT, "major": Priority.HIGH,
    "urgent": Priority.URGENT, "critical": Priority.URGENT, "blocker": Priority.URGENT,
}  # fmt: skip

_DAY: Final = 8 * 60
_UNITS: Final = {
    "": 1, "m": 1, "min": 1, "minute": 1, "h": 60, "hr": 60, "hour": 60, "d": _DAY, "day": _DAY, "w": 5 * _DAY,
    "week": 5 * _DAY,
}  # fmt: skip
"""Minutes of a unit; days and weeks are those of work."""

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)[\s,]*")


class Gaps:
    """Collects what finds no place while one file is read."""

    def __init__(self) -> None:
        self.found: list[Unmapped] = []

    def add(self, item: str, field: str, value: Any, why: str) -> None:
        """Note one value of one item."""
        text = value if isinstance(value, str) else str(value)
        item, text = (_valid(each) for each in (item, text))
        self.found.append(Unmapped(item, field, text if len(text) <= 200 else text[:199] + "…", why))

    def status(self, item: str, word: str, *, default: Status = Status.TODO) -> Status:
        """The status that a word means; the default, and a note, where it means none of ours."""
        if not word.strip():
            return default
        found = STATUSES.get(_plain(word))
        if found is None:
            self.add(item, "status", word, f"unknown; it comes to {default}")
        return found or default

    def priority(self, item: str, word: str) -> Priority:
        """The priority that a word means; normal, and a note, where it means none of ours."""
        if not word.strip():
            return Priority.NORMAL
        found = PRIORITIES.get(_plain(word))
        if found is None:
            self.add(item, "priority", word, "unknown; it becomes normal")
        return found or Priority.NORMAL

    def day(self, item: str, field: str, text: str) -> date | None:
        """The date that a text begins with; none, and a note, where it begins with none."""
        if not text.strip():
            return None
        try:
            return date.fromisoformat(text.strip()[:10])
        except ValueError:
            self.add(item, field, text, "no date such as 2026-11-20")
            return None

    def minutes(self, item: str, field: str, text: str) -> int | None:
        """The minutes that a text means: `90`, `90m`, `1h 30m`, `2d`; none, and a note, where it means none."""
        plain = text.strip().lower()
        if not plain:
            return None
        parts = [(float(number), _UNITS.get(unit.rstrip("s"))) for number, unit in _DURATION.findall(plain)]
        if not parts or _DURATION.sub("", plain) or any(unit is None for _, unit in parts):
            self.add(item, field, text, "no duration such as 90 or 1h 30m")
            return None
        total = round(sum(number * (unit or 1) for number, unit in parts))
        if not 0 < total <= 1_000_000:
            self.add(item, field, text, "no sensible duration")
            return None
        return total


def _valid(text: str) -> str:
    """The text in valid Unicode: that it is not may be why it is left out."""
    return text.encode("utf-8", "backslashreplace").decode()


def _plain(word: str) -> str:
    return re.sub(r"[\W_]+", "", word.casefold())
