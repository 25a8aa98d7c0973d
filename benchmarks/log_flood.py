"""A flood of output through a real runner while the log is on the screen: nothing lost, and the keys answer.

A process prints 100 MB at 50,000 lines a second. Meanwhile the app, with the log analyser and the metrics running in
it, shows the log, and keys are pressed: from the key to the frame that shows what it did, in wall time, p95 ≤ 50 ms.
Then so while an expression is looked for that never ends. Afterwards every line is looked for in the file. Also what a
quiet log costs, and a record of the program's own log.

    python benchmarks/log_flood.py [--quick]
"""

import asyncio
import contextlib
import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ending import run
from figures import Figures, arguments, percentile, scratch_home

from core.alerts.log_watch import LogWatch
from core.alerts.service import AlertsService
from core.execute import Call, execute
from core.logs.expressions import Expression
from core.logs.window import output_folder
from core.operations import find
from core.processes.backend import backend_for
from core.processes.link import Launch, RunnerLink
from core.services import HostLease
from core.services.metrics import MetricsService
from core.work import Actor
from storage import Backend, Database, Door, Home, OutputReader, Process, Role, start_logging

LINES_A_SECOND = 50_000
LINE = 100
KEY_MS = 50.0

FLOOD = """
import sys, time
count, rate, size = (int(word) for word in sys.argv[1:])
began, batch = time.monotonic(), rate // 100
for first in range(0, count, batch):
    numbers = range(first, min(count, first + batch))
    lines = [f"{n:09} \\x1b[32mGET\\x1b[0m /items/{n} ".ljust(size - 1, "x") for n in numbers]
    sys.stdout.write("\\n".join(lines) + "\\n")
    sys.stdout.flush()
    ahead = began + (first + batch) / rate - time.monotonic()
    if ahead > 0:
        time.sleep(ahead)
"""


async def over(link: RunnerLink) -> None:
    async with contextlib.aclosing(link.changes()) as changes:
        async for status in changes:
            if status.state == "exited":
                return


