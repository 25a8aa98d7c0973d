"""The app: its modes, the change feed behind it, and where every message to the person goes."""

import gc
import logging
from collections import deque
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

from textual import on, work
from textual.app import App
from textual.signal import Signal

from storage import ChangeFeed, Event, ParallelError, utc_now
from tui.actions import APP_ACTIONS, bindings_of
from tui.board_state import BoardChange, BoardState, read_all, read_fresh
from tui.desk import Desk
from tui.messages import FreshRows, Note, Severity

NOTES_KEPT: Final = 500
"""How many messages the messages panel remembers."""

logger = logging.getLogger(__name__)


def _board_screen() -> Any:
    from tui.screens.board import BoardScreen

    return BoardScreen()


def _history_screen() -> Any:
    from tui.screens.history import HistoryScreen

    return HistoryScreen()


class ParallelApp(App[int]):
    """wezterm-parallel on one room.

    `changed` is published on the event loop with each `BoardChange`, after `state` has taken it in.
    """

    TITLE = "wezterm-parallel"
    CSS_PATH = Path(__file__).with_name("app.tcss")
    MODES: ClassVar[dict[str, Any]] = {"board": _board_screen, "history": _history_screen}
    DEFAULT_MODE = "board"
    BINDINGS = bindings_of(APP_ACTIONS)  # type: ignore[assignment]
    ENABLE_COMMAND_PALETTE = True
    PAUSE_GC_ON_SCROLL = True

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.state = BoardState(desk.room)
        self.notes: deque[Note] = deque(maxlen=NOTES_KEPT)
        self.changed: Signal[BoardChange] = Signal(self, "changed")
        self._feed: ChangeFeed | None = None

    async def on_mount(self) -> None:
        self.load_board()

    @work(group="load", exit_on_error=False)
    async def load_board(self) -> None:
        """Read the room, then follow the change feed from there."""
        room = self.desk.room.id
        fresh = await self.desk.read(lambda rows: read_all(rows, room))
        self.changed.publish(self.state.apply(fresh))
        self._feed = ChangeFeed(self.desk.database, self._deliver, after=fresh.sequence)
        self._feed.start()
        self.call_after_refresh(_freeze_garbage)

    def on_unmount(self) -> None:
        if self._feed is not None:
            self._feed.stop()

    def _deliver(self, events: Sequence[Event]) -> None:
        # On the feed's thread: read what the events name, and hand it to the loop.
        with self.desk.database.read() as rows:
            self.post_message(FreshRows(read_fresh(rows, self.desk.room.id, events)))

    @on(FreshRows)
    def take_in(self, message: FreshRows) -> None:
        """New rows are stored: the state takes them in, and the screens hear what differs."""
        self.changed.publish(self.state.apply(message.fresh))

    # messages to the person

    def tell(self, text: str, *, severity: Severity = Severity.INFORMATION, hint: str = "") -> None:
        """Show a toast, and keep the message for the messages panel."""
        self.notes.append(Note(utc_now(), severity, text, hint))
        body = f"{text}\n{hint}" if hint else text
        self.notify(body, severity=severity.value, markup=False)

    def tell_error(self, error: ParallelError) -> None:
        """Show a refusal or failure with what to do about it."""
        self.tell(error.message, severity=Severity.ERROR, hint=error.hint)

    async def attempt(self, doing: Awaitable[Any]) -> Any:
        """What `doing` gives, or None after the person has been told why not."""
        try:
            return await doing
        except ParallelError as error:
            self.tell_error(error)
        except Exception as error:
            logger.exception("an action failed unexpectedly")
            self.tell(f"That failed unexpectedly: {error}", severity=Severity.ERROR, hint="The log has the details.")
        return None

    # actions of every place

    async def action_go(self, mode: str) -> None:
        """Switch to one of the main screens."""
        await self.switch_mode(mode)

    async def action_undo(self) -> None:
        """Undo the person's last change."""
        await self._reverse("undo", "Undid")

    async def action_redo(self) -> None:
        """Redo what was undone last."""
        await self._reverse("redo", "Redid")

    async def _reverse(self, operation: str, verb: str) -> None:
        outcome = await self.attempt(self.desk.call(operation))
        if outcome is not None:
            tasks = ", ".join(f"#{task.number}" for task in outcome.value.tasks[:5])
            self.tell(f"{verb} {outcome.value.operation.replace('_', ' ')}{f' of {tasks}' if tasks else ''}.")


def _freeze_garbage() -> None:
    """Everything made at start lives as long as the app: a full collection would walk it for tens of ms each time."""
    gc.collect()
    gc.freeze()
