"""How soon a process runs: from the request in another process to `running` in the store; and after a crash.

The figures to reach: request → running recorded p50 ≤ 120 ms; crash → restart begun p50 ≤ 300 ms (policy always, the
first time, no descendants left). The host is `wzp serve` with all its services.

    python benchmarks/process_start.py [--quick]
"""

import os
import signal
import time

from ending import run
from figures import Figures, arguments, call, percentile, scratch_database
from hosting import declare, host, present, until

from storage import Database, EntityKind, Process, ProcessState

START_MS = 120.0
RESTART_MS = 300.0


def one(database: Database, name: str) -> Process:
    return next(each for each in present(database) if each.name == name)


def start_ms(database: Database, name: str) -> float:
    begun = time.perf_counter()
    call(database, "start_processes", processes=(name,))
    until(lambda: one(database, name).state is ProcessState.RUNNING)
    return (time.perf_counter() - begun) * 1000


def crash_ms(database: Database, name: str) -> float:
    """From the kill to the event that says `starting`."""
    process = one(database, name)
    with database.read() as rows:
        last = rows.last_sequence()
    assert process.pid is not None
    begun = time.perf_counter()
    os.kill(process.pid, signal.SIGKILL)

    def has_begun() -> bool:
        with database.read() as rows:
            events = rows.events(entity=EntityKind.PROCESS, entity_id=process.id, after=last)
        return any(each.after.get("state") == "starting" for each in events)

    until(has_begun)
    return (time.perf_counter() - begun) * 1000


def main() -> None:
    """Measure, print, and fail where a figure is missed."""
    rounds = 5 if arguments(__doc__).quick else 40
    figures = Figures(f"a process, {rounds} times one after the other")
    with scratch_database() as database:
        names = [f"p{number}" for number in range(rounds)]
        declare(database, names)
        with host(database):
            starts = [start_ms(database, name) for name in names]
            crashes = [crash_ms(database, name) for name in names]
    figures.add("request → running recorded, p50", percentile(starts, 50), "ms", at_most=START_MS)
    figures.add("p95", percentile(starts, 95), "ms")
    figures.add("crash → restart begun, p50", percentile(crashes, 50), "ms", at_most=RESTART_MS)
    figures.add("p95", percentile(crashes, 95), "ms")
    figures.finish()


if __name__ == "__main__":
    run(main)
