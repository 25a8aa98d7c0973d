"""Following the store: the room is read once, then the change feed tells what differs, and the screens hear of it."""

import asyncio
import gc
import logging
from collections.abc import Mapping, Sequence
from typing import Final

from textual import on, work
from textual.signal import Signal

from storage import ChangeFeed, Event, ParallelError, Presence, SessionId
from tui.board_state import BoardChange, BoardState, read_all, read_fresh
from tui.desk import Desk
from tui.messages import FeedFailed, FreshPresences, FreshRows, Severity
from tui.telling import Telling
from tui.translation import _

RETRY_FIRST_S: Final = 0.5
RETRY_MOST_S: Final = 30.0
"""After a failure the board is read again, at first soon, then ever later."""
WATCH_STORE_S: Final = 1.0
"""How often the app looks whether what it shows is still what is stored."""

logger = logging.getLogger(__name__)


class Following(Telling):
    """Keeps `state` as the store is.

    `changed` is published on the event loop with each `BoardChange`, after `state` has taken it in. `is_cut_off` while
    the store cannot be followed: what is shown may be old.
    """

    def __init__(self, desk: Desk, *, survives_errors: bool | None) -> None:
        super().__init__(desk, survives_errors=survives_errors)
        self.state = BoardState(desk.room)
        self.changed: Signal[BoardChange] = Signal(self, "changed")
        self.is_cut_off = False
        self._feed: ChangeFeed | None = None
        self._presences_posted: Mapping[SessionId, Presence] = {}

    def on_mount(self) -> None:
        self.load_board()
        self.set_interval(WATCH_STORE_S, self._watch_store)

    async def on_unmount(self) -> None:
        await self._stop_feed()

    @work(group="load", exclusive=True, exit_on_error=False)
    async def load_board(self) -> None:
        """Read the room, then follow the change feed from there; begin again after a failure, ever later."""
        await self._stop_feed()
        room = self.desk.room.id
        delay_s = RETRY_FIRST_S
        while True:
            try:
                fresh = await self.desk.read(lambda rows: read_all(rows, room))
                break
            except ParallelError as error:
                again = _("Trying again in {seconds:g} s.").format(seconds=delay_s)
                self.tell(error.message, severity=Severity.ERROR, hint=f"{error.hint} {again}")
            except Exception as error:
                self._report(error)
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, RETRY_MOST_S)
        self.changed.publish(self.state.apply(fresh))
        self._feed = ChangeFeed(self.desk.database, self._deliver, after=fresh.sequence, moved=self._look_for_life)
        self._feed.start()
        self.call_after_refresh(_freeze_garbage)

    def _watch_store(self) -> None:
        feed = self._feed
        if feed is None:
            return
        failure = feed.failure
        try:
            self.desk.database.require_same_file()
        except ParallelError as error:
            failure = error
        if self.is_cut_off == (failure is not None):
            return
        self.is_cut_off = failure is not None
        if failure is None:
            self.tell(_("The board follows the store again."))
        elif isinstance(failure, ParallelError):
            self.tell_error(failure)
        else:
            self._report(failure)
        self.changed.publish(BoardChange())

    async def _stop_feed(self) -> None:
        feed, self._feed = self._feed, None
        if feed is not None:
            await asyncio.to_thread(feed.stop)

    def _deliver(self, events: Sequence[Event]) -> None:
        # On the feed's thread: read what the events name, and hand it to the loop.
        try:
            with self.desk.database.read() as rows:
                self.post_message(FreshRows(read_fresh(rows, self.desk.room.id, events)))
        except Exception as error:
            self.post_message(FeedFailed(error))

    def _look_for_life(self) -> None:
        # On the feed's thread, after each commit of anybody: agents' signs of life come without events. A row an agent
        # is read, at most every 40 ms, and the loop is woken only where one differs.
        try:
            with self.desk.database.read() as rows:
                presences = rows.presences(self.desk.room.id)
        except Exception as error:
            self.post_message(FeedFailed(error))
            return
        if presences != self._presences_posted:
            self._presences_posted = presences
            self.post_message(FreshPresences(presences))

    @on(FreshPresences)
    def take_presences(self, message: FreshPresences) -> None:
        """Agents have given signs of life: the screens hear of it if that is news."""
        if (change := self.state.take_presences(message.presences)) is not None:
            self.changed.publish(change)

    @on(FreshRows)
    def take_in(self, message: FreshRows) -> None:
        """New rows are stored: the state takes them in, and the screens hear what differs."""
        fresh = message.fresh
        if fresh.sequence <= self.state.sequence and not fresh.everything:
            return  # read before the whole board was read anew: older than what is known
        try:
            change = self.state.apply(fresh)
        except Exception as error:
            self._handle_exception(error)
            self.load_board()
            return
        self.changed.publish(change)

    @on(FeedFailed)
    def start_again(self, message: FeedFailed) -> None:
        """A batch of changes was lost on its way here: read everything anew."""
        logger.error("the board could not follow the store", exc_info=message.error)
        self.load_board()


def _freeze_garbage() -> None:
    """Everything made at start lives as long as the app: a full collection would walk it for tens of ms each time."""
    gc.collect()
    gc.freeze()
