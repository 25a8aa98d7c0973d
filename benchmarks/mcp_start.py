"""What an agent's server costs at its start: to the answered initialize, to its first call, beside the official SDK.

The best of several runs each, since the machine's noise only ever adds.
"""

import statistics
import sys
import time
from pathlib import Path

from ending import run
from figures import REPOSITORY, ROOM, Figures, arguments, call, scratch_database

from tests.support.agents import AgentProcess

SDK = [sys.executable, str(REPOSITORY / "benchmarks" / "mcp_sdk_server.py")]


def once(project: Path, program: list[str] | None = None, **environment: str) -> tuple[float, float]:
    """The milliseconds from the start of a server to the answer to initialize, and to its first tool call."""
    begun = time.perf_counter()
    with AgentProcess(project, program=program, WZP_ROOM=ROOM, **environment) as server:
        initialized = time.perf_counter()
        server.call("session_start")
        called = time.perf_counter()
        server.leave()
    return (initialized - begun) * 1000, (called - begun) * 1000


def main() -> None:
    """Measure and judge."""
    runs = 4 if arguments(__doc__ or "").quick else 20
    with scratch_database() as database:
        call(database, "create_task", title="one")
        home = str(database.home.path)
        ours = [once(database.home.path, WEZTERM_PARALLEL_HOME=home) for _ in range(runs)]
        theirs = [once(database.home.path, SDK, WEZTERM_PARALLEL_HOME=home) for _ in range(max(3, runs // 4))]
    initialize, first = min(each[0] for each in ours), min(each[1] for each in ours)
    figures = Figures(f"a server's start, best of {runs}")
    figures.add("spawn → initialize answered", initialize, "ms", at_most=80)
    figures.add("spawn → first call answered, a durable one", first, "ms", at_most=200)
    figures.add("the same, median", statistics.median(each[1] for each in ours), "ms")
    figures.add("the SDK's spawn → initialize answered", min(each[0] for each in theirs), "ms")
    figures.add("the SDK's time of ours", min(each[0] for each in theirs) / initialize, "times", at_least=5)
    figures.finish()


if __name__ == "__main__":
    run(main)
