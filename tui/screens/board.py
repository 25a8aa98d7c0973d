"""The board: the columns of the room, where cards are written, moved and changed.

The topmost of the three layers of this screen: what is done to a card, and how the board is looked at.
"""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from typing import Any, ClassVar, Final

from textual import on
from textual.binding import BindingType

from storage import Status, Task, TaskId
from tui.actions import bindings_of
from tui.board import editing, view, viewing
from tui.board.actions import BOARD_ACTIONS
from tui.board.carrying import Carrying
from tui.board.deck import Deck
from tui.board.new_card import NewCard
from tui.board.view import Sort
from tui.translation import _
from tui.widgets.filter_bar import FilterBar

_ALL: Final = frozenset(each.action.partition("(")[0] for each in BOARD_ACTIONS)
_WHILE_CARRYING: Final = frozenset(
    {"drop", "put_back", "across", "along", "to_end", "page", "shift_across", "shift_along", "send", "density"}
)


class BoardScreen(Carrying):
    """The board of a room."""

    ACTIONS = BOARD_ACTIONS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(BOARD_ACTIONS)]
    CSS_PATH = "board.tcss"

    def __init__(self) -> None:
        super().__init__()
        self._new_card: NewCard | None = None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Which keys mean something now."""
        if action not in _ALL:
            return True
        if self._new_card is not None or self.filter_bar.is_open or self.is_too_small:
            return False
        if self.lift is not None:
            return action in _WHILE_CARRYING or parameters == ("send",)
        if action in ("drop", "put_back"):
            return False
        if action == "send":
            return bool(self.selected)
        if action == "clear":
            return bool(self.selected) or self.table.view.is_filtered
        return True

    def current_task(self) -> Task | None:
        """The card under the cursor, for the palette."""
        return self.state.tasks.get(self.cursor) if self.cursor is not None else None

    def selected_tasks(self) -> list[Task]:
        """The selected cards, for the palette."""
        return [self.state.tasks[each] for each in self.selected if each in self.state.tasks]

    async def show_waiting(self, subject: str) -> None:
        """Put the cursor on a card that waits, though the filter hides it."""
        task = TaskId(subject)
        if self.lift is not None:
            self.action_put_back()
        if self.table.place_of(task) is None:
            self.look_at(replace(self.table.view, query="", only_mine=False))
        if self.table.place_of(task) is not None:
            self.go_to(task)

    # new cards

    def action_new_card(self) -> None:
        """Open a line below the cursor for the title of a new card."""
        self._new_card = NewCard(self.column, self.cursor, self.parallel.drafts.take_title())
        lane = self.deck.lanes[self.column]
        lane.mount(self._new_card)
        self._place_new_card(self._new_card)
        self._new_card.focus()
        self.refresh_bindings()

    def _place_new_card(self, field: NewCard) -> None:
        lane = self.deck.lanes[field.status]
        row = lane.stack.index_of(field.after) if field.after is not None else None
        if row is None:
            row = -1 if field.after is None else len(lane.rows) - 1
        field.styles.offset = (0, lane.leave_room(row))

    @on(NewCard.Written)
    def _written(self, message: NewCard.Written) -> None:
        field = self._new_card
        if field is None:
            return
        self._new_card = None
        self.deck.lanes[field.status].leave_room(None)
        field.remove()
        self.set_focus(None)
        self.refresh_bindings()
        if message.title:
            before = self._card_after(field)
            self._send(editing.create(self, message.title, field.status, before))

    def show(self, columns: Collection[Status]) -> None:
        """Also keep the line for a new card where it belongs."""
        super().show(columns)
        if self._new_card is not None:
            self._place_new_card(self._new_card)

    def _card_after(self, field: NewCard) -> TaskId | None:
        if self.table.view.sort is not Sort.RANK:
            return None
        column = list(self.state.column(field.status))
        if field.after is None:
            return column[0].id if column else None
        place = next((index for index, task in enumerate(column) if task.id == field.after), len(column))
        return column[place + 1].id if place + 1 < len(column) else None

    # cards, through dialogs

    @on(Deck.Opened)
    def _opened(self, message: Deck.Opened) -> None:
        self.go_to(message.task)
        self.action_open_card()

    def action_open_card(self) -> None:
        """Open the card at the cursor."""
        if self.cursor is not None:
            from tui.screens.task import TaskScreen

            self.app.push_screen(TaskScreen(self.cursor))

    def action_ask(self, what: str) -> None:
        """Ask what is to become of the card or the selection; see `tui.board.editing`."""
        question: Callable[[Any], Awaitable[None]] = getattr(editing, what)
        self._send(question(self))

    def _send(self, doing: Awaitable[None]) -> None:
        self.run_worker(self.parallel.attempt(doing), group="send", exit_on_error=False)

    # the view

    def action_arrange(self, what: str) -> None:
        """Ask how the board is to be looked at; see `tui.board.viewing`."""
        question: Callable[[Any], Awaitable[None]] = getattr(viewing, what)
        self._send(question(self))

    def action_sort(self) -> None:
        """Sort by the next order."""
        sort = view.next_sort(self.table.view.sort)
        self.look_at(replace(self.table.view, sort=sort))

    def action_density(self) -> None:
        """Show less or more of each card."""
        self.look_at(view.next_density(self.table.view))

    def action_mine(self) -> None:
        """Only what is mine, or everything again."""
        self.look_at(replace(self.table.view, only_mine=not self.table.view.only_mine))

    def action_filter(self) -> None:
        """Type a filter."""
        self.filter_bar.open(self.table.view.query)
        self._tell_filter()
        self.refresh_bindings()

    @on(FilterBar.Changed)
    def _filter_typed(self, message: FilterBar.Changed) -> None:
        if message.query != self.table.view.query:
            self.look_at(replace(self.table.view, query=message.query))
            self._tell_filter()

    def _tell_filter(self) -> None:
        count = _("{shown:,} of {total:,}").format(shown=self.table.shown_count, total=self.table.total)
        self.filter_bar.tell(count)

    @on(FilterBar.Left)
    def _filter_left(self, message: FilterBar.Left) -> None:
        self.filter_bar.close()
        if not message.keeps:
            self.look_at(replace(self.table.view, query=""))
        else:
            self.refresh_bindings()
