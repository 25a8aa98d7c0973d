"""Run every benchmark, one after the other, with the options given; exits 1 if any misses a figure."""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
HELPERS = {"figures.py", "hosting.py", "mcp_sdk_server.py", "run_all.py"}


def main() -> None:
    """Each in a process of its own, so that none warms up another."""
    missed = [
        script.stem
        for script in sorted(FOLDER.glob("*.py"))
        if script.name not in HELPERS
        and subprocess.run([sys.executable, str(script), *sys.argv[1:]], check=False).returncode
    ]
    print(f"missed: {', '.join(missed)}" if missed else "every figure is met")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
