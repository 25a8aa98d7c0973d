"""The change feed: every committed event of the database, whoever wrote it, within a poll interval of its commit.

It promises: only committed events; each exactly once, in sequence order, none left out; batches of one snapshot
each. It polls `PRAGMA data_version` (4 µs) on a connection of its own, and reads events only when that moved. A
commit of this process wakes it at once. Of several feeds on one database, as each service has one, the quickest polls
for all and wakes the others: waking threads for nothing is what an idle app costs most.

So that one waits for a write to the -wal, which comes before the commit can be seen, and then looks every millisecond
at first; it polls only for a while after, and after a commit rests for an interval, so that a flood of them is told in
batches. Where no watch is to be had it polls all the time; so it does once the look that it takes each second has found
a commit of which the watch had told nothing.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from storage.database import Database
from storage.engine import connect_read_only
from storage.file_watch import FileWatch
from storage.records import Event

POLL_INTERVAL_MS: Final = 40
"""Between two looks: at most so long from another process's commit to the event here. All the time, 0.3 % of a core."""

QUIET_INTERVAL_MS: Final = 1000
"""Between two looks of a feed that the watch will wake: in case that fails."""

WOKEN_INTERVAL_MS: Final = 5000
"""Between two looks of a feed that the one that polls will wake: in case that one is held up."""

ACTIVE_S: Final = 0.5
"""How long it polls after a sign of life: as long as a slow disk may take from the write to the commit."""

QUICK_S: Final = 0.02
QUICK_STEP_S: Final = 0.001
"""After a write to the -wal: how long it looks how often for the commit, which comes once the disk has it."""

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
        self._signs = FileWatch(database.path.with_name(database.path.name + "-wal"))
        self._trusts_watch = True
        self._was_quiet = False
        self._quick_until = self._crowded_until = self._active_until = 0.0
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="change-feed", daemon=True)
        self._unsubscribe: Callable[[], None] | None = None

    def start(self) -> None:
        """Begin with the events after the sequence number given at the making."""
        self._unsubscribe = self._database.after_commit(self._signs.wake)
        self._database.feeds.append(self)
        self._thread.start()

    def stop(self) -> None:
        """End the feed; returns when its thread has ended. Not to be called from `deliver`."""
        self._stopped = True
        self._signs.wake()
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
            self._database.feeds.remove(self)
            self._wake_others()  # another one polls now
        if self._thread.is_alive():
            self._thread.join()
        self._signs.close()

    def _run(self) -> None:
        while not self._stopped:
            try:
                self._watch()
            except Exception as error:
                had_failed, self.failure = self.failure is not None, error
                if not had_failed:
                    self._wake_others()  # another one polls until this one follows again
                logger.exception("the change feed failed; it starts again in %g s", RETRY_S)
                self._signs.wait(0.0)
                if not self._stopped:
                    self._signs.wait(RETRY_S, for_writes=False)

    def _watch(self) -> None:
        connection = connect_read_only(self._database.path)
        try:
            seen: object = None
            while not self._stopped:
                version = connection.execute("PRAGMA data_version").fetchall()[0][0]
                has_moved = version != seen
                if has_moved:
                    if self._polls:
                        self._wake_others()
                    self._deliver_new()
                    self._tell(self._moved)
                    seen = version
                self.failure = None
                self._rest(has_moved=has_moved)
        finally:
            connection.close()
            self._database.close_thread()

    def _rest(self, *, has_moved: bool) -> None:
        """Wait until the next look."""
        now = time.monotonic()
        was_quiet, self._was_quiet = self._was_quiet, False
        if has_moved:
            self._quick_until, self._active_until = 0.0, now + ACTIVE_S
            self._crowded_until = now + self._poll_interval_s
            was_told = self._signs.take_writes()
            if was_quiet and not was_told and self._trusts_watch:
                logger.info("the watch on the store told nothing of a commit; it is polled from now on")
                self._trusts_watch = False
        if not self._polls:
            self._signs.wait(max(self._poll_interval_s, WOKEN_INTERVAL_MS / 1000), for_writes=False)
            return
        quiet_s = max(self._poll_interval_s, QUIET_INTERVAL_MS / 1000)
        if self._trusts_watch and not self._signs.is_watching and self._signs.watch():
            self._active_until = now + ACTIVE_S  # for what was written before
        if not self._trusts_watch or not self._signs.is_watching:
            self._signs.wait(self._poll_interval_s, for_writes=False)
        elif now < self._quick_until:
            self._signs.wait(QUICK_STEP_S, for_writes=False)
        elif now < self._crowded_until < self._active_until:
            self._signs.wait(self._crowded_until - now, for_writes=False)
        else:
            active_s = self._active_until - now
            if self._signs.wait(min(self._poll_interval_s, active_s) if active_s > 0 else quiet_s):
                now = time.monotonic()
                self._quick_until, self._active_until = now + QUICK_S, now + ACTIVE_S
            else:
                self._was_quiet = active_s <= 0

    @property
    def _polls(self) -> bool:
        """Whether this is the feed that polls for all of its database: the quickest, of several the first."""
        feeds = [each for each in tuple(self._database.feeds) if each.failure is None or each is self]
        return min(feeds, key=lambda each: each._poll_interval_s, default=self) is self

    def _wake_others(self) -> None:
        for each in tuple(self._database.feeds):
            if each is not self:
                each._signs.wake()

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
