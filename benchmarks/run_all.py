"""Run every benchmark, one after the other, with the options given; exits 1 if any misses a figure."""

import os
import subprocess
import sys
from pathlib import Path

from ending import run, scratch_folder

FOLDER = Path(__file__).parent
HELPERS = {"ending.py", "figures.py", "hosting.py", "mcp_sdk_server.py", "run_all.py"}


def main() -> None:
    """Each in a process of its own, so that none warms up another."""
    with scratch_folder() as folder:  # theirs lie in it
        environment = {**os.environ, "WZP_BENCH_DIR": str(folder)}
        missed = [
            script.stem
            for script in sorted(FOLDER.glob("*.py"))
            if script.name not in HELPERS
            and subprocess.run([sys.executable, str(script), *sys.argv[1:]], env=environment, check=False).returncode
        ]
    print(f"missed: {', '.join(missed)}" if missed else "every figure is met")
    sys.exit(bool(missed))


if __name__ == "__main__":
    run(main)
