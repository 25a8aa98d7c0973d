"""What is being carried: lifted cards, where they came from and where they would come to stand. Pure.

A place in a lane is an index among its other cards, the ones that stay: 0 is above the first of them.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from storage import COLUMNS, Status, Task, TaskId


def _anywhere(_column: Status, others: Sequence[TaskId]) -> tuple[int, int]:
    return 0, len(others)


@dataclass(frozen=True, slots=True)
class Lanes:
    """The board as it is shown, for carrying.

    Args:
        cards: the cards of every column, in order, those in the air included.
        room: the first and last place that the held card may take among the others of a column: all of them where
            the order is the stored one, one where the view sorts, those of its own group where it groups.
    """

    cards: Mapping[Status, Collection[TaskId]]
    room: Callable[[Status, Sequence[TaskId]], tuple[int, int]] = _anywhere

    def staying(self, column: Status, lifted: frozenset[TaskId]) -> list[TaskId]:
        """The cards of a column that are not in the air."""
        return [task for task in self.cards[column] if task not in lifted]


@dataclass(frozen=True, slots=True)
class Lift:
    """Cards in the air.

    Args:
        bases: the tasks as they were when they were lifted, in the order in which they will stand.
        held: the one that the person holds, of `bases`.
        home: its column.
        home_index: its place there.
        column: where they would land.
        index: the place there.
        after, before: the cards between which they would stand; they keep the place while others change the lane.
            None where the place is first or last of those that the held card may take.
        by_mouse: whether the mouse carries them.
    """

    bases: tuple[Task, ...]
    held: Task
    home: Status
    home_index: int
    column: Status
    index: int
    after: TaskId | None
    before: TaskId | None
    by_mouse: bool = False

    @property
    def ids(self) -> frozenset[TaskId]:
        """The cards in the air."""
        return frozenset(task.id for task in self.bases)

    @property
    def is_home(self) -> bool:
        """Whether a drop here would change nothing."""
        return len(self.bases) == 1 and self.column is self.home and self.index == self.home_index


def lift(bases: Sequence[Task], held: Task, lanes: Lanes, *, by_mouse: bool = False) -> Lift:
    """Take cards up where they are. `held`, of `bases`, is the one under the cursor."""
    lifted = frozenset(task.id for task in bases)
    home = held.status
    cards = list(lanes.cards[home])
    index = sum(task not in lifted for task in cards[: cards.index(held.id)])
    return _at(Lift(tuple(bases), held, home, index, home, index, None, None, by_mouse), home, index, lanes)


def carry_across(lifted: Lift, steps: int, lanes: Lanes, index: int | None = None) -> Lift:
    """Carry to the column `steps` to the right, no further than the last; to place `index` there."""
    at = min(max(COLUMNS.index(lifted.column) + steps, 0), len(COLUMNS) - 1)
    return _at(lifted, COLUMNS[at], lifted.index if index is None else index, lanes)


def carry_along(lifted: Lift, steps: int, lanes: Lanes) -> Lift:
    """Carry `steps` places down inside the column, no further than its ends."""
    return _at(lifted, lifted.column, lifted.index + steps, lanes)


def carry_to(lifted: Lift, column: Status, index: int, lanes: Lanes) -> Lift:
    """Carry to a place."""
    return _at(lifted, column, index, lanes)


def hold_still(lifted: Lift, lanes: Lanes) -> Lift:
    """Keep the place while the lanes have changed underneath: by the same neighbour while one is there."""
    others = lanes.staying(lifted.column, lifted.ids)
    index = lifted.index
    if lifted.before in others:
        index = others.index(lifted.before)
    elif lifted.after in others:
        index = others.index(lifted.after) + 1
    still = _at(lifted, lifted.column, index, lanes)
    if lifted.is_home:
        return replace(still, home_index=still.index)
    return still


def _at(lifted: Lift, column: Status, index: int, lanes: Lanes) -> Lift:
    others = lanes.staying(column, lifted.ids)
    first, last = lanes.room(column, others)
    index = min(max(index, first), last)
    return replace(
        lifted,
        column=column,
        index=index,
        after=others[index - 1] if index > first else None,
        before=others[index] if index < last else None,
    )
