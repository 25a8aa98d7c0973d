"""The question at quitting while processes run: leave them running, or stop them and see that they have stopped."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from tui.dialogs.base import Dialog
from tui.translation import _, mark, ngettext

LOOK_S: Final = 0.1


class Leaving(StrEnum):
    """What becomes of the processes."""

    LEAVE = "leave"
    STOP = "stop"


class QuitDialog(Dialog[Leaving | None]):
    """Ask what becomes of what runs. After `Stop all` it stays until nothing is left, and can be left meanwhile.

    Args:
        names: gives the names of what still runs, as it is at the moment.
        stop: asks all to stop.
        kill: asks all to end at once.
    """

    KEYS = mark("l leaves them running · s stops them · ← → choose · enter confirms · esc stays")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "answer('leave')", "Leave"),
        Binding("s", "answer('stop')", "Stop"),
        Binding("K", "kill", "Kill"),
        Binding("left,h", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    def __init__(
        self, names: Callable[[], Sequence[str]], stop: Callable[[], None], kill: Callable[[], None]
    ) -> None:  # fmt: skip
        super().__init__(_("Quit?"))
        self._names = names
        self._stop = stop
        self._kill = kill
        self._count = 0
        self._told = ""

    @property
    def is_stopping(self) -> bool:
        """Whether it waits for the processes to stop."""
        return self.has_class("-stopping")

    def body(self) -> ComposeResult:
        names = self._names()
        self._count = len(names)
        said = ngettext("{count} process runs: {names}", "{count} processes run: {names}", self._count)
        with VerticalScroll(id="message", can_focus=False):
            yield Static(said.format(count=self._count, names=_listed(names)), markup=False)
            left = _("What you leave goes on under supervision, and is here again when you return.")
            yield Static(left, markup=False)
        with Horizontal(id="buttons"):
            yield Button(Content(_("Leave running")), id="leave", variant="primary", compact=True)
            yield Button(Content(_("Stop all")), id="stop", compact=True)
            yield Button(Content(_("Cancel")), id="cancel", compact=True)
        yield Static("", id="progress", markup=False)

    def on_mount(self) -> None:
        self.query_one("#leave").focus()

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "cancel":
            self.leave()
        else:
            self.action_answer(event.button.id or "")

    def action_answer(self, answer: str) -> None:
        """Answer by letter."""
        if answer == Leaving.LEAVE:
            self.dismiss(Leaving.LEAVE)
            return
        if self.is_stopping:
            return
        self.add_class("-stopping")
        self.query_one("#keys", Static).update(_("K kills what is left · l leaves it · esc stays in the app"))
        self._stop()
        self._look()
        self.set_interval(LOOK_S, self._look)

    def action_kill(self) -> None:
        """Kill what has not stopped yet."""
        if self.is_stopping:
            self._kill()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.is_stopping if action == "kill" else super().check_action(action, parameters)

    def _look(self) -> None:
        names = self._names()
        if not names:
            self.dismiss(Leaving.STOP)
            return
        told = _("{done} of {count} have stopped; still there: {names}").format(
            done=max(0, self._count - len(names)), count=self._count, names=_listed(names)
        )
        if told != self._told:
            self._told = told
            self.query_one("#progress", Static).update(told)


def _listed(names: Sequence[str]) -> str:
    if len(names) <= 10:
        return ", ".join(names)
    return _("{names} and {count} more").format(names=", ".join(names[:10]), count=len(names) - 10)
