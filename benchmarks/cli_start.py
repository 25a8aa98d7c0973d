"""What starting the command line costs: `wzp task list --json` on 100 tasks against a bare `python -c pass`.

The figure to reach: at most 180 ms more, the best of several runs each (the machine's noise only ever adds).

    python benchmarks/cli_start.py [--runs N] [--import-time]
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from ending import run, scratch_folder

REPOSITORY = Path(__file__).resolve().parent.parent
PROGRAM = [sys.executable, str(REPOSITORY / "wezterm_parallel.py")]
LIMIT_MS = 180.0
TASKS = 100


def best_ms(command: list[str], runs: int, environment: dict[str, str]) -> float:
    """The shortest time of several runs of a command, in milliseconds."""
    best = float("inf")
    for _ in range(runs):
        begun = time.perf_counter()
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
        best = min(best, time.perf_counter() - begun)
    return best * 1000


def measure(runs: int) -> tuple[float, float]:
    """The milliseconds of a bare Python and of the listing of a room with 100 tasks."""
    with scratch_folder() as folder:
        environment = {**os.environ, "WEZTERM_PARALLEL_HOME": f"{folder}/home", "PYTHONDONTWRITEBYTECODE": ""}
        subprocess.run(
            [*PROGRAM, "room", "create", "bench", "--root", str(folder)],
            env=environment,
            check=True,
            capture_output=True,
        )
        titles = "\n".join(f"Task {number}" for number in range(TASKS))
        subprocess.run(
            [*PROGRAM, "--room", "bench", "task", "add", "-"],
            env=environment, check=True, capture_output=True, input=titles.encode(),
        )  # fmt: skip
        listing = [*PROGRAM, "--room", "bench", "task", "list", "--json"]
        return best_ms([sys.executable, "-c", "pass"], runs, environment), best_ms(listing, runs, environment)


def main() -> int:
    """Measure, print, and fail where the figure is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=12)
    parser.add_argument("--import-time", action="store_true", help="show the costliest imports instead")
    options = parser.parse_args()
    if options.import_time:
        shown = subprocess.run(
            [sys.executable, "-X", "importtime", *PROGRAM[1:], "room", "list"],
            capture_output=True,
            text=True,
            check=True,
        )
        lines = [line for line in shown.stderr.splitlines() if line.startswith("import time:") and "|" in line]
        print("\n".join(sorted(lines[1:], key=lambda line: -int(line.split("|")[1]))[:40]))
        return 0
    bare, listing = measure(options.runs)
    more = listing - bare
    print(
        f"python -c pass {bare:.1f} ms; wzp task list --json {listing:.1f} ms; {more:.1f} ms more (limit {LIMIT_MS:g})"
    )
    return 0 if more <= LIMIT_MS else 1


if __name__ == "__main__":
    run(main)
