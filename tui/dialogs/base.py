"""The base of the dialogs: how they look, how they are left, and that unsaved text is not lost by accident."""

from pathlib import Path
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.reactive import Reactive
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from core.text import for_screen
from tui.guard import Guarded
from tui.translation import _, mark

T = TypeVar("T")


class Dialog(Guarded, ModalScreen[T]):
    """A question over the screen. Subclasses compose their `body` and dismiss with the answer."""

    CSS_PATH = Path(__file__).with_name("dialogs.tcss")
    KEYS: ClassVar[str] = mark("enter confirms · esc cancels")
    """What the last line of the dialog says."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Cancel")]

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)

    def __init__(self, title: str) -> None:
        super().__init__()
        self._heading = for_screen(title)

    def compose(self) -> ComposeResult:
        with Vertical(id="frame"):
            yield Static(self._heading, id="heading", markup=False)
            yield from self.body()
            yield Static(_(self.KEYS), id="keys", markup=False)

    def body(self) -> ComposeResult:
        """What stands between the heading and the keys."""
        yield from ()

    @property
    def has_unsaved(self) -> bool:
        """Whether leaving now would lose something that the person has entered."""
        return False

    def action_leave(self) -> None:
        """Close without an answer; ask first where that would lose what was entered."""
        if not self.has_unsaved:
            self.leave()
            return
        from tui.dialogs.confirm import Confirm

        question = Confirm(
            _("Discard what you have written?"),
            _("It has not been saved."),
            yes=_("Discard"),
            no=_("Keep writing"),
        )
        self.app.push_screen(question, self._left)

    def _left(self, is_sure: bool | None) -> None:
        if is_sure:
            self.leave()

    def leave(self) -> None:
        """Close with the answer that stands for none."""
        self.dismiss(None)
