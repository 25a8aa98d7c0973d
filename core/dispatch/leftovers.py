"""Proving a lost run dead: whatever still bears its mark in the environment is killed, until nothing does.

The runner and the worker's keepers see to that already; this is for the case that both were killed at once.
"""

import os
import signal
import sys
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Final

from storage import RunId

PATIENCE_S: Final = 10.0
"""A process that does not go in this time hangs in the kernel; it is told of, and no longer waited for."""


def end_leftovers(runs: Collection[RunId]) -> list[int]:
    """Kill what bears the mark of any of the runs; the pids that would not go. Blocking. Does nothing but on Linux."""
    marks = [f"WZP_RUN={run}".encode() for run in runs]
    deadline = time.monotonic() + PATIENCE_S
    while found := _marked(marks):
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            return found
        time.sleep(0.005)
    return []


def _marked(marks: list[bytes]) -> list[int]:
    if sys.platform != "linux":
        return []
    found = []
    own = os.getpid()
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == own:
            continue
        try:
            variables = (folder / "environ").read_bytes().split(b"\0")  # empty for a zombie
        except OSError:
            continue  # gone, or another user's
        if any(mark in variables for mark in marks):
            found.append(int(folder.name))
    return found
