"""The runner between the supervisor and one process: what it costs to start and to hold, and what flows through it.

The figures to reach: ≤ 60 ms until the runner has started a process (its own start and the program's), and ≤ 12 MB
each. Beside them, without a bound: fifty at once, stop, a tree of a thousand killed, and 100 MB through the terminal.

    python benchmarks/runner.py [--quick]
"""

import asyncio
import contextlib
import os
import sys
import time
from pathlib import Path
from typing import Any

from ending import run
from figures import Figures, arguments, percentile, scratch_home

from core.processes.backend import backend_for
from core.processes.link import Launch, RunnerLink
from storage import Backend, Home, ProcessId

START_MS = 60.0
MEMORY_MB = 12.0


class Bench:
    """Starts processes in a home."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.backend = backend_for(Backend.LOCAL, home)
        self.count = 0

    async def start(self, *argv: str) -> RunnerLink:
        self.count += 1
        name = f"prc_{self.count}"
        values: dict[str, Any] = {
            "process": ProcessId(name), "folder": self.home.run / "processes" / name / "run", "argv": argv,
            "cwd": Path("/"), "env": dict(os.environ), "output": self.home.logs / "processes" / name,
            "max_bytes": 200_000_000, "files": 2, "stop_signal": "SIGTERM", "grace_s": 5.0, "token": 1,
        }  # fmt: skip
        return await self.backend.start(Launch(**values))

    async def end(self, link: RunnerLink, *, kill: bool = False) -> float:
        """Stop and release it; the milliseconds from the request until nothing is left."""
        begun = time.perf_counter()
        await (link.kill() if kill else link.stop())
        await over(link)
        taken = (time.perf_counter() - begun) * 1000
        await link.release()
        return taken


async def over(link: RunnerLink) -> None:
    async with contextlib.aclosing(link.changes()) as changes:
        async for status in changes:
            if status.state == "exited":
                return


def memory_mb(pid: int) -> tuple[float, float]:
    """Resident and proportional memory of a process."""
    told = Path(f"/proc/{pid}/smaps_rollup").read_text().split()
    return int(told[told.index("Rss:") + 1]) / 1024, int(told[told.index("Pss:") + 1]) / 1024


async def measure(figures: Figures, home: Home, rounds: int) -> None:
    bench = Bench(home)
    await bench.end(await bench.start("sleep", "1000"))  # the first reads everything from the disk, and compiles
    starts, stops, resident, shared = [], [], 0.0, 0.0
    for _ in range(rounds):
        begun = time.perf_counter()
        link = await bench.start("sleep", "1000")
        starts.append((time.perf_counter() - begun) * 1000)
        own, part = memory_mb(link.status.runner_pid)
        resident, shared = max(resident, own), max(shared, part)
        stops.append(await bench.end(link))
    figures.add("request → process runs, p50", percentile(starts, 50), "ms")
    figures.add("request → process runs, p95", percentile(starts, 95), "ms", at_most=START_MS)
    figures.add("memory of a runner, resident", resident, "MB", at_most=MEMORY_MB)
    figures.add("memory of a runner, its share", shared, "MB")
    figures.add("stop → nothing left, p95", percentile(stops, 95), "ms")

    begun = time.perf_counter()
    links = await asyncio.gather(*(bench.start("sleep", "1000") for _ in range(50)))
    figures.add("fifty at once", (time.perf_counter() - begun) * 1000, "ms")
    begun = time.perf_counter()
    await asyncio.gather(*(bench.end(link) for link in links))
    figures.add("fifty stopped at once", (time.perf_counter() - begun) * 1000, "ms")

    program = (
        "import os, time\nfor _ in range(1000):\n    if os.fork() == 0: time.sleep(1000)\nprint(1)\ntime.sleep(1000)"
    )
    link = await bench.start(sys.executable, "-I", "-S", "-c", program)
    async with contextlib.aclosing(link.output(replay=True)) as chunks:
        async for _chunk in chunks:
            break
    figures.add("a tree of a thousand killed", await bench.end(link, kill=True), "ms")

    megabytes = 10 * max(rounds // 10, 1)
    begun = time.perf_counter()
    link = await bench.start("sh", "-c", f"yes 'a line as they are' | head -c {megabytes}000000")
    await over(link)
    taken = time.perf_counter() - begun
    resident, _ = memory_mb(link.status.runner_pid)
    figures.add(f"{megabytes} MB of short lines into the log", megabytes / taken, "MB/s")
    figures.add("memory of the runner after that", resident, "MB", at_most=MEMORY_MB)
    await link.release()
    program = f"import os\ndata = b'z' * 65536\nfor _ in range({megabytes} * 80): os.write(1, data)"
    link = await bench.start(sys.executable, "-I", "-S", "-c", program)
    await over(link)
    resident, _ = memory_mb(link.status.runner_pid)
    figures.add(f"and after {megabytes * 5} MB without a line break", resident, "MB", at_most=MEMORY_MB)
    await link.release()


def main() -> None:
    """Measure, print, and fail where a figure is missed."""
    quick = arguments(__doc__ or "").quick
    figures = Figures("The runner")
    with scratch_home() as home:
        home.create()
        asyncio.run(measure(figures, home, 10 if quick else 100))
    figures.finish()


if __name__ == "__main__":
    run(main)
