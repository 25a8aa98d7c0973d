"""32 agents on one board, five mixed calls a second each at random moments, for a minute: nothing lost, all explained.

Each agent claims, works, comments, looks, edits cards that all share, hands over and finishes. What it was told is
stored is compared with what stands in the database at the end.
"""

import random
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from ending import run
from figures import ROOM, Figures, arguments, call, percentile, scratch_database

from storage import EntityKind, Status
from tests.support.agents import AgentProcess

AGENTS = 32
CALLS_A_SECOND = 5.0
SHARED = 8
"""Cards that every agent edits: where conflicts come from."""

Answer = dict[str, Any]


class Agent(threading.Thread):
    """One agent and its day."""

    def __init__(self, number: int, project: Path, home: str, until: float) -> None:
        super().__init__()
        self.server = AgentProcess(
            project, client="agent", WZP_AGENT=f"agent-{number:02}", WZP_ROOM=ROOM, WEZTERM_PARALLEL_HOME=home
        )
        self.server.call("session_start")
        self.chance = random.Random(number)
        self.until = until
        self.latencies: list[float] = []
        self.claims: list[tuple[int, int]] = []
        self.comments = self.edits = 0
        self.refusals: Counter[str] = Counter()
        self.unexplained: list[str] = []
        self.mine: int | None = None

    def run(self) -> None:
        """Call at random moments, the mean rate kept (a Poisson process)."""
        due = time.monotonic()
        while (due := due + self.chance.expovariate(CALLS_A_SECOND)) < self.until:
            time.sleep(max(0.0, due - time.monotonic()))
            self.step()

    def step(self) -> None:
        """One call."""
        dice = self.chance.random()
        if self.mine is None and dice < 0.5:
            answer = self.ask("claim_next")
            if "task" in answer:
                self.mine = answer["task"]["number"]
                self.claims.append((self.mine, answer["task"]["claim"]))
        elif self.mine is not None and dice < 0.2:
            if self.ask("finish_task", task_id=self.mine, finish="complete", summary="done")["success"]:
                self.mine = None
        elif self.mine is not None and dice < 0.3:
            self.ask("update_task_status", task_id=self.mine, status="in_progress", reason="going on")
        elif dice < 0.5:
            self.comments += self.ask("comment_task", task_id=self.chance.randint(1, SHARED), body="seen")["success"]
        elif dice < 0.7:
            labels = [f"label-{self.chance.randint(1, 10_000_000)}"]
            self.edits += self.ask("update_task", task_id=self.chance.randint(1, SHARED), labels=labels)["success"]
        elif dice < 0.8:
            self.ask("create_task", title="found on the way", status="todo")
        elif dice < 0.9:
            self.ask("get_task", task_id=self.chance.randint(1, SHARED))
        else:
            self.ask("list_tasks", status=["in_progress"])

    def ask(self, tool: str, **given: Any) -> Answer:
        """One call, timed; a refusal must say what to do."""
        begun = time.monotonic()
        result = self.server.request("tools/call", name=tool, arguments=given)
        self.latencies.append((time.monotonic() - begun) * 1000)
        answer: Answer = result["structuredContent"]
        if not answer["success"]:
            error = answer["error"]
            self.refusals[error["code"]] += 1
            text = result["content"][0]["text"]
            is_explained = error["code"] != "version_conflict" or ("changed by" in text and "version" in text)
            if not is_explained or error["code"] in ("unexpected", "timeout"):
                self.unexplained.append(text[:300])
        return answer


def main() -> None:
    """Measure and judge."""
    seconds = 6 if arguments(__doc__ or "").quick else 60
    with scratch_database() as database:
        for number in range(SHARED):
            call(database, "create_task", title=f"Shared {number}")
        for number in range(AGENTS * 20):
            call(database, "create_task", title=f"Task {number}", status=Status.TODO)
        home = str(database.home.path)
        agents = [Agent(number, database.home.path, home, 0.0) for number in range(AGENTS)]
        until = time.monotonic() + seconds
        for agent in agents:
            agent.until = until
            agent.start()
        for agent in agents:
            agent.join()
        for agent in agents:
            agent.server.leave()
        with database.read() as rows:
            room = rows.room_by_name(ROOM)
            assert room is not None
            comments = len(rows.events(room=room.id, entity=EntityKind.COMMENT))
            edited = sum(
                event.type == "edited" and event.entity is EntityKind.TASK for event in rows.events(room=room.id)
            )
    latencies = [each for agent in agents for each in agent.latencies]
    claims = Counter(claim for agent in agents for claim in agent.claims)
    refusals = sum((agent.refusals for agent in agents), Counter())
    unexplained = [text for agent in agents for text in agent.unexplained]
    figures = Figures(f"{AGENTS} agents, {CALLS_A_SECOND:g} calls a second each, for {seconds} s")
    figures.add("calls", len(latencies), "")
    figures.add("p50", percentile(latencies, 50), "ms")
    figures.add("p99", percentile(latencies, 99), "ms", at_most=100)
    figures.add("claims", sum(claims.values()), "")
    figures.add("claims given twice", sum(count - 1 for count in claims.values()), "", at_most=0)
    figures.add("comments lost", abs(sum(agent.comments for agent in agents) - comments), "", at_most=0)
    figures.add("edits lost", abs(sum(agent.edits for agent in agents) - edited), "", at_most=0)
    figures.add("refusals", sum(refusals.values()), ", ".join(f"{code} {count}" for code, count in refusals.items()))
    figures.add("refusals without an explanation", len(unexplained), "", at_most=0)
    for text in unexplained[:5]:
        print(text)
    figures.finish()


if __name__ == "__main__":
    run(main)
