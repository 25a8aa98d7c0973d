"""The demo's agents: a program of its own that works on the board, through operations like everybody.

Started by path with the demo's folder as its argument. It begins with the first byte of its input, and when that
closes, since the demo is over or was killed, it leaves nothing of it.
"""

import random
import select
import sys
from pathlib import Path
from typing import Final

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from core.demo.ending import end_demo
from core.demo.hands import Hand, agent_hand
from core.demo.project import AGENTS, LATER, QUESTIONS, REMARKS, REVIEW_LIMIT, SUMMARIES, TESTER, TOOLS
from core.operations.handoff import Box
from storage import (
    AgentState,
    Database,
    Finish,
    Handoff,
    HandoffStatus,
    Home,
    ParallelError,
    Run,
    RunState,
    Status,
    Task,
)  # fmt: skip

PAUSE_S: Final = (0.6, 2.0)
"""Between two changes: often enough to be seen, seldom enough to be read."""

DONE_KEPT: Final = 8
BUSY: Final = 2
PATIENCE: Final = 6
"""How many of its turns an agent waits for its person, who has time to see the question, before it goes on alone."""


RUNS_OPEN: Final = 3
"""So many runs wait or go on at most before an agent queues another one."""
AGAIN: Final = 0.12
"""How probably one is queued at a turn of anybody, if there are fewer."""


def main() -> None:
    """Work until the demo is over, then end it."""
    folder = Path(sys.argv[1])
    try:
        if sys.stdin.buffer.read(1):
            _work(Home(folder / "home"))
    finally:
        end_demo(folder)


def _work(home: Home) -> None:
    database = Database.open(home)
    chance = random.Random()  # noqa: S311 - a demo, no secret
    workers = [Worker(agent_hand(database, member.name), member.skills, chance) for member in AGENTS]
    tester = agent_hand(database, TESTER)
    while not _is_over(chance.uniform(*PAUSE_S)):
        try:
            if chance.random() < AGAIN:
                queue_again(tester, chance)
            chance.choice(workers).take_a_turn()
        except ParallelError:
            continue  # somebody was quicker, or a rule says no: an agent looks again
    database.close()


def _is_over(within_s: float) -> bool:
    """Wait so long, or until the input closes; whether it has."""
    readable, _, _ = select.select([sys.stdin], [], [], within_s)
    return bool(readable)


def queue_again(hand: Hand, chance: random.Random) -> None:
    """Let a command run once more whose task is through, unless enough of them wait."""
    going: tuple[Run, ...] = hand.call("list_runs", state=(RunState.QUEUED, RunState.RUNNING))
    tasks: tuple[Task, ...] = hand.call("list_tasks", status=(Status.REVIEW, Status.DONE))
    through = [each for each in tasks if each.command]
    if through and len(going) < RUNS_OPEN:
        hand.call("queue_task", task=chance.choice(through).id)


class Worker:
    """One agent at work: what it does when it is its turn."""

    def __init__(self, hand: Hand, skills: tuple[str, ...], chance: random.Random) -> None:
        self._hand = hand
        self._is_reviewer = "review" in skills
        self._chance = chance
        self._turns_to_wait = 0

    def take_a_turn(self) -> None:
        """Wait for the person, or do one thing and let it be seen."""
        if self._turns_to_wait:
            self._turns_to_wait -= 1
            return
        tasks: tuple[Task, ...] = self._hand.call("list_tasks")
        mine = [each for each in tasks if each.assignee == self._hand.agent_id and each.status is Status.IN_PROGRESS]
        if mine and self._chance.random() < 0.08:
            self._hand.show(AgentState.WAITING, self._chance.choice(QUESTIONS))
            self._turns_to_wait = PATIENCE
            return
        is_busy = self._review(tasks) if self._is_reviewer else self._work(tasks, mine)
        if is_busy:
            self._hand.show(AgentState.WORKING, f"uses {self._chance.choice(TOOLS)}")
        else:
            self._hand.show(AgentState.IDLE)

    def _review(self, tasks: tuple[Task, ...]) -> bool:
        waiting = [each for each in tasks if each.status is Status.REVIEW]
        done = [each for each in tasks if each.status is Status.DONE and each.command is None]
        if len(done) > DONE_KEPT:
            oldest = min(done, key=lambda each: each.status_changed_at)
            self._hand.call("archive_task", task=oldest.id, expected_version=oldest.version)
        elif waiting and (len(waiting) > 2 or self._chance.random() < 0.5):
            task = min(waiting, key=lambda each: each.status_changed_at)
            if self._chance.random() < 0.25:
                body = "The edge cases have no test yet."
                self._hand.call("send_back_task", task=task.id, body=body, expected_version=task.version)
            else:
                self._hand.call("approve_task", task=task.id, expected_version=task.version)
        return bool(waiting)

    def _work(self, tasks: tuple[Task, ...], mine: list[Task]) -> bool:
        backlog = [each for each in tasks if each.status is Status.BACKLOG and not each.waiting_on]
        in_review = sum(each.status is Status.REVIEW for each in tasks)
        passed: tuple[Handoff, ...] = self._hand.call("list_handoffs", box=Box.BOTH, status=(HandoffStatus.PENDING,))
        waiting = [each for each in passed if each.from_agent != self._hand.agent_id]
        given = {each.task_id for each in passed} - {each.task_id for each in waiting}
        mine = [each for each in mine if each.id not in given]
        if waiting and len(mine) < BUSY:
            self._hand.call("acknowledge_handoff", handoff=waiting[0].id, reason="I take it from here.")
        elif mine and self._chance.random() < 0.4:
            task = self._chance.choice(mine)
            self._hand.call("comment_task", task=task.id, body=self._chance.choice(REMARKS))
        elif mine and self._chance.random() < 0.15:
            self._pass_on(self._chance.choice(mine))
        elif mine and in_review < REVIEW_LIMIT and (len(mine) == BUSY or self._chance.random() < 0.6):
            self._finish(self._chance.choice(mine))
        elif len(mine) < BUSY and self._hand.call("claim_next").task is not None:
            return True
        elif len(backlog) < 6:
            self._hand.call("create_task", title=self._chance.choice(LATER))
        elif backlog:
            self._hand.call("move_task", task=backlog[0].id, to=Status.TODO, expected_version=backlog[0].version)
        return bool(mine)

    def _finish(self, task: Task) -> None:
        summary = self._chance.choice(SUMMARIES)
        files, branch = ("src/app.py", "tests/test_app.py"), f"task-{task.number}"
        self._hand.call(
            "finish_task", task=task.id, finish=Finish.COMPLETE, summary=summary, files=files, branch=branch,
            claim=task.claim,
        )  # fmt: skip

    def _pass_on(self, task: Task) -> None:
        names = [each.name for each in AGENTS if "review" not in each.skills and each.name != self._hand.name]
        self._hand.call(
            "create_handoff", task=task.id, to_agent=self._chance.choice(names), summary="My part of it is done.",
            next_steps=("Look at the branch", "Do your part", "Finish it"), branch=f"task-{task.number}",
        )  # fmt: skip


if __name__ == "__main__":
    main()
