"""The filter bar: the line in which one types what the board should show, live."""

from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from tui.translation import _, mark


class FilterInput(Input):
    """The input; enter and escape leave it, the arrows go on to the cards."""

    BINDINGS = [  # noqa: RUF012
        Binding("escape", "give_up", mark("Clear filter"), show=True),
        Binding("down,tab", "keep", mark("To the cards"), show=False),
    ]

    def action_give_up(self) -> None:
        """Clear the filter and leave."""
        self.post_message(FilterBar.Left(keeps=False))

    def action_keep(self) -> None:
        """Keep the filter and leave."""
        self.post_message(FilterBar.Left(keeps=True))


class FilterBar(Horizontal):
    """Shown while one types; says how many cards fit."""

    DEFAULT_CSS = """
    FilterBar {
        dock: bottom;
        height: 1;
        margin-bottom: 1;  /* what is docked to one edge lies over each other: above the footer */
        display: none;
        background: $panel;
        &.-open { display: block; }
        #filter-sign { width: 3; color: $text-accent; text-style: bold; padding: 0 1; }
        FilterInput, FilterInput:focus { width: 1fr; height: 1; border: none; padding: 0; background: $panel; }
        #filter-count { width: 22; padding: 0 1; text-align: right; color: $foreground 60%; }
    }
    """

    @dataclass
    class Changed(Message):
        """The person typed."""

        query: str

        def can_replace(self, message: Message) -> bool:
            # Of letters typed faster than the board can be searched, only the last one's query counts.
            return isinstance(message, FilterBar.Changed)

    @dataclass
    class Left(Message):
        """The person has done typing; the filter is kept or not."""

        keeps: bool

    def __init__(self, *, hint: str = "", id: str | None = None) -> None:
        super().__init__(id=id)
        self._hint = hint or _("words, #number, @assignee, !priority")

    def compose(self) -> ComposeResult:
        yield Static("/", id="filter-sign")
        yield FilterInput(placeholder=self._hint, select_on_focus=False, id="filter-input")
        yield Static("", id="filter-count", markup=False)

    @property
    def is_open(self) -> bool:
        """Whether the person is typing."""
        return self.has_class("-open")

    def open(self, query: str) -> None:
        """Show it, with the present filter to be changed."""
        self.add_class("-open")
        field = self.query_one(FilterInput)
        field.value = query
        field.cursor_position = len(query)
        field.focus()

    def close(self) -> None:
        """Hide it."""
        self.remove_class("-open")
        if self.screen.focused is self.query_one(FilterInput):
            self.screen.set_focus(None)

    def tell(self, text: str) -> None:
        """Say how many cards fit."""
        self.query_one("#filter-count", Static).update(text, layout=False)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self.is_open:
            self.post_message(self.Changed(event.value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Left(keeps=True))
