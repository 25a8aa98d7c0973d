"""1,000 no-op tasks over 8 real workers, through the store: how many a second, none twice, none lost."""

import asyncio
import time
from collections import Counter

from ending import run
from figures import ROOM, Figures, arguments, percentile, scratch_database

from storage import Database, Run, RunState
from tests.support.users import User
from tests.support.workers import dispatching, workers_of

WORKERS = 8
PATIENCE_S = 120.0


async def carry_out(database: Database, owner: User, count: int) -> float:
    """Queue all, dispatch until all are over; the seconds that it took."""
    marks = database.home.path / "marks"
    tasks = [
        owner.call("create_task", title=f"Task {number}", command=f"echo $WZP_RUN >> {marks}").id
        for number in range(count)
    ]
    async with dispatching(database):
        await asyncio.sleep(1)  # connected, idle
        began = time.monotonic()
        await asyncio.to_thread(owner.call, "queue_tasks", tasks=tuple(tasks))
        while time.monotonic() - began < PATIENCE_S:
            with database.read() as rows:
                if not rows.runs(states=(RunState.QUEUED, RunState.RUNNING), limit=1):
                    break
            await asyncio.sleep(0.01)
        return time.monotonic() - began


def main() -> None:
    """Measure and judge."""
    count = 100 if arguments(__doc__ or "").quick else 1000
    with scratch_database() as database:
        owner = User(database, "owner", room=ROOM)
        with workers_of(owner) as workers:
            for number in range(WORKERS):
                workers.add(f"worker-{number + 1}")
            took = asyncio.run(carry_out(database, owner, count))
        with database.read() as rows:
            runs = rows.every(Run)
        marks = Counter((database.home.path / "marks").read_text().split())
        shares = Counter(run.process_id for run in runs)
        waits = [
            (run.ended_at - run.started_at).total_seconds() * 1000 for run in runs if run.started_at and run.ended_at
        ]
    figures = Figures(f"{count:,} no-op tasks over {WORKERS} workers")
    figures.add("tasks carried out", count / took, "/s", at_least=100)
    figures.add("lost", sum(marks[run.id] == 0 or run.state is not RunState.SUCCEEDED for run in runs), "", at_most=0)
    figures.add("twice", sum(marks[run.id] > 1 for run in runs) + abs(len(runs) - count), "", at_most=0)
    figures.add("started → ended, median", percentile(waits, 50), "ms")
    figures.add("the busiest worker's share", 100 * max(shares.values()) / count, "%")
    figures.finish()


if __name__ == "__main__":
    run(main)
