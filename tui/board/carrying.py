"""Carrying: cards go from place to place, by keys, by mouse, one or a selection of them.

The middle layer of the board screen.
"""

from collections.abc import Sequence
from dataclasses import replace

from textual import on

from core.execute import Outcome
from storage import COLUMNS, Status, Task, TaskId
from tui.board import drag
from tui.board.canvas import Canvas
from tui.board.deck import Deck
from tui.board.drag import Lift
from tui.board.outbox import Move
from tui.board.view import SORT_WORDS, Group, Sort
from tui.submit import submit, submit_many
from tui.translation import _


class Carrying(Canvas):
    """The board with its cursor, its selection, and cards in the air."""

    _range_from: TaskId | None = None

    # the keys that go, or carry

    def action_across(self, step: int) -> None:
        """Go, or carry, to the next column."""
        if self.lift is not None:
            self._carry_across(self.lift, step)
            return
        index = COLUMNS.index(self.column) + step
        if 0 <= index < len(COLUMNS):
            self.go_to_column(COLUMNS[index], self.cursor_line())

    def action_along(self, step: int) -> None:
        """Go, or carry, along the column."""
        lift = self.lift
        if lift is None:
            self.go_along(self._cursor_index + step)
            return
        self._carry(drag.carry_along(lift, step, self.table.lanes(lift.held)))
        if self.lift == lift and self._is_sorted:
            self._tell_sorted()

    def action_to_end(self, way: int) -> None:
        """Go, or carry, to the first or last card of the column."""
        column = self.lift.column if self.lift is not None else self.column
        index = 0 if way < 0 else len(self.table.cards[column]) - (self.lift is None)
        if self.lift is None:
            self.go_along(index)
        else:
            self._carry(drag.carry_to(self.lift, column, index, self.table.lanes(self.lift.held)))

    def action_page(self, way: int) -> None:
        """Go, or carry, by as many lines as the lane shows."""
        column = self.lift.column if self.lift is not None else self.column
        lane = self.deck.lanes[column]
        if self.lift is not None:
            slot = lane.stack.slot_at(self._lift_line(self.lift) + way * lane.page)
            index = self._index_of_slot(self.lift, column, slot)
            self._carry(drag.carry_to(self.lift, column, index, self.table.lanes(self.lift.held)))
        elif (task := lane.stack.nearest(self.cursor_line() + way * lane.page)) is not None:
            self.go_to(task)

    # lifting and dropping

    def action_lift(self) -> None:
        """Lift the card or the selection."""
        lift = self._lifted()
        if lift is not None:
            self._carry(lift)
            self.refresh_bindings()

    def _lifted(self, *, by_mouse: bool = False) -> Lift | None:
        """The card at the cursor in the air, with the selection if it belongs to that; the selection where it
        does not but one stands."""
        bases = self.targets()
        if not bases:
            return None
        held = next((base for base in bases if base.id == self.cursor), bases[0])
        shown = self.table.shown_task(held.id) or held
        bases = [self.table.shown_task(base.id) or base for base in bases]
        return drag.lift(bases, shown, self.table.lanes(shown), by_mouse=by_mouse)

    def _carry(self, lift: Lift) -> None:
        if lift != self.lift:
            self.lift = lift
            self.draw()
            self.reveal()

    def _carry_across(self, lift: Lift, step: int) -> None:
        """To the next column, at the height at which it is carried."""
        target = COLUMNS[min(max(COLUMNS.index(lift.column) + step, 0), len(COLUMNS) - 1)]
        if target is not lift.column:
            self._carry(self._at_line(lift, target, self._lift_line(lift)))

    def _at_line(self, lift: Lift, column: Status, line: int) -> Lift:
        index = self._index_of_slot(lift, column, self.deck.lanes[column].stack.slot_at(line))
        return drag.carry_to(lift, column, index, self.table.lanes(lift.held))

    def _lift_line(self, lift: Lift) -> int:
        lane = self.deck.lanes[lift.column]
        line = lane.stack.screen_line_of(lift.held.id) if lift.is_home else lane.stack.ghost_line()
        return line or 0

    def _index_of_slot(self, lift: Lift, column: Status, slot: int) -> int:
        """The place among the cards that stay, for a slot among the rows that are drawn."""
        if self.table.view.group is not Group.NONE:
            slot = sum(isinstance(row, Task) for row in self.table.rows[column][:slot])
        places = (self.table.place_of(task) for task in lift.ids)
        return slot - sum(place is not None and place[0] is column and place[1] < slot for place in places)

    def action_put_back(self) -> None:
        """Put what is lifted back where it was."""
        self._let_go()
        self.draw()
        self.reveal()

    def action_drop(self) -> None:
        """Drop what is lifted where it is."""
        lift = self._let_go()
        if lift is not None and not lift.is_home:
            self.move(lift.bases, lift.column, self.table.anchor(lift))
        else:
            self.draw()

    def _let_go(self) -> Lift | None:
        lift, self.lift = self.lift, None
        self.deck.let_go()
        self.refresh_bindings()
        return lift

    # moving

    def move(self, bases: Sequence[Task], to: Status, before: TaskId | None) -> None:
        """Move tasks: at once on the screen, marked as pending, and on their way to the store."""
        if self._is_sorted and all(base.status is to for base in bases):
            self._tell_sorted()
            self.draw()
            return
        places = (self.table.place_of(base.id) for base in bases)
        columns = {to, *(place[0] for place in places if place is not None)}
        parcel = self.outbox.post([base.id for base in bases], Move(tuple(bases), to, before))
        self.selected.clear()
        self.refresh_bindings()
        self.show(columns)
        self.reveal()

        async def sending(standing: list[Task]) -> Outcome | None:
            # Somebody may have taken away the card before which these were to stand.
            anchor = self.state.tasks.get(before) if before is not None else None
            place = before if anchor is not None and anchor.status is to else None
            if len(standing) == 1:
                return await submit(self.parallel, "move_task", standing[0], to=to, before=place)
            return await submit_many(self.parallel, "move_tasks", standing, to=to, before=place)

        async def send() -> None:
            await self.parallel.attempt(self.outbox.send(parcel, bases, sending, lambda: self.sequence_drawn))
            if not self.outbox.is_on_its_way(parcel):
                self.show(columns)

        self.run_worker(send(), group="send", exit_on_error=False)

    def action_shift_across(self, step: int) -> None:
        """Move the card or the selection to the next column at once."""
        if self.lift is not None:
            self.action_across(step)
            return
        lift = self._lifted()
        if lift is None:
            return
        index = COLUMNS.index(lift.home) + step
        if 0 <= index < len(COLUMNS):
            lift = self._at_line(lift, COLUMNS[index], self._lift_line(lift))
            self.move(lift.bases, lift.column, self.table.anchor(lift))

    def action_shift_along(self, step: int) -> None:
        """Move the card or the selection up or down in its column at once."""
        if self.lift is not None:
            self.action_along(step)
            return
        lift = self._lifted()
        if lift is None:
            return
        if self._is_sorted:
            self._tell_sorted()
            return
        carried = drag.carry_along(lift, step, self.table.lanes(lift.held))
        if carried.index != lift.index:
            self.move(carried.bases, carried.column, self.table.anchor(carried))

    def action_send(self, column: str) -> None:
        """Send what is lifted, or the selection, to the end of a column."""
        lift = self._let_go()
        self.send_to(lift.bases if lift is not None else self.targets(), Status(column))

    def send_to(self, tasks: Sequence[Task], to: Status) -> None:
        """Send those of the tasks that are not there to the end of a column."""
        moving = [task for task in tasks if task.status is not to]
        if moving:
            self.move(moving, to, None)
        else:
            self.draw()

    @property
    def _is_sorted(self) -> bool:
        return self.table.view.sort is not Sort.RANK

    def _tell_sorted(self) -> None:
        sentence = _(
            "The cards are sorted by {words} now: a move to another column is stored, one inside a column is not."
        )
        self.parallel.tell(
            sentence.format(words=_(SORT_WORDS[self.table.view.sort])), hint=_("Press s until they are sorted by hand.")
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
        self.draw()
        self.refresh_bindings()

    def action_select_range(self) -> None:
        """Select all cards of the column between the one selected last and the cursor."""
        if self.cursor is None:
            return
        start = self.table.place_of(self._range_from)
        low = high = self._cursor_index
        if start is not None and start[0] is self.column:
            low, high = sorted((start[1], high))
        self.selected.update(dict.fromkeys(card.id for card in self.table.cards[self.column][low : high + 1]))
        self._range_from = self.cursor
        self.draw()
        self.refresh_bindings()

    def action_clear(self) -> None:
        """Clear the selection, or else the filter."""
        if self.selected:
            self.selected.clear()
            self.draw()
            self.refresh_bindings()
        else:
            self.look_at(replace(self.table.view, query="", only_mine=False))

    # the mouse

    @on(Deck.Pressed)
    def _pressed(self, message: Deck.Pressed) -> None:
        if self.lift is not None:
            self.lift = None
            self.refresh_bindings()
        if message.task is None:
            self.go_to_column(message.status, 0)
            return
        self.go_to(message.task)
        if message.extends:
            self.action_select()

    @on(Deck.Carried)
    def _carried(self, message: Deck.Carried) -> None:
        if not self.deck.is_carrying:
            return
        lift = self.lift
        if lift is None:
            if message.task != self.cursor:
                return
            if self.selected and message.task not in self.selected:
                self.selected.clear()
            lift = self._lifted(by_mouse=True)
            if lift is None:
                return
            self.refresh_bindings()
        index = self._index_of_slot(lift, message.status, message.hit.slot)
        carried = drag.carry_to(lift, message.status, index, self.table.lanes(lift.held))
        if carried != self.lift:
            self.lift = carried
            self.draw()

    @on(Deck.Released)
    def _released(self) -> None:
        if self.lift is not None and self.lift.by_mouse:
            self.action_drop()

    @on(Deck.Wheeled)
    def _wheeled(self, message: Deck.Wheeled) -> None:
        lane = self.deck.lanes[message.status]
        if lane.scroll_lines(message.lines):
            self.scroll_together(lane)
