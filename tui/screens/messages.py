"""The messages: everything that the app has told the person, to be read again and copied."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.widgets import Static

from tui.actions import Action, bindings_of
from tui.messages import Note, Severity
from tui.screens.place import Place
from tui.translation import _, mark, ngettext
from tui.widgets.footer import KeysFooter
from tui.widgets.line_list import LineList, Piece
from tui.wording import clock, full_time

MESSAGES_ACTIONS = (
    Action("messages.back", "escape,backspace", "back", "Back", "Return to the place.", "Messages", True, False),
    Action("messages.copy", "c,y", "copy", "Copy", "Copy the message to the clipboard.", "Messages", True),
    Action("messages.copy_all", "C", "copy_all", "Copy all", "Copy all messages to the clipboard.", "Messages", True),
    Action("messages.clear", "x", "clear", "Clear", "Forget all messages.", "Messages"),
)  # fmt: skip

_PARTS = {Severity.INFORMATION: "dim", Severity.WARNING: "warning", Severity.ERROR: "error"}

_NAMES = {
    Severity.INFORMATION: mark("information"), Severity.WARNING: mark("warning"), Severity.ERROR: mark("error"),
}  # fmt: skip


class MessagesScreen(Place):
    """Past messages, newest first, and the whole of the one under the cursor."""

    ACTIONS = MESSAGES_ACTIONS
    BINDINGS: ClassVar = bindings_of(MESSAGES_ACTIONS)
    CSS_PATH = "messages.tcss"

    def __init__(self) -> None:
        super().__init__()
        self._notes: list[Note] = []

    def compose(self) -> ComposeResult:
        yield Static(_("Messages"), id="heading", markup=False)
        yield LineList(self._paint, id="notes")
        yield Static("", id="detail", markup=False)
        yield KeysFooter(id="keys")

    def on_mount(self) -> None:
        self._show()

    def on_screen_resume(self) -> None:
        self._show()

    def on_line_list_moved(self) -> None:
        self._show_detail()

    def action_back(self) -> None:
        """Go back."""
        self.dismiss()

    def action_copy(self) -> None:
        """Copy the message under the cursor."""
        if note := self._current():
            self.app.copy_to_clipboard(_text(note))
            self.notify(_("Copied."), markup=False)

    def action_copy_all(self) -> None:
        """Copy them all."""
        self.app.copy_to_clipboard("\n\n".join(_text(note) for note in self._notes))
        count = len(self._notes)
        copied = ngettext("Copied {count} message.", "Copied {count} messages.", count).format(count=count)
        self.notify(copied, markup=False)

    def action_clear(self) -> None:
        """Forget them."""
        self.parallel.notes.clear()
        self._show()

    def _show(self) -> None:
        self._notes = list(reversed(self.parallel.notes))
        lines = self.query_one(LineList)
        lines.show(len(self._notes))
        self.set_class(not self._notes, "-empty")
        self._show_detail()
        lines.focus()

    def _show_detail(self) -> None:
        note = self._current()
        nothing = _("No messages yet. What the app tells you is kept here until you leave it.")
        text = _text(note) if note else nothing
        self.query_one("#detail", Static).update(text)

    def _current(self) -> Note | None:
        cursor = self.query_one(LineList).cursor
        return self._notes[cursor] if cursor < len(self._notes) else None

    def _paint(self, row: int) -> list[Piece]:
        note = self._notes[row]
        part = _PARTS[note.severity]
        word = "" if note.severity is Severity.INFORMATION else f"{_(_NAMES[note.severity])}: "
        return [(f" {clock(note.at):<13} ", "dim"), (word, part), (note.text, "plain"), (f"  {note.hint}", "dim")]


def _text(note: Note) -> str:
    return "\n".join(
        part for part in (f"{full_time(note.at)}  {_(_NAMES[note.severity])}", note.text, note.hint) if part
    )
