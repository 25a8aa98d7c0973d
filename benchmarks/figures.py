"""What the benchmarks share: a scratch home, child writers, percentiles, and a table that ends in PASS or FAIL."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ending import scratch_folder

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or every process that is measured would compile our modules anew

from core.execute import Call, Outcome, execute  # noqa: E402
from core.operations import find  # noqa: E402
from core.work import Actor  # noqa: E402
from storage import Database, Door, Home, Role  # noqa: E402

ROOM = "bench"


@dataclass
class Figures:
    """The lines of one benchmark's table."""

    title: str
    failed: bool = False
    lines: list[tuple[str, str, str, str]] = field(default_factory=list)

    def add(
        self, what: str, value: float, unit: str, *, at_most: float | None = None, at_least: float | None = None
    ) -> None:
        """A measured value, with the bound that it must keep, if any."""
        wanted, verdict = "", ""
        if at_most is not None:
            wanted, verdict = f"≤ {at_most:g} {unit}", "PASS" if value <= at_most else "FAIL"
        if at_least is not None:
            wanted, verdict = f"≥ {at_least:g} {unit}", "PASS" if value >= at_least else "FAIL"
        self.failed |= verdict == "FAIL"
        self.lines.append((what, f"{value:,.3f}".rstrip("0").rstrip(".") + f" {unit}", wanted, verdict))

    def finish(self) -> None:
        """Print the table and end the program, with 1 where a figure was missed."""
        print(self.title)
        widths = [max(len(line[column]) for line in self.lines) for column in range(4)]
        for line in self.lines:
            print("  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
        print("FAIL" if self.failed else "PASS")
        sys.exit(1 if self.failed else 0)


def arguments(description: str) -> argparse.Namespace:
    """The command line: `--quick` for a tenth of the volume."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="a tenth of the volume")
    return parser.parse_args()


@contextmanager
def scratch_home() -> Iterator[Home]:
    """A home in a folder of its own, gone at the end."""
    with scratch_folder() as folder:
        yield Home(folder / "home")


@contextmanager
def scratch_database() -> Iterator[Database]:
    """An opened database with a room."""
    with scratch_home() as home:
        database = Database.open(home)
        call(database, "create_room", name=ROOM, root=home.path)
        try:
            yield database
        finally:
            database.close()


def outcome(
    database: Database, operation_name: str, /, *, agent: str = "owner", reason: str | None = None, **given: Any
) -> Outcome:
    """Call an operation as a door does."""
    operation = find(operation_name)
    room = ROOM if operation.needs_room else None
    actor = Actor(agent, Role.OWNER, Door.CLI)
    return execute(database, Call(operation=operation, arguments=given, actor=actor, room=room, reason=reason))


def call(database: Database, operation_name: str, /, **given: Any) -> Any:
    """The result of an operation."""
    return outcome(database, operation_name, **given).value


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that `percent` of `values` do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


class Child:
    """This benchmark's own file as another process: `NAME.py --child ROLE JSON`; speaks JSON lines."""

    def __init__(self, file: str, role: str, home: Home, **given: Any) -> None:
        self.process = subprocess.Popen(
            [sys.executable, file, "--child", role, str(home.path), json.dumps(given)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def hear(self) -> Any:
        """What it says next; None when it has ended."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        return json.loads(line) if line.endswith(b"\n") else None

    def tell(self, line: str = "") -> None:
        """A line on its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def end(self) -> None:
        """Make sure that it has ended."""
        self.process.kill()
        self.process.communicate()


def as_child() -> tuple[str, Home, dict[str, Any]] | None:
    """The role of this process, where a benchmark has started it as its child."""
    if sys.argv[1:2] != ["--child"]:
        return None
    return sys.argv[2], Home(Path(sys.argv[3])), json.loads(sys.argv[4])


def say(*values: Any) -> None:
    """A line for the parent."""
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def hear() -> str:
    """A line from the parent; empty at its end."""
    return sys.stdin.readline().strip()
