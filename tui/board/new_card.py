"""The line in a lane in which a new card's title is typed."""

from dataclasses import dataclass

from textual.binding import Binding
from textual.events import Paste
from textual.message import Message
from textual.widgets import Input

from storage import Status, TaskId
from tui.translation import _, mark


class NewCard(Input):
    """Lies over the line that the lane leaves free. Enter adds the card, escape does not."""

    BINDINGS = [Binding("escape", "give_up", mark("Cancel"), show=True)]  # noqa: RUF012
    DEFAULT_CSS = """
    NewCard, NewCard:focus {
        position: absolute;
        width: 100%;
        height: 1;
        border: none;
        padding: 0 1;
        background: $primary 35%;
        color: $foreground;
    }
    """

    @dataclass
    class Written(Message):
        """The title is written; empty where the person has given up."""

        title: str

    def __init__(self, status: Status, after: TaskId | None, title: str = "") -> None:
        super().__init__(title, placeholder=_("title, enter adds it"), select_on_focus=False, id="new-card")
        self.status = status
        self.after = after

    def _on_paste(self, event: Paste) -> None:
        """Pasted lines become one: Textual would drop all but the first without a word."""
        event.prevent_default()
        event.stop()
        self.replace(" ".join(event.text.split()), *self.selection)

    def action_give_up(self) -> None:
        """Leave without a card."""
        self.post_message(self.Written(""))

    async def action_submit(self) -> None:
        """Add the card."""
        self.post_message(self.Written(self.value.strip()))
