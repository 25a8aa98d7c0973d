"""What the idle app costs: 20 quiet processes that it supervises and measures, with the process screen open.

    python benchmarks/process_screen.py [--processes 20] [--seconds 20] [--quick]

The app runs in a pseudo-terminal, as the host of its home, with the process screen open; its processor time over so
many seconds is read from the system. All its services run meanwhile: supervisor, metrics, dispatcher, change feed.
"""

import argparse
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import psutil
from ending import run, scratch_folder
from figures import Figures

from core.execute import Call, execute
from core.operations import find
from core.work import Actor
from storage import AgentKind, Database, Door, Home, Process, ProcessState, Role

LIMIT_PERCENT = 2.0
ROWS, COLUMNS = 48, 160
YOUNG_S = 5.0
SETTLED_S = 65.0
"""When each measurement begins: the uptime of a process younger than a minute counts seconds, and its lines grow."""
PATIENCE_S = 60.0
OWNER = Actor("bench", Role.OWNER, Door.CLI, AgentKind.PERSON)

APP = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import tui
from core.work import Actor
from storage import Door, Home, Role
sys.exit(tui.run(Home(Path(sys.argv[2])), "bench", actor=Actor("bench", Role.OWNER, Door.TUI)))
"""


class App:
    """The app in a terminal of its own; `program` begins it, given the repository, the home and whatever else."""

    def __init__(self, home: Home, program: str = APP, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, str(Path(__file__).resolve().parent.parent), str(home.path), *arguments],
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color"},
        )  # fmt: skip
        os.close(slave)
        self.drawn = 0

    def drain(self, seconds: float) -> None:
        """Take what it draws, for so long."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if select.select([self._master], [], [], left)[0]:
                self.drawn += len(os.read(self._master, 1 << 16))

    def cost(self, seconds: float) -> tuple[float, float]:
        """The share of a core that it takes for so long, in percent, and the bytes that it draws a second."""
        meter = psutil.Process(self.process.pid)
        before, drawn, began = meter.cpu_times(), self.drawn, time.monotonic()
        self.drain(seconds)
        after, passed = meter.cpu_times(), time.monotonic() - began
        used = after.user + after.system - before.user - before.system
        return used / passed * 100, (self.drawn - drawn) / passed

    def press(self, key: str) -> None:
        """Press a key."""
        os.write(self._master, key.encode())

    def end(self) -> None:
        """End it."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        os.close(self._master)


def call(database: Database, operation: str, **arguments: object) -> object:
    """Call an operation in the room."""
    declared = find(operation)
    room = "bench" if declared.needs_room else None
    return execute(database, Call(operation=declared, arguments=arguments, actor=OWNER, room=room)).value


def processes(database: Database) -> list[Process]:
    """What there is."""
    with database.read() as rows:
        return list(rows.processes(rows.rooms()[0].id))


def main() -> None:
    """Start, settle, measure, end."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--processes", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--quick", action="store_true", help="half as long")
    options = parser.parse_args()
    seconds = options.seconds / 2 if options.quick else options.seconds
    figures = Figures("Process screen, idle")
    with scratch_folder() as folder:
        home = Home(folder / "home")
        (folder / "project").mkdir()
        database = Database.open(home)
        call(database, "create_room", name="bench", root=folder / "project")
        call(
            database, "add_process", name="quiet", command=("sh", "-c", "echo ready; exec sleep 1000"),
            instances=options.processes, labels=("quiet",),
        )  # fmt: skip
        app = App(home)
        try:
            app.drain(3.0)
            app.press("5")
            until = time.monotonic() + PATIENCE_S
            while any(each.state is not ProcessState.RUNNING for each in processes(database)):
                assert time.monotonic() < until, "the processes have not come up"
                app.drain(0.2)
            up = time.monotonic()
            what = f"idle app, {options.processes} quiet processes, process screen open, over {seconds:.0f} s"
            for name, begins in ((", the processes younger than a minute", YOUNG_S), ("", SETTLED_S)):
                app.drain(max(0.0, up + begins - time.monotonic()))
                percent, drawn = app.cost(seconds)
                figures.add(what + name, percent, "% of a core", at_most=LIMIT_PERCENT)
                figures.add("  drawn meanwhile", drawn / 1024, "KB a second")
        finally:
            call(database, "kill_processes", all=True)
            until = time.monotonic() + PATIENCE_S
            while any(each.pid is not None and psutil.pid_exists(each.pid) and each.state is ProcessState.RUNNING
                      for each in processes(database)) and time.monotonic() < until:  # fmt: skip
                app.drain(0.2)
            app.drain(1.0)
            app.end()
            database.close()
    figures.finish()


if __name__ == "__main__":
    run(main)
