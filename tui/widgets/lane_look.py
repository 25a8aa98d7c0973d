"""What a lane is told to show beside its rows: marks, what is carried, its header; and what it says lies at a point."""

from dataclasses import dataclass
from typing import Final

from storage import Task, TaskId
from tui.widgets.card import Mark

HEADER_LINES: Final = 2
_NOBODY: Final[frozenset[TaskId]] = frozenset()


@dataclass(frozen=True, slots=True)
class Ghost:
    """Where carried cards would come to stand: before the row `index`, drawn as `task` and `more` others."""

    task: Task
    index: int
    more: int = 0


@dataclass(frozen=True, slots=True)
class Head:
    """What the header tells: how many cards are shown, of how many, and how many there should be at most."""

    shown: int = 0
    total: int = 0
    limit: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether the column holds more than its limit."""
        return self.limit is not None and self.total > self.limit


@dataclass(frozen=True, slots=True)
class Look:
    """What is the matter with the lane's cards just now."""

    cursor: TaskId | None = None
    selected: frozenset[TaskId] = _NOBODY
    lifted: frozenset[TaskId] = _NOBODY
    pending: frozenset[TaskId] = _NOBODY
    flashing: frozenset[TaskId] = _NOBODY
    ghost: Ghost | None = None
    held: TaskId | None = None
    """The lifted card while it is still where it was."""
    is_current: bool = False
    """Whether the cursor is in this lane."""

    def marks(self, task: TaskId) -> Mark:
        """The marks of one card."""
        marks = Mark.NONE
        if task == self.held:
            return Mark.GHOST
        if task == self.cursor:
            marks |= Mark.CURSOR
        if task in self.selected:
            marks |= Mark.SELECTED
        if task in self.lifted:
            marks |= Mark.SOURCE
        if task in self.pending:
            marks |= Mark.PENDING
        if task in self.flashing:
            marks |= Mark.FLASH
        return marks


@dataclass(frozen=True, slots=True)
class Hit:
    """What lies under a point of the lane: a card if there is one, and the gap nearest to the point.

    `slot` is the index of the row before which something dropped here would stand.
    """

    task: TaskId | None
    slot: int
    in_header: bool = False
