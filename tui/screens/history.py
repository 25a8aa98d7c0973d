"""The history: what has happened in the room, newest first, and the board as it was at any moment of it."""

from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, Static

from core.history import Board, board_at
from storage import COLUMNS, Event, Reader, Task, TaskId
from tui.actions import Action, bindings_of
from tui.board.deck import Deck
from tui.board_state import BoardChange
from tui.dialogs import Confirm
from tui.event_query import PAGE, EventQuery, Found, search
from tui.screens.place import Place
from tui.sentences import event_sentence
from tui.translation import _, ngettext
from tui.widgets.card import Face
from tui.widgets.footer import KeysFooter
from tui.widgets.lane import Head, Look
from tui.widgets.line_list import LineList, Piece
from tui.wording import Names, age, clock, full_time

LOAD_AHEAD: Final = 60
"""So many rows before the end of what is loaded, the next page is fetched."""

_LIST_ONLY: Final = frozenset({"filter", "open", "travel", "undo_event"})
_PAST_ONLY: Final = frozenset({"step", "turn", "scroll_past"})

HISTORY_ACTIONS = (
    Action("history.open", "enter", "open", "Open", "Open the task that the event concerns.", "History", True),
    Action("history.filter", "slash", "filter", "Filter", "Filter by #task, @agent, type:edited, words.", "History",
           True),
    Action("history.travel", "t", "travel", "Board then", "See the board as it was after this event.", "History", True),
    Action("history.undo", "u,U", "undo_event", "Undo this", "Undo the change of this event.", "History", True),
    Action("history.older", "left,h", "step(-1)", "Older", "Go one event back in time.", "Time travel", True, False),
    Action("history.newer", "right,l", "step(1)", "Newer", "Go one event on in time.", "Time travel", True, False),
    Action("history.turn", "tab", "turn(1)", "Columns", "Bring the next columns into view.", "Time travel",
           in_palette=False),
    Action("history.turn_back", "shift+tab", "turn(-1)", "Columns back", "Bring the columns before into view.",
           "Time travel", in_palette=False),
    Action("history.scroll_down", "down,j", "scroll_past(3)", "Down", "Scroll the past board down.", "Time travel",
           in_palette=False),
    Action("history.scroll_up", "up,k", "scroll_past(-3)", "Up", "Scroll the past board up.", "Time travel",
           in_palette=False),
    Action("history.back", "escape", "back", "Back", "From the past to the list, and to the board.", "History",
           True, False),
)  # fmt: skip


