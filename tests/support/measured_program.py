"""Programs of ours that run without site-packages (`-I -S`), and so measure nothing by themselves, under coverage.

As a program: `python -I measured_program.py PROGRAM …`.
"""

import atexit
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

import coverage

ROOT = Path(__file__).resolve().parents[2]


def measured(argv: Sequence[str]) -> list[str]:
    """The command of such a program; measured, if the tests are and it is one that lies in a file."""
    isolated = [sys.executable, "-I", "-S"]
    assert list(argv[:3]) == isolated
    if coverage.Coverage.current() is None or argv[3] == "-c":
        return list(argv)
    return [*isolated[:2], __file__, *argv[3:]]


def main() -> None:
    """Measure, and be the program."""
    measuring = coverage.Coverage(
        config_file=str(ROOT / "pyproject.toml"),
        data_file=str(ROOT / ".coverage"),
        data_suffix=True,
        source=[str(ROOT / "core")],
    )
    measuring.start()
    atexit.register(measuring.save)
    del sys.argv[0]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
