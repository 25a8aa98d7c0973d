"""Asking for text: one line, or several."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, TextArea

from tui.dialogs.base import Dialog
from tui.translation import mark


class AskLine(Dialog[str | None]):
    """Ask for one line of text. Gives it without blanks around it, or None.

    Args:
        is_replaced: what is typed takes the place of `initial`, as a number is seldom made longer.
    """

    KEYS = mark("enter confirms · esc cancels")

    def __init__(self, title: str, *, initial: str = "", placeholder: str = "", is_replaced: bool = False) -> None:
        super().__init__(title)
        self._initial = initial
        self._placeholder = placeholder
        self._is_replaced = is_replaced

    def body(self) -> ComposeResult:
        yield Input(self._initial, placeholder=self._placeholder, select_on_focus=self._is_replaced, id="line")

    @on(Input.Submitted)
    def submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())


class AskText(Dialog[str | None]):
    """Ask for a text of several lines (Markdown). Leaving with changes asks first."""

    KEYS = mark("ctrl+s saves · esc cancels")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "save", "Save", priority=True)]

    def __init__(self, title: str, *, initial: str = "") -> None:
        super().__init__(title)
        self._initial = initial

    def body(self) -> ComposeResult:
        yield TextArea(self._initial, id="text", highlight_cursor_line=False)

    @property
    def has_unsaved(self) -> bool:
        return self.query_one(TextArea).text != self._initial

    def action_save(self) -> None:
        """Give the text back."""
        self.dismiss(self.query_one(TextArea).text)
