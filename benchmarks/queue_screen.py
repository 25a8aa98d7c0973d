"""The queue's screen with 2,000 queued runs while 8 workers finish 20 a second: its event loop, its processor time.

    python benchmarks/queue_screen.py [--runs 2000] [--seconds 15] [--quick]

The app runs in a pseudo-terminal with the queue's screen open; another process tells the store of ends and begins as
the dispatcher does, a transaction each. Time on the event loop is the processor time of its callbacks. A bound of our
own: the issue sets none.
"""

import argparse
import json
import time

from ending import run, scratch_folder
from figures import Child, Figures, as_child, percentile, say
from process_screen import App, call

from core.agents.expiry import PROGRAM
from core.execute import Call, execute
from core.operation import OnOff
from core.operations import find
from core.operations.settled import RunEnd, RunStart
from storage import (
    Authorship,
    Database,
    Desired,
    Door,
    Home,
    Process,
    ProcessKind,
    ProcessSpec,
    ProcessState,
    RunId,
    RunState,
    new_process_id,
    utc_now,
)  # fmt: skip

WORKERS = 8
A_SECOND = 20
LIMIT_MS = 8.0
"""No callback of ours holds the event loop for longer."""
LOOP_MS = 16.0
"""A third of the time between two changes leaves the loop free for keys."""
SETTLE_S = 5.0
QUEUED_AT_ONCE = 500

APP = """
import asyncio, json, os, sys, threading, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from core.work import Actor
from storage import Door, Home, Role
from tui.app import ParallelApp
from tui.desk import Desk

from textual.signal import Signal

taken = {"callbacks": [], "changes": []}

def timed(act, kind):
    def measured(given):
        start = time.thread_time()
        try:
            return act(given)
        finally:
            taken[kind].append((time.time(), time.thread_time() - start))
    return measured

def subscribe(self, node, callback, immediate=False):
    first_subscribe(self, node, timed(callback, "changes") if self._name == "changed" else callback, immediate)

first_subscribe, Signal.subscribe = Signal.subscribe, subscribe

def tell():
    while True:
        time.sleep(1.0)
        with open(sys.argv[3] + ".new", "w") as file:
            json.dump({kind: each[:] for kind, each in taken.items()}, file)
        os.replace(sys.argv[3] + ".new", sys.argv[3])

asyncio.Handle._run = timed(asyncio.Handle._run, "callbacks")
threading.Thread(target=tell, daemon=True).start()
ParallelApp(Desk.open(Home(Path(sys.argv[2])), "bench", Actor("bench", Role.OWNER, Door.TUI))).run()
"""


def fill(database: Database, runs: int) -> None:
    """So many queued runs, and workers that are up."""
    for first in range(0, runs, QUEUED_AT_ONCE):
        numbers = range(first, min(runs, first + QUEUED_AT_ONCE))
        tasks = [call(database, "create_task", title=f"Task {each}", command="make test").id for each in numbers]
        call(database, "queue_tasks", tasks=tuple(tasks))
    with database.write("benchmark") as writer:
        room, now = writer.rooms()[0], utc_now()
        owner = writer.agents(room.id)[0]
        by = Authorship(agent_id=owner.id, door=Door.SERVICE, operation="benchmark")
        for number in range(WORKERS):
            writer.insert(
                Process(
                    id=new_process_id(), room_id=room.id, name=f"worker-{number}", declared_name="worker",
                    spec=ProcessSpec(kind=ProcessKind.WORKER), desired=Desired.RUNNING, state=ProcessState.RUNNING,
                    runner="r1", state_at=now, created_at=now, updated_at=now,
                ),
                by,
            )  # fmt: skip


def finish_runs(home: Home, seconds: float) -> None:
    """As a child: end runs and begin others, so many a second; say when each was told."""
    database = Database.open(home)
    with database.read() as rows:
        room = rows.rooms()[0]
        workers = [each.id for each in rows.processes(room.id)]
        queued = [each.id for each in reversed(rows.runs(room.id, states=[RunState.QUEUED]))]
    busy: dict[int, RunId] = {}
    told: list[float] = []
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        place = len(told) % WORKERS
        over = busy.pop(place, None)
        busy[place] = queued.pop(0)
        ends = (RunEnd(run=over, lease="r1", state=RunState.SUCCEEDED, exit_code=0, output="ok"),) if over else ()
        starts = (RunStart(busy[place], workers[place], "r1"),)
        given = {"ends": ends, "starts": starts}
        execute(database, Call(operation=find("settle_runs"), arguments=given, actor=PROGRAM, room=room.id))
        told.append(time.time())
        time.sleep(max(0.0, began + len(told) / A_SECOND - time.monotonic()))
    database.close()
    say(*told)


def main() -> None:
    """Fill, open, measure."""
    if (role := as_child()) is not None:
        finish_runs(role[1], **role[2])
        return
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--quick", action="store_true", help="a third of the time")
    options = parser.parse_args()
    seconds = options.seconds / 3 if options.quick else options.seconds
    figures = Figures(f"Queue's screen, {options.runs:,} queued, {A_SECOND} finished a second, {seconds:.0f} s")
    with scratch_folder() as folder:
        home, taken = Home(folder / "home"), folder / "taken"
        (folder / "project").mkdir()
        database = Database.open(home)
        call(database, "create_room", name="bench", root=folder / "project")
        call(database, "update_room", review_gate=OnOff.OFF)  # what is to be reviewed would be told in toasts
        fill(database, options.runs + int(seconds * A_SECOND))
        app = App(home, APP, str(taken))
        child = None
        try:
            app.drain(3.0)
            app.press("6")
            app.drain(SETTLE_S)
            child = Child(__file__, "finish", home, seconds=seconds)
            percent, drawn = app.cost(seconds)
            told = child.hear()
            app.drain(2.5)
            spent_ms = {
                kind: sorted(1000 * spent for at, spent in found if told[0] <= at <= told[-1] + 1)
                for kind, found in json.loads(taken.read_bytes()).items()
            }
        finally:
            if child is not None:
                child.end()
            app.end()
            database.close()
    callbacks, changes = spent_ms["callbacks"], spent_ms["changes"]
    figures.add("changes", len(told) / seconds, "/s", at_least=A_SECOND * 0.8)
    figures.add("taken in by all screens, a change", sum(changes) / len(told), "ms", at_most=LIMIT_MS)
    figures.add("  one screen's share, p99", percentile(changes, 99), "ms", at_most=LIMIT_MS)
    figures.add("event loop, a change, Textual's painting included", sum(callbacks) / len(told), "ms", at_most=LOOP_MS)
    figures.add("longest callback (a frame of Textual's)", callbacks[-1], "ms")
    figures.add("processor of the app", percent, "% of a core")
    figures.add("drawn", drawn / 1024, "KB a second")
    figures.finish()


if __name__ == "__main__":
    run(main)
