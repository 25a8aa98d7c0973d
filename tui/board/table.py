"""The table: the board as it is shown, column by column, from the state, what is on its way, and the view."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from datetime import datetime

from storage import COLUMNS, AgentId, Priority, Status, Task, TaskId
from tui.board import view as views
from tui.board.drag import Lanes, Lift
from tui.board.outbox import Outbox
from tui.board.search import Search
from tui.board.view import Band, Group, Row, Sort, View
from tui.board_state import BoardState
from tui.translation import _


class Table:
    """What stands in each column, as the person sees it. `project` brings columns up to date."""

    def __init__(self, state: BoardState, outbox: Outbox, person: str) -> None:
        self.state = state
        self.outbox = outbox
        self.view = View()
        self.cards: dict[Status, list[Task]] = {status: [] for status in COLUMNS}
        self.rows: dict[Status, list[Row]] = {status: [] for status in COLUMNS}
        self.search = Search(state.agent_name, lambda: self.me)
        self._person = person
        self._places: dict[Status, dict[TaskId, int] | None] = dict.fromkeys(COLUMNS)

    @property
    def me(self) -> AgentId | None:
        """The person's own agent; None before their first change."""
        return next((agent.id for agent in self.state.agents.values() if agent.name == self._person), None)

    def project(self, columns: Collection[Status]) -> Collection[Status]:
        """Bring columns up to date; in swimlanes all of them. Returns those that it has brought up to date."""
        view = self.view
        if view.has_swimlanes and columns:
            columns = COLUMNS
        if view.query.strip():
            self.search.prepare(view.query, self.state.tasks, sequence=self.state.sequence)
        for status in columns:
            stored = self.outbox.overlay(status, self.state.column(status))
            self.cards[status] = views.shown(stored, view, me=self.me, matching=self.search.matching)
            self._places[status] = None
        bands = self._bands() if view.has_swimlanes else None
        for status in columns:
            self.rows[status] = views.grouped(self.cards[status], view, self.state.agent_name, bands)
            if view.group is not Group.NONE:
                self.cards[status] = [row for row in self.rows[status] if isinstance(row, Task)]
        return columns

    def place_of(self, task: TaskId | None) -> tuple[Status, int] | None:
        """Where a card is shown: column and index among its cards."""
        if task is None:
            return None
        for status in COLUMNS:
            if (index := self._ids(status).get(task)) is not None:
                return status, index
        return None

    def row_of(self, task: TaskId) -> int | None:
        """The row of a card in its lane."""
        place = self.place_of(task)
        if place is None or self.view.group is Group.NONE:
            return place[1] if place is not None else None
        rows = enumerate(self.rows[place[0]])
        return next((index for index, row in rows if isinstance(row, Task) and row.id == task), None)

    def shown_task(self, task: TaskId) -> Task | None:
        """A card as it is shown."""
        place = self.place_of(task)
        return None if place is None else self.cards[place[0]][place[1]]

    @property
    def shown_count(self) -> int:
        """How many cards are shown."""
        return sum(len(cards) for cards in self.cards.values())

    @property
    def total(self) -> int:
        """How many cards are on the board."""
        return sum(len(self.state.column(status)) for status in COLUMNS)

    # carrying

    def lanes(self, held: Task) -> Lanes:
        """The board for carrying a card."""
        ids: dict[Status, Collection[TaskId]] = {status: self._ids(status).keys() for status in COLUMNS}
        if self.view.group is Group.NONE and self.view.sort is Sort.RANK:
            return Lanes(ids)

        def room(column: Status, others: Sequence[TaskId]) -> tuple[int, int]:
            staying = set(others)
            return self._room(held, [card for card in self.cards[column] if card.id in staying])

        return Lanes(ids, room)

    def _room(self, held: Task, others: Sequence[Task]) -> tuple[int, int]:
        """The places that a card may take where the view groups or sorts: what is shown is what will be."""
        view, low, high = self.view, 0, len(others)
        if view.group is not Group.NONE:
            own = self._band(held).key
            keys = [self._band(task).key for task in others]
            low, high = bisect_left(keys, own), bisect_right(keys, own)
        if view.sort is not Sort.RANK:
            key = views.SORT_KEYS[view.sort]
            low = high = bisect_right(others, key(held), low, high, key=key)
        return low, high

    def anchor(self, lift: Lift) -> TaskId | None:
        """The card of the whole column before which dropped cards come to stand; hidden ones count. None: last."""
        if self.view.sort is not Sort.RANK:
            return None
        if lift.before is not None:
            return lift.before
        column = [task for task in self.outbox.overlay(lift.column, self.state.column(lift.column))
                  if task.id not in lift.ids]  # fmt: skip
        for index, task in enumerate(column):
            if task.id == lift.after:
                return column[index + 1].id if index + 1 < len(column) else None
        return None

    def _ids(self, status: Status) -> dict[TaskId, int]:
        ids = self._places[status]
        if ids is None:
            ids = self._places[status] = {card.id: index for index, card in enumerate(self.cards[status])}
        return ids

    # groups

    def _band(self, task: Task) -> Band:
        return views.band_of(task, self.view.group, self.state.agent_name)

    def _bands(self) -> list[Band]:
        if self.view.group is Group.PRIORITY:
            return [views.band_of_priority(priority) for priority in Priority]
        return sorted({self._band(task) for cards in self.cards.values() for task in cards}, key=lambda band: band.key)


def age_text(since: datetime | None, now: datetime) -> str:
    """`5m`, `3h`, `12d`: how long ago, in the shortest words; empty below a minute."""
    if since is None:
        return ""
    seconds = (now - since).total_seconds()
    if seconds < 60:
        return _("now")
    if seconds < 3600:
        return f"{int(seconds // 60)}m"
    if seconds < 86400:
        return f"{int(seconds // 3600)}h"
    days = int(seconds // 86400)
    return f"{days}d" if days < 365 else f"{days // 365}y"
