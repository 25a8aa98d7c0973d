"""The change feed: every committed event of the database, whoever wrote it, within a poll interval of its commit.

It promises: only committed events; each exactly once, in sequence order, none left out; batches of one snapshot
each. It polls `PRAGMA data_version` (4 µs) on a connection of its own, and reads events only when that moved. A
commit of this process wakes it at once. Of several feeds on one database, as each service has one, the quickest polls
for all and wakes the others: waking forty threads a second for nothing is what an idle app costs most.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

from storage.database import Database
from storage.engine import connect_read_only
from storage.records import Event

POLL_INTERVAL_MS: Final = 40
"""p50 20 ms, p99 41 ms from another process's commit to the event here, at 0.4 % of a core."""

FOLLOWER_INTERVAL_MS: Final = 1000
"""How often a feed looks for itself where another polls for it: only in case that one fails."""

BATCH: Final = 1000
"""Most events handed over at once, so that a flood leaves the reader room to draw."""

RETRY_S: Final = 1.0

logger = logging.getLogger(__name__)


class ChangeFeed:
    """Calls `deliver` on the feed's own thread with each batch of new events, oldest first.

    `moved` is called there too, each time somebody has committed, with or without events: presence has none. Neither
    may raise; what they raise is logged and the batch counts as delivered.
    """

    def __init__(
        self,
        database: Database,
        deliver: Callable[[Sequence[Event]], None],
        *,
        after: int,
        moved: Callable[[], None] = lambda: None,
        poll_interval_ms: int = POLL_INTERVAL_MS,
    ) -> None:
        self._database = database
        self._deliver = deliver
        self._moved = moved
        self._after = after
        self._poll_interval_s = poll_interval_ms / 1000
        self.failure: Exception | None = None
        """Why nothing is delivered at present; None while the feed follows."""
        self._woken = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="change-feed", daemon=True)
        self._unsubscribe: Callable[[], None] | None = None

    def start(self) -> None:
        """Begin with the events after the sequence number given at the making."""
        self._unsubscribe = self._database.after_commit(self._woken.set)
        self._database.feeds.append(self)
        self._thread.start()

    def stop(self) -> None:
        """End the feed; returns when its thread has ended. Not to be called from `deliver`."""
        self._stopped = True
        self._woken.set()
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
            self._database.feeds.remove(self)
            self._wake_others()  # another one polls now
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped:
            try:
                self._watch()
            except Exception as error:
                self.failure = error
                logger.exception("the change feed failed; it starts again in %g s", RETRY_S)
                self._woken.clear()
                if not self._stopped:
                    self._woken.wait(RETRY_S)

    def _watch(self) -> None:
        connection = connect_read_only(self._database.path)
        try:
            seen: object = None
            while not self._stopped:
                version = connection.execute("PRAGMA data_version").fetchall()[0][0]
                if version != seen:
                    if self._polls:
                        self._wake_others()
                    self._deliver_new()
                    self._tell(self._moved)
                    seen = version
                self.failure = None
                follower_s = max(self._poll_interval_s, FOLLOWER_INTERVAL_MS / 1000)
                self._woken.wait(self._poll_interval_s if self._polls else follower_s)
                self._woken.clear()
        finally:
            connection.close()
            self._database.close_thread()

    @property
    def _polls(self) -> bool:
        """Whether this is the feed that polls for all of its database: the quickest, of several the first."""
        feeds = [each for each in tuple(self._database.feeds) if each.failure is None or each is self]
        return min(feeds, key=lambda each: each._poll_interval_s, default=self) is self

    def _wake_others(self) -> None:
        for each in tuple(self._database.feeds):
            if each is not self:
                each._woken.set()

    def _deliver_new(self) -> None:
        while not self._stopped:
            with self._database.read() as rows:
                events = rows.events(after=self._after, limit=BATCH)
            if not events:
                return
            self._after = events[-1].sequence
            self._tell(self._deliver, events)
            if len(events) < BATCH:
                return

    def _tell(self, receive: Callable[..., None], *told: Any) -> None:
        try:
            receive(*told)
        except Exception:
            logger.exception("a receiver of the change feed failed")
