"""Where what belongs to runs lies on the disk."""

from pathlib import Path
from typing import Final

from storage import Home, RunId

WORKER_SOCKET: Final = "worker.sock"
"""The name of a worker's socket in its runner's folder; core/dispatch/worker.py, which imports nothing, has it too."""


def output_path(home: Home, run: RunId) -> Path:
    """The file that a run's output goes to as it comes; not there before the first byte. What is older than its
    limit of size stands in the same name with `.1`. How long it stays is core/logs/retention.py's; its end stays in the
    run itself."""
    return home.logs / "runs" / f"{run}.log"


def result_path(home: Home, run: RunId) -> Path:
    """Where a worker lays a run's result until the dispatcher has taken it."""
    return home.logs / "runs" / f"{run}.result"


def make_folder(home: Home) -> None:
    """Make the folder of runs' output, where it is not there."""
    (home.logs / "runs").mkdir(mode=0o700, parents=True, exist_ok=True)
