"""What many processes cost the one who watches them: 200 quiet ones, supervised and sampled each second.

The figures to reach: ≤ 10 % of a core and ≤ 250 MB for `wzp serve` with all its services, without the runners.

    python benchmarks/process_fleet.py [--quick]
"""

import os
import time

import psutil
from ending import run
from figures import Figures, arguments, call, scratch_database
from hosting import all_are, declare, host, until

from storage import ProcessState

CPU_PERCENT = 10.0
MEMORY_MB = 250.0
SETTLE_S = 5.0


def main() -> None:
    """Measure, print, and fail where a figure is missed."""
    quick = arguments(__doc__).quick
    count, watched_s = (20, 5.0) if quick else (200, 30.0)
    figures = Figures(f"{count} processes, watched for {watched_s:g} s")
    with scratch_database() as database:
        declare(database, [f"p{number}" for number in range(count)])
        with host(database) as serving:
            begun = time.perf_counter()
            call(database, "start_processes", all=True)
            until(lambda: all_are(database, ProcessState.RUNNING))
            figures.add(f"all {count} running", time.perf_counter() - begun, "s")
            time.sleep(SETTLE_S)
            watcher = psutil.Process(serving.pid)
            before = watcher.cpu_times()
            time.sleep(watched_s)
            after = watcher.cpu_times()
            cpu_s = (after.user + after.system) - (before.user + before.system)
            figures.add("CPU of the host", cpu_s / watched_s * 100, "% of a core", at_most=CPU_PERCENT)
            figures.add("memory of the host", watcher.memory_info().rss / 1e6, "MB", at_most=MEMORY_MB)
            runners = [
                each.memory_info().rss for each in psutil.process_iter(["cmdline"])
                if str(database.home.path) in " ".join(each.info["cmdline"] or []) and each.pid != os.getpid()
            ]  # fmt: skip
            figures.add("memory of a runner", sum(runners) / max(1, len(runners)) / 1e6, "MB")
    figures.finish()


if __name__ == "__main__":
    run(main)
