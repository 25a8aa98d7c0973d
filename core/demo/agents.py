"""The demo's agents: a program of its own that works on the board, through operations like everybody.

Started by path with the demo's home and its parent's pid as arguments; it ends by itself when that parent is gone.
"""

import os
import random
import sys
import time
from pathlib import Path
from typing import Final

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from core.demo.project import AGENTS, LATER, REMARKS, Hand, agent_hand
from storage import Database, Home, ParallelError, Status, Task

PAUSE_S: Final = (0.8, 2.6)
"""Between two changes: often enough to be seen, seldom enough to be read."""

DONE_KEPT: Final = 8
BUSY: Final = 3


def main() -> None:
    """Work until the parent is gone."""
    database = Database.open(Home(Path(sys.argv[1])))
    parent = int(sys.argv[2])  # told, not asked: the parent may be gone before we could ask
    chance = random.Random()  # noqa: S311 - a demo, no secret
    hands = {name: agent_hand(database, name) for name, _ in AGENTS}
    while os.getppid() == parent:
        time.sleep(chance.uniform(*PAUSE_S))
        name = chance.choice(list(hands))
        try:
            take_a_step(hands[name], chance)
        except ParallelError:
            continue  # somebody was quicker, or a rule says no: an agent looks again


def take_a_step(hand: Hand, chance: random.Random) -> None:
    """One thing that an agent does: take work, report, hand in, finish, tidy up or add."""
    tasks: tuple[Task, ...] = hand.call("list_tasks")
    mine = [each for each in tasks if each.assignee == hand.agent_id]
    working = [each for each in mine if each.status is Status.IN_PROGRESS]
    ready = [
        each
        for each in tasks
        if each.status is Status.TODO and not each.waiting_on and each.assignee in (None, hand.agent_id)
    ]
    in_review = [each for each in tasks if each.status is Status.REVIEW and each.assignee != hand.agent_id]
    backlog = [each for each in tasks if each.status is Status.BACKLOG and not each.waiting_on]
    done = [each for each in tasks if each.status is Status.DONE]
    if len(done) > DONE_KEPT:
        oldest = min(done, key=lambda each: each.status_changed_at)
        hand.call("archive_task", task=oldest.id, expected_version=oldest.version)
    elif working and chance.random() < 0.35:
        hand.call("comment_task", task=chance.choice(working).id, body=chance.choice(REMARKS))
    elif working and chance.random() < 0.6:
        task = chance.choice(working)
        hand.call("move_task", task=task.id, to=Status.REVIEW, expected_version=task.version, reason="ready for review")
    elif in_review and chance.random() < 0.6:
        task = chance.choice(in_review)
        hand.call("move_task", task=task.id, to=Status.DONE, expected_version=task.version, reason="reviewed, works")
    elif ready and len(working) < BUSY:
        task = ready[0]
        taken = hand.call("assign_task", task=task.id, to="me", expected_version=task.version)
        hand.call("move_task", task=task.id, to=Status.IN_PROGRESS, expected_version=taken.version)
    elif len(backlog) < 6:
        hand.call("create_task", title=chance.choice(LATER))
    elif backlog:
        hand.call("move_task", task=backlog[0].id, to=Status.TODO, expected_version=backlog[0].version)


if __name__ == "__main__":
    main()
