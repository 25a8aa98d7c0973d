"""Replay: a room of 100,000 events to its board at a point in time."""

import random
import time

from ending import run
from figures import ROOM, Figures, arguments, call, scratch_database

from core.history import board_at
from storage import COLUMNS, EntityKind, Status, replay


def main() -> None:
    """Measure and judge."""
    events = 10_000 if arguments(__doc__ or "").quick else 100_000
    chance = random.Random(1)
    with scratch_database() as database:
        tasks = [
            call(database, "create_task", title=f"Task {number}", status=Status.TODO).id
            for number in range(events // 10)
        ]
        with database.read() as rows:
            left = events - rows.last_sequence()
        while left > 0:  # bulk changes, since what is measured is reading
            some = chance.sample(tasks, min(len(tasks), left, 500))
            if chance.random() < 0.5:
                to = chance.choice(COLUMNS[:4])
                call(database, "move_tasks", tasks=some, to=to, reason="bench")
            else:
                labels = tuple(f"label {chance.randrange(9)}" for _ in range(2))
                call(database, "update_tasks", tasks=some, add_labels=labels[:1], remove_labels=labels[1:])
            with database.read() as rows:
                left = events - rows.last_sequence()
        with database.read() as rows:
            room = rows.room_by_name(ROOM)
            assert room is not None
            last = rows.last_sequence()

            def measure(until: int) -> float:
                best = 9.0
                for _ in range(5):  # the best of five, since other programs run as well
                    began = time.perf_counter()
                    board_at(rows, room.id, until)
                    best = min(best, time.perf_counter() - began)
                return best

            whole, half = measure(last), measure(last // 2)
            began = time.perf_counter()
            replay(rows, last, room=room.id, kinds=[EntityKind.TASK])
            bare = time.perf_counter() - began
    figures = Figures(f"Replay of {last:,} events, {len(tasks):,} tasks")
    figures.add("board after the last event", whole, "s", at_most=0.5 * max(last / 100_000, 0.1))
    figures.add("board half way", half, "s")
    figures.add("bare replay", bare, "s")
    figures.finish()


if __name__ == "__main__":
    run(main)
