"""Proving a lost run dead: whatever still bears its mark in the environment is killed, until nothing does.

The runner and the worker's keepers see to that already; this is for the case that both were killed at once.
"""

import os
import signal
import sys
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from storage import RunId

PATIENCE_S: Final = 10.0
"""A process that does not go in this time hangs in the kernel; it is told of, and looked for again later."""


def end_leftovers(runs: Collection[RunId], patience_s: float = PATIENCE_S) -> dict[int, RunId]:
    """Kill what bears the mark of any of the runs; the pids that would not go, each with its run. Blocking.

    Does nothing but on Linux.
    """
    marks = {f"WZP_RUN={run}".encode(): run for run in runs}
    deadline = time.monotonic() + patience_s
    while found := _kill_marked(marks):
        if time.monotonic() > deadline:
            return found
        time.sleep(0.005)
    return {}


def _kill_marked(marks: Mapping[bytes, RunId]) -> dict[int, RunId]:
    if sys.platform != "linux":
        return {}
    found = {}
    own = os.getpid()
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == own:
            continue
        pid = int(folder.name)
        try:
            run = _run_of(folder, marks)
        except OSError:
            continue  # gone, or another user's
        if run is None:
            continue
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        except OSError:  # no descriptor is free: it lives, and is tried again
            found[pid] = run
            continue
        try:
            # read again under the handle: the number may be another's by now, the handle is not
            if _run_of(folder, marks) is run:
                found[pid] = run
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        except OSError:
            pass  # gone meanwhile; looked for again
        finally:
            os.close(handle)
    return found


def _run_of(folder: Path, marks: Mapping[bytes, RunId]) -> RunId | None:
    variables = (folder / "environ").read_bytes().split(b"\0")  # empty for a zombie
    return next((run for mark, run in marks.items() if mark in variables), None)