async def flood(home: Home, actor: Actor, process: Process, count: int, figures: Figures) -> None:
    """Print, press keys, count."""
    from textual._compositor import CompositorUpdate

    from tui.app import ParallelApp
    from tui.desk import Desk
    from tui.log.view import LogView
    from tui.screens.log import LogScreen

    class Painting(ParallelApp):
        """Headless, Textual leaves out what turns a frame into bytes for the terminal; a key costs that too."""

        frames = 0

        def _display(self, screen: Any, renderable: Any) -> None:
            if isinstance(renderable, CompositorUpdate):
                renderable.render_segments(self.console)
            super()._display(screen, renderable)
            self.frames += 1

    desk = Desk.open(home, "bench", actor)
    lease = HostLease(desk.database)
    services = [AlertsService(desk.database, lease), MetricsService(desk.database, lease)]
    app = Painting(desk, services=services, lease=lease)
    async with app.run_test(size=(160, 48)) as pilot:
        while not app.state.sequence:
            await pilot.pause(0.01)
        screen = LogScreen(process.id)
        await app.push_screen(screen)
        view = screen.query_one(LogView)
        await pilot.pause(0.5)

        async def key(name: str, is_done: Callable[[], bool]) -> float:
            begun, frames = time.perf_counter(), app.frames
            app.simulate_key(name)
            while not (is_done() and app.frames > frames):
                await asyncio.sleep(0.0005)
            return (time.perf_counter() - begun) * 1000

        launch = Launch(
            process=process.id, folder=home.run / "processes" / process.id / "run",
            argv=(sys.executable, "-c", FLOOD, str(count), str(LINES_A_SECOND), str(LINE)), cwd=Path("/"),
            env=dict(os.environ), output=output_folder(home, process.id), max_bytes=40_000_000, files=5,
            stop_signal="SIGTERM", grace_s=5.0, token=1,
        )  # fmt: skip
        begun = time.perf_counter()
        link = await backend_for(Backend.LOCAL, home).start(launch)
        ended = asyncio.create_task(over(link))
        while not view._rows:
            await asyncio.sleep(0.01)
        following, back = [], []
        while not ended.done():
            await asyncio.sleep(0.05)
            has = bool(view._rows[0][0])
            following.append(await key("s", lambda has=has: bool(view._rows[0][0]) is not has))
            if len(following) % 4 == 0:
                await key("pageup", lambda: screen._picture.place is not None)
                for _ in range(3):
                    place = screen._picture.place
                    back.append(await key("pageup", lambda place=place: screen._picture.place != place))
                await key("G", lambda: screen._picture.place is None)
        took = time.perf_counter() - begun
        await ended
        await link.release()
        last = f"{count - 1:09}"
        while last not in "".join(text for _head, row in view._rows for text, _look in row):
            await asyncio.sleep(0.01)
        endless, searching = Expression("(x+x+)+y"), []
        for _ in range(len(following) // 4):
            if not screen._is_searching:
                screen._typed = screen._sought = endless
                screen.action_find(-1)
                while not screen._is_searching:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            has = bool(view._rows[0][0])
            searching.append(await key("s", lambda has=has: bool(view._rows[0][0]) is not has))
        figures.add("printed in", took, "s")
        figures.add(
            f"key → frame while it follows, p95 of {len(following)}", percentile(following, 95), "ms", at_most=KEY_MS
        )
        figures.add(f"key → frame a page back, p95 of {len(back)}", percentile(back, 95), "ms", at_most=KEY_MS)
        figures.add(
            f"key → frame while an endless expression is looked for, p95 of {len(searching)}",
            percentile(searching, 95), "ms", at_most=KEY_MS,
        )  # fmt: skip
        figures.add("the longest of all", max(following + back + searching), "ms")
    desk.close()
    found = 0
    for line in OutputReader(output_folder(home, process.id)).lines():
        if line.text[:9] == b"%09d" % found:
            found += 1
    figures.add("lines that are missing in the file", count - found, "", at_most=0)


def quiet(home: Home, processes: tuple[Process, ...], figures: Figures) -> None:
    """What a look at logs in which nothing has come costs."""
    from core.alerts.configuration import DEFAULT_RULES

    watch = LogWatch(home)
    watch.look(processes * 50, DEFAULT_RULES)
    begun = time.process_time()
    for _ in range(100):
        watch.look(processes * 50, DEFAULT_RULES)
    figures.add("a look at 50 quiet logs", (time.process_time() - begun) * 10, "ms", at_most=5)


def own_log(home: Home, figures: Figures) -> None:
    """What a record of the program's own log costs its caller, and all in all."""
    stop = start_logging(home.logs / "bench.log")
    logger = logging.getLogger("bench")
    begun, spent = time.thread_time(), time.process_time()
    for number in range(20_000):
        logger.info("record %d of %s", number, "a log")
    caller = (time.thread_time() - begun) / 20_000 * 1e6
    stop()
    figures.add("a record of the own log, for its caller", caller, "µs", at_most=50)
    figures.add("a record of the own log, written", (time.process_time() - spent) / 20_000 * 1e6, "µs", at_most=150)


def main() -> None:
    given = arguments(__doc__ or "")
    count = 100_000 if given.quick else 1_000_000
    figures = Figures("log flood")
    with scratch_home() as home:
        database = Database.open(home)
        actor = Actor("bench", Role.OWNER, Door.TUI)

        def call(name: str, /, **values: Any) -> Any:
            room = None if name == "create_room" else "bench"
            return execute(database, Call(operation=find(name), arguments=values, actor=actor, room=room)).value

        root = home.path / "project"
        root.mkdir(parents=True, exist_ok=True)
        call("create_room", name="bench", root=root)
        call("add_process", name="flood", command=("true",), autostart="off")
        process = call("list_processes")[0].process
        asyncio.run(flood(home, actor, process, count, figures))
        quiet(home, (process,), figures)
        own_log(home, figures)
        database.close()
    figures.finish()


if __name__ == "__main__":
    run(main)
