"""How soon others see what an agent has stored: another agent by its subscription, the person on the screen.

The screen is the whole program in a terminal of its own; what counts is when the new title has left it.
"""

import fcntl
import json
import os
import pty
import random
import re
import select
import struct
import sys
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ending import run
from figures import REPOSITORY, ROOM, Figures, arguments, call, percentile, scratch_database

from storage import Status
from tests.support.agents import AgentProcess

ESCAPES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])")
LONGEST_S = 5.0


class Listener(threading.Thread):
    """Reads what a process puts out, and notes when each awaited text has come."""

    def __init__(self, descriptor: int, strip: bool) -> None:
        super().__init__(daemon=True)
        self.descriptor = descriptor
        self.strip = strip
        self.text = b""
        self.came = threading.Condition()

    def run(self) -> None:
        """Read until the end."""
        while True:
            try:
                piece = os.read(self.descriptor, 1 << 16)
            except OSError:
                return
            if not piece:
                return
            with self.came:
                self.text = (self.text + (ESCAPES.sub(b"", piece) if self.strip else piece))[-1_000_000:]
                self.came.notify_all()

    def wait_for(self, text: bytes) -> float:
        """When it has come, in seconds of the monotonic clock."""
        with self.came:
            assert self.came.wait_for(lambda: text in self.text, LONGEST_S), f"{text!r} never came"
            self.text = b""
        return time.monotonic()


def latencies(agent: AgentProcess, count: int, awaited: Callable[[str], bytes], listener: Listener) -> list[float]:
    """The milliseconds from an agent's answered change of a title until the others have it."""
    chance, found = random.Random(1), []
    for number in range(count):
        time.sleep(chance.uniform(0.05, 0.15))
        title = f"Mark{number:05}Q"
        agent.call("update_task", task_id=1, title=title)
        stored = time.monotonic()
        found.append(max(0.0, (listener.wait_for(awaited(title)) - stored) * 1000))
    return found


def screen(home: str, project: Path) -> tuple[int, int]:
    """The program in a terminal of 100 columns and 40 lines: its pid and the terminal's descriptor."""
    pid, descriptor = pty.fork()
    if pid == 0:
        os.chdir(project)
        os.environ.update(WEZTERM_PARALLEL_HOME=home, TERM="xterm-256color", COLORTERM="truecolor")
        os.execv(sys.executable, [sys.executable, str(REPOSITORY / "wezterm_parallel.py"), "--room", ROOM])
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    return pid, descriptor


def main() -> None:
    """Measure and judge."""
    count = 20 if arguments(__doc__ or "").quick else 200
    with scratch_database() as database:
        call(database, "create_task", title="First", status=Status.TODO)
        for number in range(100):
            call(database, "create_task", title=f"Task {number}")
        home, project = str(database.home.path), database.home.path
        with (
            AgentProcess(project, WZP_ROOM=ROOM, WEZTERM_PARALLEL_HOME=home) as first,
            AgentProcess(project, WZP_ROOM=ROOM, WEZTERM_PARALLEL_HOME=home) as second,
        ):
            first.call("session_start")
            second.request("resources/subscribe", uri="wzp://task/1")
            assert second.process.stdout is not None
            listener = Listener(second.process.stdout.fileno(), strip=False)
            listener.start()
            update = json.dumps("wzp://task/1").encode()
            updates = latencies(first, count, lambda _title: update, listener)
            pid, descriptor = screen(home, project)
            try:
                assert select.select([descriptor], [], [], LONGEST_S)[0]
                shown = Listener(descriptor, strip=True)
                shown.start()
                shown.wait_for(b"Mark")
                drawn = latencies(first, count, str.encode, shown)
            finally:
                os.kill(pid, 9)
                os.waitpid(pid, 0)
    figures = Figures(f"{count} changes of an agent, seen by others")
    figures.add("commit → resource update at another agent, p50", percentile(updates, 50), "ms")
    figures.add("commit → resource update at another agent, p95", percentile(updates, 95), "ms", at_most=80)
    figures.add("commit → on the person's screen, p50", percentile(drawn, 50), "ms")
    figures.add("commit → on the person's screen, p95", percentile(drawn, 95), "ms", at_most=100)
    figures.finish()


if __name__ == "__main__":
    run(main)
