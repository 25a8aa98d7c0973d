"""What measuring costs: 50 and 200 process trees sampled each second with an hour kept, and how fast it is read.

Ticks follow each other without waiting, each counted as its second: what is told is CPU time a tick, and so a share of
a core, whatever else the machine does. Minutes are made and old seconds deleted on the way, as in an hour of running.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from ending import run
from figures import ROOM, Figures, arguments, call, percentile, scratch_database

from core.agents.expiry import PROGRAM
from core.execute import Call, execute
from core.metrics.collector import Collector
from core.metrics.reading import Line, read_lines
from core.metrics.series import BY_NAME
from core.operations import find
from core.processes.identity import process_started
from storage import Database, MetricsReader, Process, ProcessState, Subject, boot_id

NOON = 1_800_000_000 // 3600 * 3600


@contextmanager
def trees(count: int) -> Iterator[list[int]]:
    """So many processes, each with two children."""
    processes = [
        subprocess.Popen(["sh", "-c", "sleep 1000 & sleep 1000 & wait"], start_new_session=True) for _ in range(count)
    ]
    try:
        yield [process.pid for process in processes]
    finally:
        for process in processes:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def note(database: Database, pids: list[int]) -> list[Process]:
    """The room's processes, as the supervisor has seen them running under these pids."""
    seen = []
    for number, pid in enumerate(pids):
        process = call(database, "add_process", name=f"p{number}", command=("sleep", "1000"))[0].process
        seen.append(
            replace(
                process, state=ProcessState.RUNNING, pid=pid, pid_started=process_started(pid), boot_id=boot_id()
            )
        )  # fmt: skip
    execute(
        database,
        Call(operation=find("observe_processes"), arguments={"observed": tuple(seen)}, actor=PROGRAM, room=ROOM),
    )
    return seen


def measure(figures: Figures, count: int, at_most: float, *, quick: bool) -> None:
    """Sample `count` trees, then read what was stored of them."""
    with trees(count) as pids, scratch_database() as database:
        processes = note(database, pids)
        collector = Collector(database)
        collector.begin()
        prefill, ticks = (400, 120) if quick else (3700, 600)
        sample = {Subject("process", each.id): {"cpu": 1.0, "memory": 1e6, "threads": 3, "processes": 3}
                  for each in processes}  # fmt: skip
        for second in range(prefill):
            collector._store.put(NOON + second, sample)
        while collector._store.tidy(NOON + prefill):
            pass
        spent = []
        began = time.thread_time()
        for second in range(prefill, prefill + ticks):
            before = time.thread_time()
            collector.tick(NOON + second)
            spent.append((time.thread_time() - before) * 1000)
        share = 100 * (time.thread_time() - began) / ticks
        figures.add(f"{count} processes: share of a core", share, "%", at_most=at_most)
        figures.add(f"{count} processes: a tick, p50", percentile(spent, 50), "ms")
        figures.add(f"{count} processes: a tick, the longest", max(spent), "ms")
        reader = MetricsReader(database.home)
        figures.add("  latest of all", _ms(reader.latest, 50), "ms")
        figures.add("  last minute of all", _ms(reader.recent_all, 10), "ms")
        lines = [Line(BY_NAME["process.cpu"], each.id) for each in processes]
        now = NOON + prefill + ticks
        figures.add("  last hour of all, in 60 points",
                    _ms(lambda: read_lines(reader, lines, now - 3600, now, 60), 3), "ms")  # fmt: skip
        figures.add("  metrics.db", database.home.metrics.stat().st_size / 2**20, "MiB")
        reader.close()
        collector._store.close()


def _ms(question: object, times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        question()  # type: ignore[operator]
    return (time.perf_counter() - began) * 1000 / times


def main() -> None:
    """Measure and judge."""
    quick = arguments(__doc__ or "").quick
    figures = Figures("Measuring once a second")
    measure(figures, 50, 2.0, quick=quick)
    measure(figures, 200, 8.0, quick=quick)
    figures.finish()


if __name__ == "__main__":
    run(main)
