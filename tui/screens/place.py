"""The base of the full screens: cheap focus changes, bindings from the actions, the app's own type."""

from collections.abc import Awaitable
from typing import TYPE_CHECKING, ClassVar, cast

from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget

from tui.actions import Action
from tui.attending import Reported
from tui.guard import Guarded
from tui.widgets.footer import KeysFooter

if TYPE_CHECKING:
    from tui.app import ParallelApp
    from tui.board_state import BoardState
    from tui.desk import Desk


class Place(Guarded, Screen[None]):
    """A full screen of the app, reached by a digit or pushed on another."""

    ACTIONS: ClassVar[tuple[Action, ...]] = ()
    """The actions of this place, for its bindings, the palette and help."""

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    """Textual repaints the whole screen with every change of focus (54 KB a key); nothing of ours needs it."""

    @property
    def parallel(self) -> "ParallelApp":
        """The app, as what it is."""
        return cast("ParallelApp", self.app)

    @property
    def desk(self) -> "Desk":
        """Where operations are called."""
        return self.parallel.desk

    @property
    def state(self) -> "BoardState":
        """The room as it is stored."""
        return self.parallel.state

    def begin(self, doing: Awaitable[object]) -> None:
        """Do something that waits for the store or for the person's answer; what is refused is told."""
        self.run_worker(self.parallel.attempt(doing), group="ask", exit_on_error=False)

    def on_mount(self) -> None:
        self.parallel.reported.subscribe(self, self._count_waiting)
        self._count_waiting()

    def _count_waiting(self, reported: Reported | None = None) -> None:
        """Say in the footer how much waits for the person."""
        if reported is not None and not reported.waiting_changed:
            return
        for footer in self.query(KeysFooter):
            footer.tell_waiting(len(self.parallel.waiting))
