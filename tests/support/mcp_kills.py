"""An agent whose servers are killed with -9 in mid-call, and who settles what is in doubt by repeating it with its key.

It takes task after task through its life: create, claim, comment, finish. Each call has a key; what was not answered
when the server died is repeated, with the same key, in the next server.
"""

import fcntl
import random
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

from core.operations import find
from storage import HOME_VARIABLE, Database, EntityKind, Room, Status
from tests.support.agents import AgentProcess

LONGEST_CALL_S: Final = 0.02
"""Where eight servers share two cores, a kill within this hits a call anywhere, or just misses it."""
LONGEST_FIRST_CALL_S: Final = 0.2
"""The first call of a server loads the program and opens the session."""
PATIENCE_S: Final = 20.0

STEPS: Final = ("create_task", "claim_next", "comment_task", "finish_task")


class Doomed(threading.Thread):
    """The agent. `wrong` says what should not have been."""

    def __init__(self, name: str, database: Database, room: Room, project: Path, *, kills: int) -> None:
        super().__init__(name=name)
        self.wrong: list[str] = []
        self.doubts: Counter[str] = Counter()
        """Calls without an answer, by tool."""
        self.stored_in_doubt = 0
        """How many of them had been stored."""
        self.answered = 0
        self.chains = 0
        """Tasks that were finished."""
        self._database = database
        self._room = room
        self._project = project
        self._kills = kills
        self._chance = random.Random(name)
        self._step = 0
        self._task = 0
        self._last: tuple[str, dict[str, Any], Any] | None = None

    def run(self) -> None:
        """Live as many lives as there are kills, and one more to settle the last doubt."""
        try:
            for _ in range(self._kills):
                self._live_and_die()
            with self._server() as server:
                self._advance(self._ask(server, *self._due()))
                while self._step:
                    self._advance(self._ask(server, *self._due()))
                server.leave()
        except Exception as error:
            self.wrong.append(f"{self.name}: {error!r}")

    def title(self, chain: int) -> str:
        """The title of a task, its comment and its summary."""
        return f"{self.name} task {chain}"

    def _live_and_die(self) -> None:
        with self._server() as server:
            how = self._chance.choice(("cold", "warm", "warm", "deaf"))
            if how != "cold":
                self._repeat_the_last(server)
                for _ in range(self._chance.randint(1, 4)):
                    self._advance(self._ask(server, *self._due()))
            if how == "deaf":
                fill_pipe(server)
            tool, arguments = self._due()
            number = server.send("tools/call", {"name": tool, "arguments": arguments})
            if how == "deaf":
                self._wait_until_stored(tool, arguments)
            else:
                time.sleep(self._chance.uniform(0.0, LONGEST_FIRST_CALL_S if how == "cold" else LONGEST_CALL_S))
            server.kill()
            try:
                answer = server.answer_to(number)
            except AssertionError:
                self.doubts[tool] += 1
                self.stored_in_doubt += self._is_stored(tool, arguments)
            else:
                self._advance(self._taken(answer))

    def _server(self) -> AgentProcess:
        home = str(self._database.home.path)
        return AgentProcess(self._project, WZP_AGENT=self.name, WZP_ROOM=self._room.name, **{HOME_VARIABLE: home})

    def _due(self) -> tuple[str, dict[str, Any]]:
        """The call whose turn it is; the same until it has been answered."""
        tool, title = STEPS[self._step], self.title(self.chains)
        given: dict[str, Any] = {
            "create_task": {"title": title, "status": "todo"},
            "claim_next": {"task_id": self._task},
            "comment_task": {"task_id": self._task, "body": title},
            "finish_task": {"task_id": self._task, "finish": "complete", "summary": title},
        }[tool]
        return tool, {**given, "idempotency_key": f"{title} {tool}"}

    def _ask(self, server: AgentProcess, tool: str, arguments: dict[str, Any]) -> Any:
        return self._taken(server.answer_to(server.send("tools/call", {"name": tool, "arguments": arguments})))

    def _taken(self, answer: Any) -> Any:
        told = answer["result"]["structuredContent"]
        if not told["success"]:
            raise ValueError(f"refused: {told}")
        return told

    def _advance(self, told: Any) -> None:
        """The call that was due is answered."""
        self.answered += 1
        self._last = (*self._due(), told)
        if STEPS[self._step] == "create_task":
            self._task = told["task"]["number"]
        self._step = (self._step + 1) % len(STEPS)
        self.chains += self._step == 0

    def _repeat_the_last(self, server: AgentProcess) -> None:
        """Who is not sure repeats what was answered, too; it must be told the same."""
        if self._last is not None and self._chance.random() < 0.3:
            tool, arguments, told = self._last
            again = self._ask(server, tool, arguments)
            if any(again[name] != told[name] for name in told if name != "warnings"):  # those are of the moment
                self.wrong.append(f"{tool} was answered with {told}, and repeated with {again}")

    def _wait_until_stored(self, tool: str, arguments: dict[str, Any]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not self._is_stored(tool, arguments):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{tool} was not carried out")
            time.sleep(0.002)

    def _is_stored(self, tool: str, arguments: dict[str, Any]) -> bool:
        with self._database.read() as rows:
            agent = rows.agent_by_name(self._room.id, self.name)
            name = find(tool).name
            key = arguments["idempotency_key"]
            return agent is not None and rows.stored_result(self._room.id, agent.id, name, key) is not None


def fill_pipe(server: AgentProcess) -> None:
    """Leave so little room for answers that a tool's does not fit: the server stores, and then waits to say so."""
    assert server.process.stdout is not None
    size = 65_536  # where it cannot be made smaller, as on macOS
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        size = fcntl.fcntl(server.process.stdout, fcntl.F_SETPIPE_SZ, 4096)
    while size > 300:
        size -= len('{"jsonrpc":"2.0","id":,"result":{}}\n') + len(str(server.send("ping", {})))


def verdict(database: Database, room: Room, doomed: list[Doomed]) -> list[str]:
    """What is wrong with the board after all of them: whatever was lost, or stands there twice."""
    wrong = [each for one in doomed for each in one.wrong]
    with database.read() as rows:
        tasks = rows.tasks(room.id, list(Status))
        titles = Counter(task.title for task in tasks)
        for one in doomed:
            wrong += [f"{one.title(chain)} is lost" for chain in range(one.chains) if not titles[one.title(chain)]]
        for task in tasks:
            events = [event.type for event in rows.events(subject=task.id) if event.entity is EntityKind.TASK]
            comments = [comment.body for comment in rows.comments(task.id)]
            told = task.result.summary if task.result is not None else None
            found = (titles[task.title], task.status, task.claim, comments, told, events)
            if found != (1, Status.REVIEW, 1, [task.title], task.title, ["created", "claimed", "finished"]):
                wrong.append(f"{task.title}: {found}")
    return wrong
