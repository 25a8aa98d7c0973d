"""The table of processes as the person arranges it: sorted, filtered, grouped by label, some of it selected."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from textual import on
from textual.app import ComposeResult
from textual.events import Click

from storage import Process, ProcessId
from tui import cells
from tui.processes.rows import columns_of, titles_of
from tui.processes.view import HEADING, ProcessView, label_of
from tui.screens.list_detail import Column, ListAndDetail
from tui.translation import _
from tui.widgets.filter_bar import FilterBar
from tui.widgets.line_list import LineList
from tui.widgets.process_table import ProcessTable


class Arranged(ListAndDetail):
    """Knows in what order which processes are shown and which of them are selected; subclasses know the processes."""

    def __init__(self) -> None:
        super().__init__()
        self.view = ProcessView()
        self.marked: set[ProcessId] = set()
        self.shown: list[Process] = []
        """The processes in view, in the order of their rows."""
        self._last_marked: str | None = None

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield FilterBar(hint=_("words of name, state or command, @label"))

    def list_widget(self) -> LineList:
        return ProcessTable(self._paint, self._is_marked, id="rows")

    # what subclasses say

    def show_rows(self) -> None:
        """Draw what differs; the cursor stays on its process wherever that has come to stand."""
        raise NotImplementedError

    def show_heading(self) -> None:
        """Draw the line above the table, if it reads otherwise."""
        raise NotImplementedError

    def count_all(self) -> int:
        """How many processes there are, shown or not."""
        raise NotImplementedError

    # looking

    def columns(self, width: int) -> Sequence[Column]:
        shown = columns_of(width)
        return [
            (cells.fit(" " * (each.size - 1 - cells.width(title)) + title, each.size - 1) if each.is_number else title,
             each.size)
            for each, title in zip(shown, titles_of(shown, self.view), strict=True)
        ]  # fmt: skip

    def members(self, heading: str) -> list[Process]:
        """Those of a group that are shown."""
        return [each for each in self.shown if HEADING + label_of(each) == heading]

    def look_at(self, view: ProcessView) -> None:
        """Show them otherwise."""
        self.view = view
        self.show_rows()
        self.show_heading()
        self.show_columns()
        self.refresh_bindings()

    def action_sort(self) -> None:
        """Sort by the next order."""
        self.look_at(self.view.next_order())

    def action_reverse(self) -> None:
        """Turn the order round."""
        self.look_at(replace(self.view, is_reversed=not self.view.is_reversed))

    def action_group(self) -> None:
        """Group by label, or no longer."""
        self.look_at(replace(self.view, by_label=not self.view.by_label))

    def action_filter(self) -> None:
        """Type a filter."""
        self.query_one(FilterBar).open(self.view.query)
        self._tell_filter()
        self.refresh_bindings()

    @on(FilterBar.Changed)
    def _filter_typed(self, message: FilterBar.Changed) -> None:
        if message.query != self.view.query:
            before = self.selected
            self.look_at(replace(self.view, query=message.query))
            if self.selected != before and self.shown:  # what it was on does not fit: the best is what stands first
                self.select(next(each for each in self.ids if not each.startswith(HEADING)))
            self._tell_filter()

    @on(FilterBar.Left)
    def _filter_left(self, message: FilterBar.Left) -> None:
        self.query_one(FilterBar).close()
        self.query_one(LineList).focus()
        if not message.keeps:
            self.look_at(replace(self.view, query=""))
        self.refresh_bindings()

    def _tell_filter(self) -> None:
        told = _("{shown:,} of {total:,}").format(shown=len(self.shown), total=self.count_all())
        self.query_one(FilterBar).tell(told)

    def on_click(self, event: Click) -> None:
        """A click on the title of a column sorts by it, a second one the other way."""
        if event.widget is not self.query_one("#columns"):
            return
        place = event.x
        for column in columns_of(self.query_one("#rows").size.width):
            if place < column.size and column.order is not None:
                is_same = column.order is self.view.order
                turned = is_same and not self.view.is_reversed
                self.look_at(replace(self.view, order=column.order, is_reversed=turned))
                return
            place -= column.size

    # selecting

    def _is_marked(self, row: int) -> bool:
        return self.ids[row] in self.marked

    def _mark(self, ids: Iterable[ProcessId], *, is_marked: bool) -> None:
        self.marked = self.marked | set(ids) if is_marked else self.marked - set(ids)
        self.query_one(LineList).refresh_changed()
        self.show_heading()
        self.refresh_bindings()

    @on(ProcessTable.Toggled)
    def _toggled(self, message: ProcessTable.Toggled) -> None:
        self._toggle(self.ids[message.row])

    def _toggle(self, subject: str) -> None:
        is_group = subject.startswith(HEADING)
        ids: Collection[ProcessId] = {each.id for each in self.members(subject)} if is_group else {ProcessId(subject)}
        self._mark(ids, is_marked=not self.marked.issuperset(ids))
        self._last_marked = subject

    def action_select(self) -> None:
        """Select what is under the cursor, or no longer, and go on to the next."""
        if self.selected is not None:
            self._toggle(self.selected)
            self.query_one(LineList).action_move(1)

    def action_select_range(self) -> None:
        """Select all from the last selected one to the one under the cursor."""
        if self.selected is None:
            return
        here = self.ids.index(self.selected)
        there = self.ids.index(self._last_marked) if self._last_marked in self.ids else here
        span = self.ids[min(here, there) : max(here, there) + 1]
        self._mark([ProcessId(each) for each in span if not each.startswith(HEADING)], is_marked=True)

    def action_select_all(self) -> None:
        """Select all that are shown, or none."""
        ids = {each.id for each in self.shown}
        self._mark(ids, is_marked=not ids <= self.marked)

    async def action_back(self) -> None:
        if not self.is_in_detail and self.marked:
            self._mark(set(self.marked), is_marked=False)
        elif not self.is_in_detail and self.view.query:
            self.look_at(replace(self.view, query=""))
        else:
            await super().action_back()