class HistoryScreen(Place):
    """The events of the room, live, and the time machine."""

    ACTIONS = HISTORY_ACTIONS
    BINDINGS: ClassVar = bindings_of(HISTORY_ACTIONS)
    CSS_PATH = "history.tcss"

    def __init__(self) -> None:
        super().__init__()
        self._events: list[Event] = []
        self._before: int | None = None
        self._query = EventQuery()
        self._moment: Event | None = None
        self._is_loading = False

    def compose(self) -> ComposeResult:
        yield Static("", id="heading", markup=False)
        yield Static("", id="moment", markup=False)
        yield LineList(self._paint, id="events")
        yield Deck(self._face, id="past")
        yield Static("", id="empty", markup=False)
        yield Input(placeholder=_("#12  @bob  type:edited  words"), select_on_focus=False, id="filter")
        yield KeysFooter(id="keys")

    def on_mount(self) -> None:
        self._names = Names(self.state)
        self.parallel.changed.subscribe(self, self._take_in)
        self._set_travelling(False)
        self.load()

    def current_task(self) -> Task | None:
        """The task that the event under the cursor concerns, for the palette."""
        event = self._current()
        return self.state.tasks.get(TaskId(event.subject_id)) if event and event.subject_id else None

    # the list

    def _take_in(self, change: BoardChange) -> None:
        """Put new events on top; the cursor stays on its event, save at the very top, where it follows."""
        if change.everything:
            self.load()
            return
        self._names.learn(self.state.alerts[each] for each in change.alerts if each in self.state.alerts)
        newest = self._events[0].sequence if self._events else 0
        fresh = [each for each in change.events if each.sequence > newest and self._query.fits(each, self._names)]
        if fresh:
            self._events[:0] = reversed(fresh)
            cursor = self.query_one(LineList).cursor
            self._show_list(cursor + len(fresh) if cursor else 0)
        elif change.agents_changed or change.tasks:
            self.query_one(LineList).refresh()

    @work(group="load", exclusive=True, exit_on_error=False)
    async def load(self) -> None:
        """Read the newest page that fits the filter."""
        found = await self._search(None)
        if found is not None:
            self._events, self._before = list(found.events), found.before
            self._show_list(0)

    @work(group="more", exit_on_error=False)
    async def load_more(self) -> None:
        """Read the next page."""
        if self._is_loading or self._before is None:
            return
        self._is_loading = True
        try:
            query = self._query
            found = await self._search(self._before)
            if found is not None and query == self._query:
                self._events += found.events
                self._before = found.before
                self._show_list(self.query_one(LineList).cursor)
        finally:
            self._is_loading = False

    async def _search(self, until: int | None) -> Found | None:
        room, query, names = self.desk.room.id, self._query, self._names
        reading = self.desk.read(lambda rows: search(rows, room, query, names, until=until, limit=PAGE))
        found: Found | None = await self.parallel.attempt(reading)
        return found

    def _show_list(self, cursor: int) -> None:
        lines = self.query_one(LineList)
        lines.show(len(self._events), cursor=cursor)
        text = self.query_one("#filter", Input).value.strip()
        count = len(self._events)
        number = f"{count:,}" if self._before is None else f"{count:,}+"
        parts = [_("History"), ngettext("{number} event", "{number} events", count).format(number=number)]
        if text:
            parts.append(_("filter: {query}").format(query=text))
        self.query_one("#heading", Static).update("  ".join(parts))
        self.set_class(not self._events, "-empty")
        nothing = _("No event fits the filter. Press / to change it.") if text else (
            _("Nothing has happened yet. Press 1 and make the first card with n.")
        )  # fmt: skip
        self.query_one("#empty", Static).update(nothing)
        if self._before is not None and lines.cursor >= len(self._events) - LOAD_AHEAD:
            self.load_more()

    def _paint(self, row: int) -> list[Piece]:
        event = self._events[row]
        return [
            (f" {clock(event.at):<13}", "dim"),
            (f"{self._names.agent(event.agent_id):<12} ", "accent"),
            (event_sentence(event, self._names), "plain"),
            (f"  {event.door}", "dim"),
        ]

    def _current(self) -> Event | None:
        if self._moment is not None:
            return self._moment
        cursor = self.query_one(LineList).cursor
        return self._events[cursor] if cursor < len(self._events) else None

    @on(LineList.Moved)
    def _moved(self, event: LineList.Moved) -> None:
        if event.row >= len(self._events) - LOAD_AHEAD:
            self.load_more()

    @on(LineList.Opened)
    def _opened(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        """Open the task of the event under the cursor."""
        task = self.current_task()
        if task is None:
            self.parallel.tell(_("This event concerns no task."))
            return
        from tui.screens.task import TaskScreen

        self.app.push_screen(TaskScreen(task.id))

    def action_undo_event(self) -> None:
        """Undo the change of the event under the cursor."""
        event = self._current()
        if event is not None:
            self.begin(self._undo(event))

    async def _undo(self, event: Event) -> None:
        others = sum(each.change == event.change for each in self._events) - 1
        sentence = event_sentence(event, self._names)
        if others > 0:
            sentence = ngettext(
                "{sentence} and {count} more of the same change",
                "{sentence} and {count} more of the same change",
                others,
            ).format(sentence=sentence, count=others)
        message = f"{self._names.agent(event.agent_id)} {sentence}\n{full_time(event.at)}"
        question = Confirm(_("Undo this change?"), message, yes=_("Undo it"), no=_("Leave it"))
        if await self.app.push_screen_wait(question):
            await self.parallel.reverse("undo", change=event.change)

    # the filter

    def action_filter(self) -> None:
        """Type what to look for."""
        self.add_class("-filtering")
        self.query_one("#filter", Input).focus()

    @on(Input.Changed, "#filter")
    def _typed(self, event: Input.Changed) -> None:
        self._query = EventQuery.parse(event.value)
        self.load()

    @on(Input.Submitted, "#filter")
    def _done_typing(self) -> None:
        self.remove_class("-filtering")
        self.query_one(LineList).focus()

    # the past

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        if action in _PAST_ONLY:
            return self._moment is not None
        return not (action in _LIST_ONLY and action != "undo_event" and self._moment is not None)

    def action_travel(self) -> None:
        """Show the board as it was after the event under the cursor."""
        if (event := self._current()) is not None:
            self.show_moment(event.sequence)

    def action_step(self, by: int) -> None:
        """Go an event back or on."""
        if self._moment is not None:
            self.show_moment(self._moment.sequence + by, by)

    @work(group="travel", exclusive=True, exit_on_error=False)
    async def show_moment(self, sequence: int, by: int = 0) -> None:
        """Show the board after event `sequence`, or after the nearest one of this room before (or after) it."""
        room = self.desk.room.id

        def read(rows: Reader) -> tuple[Event, Board] | None:
            if by > 0:
                events = rows.events(room=room, after=sequence - 1, limit=1)
            else:
                events = rows.events(room=room, until=sequence, limit=1, newest_first=True)
            return (events[0], board_at(rows, room, events[0].sequence)) if events else None

        found = await self.parallel.attempt(self.desk.read(read))
        if found is None:
            self.parallel.tell(_("This is the newest event.") if by > 0 else _("This is how the room began."))
            return
        event, board = found
        self._moment = event
        self._set_travelling(True)
        self._show_board(board, event)

    def _show_board(self, board: Board, event: Event) -> None:
        deck = self.query_one(Deck)
        touched = frozenset({TaskId(event.subject_id)} if event.subject_id else ())
        for status in COLUMNS:
            tasks = [task for task in board.tasks if task.status is status]
            notice = () if tasks else (_("nothing here then"),)
            deck.lanes[status].show(
                rows=tasks, head=Head(len(tasks), len(tasks)), look=Look(selected=touched), notice=notice
            )  # fmt: skip
            for task in tasks:
                if task.id in touched:
                    deck.bring_into_view(status)
                    deck.lanes[status].reveal(task.id)
        head = _("The board after event {number:,}, {time} ({age} ago)").format(
            number=event.sequence, time=full_time(event.at), age=age(event.at)
        )
        sentence = f"{self._names.agent(event.agent_id)} ({event.door}) {event_sentence(event, self._names)}"
        self.query_one("#moment", Static).update(
            Content("\n").join([Content.styled(f" {head} ", "bold"), Content(f" {sentence}")])
        )

    def _set_travelling(self, is_travelling: bool) -> None:
        self.set_class(is_travelling, "-past")
        if is_travelling:
            self.set_focus(None)
        else:
            self._moment = None
            self.query_one(LineList).focus()
        self.refresh_bindings()

    def _face(self, task: Task) -> Face:
        return Face(self.state.agent_name(task.assignee))

    @on(Deck.Opened)
    def _open_from_past(self, event: Deck.Opened) -> None:
        from tui.screens.task import TaskScreen

        self.app.push_screen(TaskScreen(event.task))

    @on(Deck.Pressed)
    @on(Deck.Carried)
    @on(Deck.Released)
    def _nothing_moves_in_the_past(self) -> None:
        """What was, stays."""

    @on(Deck.Wheeled)
    def _wheeled(self, event: Deck.Wheeled) -> None:
        self.query_one(Deck).lanes[event.status].scroll_lines(event.lines)

    def action_turn(self, by: int) -> None:
        """Bring other columns into view."""
        deck = self.query_one(Deck)
        in_view = deck.in_view
        index = COLUMNS.index(in_view[-1] if by > 0 else in_view[0]) + by
        deck.bring_into_view(COLUMNS[index % len(COLUMNS)])

    def action_scroll_past(self, lines: int) -> None:
        """Scroll the columns of the past."""
        for lane in self.query_one(Deck).lanes.values():
            lane.scroll_lines(lines)

    async def action_back(self) -> None:
        """From the past to the list, from the filter to the list, from there to the board."""
        text = self.query_one("#filter", Input)
        if self._moment is not None:
            self._set_travelling(False)
        elif self.has_class("-filtering") or text.value:
            text.value = ""
            self._done_typing()
        else:
            await self.parallel.action_go("board")
