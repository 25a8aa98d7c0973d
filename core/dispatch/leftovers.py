"""Proving a lost run dead: whatever still bears its mark in the environment is killed, until nothing does.

The runner and the worker's keepers see to that already; this is for the case that both were killed at once.
"""

import time
from collections.abc import Collection
from typing import Final

from core.dispatch import trees
from storage import RunId

PATIENCE_S: Final = 10.0
"""A process that does not go in this time hangs in the kernel; it is told of, and looked for again later."""


def end_leftovers(runs: Collection[RunId], patience_s: float = PATIENCE_S) -> dict[int, RunId]:
    """Kill what bears the mark of any of the runs; the pids that would not go, each with its run. Blocking."""
    deadline = time.monotonic() + patience_s
    pause_s = 0.005
    while found := trees.kill_marked(runs):
        if time.monotonic() > deadline:
            return {pid: RunId(run) for pid, run in found.items()}
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, 0.2)
    return {}
