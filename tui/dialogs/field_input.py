"""What a person types into the fields of a task, read into values, and values written as one would type them."""

import re
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Final

from core.board.commands import LONGEST_LIMIT_S, MOST_ATTEMPTS
from core.text import LABEL_LIMIT, TITLE_LIMIT
from storage import Task, TaskId
from tui.translation import _


class Unreadable(ValueError):
    """What was typed cannot be read; the message says how to write it."""


_DURATION: Final = re.compile(r"(?:(\d+(?:\.\d+)?)\s*d)?\s*(?:(\d+(?:\.\d+)?)\s*h)?\s*(?:(\d+)\s*m(?:in)?)?")
WORKDAY_HOURS: Final = 8


def read_title(text: str) -> str:
    """A title.

    Raises:
        Unreadable: it is empty or too long.
    """
    title = text.strip()
    if not title:
        raise Unreadable(_("A task needs a title."))
    if len(title) > TITLE_LIMIT:
        raise Unreadable(_("At most {limit:,} characters.").format(limit=TITLE_LIMIT))
    return title


def read_labels(text: str) -> tuple[str, ...]:
    """Labels, parted by commas.

    Raises:
        Unreadable: one is too long.
    """
    labels = tuple(dict.fromkeys(" ".join(each.split()) for each in text.split(",") if each.strip()))
    if any(len(label) > LABEL_LIMIT for label in labels):
        raise Unreadable(_("A label has at most {limit} characters.").format(limit=LABEL_LIMIT))
    return labels


def read_estimate(text: str) -> int | None:
    """Minutes, from `90`, `90m`, `1h 30m`, `1.5h` or `2d` (days of 8 hours).

    Raises:
        Unreadable: it is none of these, or nothing.
    """
    text = text.strip().lower()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        minutes = int(text)
    else:
        match = _DURATION.fullmatch(text)
        if match is None or not any(match.groups()):
            raise Unreadable(_("Write it like 90m, 1h 30m or 2d."))
        days, hours, rest = (float(each or 0) for each in match.groups())
        minutes = round((days * WORKDAY_HOURS + hours) * 60 + rest)
    if not 0 < minutes <= 1_000_000:
        raise Unreadable(_("Between one minute and a million."))
    return minutes


def read_due(text: str, today: date) -> date | None:
    """A day, from `2026-12-01`, `today`, `tomorrow`, `+3` or `3 days`.

    Raises:
        Unreadable: it is none of these.
    """
    text = text.strip().lower()
    if not text:
        return None
    words = {"today": 0, "tomorrow": 1, "next week": 7}
    if text in words:
        return today + timedelta(days=words[text])
    if match := re.fullmatch(r"\+?(\d{1,4})(?:\s*d(?:ays?)?)?", text):
        return today + timedelta(days=int(match[1]))
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Unreadable(_("Write it like 2026-12-01, tomorrow or +3.")) from None


def read_dependencies(text: str, by_number: Callable[[int], Task | None], own: TaskId | None) -> tuple[TaskId, ...]:
    """Tasks, from numbers such as `#3, 7`.

    Raises:
        Unreadable: one is no number, names no task, or the task itself.
    """
    found: dict[TaskId, None] = {}
    for word in re.split(r"[,\s]+", text.strip()):
        if not word:
            continue
        number = word.removeprefix("#")
        task = by_number(int(number)) if number.isascii() and number.isdigit() and len(number) < 12 else None
        if task is None:
            raise Unreadable(_("There is no task {word}. Write numbers, like #3, #7.").format(word=word))
        if task.id == own:
            raise Unreadable(_("#{number} cannot wait for itself.").format(number=task.number))
        found[task.id] = None
    return tuple(found)


def read_parent(text: str, by_number: Callable[[int], Task | None], own: TaskId | None) -> TaskId | None:
    """The task that another is a part of, from a number such as `#3`.

    Raises:
        Unreadable: it is no number, names no task, or the task itself.
    """
    found = read_dependencies(text, by_number, own)
    if len(found) > 1:
        raise Unreadable(_("A task is a part of one other at most."))
    return found[0] if found else None


def read_attempts(text: str) -> int:
    """How often a command is tried at most.

    Raises:
        Unreadable: it is no number from 1 to 100.
    """
    word = text.strip() or "1"
    if not (word.isascii() and word.isdigit() and len(word) < 4 and 1 <= int(word) <= MOST_ATTEMPTS):
        raise Unreadable(_("A number from 1 to {most}.").format(most=MOST_ATTEMPTS))
    return int(word)


def read_seconds(text: str) -> int | None:
    """Seconds, from `90`, `90s`, `10m` or `2h`.

    Raises:
        Unreadable: it is none of these, or nothing.
    """
    word = text.strip().lower()
    if not word:
        return None
    match = re.fullmatch(r"(\d{1,7})\s*([smh]?)", word)
    seconds = int(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]] if match else 0
    if not 1 <= seconds <= LONGEST_LIMIT_S:
        raise Unreadable(_("Write it like 90s, 10m or 2h."))
    return seconds


def write_seconds(seconds: int | None) -> str:
    """Seconds as one would type them: `10m`."""
    if seconds is None:
        return ""
    for length, unit in ((3600, "h"), (60, "m")):
        if seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def write_estimate(minutes: int | None) -> str:
    """Minutes as one would type them: `1h 30m`."""
    if minutes is None:
        return ""
    hours, rest = divmod(minutes, 60)
    return " ".join(part for part in (f"{hours}h" if hours else "", f"{rest}m" if rest else "") if part)


def write_dependencies(numbers: Iterable[int]) -> str:
    """Numbers as one would type them."""
    return ", ".join(f"#{number}" for number in numbers)
