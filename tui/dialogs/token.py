"""The token of a new session: shown this once, with the line that gives it to the agent's program."""

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from core.agents.sessions import Secret
from tui.dialogs.base import Dialog
from tui.translation import _, mark

VARIABLE: Final = "WZP_SESSION_TOKEN"


class ShowToken(Dialog[None]):
    """Show the token of a session until the person has taken it."""

    KEYS = mark("c copies the line · enter, esc close")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c,y", "copy", "Copy"),
        Binding("enter", "leave", "Close"),
    ]

    def __init__(self, agent: str, token: Secret) -> None:
        super().__init__(_("A session for {agent}").format(agent=agent))
        self._line = f"export {VARIABLE}={token.value}"

    def body(self) -> ComposeResult:
        yield Static(_("Start the agent's program with this in its environment."), markup=False)
        yield Static(_("The token is shown only now, and stored nowhere."), markup=False)
        yield Static(Content.styled(self._line, "bold"), id="line", markup=False)
        yield Static("", id="copied", markup=False)

    def action_copy(self) -> None:
        """Copy the line to the clipboard."""
        self.app.copy_to_clipboard(self._line)
        self.query_one("#copied", Static).update(_("Copied."))
