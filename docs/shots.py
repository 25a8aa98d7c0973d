"""Draw the pictures of the docs: the real screens on the demo's room, at a fixed size.

    python docs/shots.py [NAME …]

Those of what runs are taken of the living demo, a minute after it has begun; the others of rows that stand still.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.demo.hands import Hand
from core.demo.project import PERSON, ROOM, seed
from core.demo.stage import stage
from storage import Database, Home, Status
from tests.support.measured import fill_metrics
from tests.support.queued import fill_queue
from tui.app import ParallelApp
from tui.desk import Desk

PICTURES = Path(__file__).parent / "pictures"
SIZE = (160, 45)

SHOTS: dict[str, Sequence[str]] = {
    "board": ("l", "l"),
    "lifted": ("l", "l", "space", "l"),
    "task": ("l", "l", "l", "l", "enter"),
    "history": ("2",),
    "agents": ("3",),
    "handoffs": ("4",),
    "metrics": ("7", *["left"] * 20),
}
"""The keys that lead to each picture."""

LIVE: dict[str, Sequence[str]] = {
    "processes": ("5", *["j"] * 5),
    "queue": ("6", "j", "j"),
    "alerts": ("8",),
    "log": ("5", "L"),
}
"""The keys that lead to those for which something has to run."""

WARM_UP_S = 40
LOOK_S = 3
"""How long the demo runs before the pictures, and the app before each."""


async def shoot(home: Home, name: str, keys: Sequence[str], *, look_s: float = 0) -> None:
    """Save one picture."""
    desk = Desk.open(home, ROOM, PERSON)
    app = ParallelApp(desk)
    try:
        async with app.run_test(size=SIZE) as pilot:
            await _loaded(app, pilot, look_s)
            for key in keys:
                await pilot.press(key)
                await _loaded(app, pilot, look_s)
            await asyncio.sleep(look_s)
            await pilot.pause()
            app.save_screenshot(str(PICTURES / f"{name}.svg"))
    finally:
        desk.close()


async def _loaded(app: ParallelApp, pilot: Pilot[Any], look_s: float) -> None:
    """Wait until what was asked for is shown; of what lives, which never rests, for a moment."""
    if look_s:
        await asyncio.sleep(0.5)
    else:
        await app.workers.wait_for_complete([each for each in app.workers if each.group == "load"])
    await pilot.pause()


def main() -> None:
    """Draw all of them, or those named on the command line."""
    PICTURES.mkdir(exist_ok=True)
    names = sys.argv[1:] or [*SHOTS, *LIVE]
    shoot_still([each for each in names if each not in LIVE])
    shoot_live([each for each in names if each in LIVE])


def shoot_still(names: Collection[str]) -> None:
    """Draw those for which nothing runs."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        database = Database.open(home)
        seed(database, Path(folder))
        with database.read() as rows:
            fill_metrics(home, rows.rooms()[0].id)
        fill_queue(database, ROOM, PERSON.name)
        database.close()
        for name in names:
            asyncio.run(shoot(home, name, SHOTS[name]))


def shoot_live(names: Collection[str]) -> None:
    """Draw those of the living demo."""
    if names:
        with stage() as home:
            time.sleep(WARM_UP_S)
            for name in names:
                if name == "queue":
                    queue_all(home)
                asyncio.run(shoot(home, name, LIVE[name], look_s=LOOK_S))


def queue_all(home: Home) -> None:
    """Queue once more all commands that are through, so that some run and some wait."""
    database = Database.open(home)
    person = Hand(database, PERSON)
    tasks = person.call("list_tasks", status=(Status.REVIEW, Status.DONE))
    person.call("queue_tasks", tasks=tuple(each.id for each in tasks if each.command))
    database.close()


if __name__ == "__main__":
    main()
