"""Confirm: a question to be answered with yes or no; esc is no."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from core.text import block_for_screen
from tui.dialogs.base import Dialog
from tui.translation import _, mark


class Confirm(Dialog[bool]):
    """Ask before something that cannot be taken lightly.

    Args:
        message: what will happen, several lines if need be.
        yes: the words on the button that does it; `Yes` if empty.
        no: the words on the one that does not; `No` if empty.
    """

    KEYS = mark("y / n · ← → choose · enter confirms · esc cancels")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes"),
        Binding("n", "answer(False)", "No"),
        Binding("left,h", "app.focus_previous", show=False),
        Binding("right,l", "app.focus_next", show=False),
    ]

    def __init__(self, title: str, message: str, *, yes: str = "", no: str = "") -> None:
        super().__init__(title)
        self._message = block_for_screen(message)
        self._yes, self._no = yes or _("Yes"), no or _("No")

    def body(self) -> ComposeResult:
        with VerticalScroll(id="message", can_focus=False):
            yield Static(self._message, markup=False)
        with Horizontal(id="buttons"):
            yield Button(Content(self._yes), id="yes", variant="primary", compact=True)
            yield Button(Content(self._no), id="no", compact=True)

    def on_mount(self) -> None:
        self.query_one("#yes").focus()

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, is_yes: bool) -> None:
        """Answer by letter."""
        self.dismiss(is_yes)

    def leave(self) -> None:
        self.dismiss(False)
