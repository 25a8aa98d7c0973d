"""What the person wants to see of the board, and the rows that follow from it. Pure: state in, rows of lanes out."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Final

from core.settings import Density
from core.text import for_screen
from storage import AgentId, Priority, Task
from tui.translation import _, mark
from tui.wording import priority_name


class Sort(StrEnum):
    """The order inside the columns. Only `rank` is the stored one, which a drop can change."""

    RANK = "rank"
    PRIORITY = "priority"
    DUE = "due"
    AGE = "age"
    TITLE = "title"


class Group(StrEnum):
    """By what the cards of a column stand together."""

    NONE = "none"
    ASSIGNEE = "assignee"
    PRIORITY = "priority"
    LABEL = "label"


SORT_WORDS: Final = {
    Sort.RANK: mark("hand"), Sort.PRIORITY: mark("priority"), Sort.DUE: mark("due date"), Sort.AGE: mark("age"),
    Sort.TITLE: mark("title"),
}  # fmt: skip
GROUP_WORDS: Final = {
    Group.NONE: mark("none"), Group.ASSIGNEE: mark("assignee"), Group.PRIORITY: mark("priority"),
    Group.LABEL: mark("label"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class View:
    """How the board is looked at."""

    query: str = ""
    sort: Sort = Sort.RANK
    group: Group = Group.NONE
    has_swimlanes: bool = False
    only_mine: bool = False
    density: Density = Density.NORMAL

    @property
    def is_filtered(self) -> bool:
        """Whether some cards may be hidden."""
        return bool(self.query.strip()) or self.only_mine


@dataclass(frozen=True, slots=True)
class Heading:
    """The heading of a group in a lane."""

    key: str
    text: str
    count: int


@dataclass(frozen=True, slots=True)
class Filler:
    """Empty lines that keep the bands of a swimlane at the same height in every lane."""

    lines: int


Row = Task | Heading | Filler


@dataclass(frozen=True, slots=True)
class Band:
    """One group of the whole board: its key, in the order of the bands, and its heading."""

    key: str
    text: str


_PRIORITY_ORDER: Final = {priority: index for index, priority in enumerate(reversed(Priority))}
_NEVER: Final = date.max
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)

SORT_KEYS: Final[dict[Sort, Callable[[Task], Any]]] = {
    Sort.PRIORITY: lambda task: _PRIORITY_ORDER[task.priority],
    Sort.DUE: lambda task: task.due or _NEVER,
    Sort.AGE: lambda task: task.status_changed_at or _LONG_AGO,
    Sort.TITLE: lambda task: for_screen(task.title).casefold(),
}


def shown(
    tasks: Iterable[Task], view: View, *, me: AgentId | None, matching: Callable[[Sequence[Task]], Sequence[Task]]
) -> list[Task]:
    """The cards of one column that the view shows, in its order, without groups.

    Args:
        tasks: the column in its stored order.
        me: the person's own agent, for `only_mine`.
        matching: the filter for the view's query.
    """
    cards = list(tasks)
    if view.only_mine:
        cards = [task for task in cards if task.assignee is not None and task.assignee == me]
    if view.query.strip():
        cards = list(matching(cards))
    if view.sort is not Sort.RANK:
        cards.sort(key=SORT_KEYS[view.sort])
    return cards


def band_of(task: Task, group: Group, agent_name: Callable[[AgentId | None], str]) -> Band:
    """The group in which a card stands."""
    if group is Group.ASSIGNEE:
        name = agent_name(task.assignee)
        return Band(f"0{name.casefold()}", f"@{for_screen(name)}") if name else Band("1", _("nobody"))
    if group is Group.PRIORITY:
        return band_of_priority(task.priority)
    if group is Group.LABEL:
        first = min(task.labels, key=str.casefold, default="")
        return Band(f"0{first.casefold()}", for_screen(first)) if first else Band("1", _("no label"))
    return Band("", "")


def band_of_priority(priority: Priority) -> Band:
    """The group of a priority."""
    return Band(str(_PRIORITY_ORDER[priority]), priority_name(priority))


def grouped(
    cards: Sequence[Task], view: View, agent_name: Callable[[AgentId | None], str], bands: Sequence[Band] | None = None
) -> list[Row]:
    """The rows of one lane: its cards under the headings of their groups, in the order of the groups.

    Args:
        bands: all groups that the lane shows, empty ones too, for swimlanes; only those with cards if None.
    """
    if view.group is Group.NONE:
        return list(cards)
    members: dict[Band, list[Task]] = {band: [] for band in bands or ()}
    for task in cards:
        members.setdefault(band_of(task, view.group, agent_name), []).append(task)
    rows: list[Row] = []
    for band in sorted(members, key=lambda band: band.key):
        rows.append(Heading(band.key, band.text, len(members[band])))
        rows.extend(members[band])
    return rows


def aligned(lanes: Sequence[list[Row]], heights: Sequence[Callable[[Row], int]]) -> list[list[Row]]:
    """The lanes with fillers, so that the same heading stands at the same height in each.

    Every lane must have the same headings in the same order.
    """
    lanes = [[row for row in rows if not isinstance(row, Filler)] for rows in lanes]
    sizes: list[list[int]] = []
    for rows, height in zip(lanes, heights, strict=True):
        bands: list[int] = []
        for row in rows:
            if isinstance(row, Heading):
                bands.append(0)
            bands[-1] += height(row)
        sizes.append(bands)
    tallest = [max(each) for each in zip(*sizes, strict=True)]
    result: list[list[Row]] = []
    for rows, bands in zip(lanes, sizes, strict=True):
        padded: list[Row] = []
        band = -1
        for row in rows:
            if isinstance(row, Heading):
                if band >= 0 and tallest[band] > bands[band]:
                    padded.append(Filler(tallest[band] - bands[band]))
                band += 1
            padded.append(row)
        if tallest and tallest[-1] > bands[-1]:
            padded.append(Filler(tallest[-1] - bands[-1]))
        result.append(padded)
    return result


def next_sort(sort: Sort) -> Sort:
    """The order that `s` leads to."""
    return list(Sort)[(list(Sort).index(sort) + 1) % len(Sort)]


def next_density(view: View) -> View:
    """The view with the next density."""
    all_of_them = list(Density)
    return replace(view, density=all_of_them[(all_of_them.index(view.density) + 1) % len(all_of_them)])
