"""The board: the columns of the room, the cursor on them, and the carrying of cards."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from time import monotonic
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.events import Resize
from textual.timer import Timer
from textual.widgets import Static

from core.text import for_screen
from storage import COLUMNS, Status, Task, TaskId, utc_now
from tui.actions import bindings_of
from tui.board import drag, editing, view
from tui.board.actions import BOARD_ACTIONS
from tui.board.deck import Deck
from tui.board.drag import Lift
from tui.board.new_card import NewCard
from tui.board.outbox import Move, Outbox
from tui.board.summary import Summary
from tui.board.table import Table, age_text
from tui.board.view import SORT_WORDS, Group, Sort, View
from tui.board_state import BoardChange
from tui.screens.place import Place
from tui.submit import submit, submit_many
from tui.widgets.card import Face
from tui.widgets.filter_bar import FilterBar
from tui.widgets.footer import KeysFooter
from tui.widgets.lane import COLUMN_NAMES, Ghost, Head, Lane, Look

FLASH_S: Final = 1.5
"""How long a card that somebody else has changed stays highlighted."""
AGE_EVERY_S: Final = 30.0
"""How often the ages on the cards are brought up to date."""
LEAST_WIDTH: Final = 60
LEAST_HEIGHT: Final = 15

_CARRYING_ONLY: Final = frozenset({"drop", "put_back"})
_NOT_CARRYING: Final = frozenset(
    {"new_card", "open_card", "edit", "select", "select_range", "filter", "assign", "priority", "labels",
     "dependencies", "comment", "archive", "duplicate", "archived", "sort", "group", "mine", "saved_filters", "clear"}
)  # fmt: skip


class BoardScreen(Place):
    """The columns of the room side by side. The cursor is a card, wherever that goes."""

    ACTIONS = BOARD_ACTIONS
    BINDINGS: ClassVar = bindings_of(BOARD_ACTIONS)
    CSS_PATH = "board.tcss"
    AUTO_FOCUS = ""

    def __init__(self) -> None:
        super().__init__()
        self.outbox = Outbox()
        self.cursor: TaskId | None = None
        self.column: Status = COLUMNS[0]
        self.selected: dict[TaskId, None] = {}
        self.lift: Lift | None = None
        self._cursor_index = 0
        self._flashing: dict[TaskId, float] = {}
        self._flash_timer: Timer | None = None
        self._is_loaded = False
        self._range_from: TaskId | None = None
        self._new_card: NewCard | None = None
        self._now: datetime = utc_now()
        self._awaited: TaskId | None = None

    def compose(self) -> ComposeResult:
        self.table = Table(self.state, self.outbox, self.desk.actor.name)
        yield Summary(id="summary")
        yield Deck(self._face, id="deck")
        yield FilterBar(id="filter-bar")
        yield KeysFooter(id="keys")
        yield Static("", id="too-small", markup=False)

    def on_mount(self) -> None:
        self.deck = self.query_one(Deck)
        self.parallel.changed.subscribe(self, self._take_in)
        self.set_interval(AGE_EVERY_S, self._tell_ages)
        self._fit_screen(self.size.width, self.size.height)
        if self.state.sequence:
            self._take_in(BoardChange(everything=True))
        else:
            self._draw(())

    # what has become true

    def _take_in(self, change: BoardChange) -> None:
        """The state has changed: show it, and keep the cursor on its card."""
        mine = self.outbox.pending
        self.outbox.confirm(self.state.sequence)
        self._is_loaded = True
        if change.agents_changed:
            self.table.search.forget_names()
        if change.events:
            self._flash(change.tasks - mine)
        if change.everything or change.agents_changed or change.room_changed or self.table.view.is_filtered:
            columns: Collection[Status] = COLUMNS
        else:
            named = (self.state.tasks[task].status for task in change.tasks)
            columns = {*change.columns, *named} & set(COLUMNS)
        self._show(columns)

    def _flash(self, tasks: Iterable[TaskId]) -> None:
        until = monotonic() + FLASH_S
        self._flashing.update(dict.fromkeys(tasks, until))
        if self._flashing and self._flash_timer is None:
            self._flash_timer = self.set_timer(FLASH_S, self._unflash)

    def _unflash(self) -> None:
        now = monotonic()
        self._flashing = {task: until for task, until in self._flashing.items() if until > now + 0.01}
        self._flash_timer = None
        if self._flashing:
            self._flash_timer = self.set_timer(min(self._flashing.values()) - now, self._unflash)
        self._draw(())

    def _tell_ages(self) -> None:
        self._now = utc_now()
        for lane in self.deck.lanes.values():
            lane.refresh_faces()

    # drawing

    def _face(self, task: Task) -> Face:
        due, overdue = "", False
        if task.due is not None:
            today = self._now.astimezone().date()
            days = (task.due - today).days
            overdue = days < 0 and task.status is not Status.DONE
            due = "due today" if days == 0 else f"due {task.due.day} {task.due:%b}"
            due += "!" if overdue else ""
        return Face(self.state.agent_name(task.assignee), age_text(task.status_changed_at, self._now), due, overdue)

    def _show(self, columns: Collection[Status]) -> None:
        """Project columns anew, and draw."""
        self._now = utc_now()
        self.table.project(columns)
        self.selected = {task: None for task in self.selected if self.table.place_of(task)}
        was = self.column
        if self.lift is not None:
            self.lift = drag.hold_still(self.lift, self.table.lanes(self.lift.held))
        self._settle_cursor()
        self._draw(COLUMNS if self.table.view.has_swimlanes else columns)
        if self.column is not was and self.lift is None:
            self._reveal()
        if self._new_card is not None:
            self._place_new_card(self._new_card)

    def _settle_cursor(self) -> None:
        """The cursor follows its card; where that is gone, it goes to the one that has taken its place."""
        if self._awaited is not None and self.table.place_of(self._awaited) is not None:
            self.cursor, self._awaited = self._awaited, None
        place = self.table.place_of(self.cursor)
        if place is not None:
            self.column, self._cursor_index = place
            return
        cards = self.table.cards[self.column]
        if not cards and self.cursor is None and self.table.shown_count and not self.table.view.is_filtered:
            if self._cursor_index == 0 and not self._has_gone:
                self.column = next(status for status in COLUMNS if self.table.cards[status])
                cards = self.table.cards[self.column]
        self._cursor_index = min(self._cursor_index, max(0, len(cards) - 1))
        self.cursor = cards[self._cursor_index].id if cards else None

    _has_gone = False

    def _draw(self, columns: Collection[Status]) -> None:
        """Give the lanes their marks, and those of `columns` their rows."""
        table = self.table
        if table.view.has_swimlanes and columns:
            self._align()
        for status, lane in self.deck.lanes.items():
            shown, total = len(table.cards[status]), len(self.state.column(status))
            if not table.view.is_filtered:
                total = shown
            lane.show(
                rows=table.rows[status] if status in columns else None,
                look=self._look(status, lane if status not in columns else None),
                head=Head(shown, total, self.state.room.wip_limits.get(status)),
                notice=self._notice(status),
                density=table.view.density,
            )
        self._summarise()

    def _align(self) -> None:
        lanes = list(self.deck.lanes.values())
        for lane in lanes:
            lane.density = lane.density
        aligned = view.aligned([self.table.rows[lane.status] for lane in lanes], [lane.height_of for lane in lanes])
        for lane, rows in zip(lanes, aligned, strict=True):
            self.table.rows[lane.status] = rows

    def _look(self, status: Status, _lane: Lane | None) -> Look:
        lift, ghost, held = self.lift, None, None
        if lift is not None:
            if lift.is_home:
                held = lift.held.id
            elif lift.column is status:
                ghost = Ghost(lift.held, self._ghost_row(lift), len(lift.bases) - 1)
        return Look(
            cursor=self.cursor,
            selected=frozenset(self.selected),
            lifted=lift.ids if lift is not None else frozenset(),
            held=held,
            pending=self.outbox.pending,
            flashing=frozenset(self._flashing),
            ghost=ghost,
            is_current=(lift.column if lift is not None else self.column) is status,
        )

    def _ghost_row(self, lift: Lift) -> int:
        rows = self.table.rows[lift.column]
        if lift.before is not None:
            return next((index for index, row in enumerate(rows) if isinstance(row, Task) and row.id == lift.before), 0)
        if lift.after is not None:
            at = next(
                (i for i, row in enumerate(rows) if isinstance(row, Task) and row.id == lift.after), len(rows) - 1
            )
            return at + 1
        return len(rows)

    def _notice(self, status: Status) -> tuple[str, ...]:
        table = self.table
        if not self._is_loaded:
            return ("", "Reading the board …") if status is self.deck.in_view[0] else ()
        if table.shown_count or status is not self.column:
            return ()
        if table.view.is_filtered and table.total:
            what = f"No card fits “{table.view.query.strip()}”." if table.view.query.strip() else "Nothing is yours."
            return "", what, "", "esc clears the filter."
        return (
            "",
            "The board is empty.",
            "",
            "n  writes a card here",
            "wzp task add TITLE  from a shell",
            "?  shows all keys",
        )

    def _summarise(self) -> None:
        table, view_ = self.table, self.table.view
        parts = [f"{table.total:,} {'card' if table.total == 1 else 'cards'}"]
        if view_.query.strip():
            parts.append(f"filter “{view_.query.strip()}”: {table.shown_count:,}")
        if view_.only_mine:
            parts.append("mine")
        if view_.sort is not Sort.RANK:
            parts.append(f"by {SORT_WORDS[view_.sort]}")
        if view_.group is not Group.NONE:
            parts.append(f"{'swimlanes' if view_.has_swimlanes else 'grouped'} by {view_.group}")
        if self.selected:
            parts.append(f"{len(self.selected)} selected")
        in_view = self.deck.in_view
        right = ""
        if len(in_view) < len(COLUMNS):
            before, after = COLUMNS[: COLUMNS.index(in_view[0])], COLUMNS[COLUMNS.index(in_view[-1]) + 1 :]
            sides = [f"‹ {self._named(before)}" if before else "", f"{self._named(after)} ›" if after else ""]
            right = "   ".join(side for side in sides if side)
        self.query_one(Summary).show(for_screen(self.state.room.name), "  ".join(parts), right)

    def _named(self, columns: Sequence[Status]) -> str:
        return "  ".join(f"{COLUMN_NAMES[status]} {len(self.table.cards[status])}" for status in columns)

    def on_resize(self, event: Resize) -> None:
        self._fit_screen(event.size.width, event.size.height)

    def _fit_screen(self, width: int, height: int) -> None:
        is_small = width < LEAST_WIDTH or height < LEAST_HEIGHT
        self.set_class(is_small, "-too-small")
        if is_small:
            text = f"{width}×{height} is too small for the board.\nIt needs {LEAST_WIDTH}×{LEAST_HEIGHT}."
            self.query_one("#too-small", Static).update(text)

    @on(Deck.Turned)
    def _turned(self) -> None:
        self.deck.bring_into_view(self.column)
        if self.table.view.has_swimlanes:
            self._draw(COLUMNS)
        self._summarise()
        self.call_after_refresh(self._reveal)

    def _reveal(self) -> None:
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
            self._scroll_together(lane)

    def _scroll_together(self, lane: Lane) -> None:
        if self.table.view.has_swimlanes:
            for other in self.deck.lanes.values():
                other.scroll_to_line(lane.offset_lines)

    # the cursor

    @property
    def task(self) -> Task | None:
        """The task under the cursor, as it is stored."""
        return self.state.tasks.get(self.cursor) if self.cursor is not None else None

    def targets(self) -> list[Task]:
        """The tasks on which an action works: the selection in the order of the board, or the one at the cursor."""
        chosen = self.selected or dict.fromkeys([self.cursor] if self.cursor is not None else [])
        placed = sorted(
            (COLUMNS.index(place[0]), place[1], task) for task in chosen if (place := self.table.place_of(task))
        )
        return [self.state.tasks[task] for _, _, task in placed if task in self.state.tasks]

    def go_to(self, task: TaskId) -> None:
        """Put the cursor on a card."""
        self.cursor = task
        self._has_gone = True
        self._settle_cursor()
        self._draw(())
        self._reveal()

    def _go_to_column(self, column: Status, line: int) -> None:
        self._has_gone = True
        self.column = column
        self.deck.bring_into_view(column)
        self.cursor = self.deck.lanes[column].nearest(line)
        self._cursor_index = 0
        self._settle_cursor()
        self._draw(())
        self._reveal()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if self._new_card is not None or self.has_class("-too-small"):
            return action not in {each.action.partition("(")[0] for each in BOARD_ACTIONS}
        if action in _CARRYING_ONLY:
            return self.lift is not None
        if self.lift is not None and action in _NOT_CARRYING:
            return False
        if action == "send":
            return self.lift is not None or bool(self.selected)
        if action == "clear":
            return bool(self.selected) or self.table.view.is_filtered
        return True

    def action_across(self, step: int) -> None:
        """Go, or carry, to the next column."""
        if self.lift is not None:
            self._carry(drag.carry_across(self.lift, step, self.table.lanes(self.lift.held), self._level(step)))
            return
        index = COLUMNS.index(self.column) + step
        if 0 <= index < len(COLUMNS):
            self._go_to_column(COLUMNS[index], self._cursor_line())

    def action_along(self, step: int) -> None:
        """Go, or carry, along the column."""
        if self.lift is not None:
            before = self.lift
            self._carry(drag.carry_along(before, step, self.table.lanes(before.held)))
            if self.lift == before and self.table.view.sort is not Sort.RANK:
                self._tell_sorted()
            return
        self._go_along(self._cursor_index + step)

    def action_to_end(self, way: int) -> None:
        """Go, or carry, to the first or last card of the column."""
        if self.lift is not None:
            far = 0 if way < 0 else len(self.table.cards[self.lift.column])
            self._carry(drag.carry_to(self.lift, self.lift.column, far, self.table.lanes(self.lift.held)))
            return
        self._go_along(0 if way < 0 else len(self.table.cards[self.column]) - 1)

    def action_page(self, way: int) -> None:
        """Go, or carry, by as many cards as the lane shows."""
        cards = max(1, self.deck.lanes[self.column].page // 4)
        self.action_along(way * cards)

    def _go_along(self, index: int) -> None:
        cards = self.table.cards[self.column]
        if cards:
            self.go_to(cards[min(max(index, 0), len(cards) - 1)].id)

    def _cursor_line(self) -> int:
        """The line of the viewport on which the cursor's card begins."""
        line = self.deck.lanes[self.column].screen_line_of(self.cursor) if self.cursor is not None else None
        return line or 0

    # carrying with the keyboard

    def action_lift(self) -> None:
        """Lift the card or the selection; drop what is lifted."""
        if self.lift is not None:
            self.action_drop()
            return
        held, bases = self.task, self.targets()
        if held is None or self.table.place_of(held.id) is None:
            return
        if held.id in self.outbox.pending:
            held = self.table.shown_task(held.id) or held
        if held.id not in self.selected:
            bases = [held]
        self._carry(drag.lift(bases, held, self.table.lanes(held)))
        self.refresh_bindings()

    def _carry(self, lift: Lift) -> None:
        if lift != self.lift:
            self.lift = lift
            self._draw(())
            self._reveal()

    def _level(self, step: int) -> int:
        """The place in the next column that is at the height at which the card is carried."""
        lift = self.lift
        assert lift is not None
        target = min(max(COLUMNS.index(lift.column) + step, 0), len(COLUMNS) - 1)
        return self._index_at_line(lift, COLUMNS[target], self._lift_line(lift))

    def _lift_line(self, lift: Lift) -> int:
        lane = self.deck.lanes[lift.column]
        line = lane.ghost_line() if not lift.is_home else lane.screen_line_of(lift.held.id)
        return line or 0

    def _index_at_line(self, lift: Lift, column: Status, line: int) -> int:
        lane = self.deck.lanes[column]
        return self._index_of_slot(lift, column, lane.slot_at(line))

    def _index_of_slot(self, lift: Lift, column: Status, slot: int) -> int:
        rows = self.table.rows[column][:slot]
        lifted = lift.ids
        return sum(isinstance(row, Task) and row.id not in lifted for row in rows)

    def action_put_back(self) -> None:
        """Put what is lifted back where it was."""
        self.lift = None
        self.deck.let_go()
        self._draw(())
        self._reveal()
        self.refresh_bindings()

    def action_drop(self) -> None:
        """Drop what is lifted where it is."""
        lift = self.lift
        if lift is None:
            return
        self.lift = None
        self.deck.let_go()
        self.refresh_bindings()
        if lift.is_home:
            self._draw(())
            return
        self.move(lift.bases, lift.column, self.table.anchor(lift))

    # moving

    def move(self, bases: Sequence[Task], to: Status, before: TaskId | None) -> None:
        """Move tasks: at once on the screen, marked as pending, and on their way to the store."""
        if self.table.view.sort is not Sort.RANK and all(base.status is to for base in bases):
            self._tell_sorted()
            self._draw(())
            return
        columns = {
            to,
            *(base.status for base in bases),
            *(place[0] for each in bases if (place := self.table.place_of(each.id))),
        }
        parcel = self.outbox.post([base.id for base in bases], Move(tuple(bases), to, before))
        self.selected.clear()
        self.refresh_bindings()
        self._show(columns)
        self._reveal()

        async def sending(standing: list[Task]) -> object:
            anchor = self.state.tasks.get(before) if before is not None else None
            place = before if anchor is not None and anchor.status is to else None
            if len(standing) == 1:
                return await submit(self.parallel, "move_task", standing[0], to=to, before=place)
            return await submit_many(self.parallel, "move_tasks", standing, to=to, before=place)

        async def send() -> None:
            await self.parallel.attempt(self.outbox.send(parcel, bases, sending, lambda: self.state.sequence))
            self._show(columns)

        self.run_worker(send(), group="send", exit_on_error=False)

    def action_shift_across(self, step: int) -> None:
        """Move the card or the selection to the next column at once."""
        if self.lift is not None:
            self.action_across(step)
            return
        held, bases = self.task, self.targets()
        if held is None:
            return
        held = bases[0] if held.id not in {base.id for base in bases} else held
        shown = self.table.shown_task(held.id) or held
        index = COLUMNS.index(shown.status) + step
        if not 0 <= index < len(COLUMNS):
            return
        lanes = self.table.lanes(shown)
        lift = drag.lift([shown if base.id == held.id else base for base in bases], shown, lanes)
        line = self.deck.lanes[shown.status].screen_line_of(held.id) or 0
        lift = drag.carry_across(lift, step, lanes, self._index_at_line(lift, COLUMNS[index], line))
        self.move(bases, lift.column, self.table.anchor(lift))

    def action_shift_along(self, step: int) -> None:
        """Move the card or the selection up or down in its column at once."""
        if self.lift is not None:
            self.action_along(step)
            return
        held, bases = self.task, self.targets()
        if held is None:
            return
        if self.table.view.sort is not Sort.RANK:
            self._tell_sorted()
            return
        held = bases[0] if held.id not in {base.id for base in bases} else held
        shown = self.table.shown_task(held.id) or held
        lanes = self.table.lanes(shown)
        lift = drag.lift([shown if base.id == held.id else base for base in bases], shown, lanes)
        carried = drag.carry_along(lift, step, lanes)
        if carried.index != lift.index:
            self.move(bases, carried.column, self.table.anchor(carried))

    def action_send(self, column: str) -> None:
        """Send what is lifted, or the selection, to the end of a column."""
        bases = list(self.lift.bases) if self.lift is not None else self.targets()
        self.lift = None
        self.deck.let_go()
        self.refresh_bindings()
        to = Status(column)
        if bases and not all(base.status is to for base in bases):
            self.move(bases, to, None)
        else:
            self._draw(())

    def _tell_sorted(self) -> None:
        words = SORT_WORDS[self.table.view.sort]
        self.parallel.tell(
            f"The order here is by {words}; only column changes are stored.", hint="s goes back to the order by hand."
        )

    # selecting

    def action_select(self) -> None:
        """Select the card at the cursor, or no longer."""
        if self.cursor is None:
            return
        if self.cursor in self.selected:
            del self.selected[self.cursor]
        else:
            self.selected[self.cursor] = None
            self._range_from = self.cursor
        self._draw(())
        self.refresh_bindings()

    def action_select_range(self) -> None:
        """Select all cards of the column between the one selected last and the cursor."""
        start = self.table.place_of(self._range_from)
        if self.cursor is None:
            return
        low = high = self._cursor_index
        if start is not None and start[0] is self.column:
            low, high = sorted((start[1], high))
        self.selected.update(dict.fromkeys(card.id for card in self.table.cards[self.column][low : high + 1]))
        self._range_from = self.cursor
        self._draw(())
        self.refresh_bindings()

    def action_clear(self) -> None:
        """Clear the selection, or else the filter."""
        if self.selected:
            self.selected.clear()
            self._draw(())
        else:
            self.look_at(replace(self.table.view, query="", only_mine=False))
        self.refresh_bindings()

    # the mouse

    @on(Deck.Pressed)
    def _pressed(self, message: Deck.Pressed) -> None:
        if self.lift is not None:
            self.action_put_back()
        if message.task is None:
            self.column = message.status
            self._go_to_column(message.status, 0)
            return
        if message.extends:
            self.go_to(message.task)
            self.action_select()
            return
        self.go_to(message.task)

    @on(Deck.Opened)
    def _opened(self, message: Deck.Opened) -> None:
        self.go_to(message.task)
        self.action_open_card()

    @on(Deck.Carried)
    def _carried(self, message: Deck.Carried) -> None:
        held = self.table.shown_task(message.task)
        lift = self.lift
        if lift is None:
            if held is None or not self.deck.is_carrying:
                return
            bases = self.targets() if held.id in self.selected else [held]
            lift = drag.lift(bases, held, self.table.lanes(held), by_mouse=True)
            self.refresh_bindings()
        index = self._index_of_slot(lift, message.status, message.hit.slot)
        carried = drag.carry_to(lift, message.status, index, self.table.lanes(lift.held))
        if carried != self.lift:
            self.lift = carried
            self._draw(())

    @on(Deck.Released)
    def _released(self) -> None:
        if self.lift is not None and self.lift.by_mouse:
            self.action_drop()

    @on(Deck.Wheeled)
    def _wheeled(self, message: Deck.Wheeled) -> None:
        lane = self.deck.lanes[message.status]
        if lane.scroll_lines(message.lines):
            self._scroll_together(lane)

    # new cards

    def action_new_card(self) -> None:
        """Open a line below the cursor for the title of a new card."""
        self._new_card = NewCard(self.column, self.cursor)
        lane = self.deck.lanes[self.column]
        lane.mount(self._new_card)
        self._place_new_card(self._new_card)
        self._new_card.focus()
        self.refresh_bindings()

    def _place_new_card(self, field: NewCard) -> None:
        lane = self.deck.lanes[field.status]
        row = lane.index_of(field.after) if field.after is not None else None
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
            self.run_worker(
                editing.create(self, message.title, field.status, before), group="send", exit_on_error=False
            )

    def _card_after(self, field: NewCard) -> TaskId | None:
        if self.table.view.sort is not Sort.RANK:
            return None
        column = list(self.state.column(field.status))
        if field.after is None:
            return column[0].id if column else None
        place = next((index for index, task in enumerate(column) if task.id == field.after), len(column))
        return column[place + 1].id if place + 1 < len(column) else None

    def show_marks(self) -> None:
        """Draw the marks of the cards again: something is on its way no longer."""
        self._draw(())

    def await_card(self, task: TaskId) -> None:
        """Put the cursor on a card as soon as it is shown."""
        self._awaited = task
        self._has_gone = True
        self._show(())
        if self._awaited is None:
            self._reveal()

    # cards, through dialogs

    def action_open_card(self) -> None:
        """Open the card at the cursor."""
        if self.cursor is not None:
            from tui.screens.task import TaskScreen

            self.app.push_screen(TaskScreen(self.cursor))

    def _ask(self, dialog: object) -> None:
        self.run_worker(self.parallel.attempt(dialog), group="ask", exit_on_error=False)  # type: ignore[arg-type]

    def action_edit(self) -> None:
        """Edit the card's fields."""
        self._ask(editing.edit(self))

    def action_assign(self) -> None:
        """Give the card to somebody."""
        self._ask(editing.assign(self))

    def action_priority(self) -> None:
        """Say how urgent it is."""
        self._ask(editing.prioritise(self))

    def action_labels(self) -> None:
        """Choose its labels."""
        self._ask(editing.label(self))

    def action_dependencies(self) -> None:
        """Choose what it waits for."""
        self._ask(editing.depend(self))

    def action_comment(self) -> None:
        """Leave a remark."""
        self._ask(editing.comment(self))

    def action_archive(self) -> None:
        """Take it off the board."""
        self._ask(editing.archive(self))

    def action_duplicate(self) -> None:
        """Copy it."""
        self._ask(editing.duplicate(self))

    def action_archived(self) -> None:
        """See the archive."""
        self._ask(editing.restore(self))

    def action_pick_column(self) -> None:
        """Pick the column to send it to."""
        self._ask(editing.send(self))

    def action_saved_filters(self) -> None:
        """Use or save a filter."""
        self._ask(editing.saved_filters(self))

    def action_group(self) -> None:
        """Choose the groups."""
        self._ask(editing.group(self))

    # the view

    def look_at(self, seen: View) -> None:
        """Look at the board in another way; the cursor stays on its card while that is shown."""
        self.table.view = seen
        self._show(COLUMNS)
        self._reveal()
        self.refresh_bindings()

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
        self.query_one(FilterBar).open(self.table.view.query)
        self._tell_filter()

    @on(FilterBar.Changed)
    def _filter_typed(self, message: FilterBar.Changed) -> None:
        if message.query != self.table.view.query:
            self.look_at(replace(self.table.view, query=message.query))
            self._tell_filter()

    def _tell_filter(self) -> None:
        self.query_one(FilterBar).tell(f"{self.table.shown_count:,} of {self.table.total:,}")

    @on(FilterBar.Left)
    def _filter_left(self, message: FilterBar.Left) -> None:
        self.query_one(FilterBar).close()
        if not message.keeps:
            self.look_at(replace(self.table.view, query=""))
        self.refresh_bindings()
