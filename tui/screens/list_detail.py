"""The base of screens that show a list and the whole of what is under its cursor: beside it, below, or in its place."""

from collections.abc import Awaitable, Sequence
from typing import Any, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from storage import Task
from tui import cells
from tui.actions import Action
from tui.screens.place import Place
from tui.widgets.detail_text import DetailText
from tui.widgets.footer import KeysFooter
from tui.widgets.line_list import LineList, Piece

LOW_UNDER: Final = 18
"""Under this height there is no room for both."""
TICK_S: Final = 1.0
"""How often the ages are brought up to date; only rows that then read otherwise are drawn."""

Column = tuple[str, int]
"""The title of a column, and its cells; 0 takes what is left."""


def open_action(place: str, group: str, help: str) -> Action:
    """The key that shows the details."""
    return Action(f"{place}.open", "enter", "open", "Details", help, group, True)


def back_action(place: str, group: str) -> Action:
    """The key that leaves them, and the list."""
    return Action(f"{place}.back", "escape", "back", "Back", "From the details to the list, and to the board.", group,
                  True, False)  # fmt: skip


def scroll_actions(place: str) -> tuple[Action, Action]:
    """The keys that scroll the details where they stand in the place of the list."""
    return (
        Action(f"{place}.down", "j,down", "scroll(2)", "Down", "Scroll the details down.", "Reading", in_palette=False),
        Action(f"{place}.up", "k,up", "scroll(-2)", "Up", "Scroll the details up.", "Reading", in_palette=False),
    )


