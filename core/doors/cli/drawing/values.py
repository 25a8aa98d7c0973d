"""Single values in words: times and ages, labels, names, what an agent does, where a handoff stands."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from core.doors.cli.table import BLUE, BOLD, CYAN, DIM, GREEN, MAGENTA, RED, YELLOW, styled
from core.text import block_for_screen, for_screen
from storage import Ending, parse_time

Wire = Mapping[str, Any]

STATUS_STYLES: Final = {
    "backlog": DIM, "todo": BLUE, "in_progress": CYAN, "blocked": RED, "review": MAGENTA, "done": GREEN,
    "archived": DIM,
}  # fmt: skip
PRIORITY_STYLES: Final = {"low": DIM, "high": YELLOW, "urgent": RED}
STATE_STYLES: Final = {"working": GREEN, "waiting": YELLOW, "idle": BLUE, "ended": DIM, "unknown": DIM}
ENDING_STYLES: Final = {"completed": GREEN, "failed": RED, "given_back": YELLOW, "abandoned": YELLOW}
HANDOFF_STYLES: Final = {"pending": YELLOW, "acknowledged": CYAN, "completed": GREEN, "declined": RED}
LONGEST_VALUE: Final = 60
MOST_NUMBERS: Final = 20
"""More tasks than this are counted rather than named."""
SHOWN_OF_ID: Final = 8
"""Characters of a handoff's id that are shown: its end, by which it can be named."""


def local_time(text: str) -> str:
    """A stored time in the person's own zone, to the second."""
    return f"{parse_time(text).astimezone():%Y-%m-%d %H:%M:%S}"


def age_of(text: str, now: datetime | None = None) -> str:
    """How long ago a stored time was, in its greatest unit: `45s`, `12m`, `3h`, `5d`, `7w`, `2y`."""
    seconds = max(0, int(((now or datetime.now(UTC)) - parse_time(text)).total_seconds()))
    for unit, length in (("y", 31_557_600), ("w", 604_800), ("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def labels_of(task: Wire) -> str:
    """The labels of a task."""
    return ", ".join(for_screen(label) for label in task["labels"])


def numbers_of(tasks: Sequence[Wire]) -> str:
    """The first tasks by number, and how many more there are."""
    shown = [f"#{each['number']}" for each in tasks[:MOST_NUMBERS]]
    return ", ".join(shown) + (f" and {len(tasks) - MOST_NUMBERS:,} more" if len(tasks) > MOST_NUMBERS else "")


def needs_of(task: Wire) -> str:
    """The numbers of the tasks that a task depends on."""
    return ", ".join(f"#{number}" for number in task["dependency_numbers"])


def is_abandoned(task: Wire) -> bool:
    """Whether the agent of a task that is in progress has stopped without reporting."""
    result = task["result"]
    return task["status"] == "in_progress" and result is not None and result["ending"] == Ending.ABANDONED


def state_of(report: Wire) -> str:
    """What an agent is doing, who says so and for how long: `working · hook · 12s`."""
    if report["session"] is None:
        return "no session"
    age = (age_of(report["since"]),) if report["since"] else ()
    return " · ".join((report["state"], report["source"], *age))


def doing_of(report: Wire) -> str:
    """What an agent has in hand; the question, where it waits for a person; else what is known of it or its purpose."""
    task = report["task"]
    number = f"#{task['number']} " if task else ""
    if report["state"] == "waiting" and report["message"]:
        return f"{number}asks: {for_screen(report['message'])}"
    return number + for_screen(task["title"] if task else report["message"] or report["description"])


def short_id(handoff: Wire) -> str:
    """The end of a handoff's id."""
    return str(handoff["id"])[-SHOWN_OF_ID:]


def addressee_of(handoff: Wire) -> str:
    """To whom a handoff goes: an agent's name, or `any` of a role."""
    return for_screen(handoff["to_agent_name"] or f"any {handoff['to_role']}")


def standing_of(handoff: Wire) -> str:
    """Where a handoff stands and for how long: `pending · 20m · overdue`."""
    parts = [handoff["status"], age_of(handoff["answered_at"] or handoff["updated_at"])]
    return " · ".join([*parts, "overdue"] if handoff["overdue"] else parts)


def value_of(value: Any, names: Mapping[str, str]) -> str:
    """A field's value in an event, with names for ids."""
    if value in (None, "", [], {}):
        return "none"
    if isinstance(value, Mapping):
        if "ending" in value:
            return short(f"{value['ending']}: {value['summary']}")
        return short(", ".join(f"{name}={each}" for name, each in value.items()))
    if isinstance(value, list):
        return short(", ".join(names.get(str(each), str(each)) for each in value))
    return short(names.get(str(value), str(value)))


def short(text: str) -> str:
    """A text in one line of bounded length."""
    line = for_screen(text)
    return line if len(line) <= LONGEST_VALUE else line[: LONGEST_VALUE - 1] + "…"


def facts(named: Mapping[str, str]) -> str:
    """Names and values below one another, those left out that have no value."""
    width = max(len(name) for name, value in named.items() if value)
    return "\n".join(f"{styled(name.ljust(width), DIM)}  {value}" for name, value in named.items() if value)


def section(title: str, *lines: str) -> str:
    """Lines under a heading."""
    return "\n".join([styled(title, BOLD), *lines])


def indented(text: str) -> str:
    """A text of several lines, set in."""
    return "\n".join(f"  {line}" for line in block_for_screen(text).splitlines())


def bullets(sentences: Sequence[str], *, are_numbered: bool = False) -> list[str]:
    """Sentences below one another, with dashes or numbers."""
    marks = (f"{number}." for number in range(1, len(sentences) + 1)) if are_numbered else ("-" for _ in sentences)
    return [f"  {mark} {for_screen(each)}" for mark, each in zip(marks, sentences, strict=True)]
