"""The board's figures: start to first usable frame, event-loop time of a key, memory; with 10,000 tasks.

    python benchmarks/tui_board.py [--tasks 10000] [--quick]

Time on the event loop is the processor time of all its callbacks between a key and the next rest, the painting for a
real terminal included (processor time, so that a busy machine does not count as a slow board). The start is measured in
a pseudo-terminal, from the start of the process to the first card.
"""

import argparse
import asyncio
import contextlib
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from ending import run, scratch_folder

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from core.operation import Line
from core.work import Actor
from storage import COLUMNS, AgentKind, Database, Door, Home, Priority, Role, Status

WIDTH, HEIGHT = 160, 48
TYPED_MS = 100
"""Between two letters of a fast typist; a frame a letter is enough. The issue sets no figure for the filter."""

TITLES = (
    "Fix login redirect when the session has expired",
    "ログイン画面のエラーメッセージを日本語で表示する",
    "Write the release notes",
    "Speed up the test suite: four minutes is too long for the inner loop",
    "Cache parsed layouts",
)
CHILD = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import tui
from core.work import Actor
from storage import AgentKind, Door, Home, Role
sys.exit(tui.run(Home(Path(sys.argv[2])), "bench", actor=Actor("bench", Role.OWNER, Door.TUI)))
"""


def fill(home: Home, count: int) -> None:
    """A room with `count` tasks, as they are stored by the operations, written in one transaction for speed."""
    from core.execute import Call, execute
    from core.operations import find
    from core.operations.task import create_task
    from core.work import Work

    database = Database.open(home)
    actor = Actor("bench", Role.OWNER, Door.CLI, AgentKind.PERSON)
    root = home.path / "project"
    root.mkdir(parents=True, exist_ok=True)
    call = Call(operation=find("create_room"), arguments={"name": "bench", "root": root}, actor=actor)
    room = execute(database, call).value
    columns = [status for status in COLUMNS if status is not Status.BLOCKED]
    random = Random(1)
    with database.write("bench") as rows:
        work = Work(rows, actor, room, operation="create_task", undoable=True)
        for number in range(count):
            create_task(
                work,
                Line(f"{TITLES[number % len(TITLES)]} {number}"),
                description="What is to be done, in a few words." if number % 3 else "",
                status=random.choice(columns),
                priority=random.choice(list(Priority)),
                labels=tuple(
                    random.sample([Line("api"), Line("ui"), Line("docs"), Line("infra")], random.choice([0, 1, 2]))
                ),
            )
    database.close()


class Loop:
    """The time that the callbacks of the event loop take."""

    def __init__(self) -> None:
        self.busy_s = 0.0
        self.longest_s = 0.0

    @contextlib.contextmanager
    def measured(self) -> Iterator[None]:
        run = asyncio.Handle._run  # type: ignore[attr-defined]

        def timed(handle: asyncio.Handle) -> None:
            start = time.thread_time()
            try:
                run(handle)
            finally:
                spent = time.thread_time() - start
                self.busy_s += spent
                self.longest_s = max(self.longest_s, spent)

        asyncio.Handle._run = timed  # type: ignore[attr-defined]
        try:
            yield
        finally:
            asyncio.Handle._run = run  # type: ignore[attr-defined]


class Figures:
    """What was measured, against what it must be."""

    def __init__(self) -> None:
        self.failed = False

    def tell(self, what: str, value: float, limit: float, unit: str, detail: str = "") -> None:
        passed = value <= limit
        self.failed = self.failed or not passed
        print(
            f"{'PASS' if passed else 'FAIL'}  {what:<46} {value:8.1f} {unit:<3} (at most {limit:g} {unit}) {detail}",
            flush=True,
        )


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1] if len(values) > 1 else values[0]


async def keys(home: Home, figures: Figures, rounds: int) -> None:
    """The event-loop time of keys."""
    from textual._compositor import CompositorUpdate

    from tui.app import ParallelApp
    from tui.desk import Desk

    class Painting(ParallelApp):
        """Headless, Textual leaves out what turns a frame into bytes for the terminal; a key costs that too."""

        painted = 0

        def _display(self, screen: Any, renderable: Any) -> None:
            if isinstance(renderable, CompositorUpdate):
                self.painted += len(renderable.render_segments(self.console))
            super()._display(screen, renderable)

    desk = Desk.open(home, "bench", Actor("bench", Role.OWNER, Door.TUI))
    app = Painting(desk)
    loop = Loop()
    with loop.measured():
        async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
            while not app.state.sequence:
                await pilot.pause(0.01)
            await pilot.pause(0.5)
            board = app.screen

            async def press(key: str) -> float:
                before = loop.busy_s
                await pilot.press(key)
                await pilot.pause()
                return (loop.busy_s - before) * 1000

            async def measure(name: str, sequence: list[str], limit: float) -> None:
                times = [await press(key) for _ in range(rounds) for key in sequence]
                figures.tell(
                    f"{name}, p95 of {len(times)}", p95(times), limit, "ms", f"p50 {statistics.median(times):.1f}"
                )

            await measure("j k (cursor)", ["j", "j", "j", "k"], 16)
            await measure("l h (across)", ["l", "h"], 16)
            await measure("G g (ends)", ["G", "g"], 16)
            await press("space")
            await measure("carry and preview, along", ["j", "j", "k"], 16)
            await measure("carry and preview, across", ["l", "h"], 16)
            await press("escape")
            await measure("density", ["y"], 200)
            times = []
            for _ in range(rounds):
                await press("l")
                task = board.cursor  # type: ignore[attr-defined]
                status = app.state.tasks[task].status
                start = time.perf_counter()
                app.simulate_key("H")
                while app.state.tasks[task].status is status or board.outbox.pending:  # type: ignore[attr-defined]
                    await asyncio.sleep(0.0005)
                times.append((time.perf_counter() - start) * 1000)
                await pilot.pause()
            figures.tell(
                f"drop settled (stored and confirmed), p95 of {rounds}",
                p95(times),
                50,
                "ms",
                f"p50 {statistics.median(times):.1f}",
            )
            letters = []
            for _ in range(rounds):
                await press("slash")
                letters += [await press(letter) for letter in "login"]
                await press("escape")
            figures.tell(
                f"filter, a letter, p95 of {len(letters)}",
                p95(letters),
                TYPED_MS,
                "ms",
                f"p50 {statistics.median(letters):.1f}",
            )
            await measure("filter, misspelt", ["slash", *"relese", "escape"], TYPED_MS)
    desk.close()


def start(home: Home, figures: Figures, count: int, limit_ms: float) -> None:
    """From the start of the process to the first card, in a pseudo-terminal; and the memory then."""
    import psutil

    times, memory = [], 0.0
    for _ in range(5):
        process, first, rss = _start_once(home)
        times.append(first * 1000)
        memory = max(memory, rss)
        del process
    figures.tell(
        f"start to the first card, {count:,} tasks, best of 5",
        min(times),
        limit_ms,
        "ms",
        f"median {statistics.median(times):.0f}",
    )
    if count >= 10_000:
        figures.tell("memory, resident", memory, 150, "MB")
    del psutil


def _start_once(home: Home) -> tuple[int, float, float]:
    import fcntl
    import termios

    import psutil

    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    root = str(Path(__file__).resolve().parent.parent)
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, root, str(home.path)],
        stdin=follower, stdout=follower, stderr=follower, env=environment, start_new_session=True,
    )  # fmt: skip
    os.close(follower)
    seen, first = b"", 0.0
    try:
        while time.perf_counter() - begin < 20:
            if select.select([leader], [], [], 0.05)[0]:
                seen += os.read(leader, 65536)
                if b"login redirect" in seen or b"release notes" in seen:
                    first = time.perf_counter() - begin
                    break
        until = time.perf_counter() + 1.0
        while time.perf_counter() < until:
            if select.select([leader], [], [], 0.05)[0]:
                os.read(leader, 65536)
        rss = psutil.Process(process.pid).memory_info().rss / 1e6
    finally:
        process.terminate()
        process.wait(10)
        os.close(leader)
    if not first:
        raise SystemExit(f"the board did not appear; what came: {seen[-2000:]!r}")
    return process.pid, first, rss


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rounds")
    parser.add_argument("--keys-only", action="store_true")
    arguments = parser.parse_args()
    figures = Figures()
    with scratch_folder() as folder:
        large = Home(folder / "large")
        fill(large, arguments.tasks)
        if not arguments.keys_only:
            small = Home(folder / "small")
            fill(small, 100)
            start(small, figures, 100, 800)
            start(large, figures, arguments.tasks, 1500)
        asyncio.run(keys(large, figures, 8 if arguments.quick else 40))
    return int(figures.failed)


if __name__ == "__main__":
    run(main)
