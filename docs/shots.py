"""Draw the pictures of the docs: the real screens on the demo's room, at a fixed size."""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.demo.project import PERSON, ROOM, seed
from storage import Database, Home
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
    "queue": ("6",),
    "metrics": ("7", *["left"] * 20),
    "help": ("question_mark",),
}
"""The keys that lead to each picture."""


async def shoot(home: Home, name: str, keys: Sequence[str]) -> None:
    """Save one picture."""
    desk = Desk.open(home, ROOM, PERSON)
    app = ParallelApp(desk)
    try:
        async with app.run_test(size=SIZE) as pilot:
            await app.workers.wait_for_complete([each for each in app.workers if each.group == "load"])
            await pilot.pause()
            for key in keys:
                await pilot.press(key)
                await app.workers.wait_for_complete([each for each in app.workers if each.group == "load"])
                await pilot.pause()
            app.save_screenshot(str(PICTURES / f"{name}.svg"))
    finally:
        desk.close()


def main() -> None:
    """Draw all of them, or those named on the command line."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        database = Database.open(home)
        seed(database, Path(folder))
        with database.read() as rows:
            fill_metrics(home, rows.rooms()[0].id)
        fill_queue(database, ROOM, PERSON.name)
        database.close()
        for name in sys.argv[1:] or SHOTS:
            asyncio.run(shoot(home, name, SHOTS[name]))


if __name__ == "__main__":
    main()
