"""The canvas: the lanes as they are drawn, kept up with the state, and the cursor on them.

The lowest of the three layers of the board screen: `Canvas` draws, `Carrying` moves cards, `BoardScreen` edits them.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.events import Resize, ScreenResume
from textual.widgets import Static

from core.settings import Settings
from core.text import for_screen
from storage import COLUMNS, Status, Task, TaskId, utc_now
from tui.attending import Reported
from tui.board import drag
from tui.board.deck import Deck
from tui.board.drag import Lift
from tui.board.flashes import Flashes
from tui.board.looks import align, look_of
from tui.board.outbox import Outbox
from tui.board.summary import Summary
from tui.board.table import Table
from tui.board.view import View
from tui.board.words import empty_text, face_of, out_of_view, summary_text
from tui.board_state import BoardChange
from tui.screens.place import Place
from tui.translation import _
from tui.widgets.filter_bar import FilterBar
from tui.widgets.footer import KeysFooter
from tui.widgets.lane import Head, Lane, Look

AGE_EVERY_S: Final = 30.0
"""How often the ages on the cards are brought up to date."""
COLUMN_SET: Final = frozenset(COLUMNS)
LEAST_WIDTH: Final = 60
LEAST_HEIGHT: Final = 15


class Canvas(Place):
    """The columns of the room side by side. The cursor is a card, wherever that goes."""

    AUTO_FOCUS = ""

    def __init__(self) -> None:
        super().__init__()
        self.outbox = Outbox()
        self.cursor: TaskId | None = None
        self.column: Status = COLUMNS[0]
        self.selected: dict[TaskId, None] = {}
        self.lift: Lift | None = None
        self.deck = Deck(lambda task: face_of(self.parallel, task, self._now), id="deck")
        self.summary = Summary(id="summary")
        self.filter_bar = FilterBar(id="filter-bar")
        self._cursor_index = 0
        self._has_gone = False
        self._awaited: TaskId | None = None
        self.flashes = Flashes(self, self.draw)
        self._is_loaded = False
        self.sequence_drawn = 0
        self._left_at: TaskId | None = None
        self._missed: set[Status] = set()
        self._now: datetime = utc_now()

    def compose(self) -> ComposeResult:
        self.table = Table(self.state, self.outbox, self.desk.actor.name)
        self._density_set = self.parallel.settings.density
        self.table.view = View(density=self._density_set)
        yield self.summary
        yield self.deck
        yield self.filter_bar
        yield KeysFooter(id="keys")
        yield Static("", id="too-small", markup=False)

    def on_mount(self) -> None:
        self.parallel.changed.subscribe(self, self.take_in)
        self.parallel.reported.subscribe(self, self._take_reports)
        self.parallel.settings_changed.subscribe(self, self._take_settings)
        self.set_interval(AGE_EVERY_S, self._tell_ages)
        self._fit_screen(self.size.width, self.size.height)
        if self.state.sequence:
            self.take_in(BoardChange(everything=True))
        else:
            self.draw()

    # what has become true

    def take_in(self, change: BoardChange) -> None:
        """The state has changed: show it, and keep the cursor on its card."""
        mine = self.outbox.pending
        self.sequence_drawn = self.state.sequence
        self.outbox.confirm(self.sequence_drawn)
        self._is_loaded = True
        if change.agents_changed:
            self.table.search.forget_names()
        is_seen = self in self.app.screen_stack
        if change.events and is_seen:
            me = self.table.me
            made = {event.entity_id for event in change.events if event.before is None and event.agent_id == me}
            self.flashes.add(change.tasks - mine - made, self.parallel.settings.highlight_seconds)
        if not is_seen:
            self._miss(change)
            return
        if change.everything or change.agents_changed or change.room_changed:
            self.show(COLUMNS)
            return
        if change.runs:
            for lane in self.deck.lanes.values():
                lane.refresh_faces()
        if not (change.tasks or change.columns or change.events):
            self._summarise()  # signs of life; the lanes hear of those that they show
            return
        self.show(self._columns_of(change))

    def _columns_of(self, change: BoardChange) -> frozenset[Status]:
        named = {self.state.tasks[task].status for task in change.tasks}
        return (change.columns | named) - {Status.ARCHIVED}

    def _miss(self, change: BoardChange) -> None:
        """Note what is to be drawn once it is seen again: a queue at work changes two columns twenty times a second."""
        is_all = change.everything or change.agents_changed or change.room_changed
        self._missed |= COLUMN_SET if is_all else self._columns_of(change)

    @on(ScreenResume)
    def catch_up(self) -> None:
        """Draw what has become true while another place was shown."""
        if self._missed:
            self.show(())
        for lane in self.deck.lanes.values():
            lane.refresh_faces()

    def _take_reports(self, reported: Reported) -> None:
        if reported.badges_changed:
            for lane in self.deck.lanes.values():
                lane.refresh_faces()

    def _take_settings(self, settings: Settings) -> None:
        if settings.density is not self._density_set:
            self._density_set = settings.density
            self.look_at(replace(self.table.view, density=settings.density))

    def _tell_ages(self) -> None:
        self._now = utc_now()
        for lane in self.deck.lanes.values():
            lane.refresh_faces()

    # drawing

    def show(self, columns: Collection[Status]) -> None:
        """Project columns anew, settle the cursor, and draw."""
        self._now = utc_now()
        columns, self._missed = {*columns, *self._missed}, set()
        table, was = self.table, self.column
        columns = table.project(columns)
        if self.selected:
            self.selected = {task: None for task in self.selected if table.place_of(task)}
        if self.lift is not None:
            self.lift = drag.hold_still(self.lift, table.lanes(self.lift.held))
        is_awaited = self._settle_cursor()
        self.draw(columns)
        if is_awaited or (self.column is not was and self.lift is None):
            self.reveal()

    def look_at(self, seen: View) -> None:
        """Look at the board in another way; the cursor stays on its card while that is shown.

        Where a filter left no card, it comes back to where it was before.
        """
        if seen.is_filtered and not self.table.view.is_filtered:
            self._left_at = self.cursor
        elif self.cursor is None and not seen.is_filtered:
            self.cursor = self._left_at
        self.table.view = seen
        self.show(COLUMNS)
        self.reveal()
        self.refresh_bindings()

    def draw(self, columns: Collection[Status] = ()) -> None:
        """Give the lanes their marks, and those of `columns` their rows."""
        table = self.table
        if table.view.has_swimlanes and columns:
            align(table, self.deck)
        marks = Look(
            cursor=self.cursor,
            selected=frozenset(self.selected),
            lifted=self.lift.ids if self.lift is not None else frozenset(),
            pending=self.outbox.pending,
            flashing=self.flashes.tasks,
        )
        limits = self.state.room.wip_limits
        for status, lane in self.deck.lanes.items():
            shown = len(table.cards[status])
            total = len(self.state.column(status)) if table.view.is_filtered else shown
            lane.show(
                rows=table.rows[status] if status in columns else None,
                look=look_of(status, marks, current=self.column, lift=self.lift, table=table),
                head=Head(shown, total, limits.get(status)),
                notice=self._notice(status),
                density=table.view.density,
            )
        if columns:
            self.scroll_together(self.deck.lanes[self.column])
        self._summarise()

    def _notice(self, status: Status) -> tuple[str, ...]:
        if not self._is_loaded:
            return ("", _("Reading the board …")) if status is self.deck.in_view[0] else ()
        return empty_text(self.table) if status is self.column else ()

    def _summarise(self) -> None:
        text = summary_text(
            self.table, selected=len(self.selected), lift=self.lift, is_cut_off=self.parallel.is_cut_off
        )  # fmt: skip
        self.summary.show(for_screen(self.state.room.name), text, out_of_view(self.table, self.deck.in_view))

    # the size of things

    def on_resize(self, event: Resize) -> None:
        self._fit_screen(event.size.width, event.size.height)

    @property
    def is_too_small(self) -> bool:
        """Whether the terminal leaves no room for a board."""
        return self.has_class("-too-small")

    def _fit_screen(self, width: int, height: int) -> None:
        is_small = width < LEAST_WIDTH or height < LEAST_HEIGHT
        was_small = self.is_too_small
        self.set_class(is_small, "-too-small")
        if is_small:
            needs = _("The board needs {needed}; this terminal has {present}.").format(
                needed=f"{LEAST_WIDTH}×{LEAST_HEIGHT}", present=f"{width}×{height}"
            )
            self.query_one("#too-small", Static).update("\n\n".join([needs, _("Make it larger to go on.")]))
        if is_small is not was_small:
            self.refresh_bindings()
        if self.table.view.has_swimlanes:
            self.call_after_refresh(self.draw, COLUMNS)

    @on(Deck.Turned)
    def _turned(self) -> None:
        self._summarise()
        if self.table.view.has_swimlanes:
            self.call_after_refresh(self.draw, COLUMNS)
        self.call_after_refresh(self.reveal)

    def reveal(self) -> None:
        """Bring the cursor, or what is carried, into view."""
        column = self.lift.column if self.lift is not None else self.column
        self.deck.bring_into_view(column)
        lane = self.deck.lanes[column]
        before = lane.offset_lines
        if self.lift is not None and not self.lift.is_home:
            lane.reveal_ghost()
        elif self.cursor is not None:
            lane.reveal(self.cursor)
        if lane.offset_lines != before:
            self.scroll_together(lane)

    def scroll_together(self, lane: Lane) -> None:
        """In swimlanes, all lanes scroll with the one that has scrolled."""
        if self.table.view.has_swimlanes:
            for other in self.deck.lanes.values():
                other.scroll_to_line(lane.offset_lines)

    # the cursor

    @property
    def at_cursor(self) -> Task | None:
        """The task under the cursor, as it is stored."""
        return self.state.tasks.get(self.cursor) if self.cursor is not None else None

    def targets(self) -> list[Task]:
        """The tasks on which an action works: the selection in the order of the board, or the one at the cursor."""
        chosen: Iterable[TaskId] = self.selected or ([self.cursor] if self.cursor is not None else [])
        placed = [(place, task) for task in chosen if (place := self.table.place_of(task)) is not None]
        placed.sort(key=lambda each: (COLUMNS.index(each[0][0]), each[0][1]))
        return [self.state.tasks[task] for _, task in placed if task in self.state.tasks]

    def _settle_cursor(self) -> bool:
        """The cursor follows its card; where that is gone, it goes to the one that has taken its place.

        Returns whether it has just come to a card that was awaited.
        """
        table = self.table
        is_awaited = self._awaited is not None and table.place_of(self._awaited) is not None
        if is_awaited:
            self.cursor, self._awaited = self._awaited, None
        place = table.place_of(self.cursor)
        if place is not None:
            self.column, self._cursor_index = place
            return is_awaited
        if not self._has_gone and table.shown_count and not table.cards[self.column]:
            # Nobody has gone anywhere yet: begin where there is a card.
            self.column = next(status for status in COLUMNS if table.cards[status])
        cards = table.cards[self.column]
        self._cursor_index = min(self._cursor_index, max(0, len(cards) - 1))
        self.cursor = cards[self._cursor_index].id if cards else None
        return False

    def await_card(self, task: TaskId) -> None:
        """Put the cursor on a card as soon as it is shown."""
        self._awaited = task
        self._has_gone = True
        self.show(())

    def go_to(self, task: TaskId) -> None:
        """Put the cursor on a card."""
        if self._missed:
            self.show(())
        self.cursor = task
        self._has_gone = True
        self._settle_cursor()
        self.draw()
        self.reveal()

    def go_to_column(self, column: Status, line: int) -> None:
        """Put the cursor into a column, on the card nearest to a line of its viewport."""
        self._has_gone = True
        self.column = column
        self._cursor_index = 0
        self.cursor = self.deck.lanes[column].stack.nearest(line)
        self._settle_cursor()
        self.draw()
        self.reveal()

    def go_along(self, index: int) -> None:
        """Put the cursor on the card `index` of its column, or the nearest there is."""
        cards = self.table.cards[self.column]
        if cards:
            self.go_to(cards[min(max(index, 0), len(cards) - 1)].id)

    def cursor_line(self) -> int:
        """The line of the viewport on which the cursor's card begins."""
        line = self.deck.lanes[self.column].stack.screen_line_of(self.cursor) if self.cursor is not None else None
        return line or 0