class ListAndDetail(Place):
    """Rows by id, with a cursor that stays on its row wherever that goes. Subclasses fill, paint and describe."""

    CSS_PATH: ClassVar[Any] = "list_detail.tcss"
    BESIDE_FROM: ClassVar[int] = 130
    """From this width on the detail stands beside the list, else below it."""
    BINDINGS: ClassVar = [  # the list's own keys, where the detail has its place
        Binding("pagedown,ctrl+f", "page(1)", show=False),
        Binding("pageup,ctrl+b", "page(-1)", show=False),
        Binding("home,g", "end(False)", show=False),
        Binding("end,G", "end(True)", show=False),
    ]

    lines: LineList
    """The list. Kept, since it is asked for with every row, and a query costs more than a row."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.selected: str | None = None
        self._lines: dict[str, Content] = {}

    def compose(self) -> ComposeResult:
        yield Static("", id="heading", markup=False)
        yield Static("", id="columns", markup=False)
        self.lines = self.list_widget()
        with Horizontal(id="body"):
            yield self.lines
            with VerticalScroll(id="detail", can_focus=False):
                yield DetailText(id="text")
        yield Static("", id="empty", markup=False)
        yield KeysFooter(id="keys")

    def list_widget(self) -> LineList:
        """The list, with the id `rows`."""
        return LineList(self._paint, id="rows")

    def on_mount(self) -> None:
        self._fit_screen(self.size.width, self.size.height)
        self.set_interval(TICK_S, self.tick)
        self.query_one(LineList).focus()

    def on_resize(self, event: Resize) -> None:
        self._fit_screen(event.size.width, event.size.height)
        self.call_after_refresh(self.show_columns)

    def _fit_screen(self, width: int, height: int) -> None:
        self.set_class(width >= self.BESIDE_FROM, "-beside")
        self.set_class(width < self.BESIDE_FROM and height < LOW_UNDER, "-low")

    # what subclasses say

    def heading(self) -> Content:
        """The line above the list."""
        raise NotImplementedError

    def columns(self, width: int) -> Sequence[Column]:
        """The columns of a list so wide."""
        raise NotImplementedError

    def cells_of(self, subject: str) -> Sequence[Piece]:
        """What stands in each column of a row."""
        raise NotImplementedError

    def describe(self, subject: str) -> Content:
        """All of what is under the cursor."""
        raise NotImplementedError

    def nothing(self) -> str:
        """What to do where there are no rows."""
        raise NotImplementedError

    def chosen(self) -> None:
        """The cursor has come to another row: subclasses read what they do not know yet."""

    def current_task(self) -> Task | None:
        """The task of what is under the cursor, for `t` and the palette."""
        return None

    def refill(self) -> None:
        """Show the rows as they are now."""
        raise NotImplementedError

    # drawing

    @property
    def list_width(self) -> int:
        """How wide the list is now."""
        return self.lines.size.width

    @property
    def is_on_stage(self) -> bool:
        """Whether it is among the screens that are shown, a dialog above it or not."""
        return self in self.app.screen_stack

    @property
    def is_in_detail(self) -> bool:
        """Whether the detail stands in the place of the list."""
        return self.has_class("-detail")

    def fill(self, ids: Sequence[str]) -> None:
        """Show these rows; the cursor stays on what it was on."""
        lines = self.query_one(LineList)
        is_same = self.ids == list(ids) and lines.count == len(ids)
        before = self.selected
        if lines.cursor < len(self.ids) == lines.count:
            self.selected = self.ids[lines.cursor]  # it may have moved, and nobody heard of it yet
        self.ids = list(ids)
        self.set_class(not ids, "-empty")
        if self.selected not in self.ids:
            self.selected = self.ids[min(lines.cursor, len(self.ids) - 1)] if self.ids else None
            self.remove_class("-detail")
        cursor = self.ids.index(self.selected) if self.selected is not None else 0
        if is_same and cursor == lines.cursor:
            lines.refresh_changed()
        else:
            lines.show(len(self.ids), cursor=cursor)
        self._show_line("#heading", self.heading())
        if not ids:
            self.query_one("#empty", Static).update(self.nothing())
        self.show_columns()
        if self.selected != before:
            self.query_one("#detail", VerticalScroll).scroll_home(animate=False)
        self.show_detail()
        self.refresh_bindings()
        if self.selected != before:
            self.chosen()

    def tick(self) -> Awaitable[None] | None:
        """A second has passed."""
        if self.is_current:
            self.show_ages()
        return None

    def show_ages(self) -> None:
        """Draw what reads otherwise since time has passed."""
        self.lines.refresh_changed()
        self.show_detail()

    def show_columns(self) -> None:
        """Name the columns."""
        titles = [(title, "plain") for title, _size in self.columns(self.list_width)]
        self._show_line("#columns", Content("".join(text for text, _part in self._laid_out(titles))))

    def _show_line(self, which: str, content: Content) -> None:
        """Show a line where it reads otherwise; its size is always the same, so nothing else has to be laid out."""
        known = self._lines.get(which)
        if known is None or not known.is_same(content):  # == would pass over the looks
            self._lines[which] = content
            self.query_one(which, Static).update(content, layout=False)

    def show_detail(self) -> None:
        """Draw the detail anew, where it is to be seen and reads otherwise."""
        if self.selected is None or (self.has_class("-low") and not self.is_in_detail):
            return
        self.query_one("#text", DetailText).show(self.describe(self.selected))

    def select(self, subject: str) -> None:
        """Put the cursor on a row."""
        if subject in self.ids:
            self.query_one(LineList).action_to(self.ids.index(subject))

    async def show_waiting(self, subject: str) -> None:
        """Put the cursor on what waits for the person."""
        self.refill()
        self.select(subject)

    def _paint(self, row: int) -> list[Piece]:
        return self._laid_out(self.cells_of(self.ids[row]))

    def _laid_out(self, row: Sequence[Piece]) -> list[Piece]:
        sizes = [size for _title, size in self.columns(self.list_width)]
        return [
            (cells.fit(text, size - 1) + " " if size else text, part)
            for (text, part), size in zip(row, sizes, strict=True)
        ]

    # going

    @on(LineList.Moved)
    def _moved(self) -> None:
        row = self.query_one(LineList).cursor  # not the message's, at whose place another may stand by now
        if row < len(self.ids) and self.ids[row] != self.selected:
            self.selected = self.ids[row]
            self.query_one("#detail", VerticalScroll).scroll_home(animate=False)
            self.chosen()
            self.show_detail()
            self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        if action == "scroll":
            return self.is_in_detail
        if action == "open":
            return self.selected is not None and not self.is_in_detail
        return self.current_task() is not None if action == "task" else True

    @on(LineList.Opened)
    def _opened(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        """Show the whole of what is under the cursor."""
        if self.selected is not None:
            self.add_class("-detail")
            self.show_detail()

    def action_task(self) -> None:
        """Open the task of what is under the cursor."""
        if (task := self.current_task()) is not None:
            from tui.screens.task import TaskScreen

            self.app.push_screen(TaskScreen(task.id))

    def action_scroll(self, lines: int) -> None:
        """Scroll the detail."""
        self.query_one("#detail", VerticalScroll).scroll_relative(y=lines, animate=False)

    def action_page(self, pages: int) -> None:
        """Scroll the detail by pages."""
        self.action_scroll(pages * max(1, self.query_one("#detail").size.height - 2))

    def action_end(self, is_last: bool) -> None:
        """Scroll the detail to its beginning, or to its end."""
        detail = self.query_one("#detail", VerticalScroll)
        detail.scroll_to(y=detail.max_scroll_y if is_last else 0, animate=False)

    async def action_back(self) -> None:
        """From the detail to the list, from there to the board."""
        if self.is_in_detail:
            self.remove_class("-detail")
            self.query_one(LineList).focus()
            self.call_after_refresh(self.show_columns)  # the window may have another size by now
        else:
            await self.parallel.action_go("board")
