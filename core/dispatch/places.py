"""Where a run's output lies."""

from pathlib import Path

from storage import Home, RunId


def output_path(home: Home, run: RunId) -> Path:
    """The file that a run's output goes to as it comes; not there before the first byte. What is older than its
    limit of size stands in the same name with `.1`."""
    return home.logs / "runs" / f"{run}.log"


def result_path(home: Home, run: RunId) -> Path:
    """Where a worker lays a run's result until the dispatcher has taken it."""
    return home.logs / "runs" / f"{run}.result"
