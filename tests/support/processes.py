"""Child processes of tests: Python source run in a process of its own, spoken with line by line."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]

PREAMBLE = """
import json, os, sys, time
from pathlib import Path
from storage import Database, Door, Home, ParallelError, Role, Status, StorageTimeout
from core.operations import find
from core.execute import Call, execute
from core.work import Actor
home = Home(Path(sys.argv[1]))
arguments = json.loads(sys.argv[2])
def say(*values):
    print(json.dumps(values), flush=True)
def hear():
    return sys.stdin.readline().strip()
def call(database, operation_name, /, agent="owner", room="demo", role=Role.OWNER, **given):
    operation = find(operation_name)
    return execute(database, Call(operation=operation, arguments=given, actor=Actor(agent, role, Door.CLI),
                                  room=room if operation.needs_room else None)).value
"""


class Child:
    """A process that runs `PREAMBLE` and then the test's own source; `say` in it is `hear` here."""

    def __init__(self, home: Path, source: str, **arguments: Any) -> None:
        assert isinstance(home, Path), f"{home!r} as a string would be a folder of that name in the repository"
        self.process = subprocess.Popen(
            [sys.executable, "-c", PREAMBLE + source, str(home), json.dumps(arguments)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )  # fmt: skip
        self.pid = self.process.pid
        self._rest = b""

    def hear(self, timeout_s: float = 30.0) -> Any:
        """The next values that the child says; fails the test if it ends or keeps silent."""
        assert self.process.stdout is not None
        while b"\n" not in self._rest:
            ready, _, _ = select.select([self.process.stdout], [], [], timeout_s)
            assert ready, f"the child said nothing for {timeout_s:g} s"
            more = os.read(self.process.stdout.fileno(), 65536)
            assert more, f"the child ended with {self.process.wait()}"
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        return json.loads(line)

    def heard(self) -> list[Any]:
        """All that it still says until it ends."""
        assert self.process.stdout is not None
        rest = self._rest + self.process.stdout.read()
        self.process.wait()
        return [json.loads(line) for line in rest.splitlines()]

    def tell(self, line: str = "") -> None:
        """A line on its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def end(self) -> None:
        """Make sure that it has ended."""
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()
        self.process.wait()


@contextmanager
def children(home: Path, source: str, count: int = 1, **arguments: Any) -> Iterator[list[Child]]:
    """Some processes of one source, each told its `index`; ended at the end of the block."""
    started = [Child(home, source, index=index, **arguments) for index in range(count)]
    try:
        yield started
    finally:
        for child in started:
            child.end()
