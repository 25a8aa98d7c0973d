"""16 processes claim or move the same task at once, round after round: one winner each, 15 clear conflicts."""

import json
import time

from ending import run
from figures import Child, Figures, arguments, as_child, call, hear, percentile, say, scratch_database

from core.errors import VersionConflict
from storage import Database, Home, Status

PROCESSES = 16


def claim(home: Home, index: int) -> None:
    """A claimer: half of them claim, half of them move."""
    database = Database.open(home)
    agent = f"claimer {index}"
    say("ready")
    while line := hear():
        task, version = json.loads(line)
        try:
            if index % 2:
                call(database, "assign_task", agent=agent, task=task, to="me", expected_version=version)
            else:
                call(database, "move_task", agent=agent, task=task, to=Status.IN_PROGRESS, expected_version=version)
            say("won")
        except VersionConflict as conflict:
            say("conflict", conflict.current.version, len(conflict.changes))


def main() -> None:
    """Measure and judge."""
    rounds = 50 if arguments(__doc__ or "").quick else 500
    winners: list[int] = []
    conflicts: list[int] = []
    times: list[float] = []
    with scratch_database() as database:
        claimers = [Child(__file__, "claim", database.home, index=index) for index in range(PROCESSES)]
        try:
            for claimer in claimers:
                assert claimer.hear() == ["ready"]
            for number in range(rounds):
                task = call(database, "create_task", title=f"Round {number}", status=Status.TODO)
                began = time.monotonic()
                for claimer in claimers:
                    claimer.tell(json.dumps([task.id, task.version]))
                said = [claimer.hear() for claimer in claimers]
                times.append((time.monotonic() - began) * 1000)
                winners.append(said.count(["won"]))
                conflicts.append(said.count(["conflict", 2, 1]))
        finally:
            for claimer in claimers:
                claimer.end()
    figures = Figures(f"{PROCESSES} processes claim or move one task, {rounds} rounds")
    figures.add("rounds without exactly one winner", sum(each != 1 for each in winners), "", at_most=0)
    figures.add("rounds without 15 clear conflicts", sum(each != 15 for each in conflicts), "", at_most=0)
    figures.add("a round, median", percentile(times, 50), "ms")
    figures.finish()


if __name__ == "__main__":
    if child := as_child():
        claim(child[1], **child[2])
    else:
        run(main)
