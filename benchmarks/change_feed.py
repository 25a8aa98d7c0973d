"""A commit in another process to its event here: how long it takes, and what an idle feed costs."""

import random
import threading
import time
from collections.abc import Sequence

from ending import run
from figures import Child, Figures, arguments, as_child, call, hear, percentile, say, scratch_database

from storage import ChangeFeed, Database, Event, Home


def commit(home: Home, count: int) -> None:
    """A writer that tells when each of its commits was durable, at moments without rhythm."""
    database = Database.open(home)
    chance = random.Random(2)
    task = call(database, "create_task", title="0")
    say("ready")
    hear()
    committed = []
    for number in range(count):
        time.sleep(chance.uniform(0.02, 0.12))
        call(database, "update_task", task=task.id, title=str(number + 1))
        committed.append((number + 1, time.clock_gettime(time.CLOCK_MONOTONIC)))
    say(committed)


def main() -> None:
    """Measure and judge."""
    quick = arguments(__doc__ or "").quick
    count, idle_s = (40, 3.0) if quick else (400, 20.0)
    heard: dict[str, float] = {}
    whole = threading.Event()

    def deliver(events: Sequence[Event]) -> None:
        now = time.clock_gettime(time.CLOCK_MONOTONIC)
        for event in events:
            if event.operation == "update_task":
                heard[event.after["title"]] = now
        if len(heard) == count:
            whole.set()

    with scratch_database() as database:
        feed = ChangeFeed(database, deliver, after=0)
        feed.start()
        writer = Child(__file__, "commit", database.home, count=count)
        try:
            assert writer.hear() == ["ready"]
            writer.tell()
            (committed,) = writer.hear()
            assert whole.wait(10), f"{len(heard)} of {count} events"
        finally:
            writer.end()
        cpu, began = time.process_time(), time.monotonic()
        time.sleep(idle_s)
        idle = 100 * (time.process_time() - cpu) / (time.monotonic() - began)
        feed.stop()
    delays = [(heard[str(number)] - at) * 1000 for number, at in committed]
    figures = Figures(f"Commit elsewhere to event here, {count} commits")
    figures.add("delay p50", percentile(delays, 50), "ms", at_most=30)
    figures.add("delay p99", percentile(delays, 99), "ms", at_most=60)
    figures.add("processor when idle", idle, "% of a core", at_most=1)
    figures.finish()


if __name__ == "__main__":
    if child := as_child():
        commit(child[1], **child[2])
    else:
        run(main)
