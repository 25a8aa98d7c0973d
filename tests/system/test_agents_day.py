"""A day of two agents and a person, as the product was first told: sections 2 and 3 of its data flow document.

Two real `wzp mcp` processes, spoken to by the official SDK's client, one in each era of the protocol; the person at the
real app in tmux. Nothing is asked of the app between two steps: what it shows, it shows by itself.
"""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from storage import COLUMNS, Door, Event, HandoffStatus, Session, SessionState
from tests.support.agents import PROGRAM
from tests.support.history import replayed, rows_of
from tests.support.terminal import PATIENCE_S, Terminal
from tests.support.terminal import PROGRAM as WZP
from tests.support.users import User
from tests.system.test_mcp_sdk import call

pytestmark = [
    pytest.mark.system,
    pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning"),  # the older eras are meant
]

COLUMN_NAMES = [column.value for column in COLUMNS]
SUMMARY = "UI実装完了。API連携が必要"
NEXT_STEPS = ["POST /api/users エンドポイント作成", "認証ミドルウェア追加"]
RESULT = "POST /api/users があります"
WARNING = "入力バリデーションはフロントで実装済み"


@asynccontextmanager
async def agent(project: Path, name: str, mode: str) -> AsyncIterator[Client]:
    """An agent's client on a server of its own."""
    server = StdioServerParameters(
        command=sys.executable, args=[str(PROGRAM), "mcp"], cwd=project, env={**os.environ, "WZP_AGENT": name}
    )
    async with Client(server, mode=mode) as client:
        yield client


async def prompt(client: Client, name: str) -> str:
    """A prompt's text."""
    return (await client.get_prompt(name)).messages[0].content.text


class Person:
    """The person at the app."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    async def sees(self, *texts: str, gone: Sequence[str] = ()) -> str:
        """Wait until the screen shows it."""
        return await asyncio.to_thread(self._terminal.wait_for, *texts, gone=gone)

    async def sees_columns(self, **cards: int) -> None:
        """Wait until the board's headings count so many cards; no others but those named have any."""
        wanted = [f"{name.replace('_', ' ').capitalize()} {cards.get(name, 0)}" for name in COLUMN_NAMES]
        async with asyncio.timeout(PATIENCE_S):
            while True:
                shown = re.sub(r"[ ▌]+", " ", self._terminal.screen())
                if " ".join(wanted) in shown:
                    return
                await asyncio.sleep(0.02)  # a terminal tells nobody when it has drawn

    def press(self, *keys: str) -> None:
        """Press keys."""
        self._terminal.press(*keys)

    def type(self, text: str) -> None:
        """Type a text."""
        self._terminal.type(text)


def last_event(board: User) -> Event:
    """The newest event of the task."""
    event: Event = board.call("list_events", task="1", limit=1)[0]
    return event


async def test_a_task_goes_from_hand_to_hand_and_the_person_sees_it_all(board: User, project: Path) -> None:
    board.call("create_agent", name="backend-dev", description="バックエンド開発担当")
    with Terminal([*WZP], columns=200, lines=45, cwd=project) as terminal:
        person = Person(terminal)
        await person.sees("Backlog", gone=["Reading"])

        # 1. the person plans a task
        person.press("n")
        person.type("ユーザー登録画面")
        person.press("Enter")
        await person.sees("#1")
        person.press("Escape", "Space", "l", "Enter")
        await person.sees_columns(todo=1)

        async with agent(project, "frontend-dev", "auto") as frontend:
            # an agent comes to work
            person.press("3")
            await call(frontend, "session_start")
            await person.sees("frontend-dev", "● working", "backend-dev")
            person.press("1")

            # 2. it changes the task's status, and says why
            answer = await call(
                frontend, "update_task_status", task_id="1", status="in_progress", reason="実装を開始します"
            )
            assert (answer["success"], answer["task"]["status"]) == (True, "in_progress")
            assert answer["task"]["id"].startswith("tsk_")
            await person.sees_columns(in_progress=1)
            await person.sees("@frontend-dev")
            event = last_event(board)
            assert event.before is not None
            assert (event.before["status"], event.after["status"]) == ("todo", "in_progress")
            assert (event.reason, event.door) == ("実装を開始します", Door.MCP)
            with board.database.read() as rows:
                session = rows.get(Session, event.session_id or "")
                assert session is not None
                assert (session.state, session.agent_id) == (SessionState.ACTIVE, event.agent_id)

            # 3.1 it hands over what is left to do
            person.press("4")
            await person.sees("Nothing has been handed over yet.")
            handed = await call(
                frontend, "create_handoff", task_id="1", to_agent_id="backend-dev", summary=SUMMARY,
                next_steps=NEXT_STEPS, warnings=[WARNING],
            )  # fmt: skip
            (stored,) = board.call("list_handoffs")
            assert (stored.id, stored.status) == (handed["handoff"]["id"], HandoffStatus.PENDING)
            await person.sees("pending", "frontend-dev → backend-dev", SUMMARY, *NEXT_STEPS, WARNING)

            async with agent(project, "backend-dev", "legacy") as backend:
                # 3.2 the other one starts its session
                text = await prompt(backend, "session_start")
                for told in (
                    "- Name: backend-dev", "バックエンド開発担当", "## Unacknowledged handoffs (1)",
                    "- From frontend-dev", SUMMARY, *NEXT_STEPS, WARNING,
                ):  # fmt: skip
                    assert told in text

                # 3.3 and takes it on
                taken = await call(backend, "acknowledge_handoff", handoff_id=handed["handoff"]["id"])
                assert taken["handoff"]["status"] == "acknowledged"
                await person.sees("● acknowledged", "(In progress, backend-dev)")
                person.press("1")
                await person.sees("@backend-dev", gone=["@frontend-dev"])
                text = await prompt(backend, "session_start")
                assert "Unacknowledged" not in text
                assert "## Handoffs that you have taken on" in text
                refused = (await frontend.call_tool("update_task_status", {"task_id": "1", "status": "todo"})).is_error
                assert refused, "it is the other's now"

                # both reach for the one task that is left; one has it, and gives it back
                board.add("README", status="todo")
                claims = await asyncio.gather(call(frontend, "claim_next"), call(backend, "claim_next"))
                (has_it,) = [each for each, claim in zip((frontend, backend), claims, strict=True) if "task" in claim]
                (why,) = [claim["why"] for claim in claims if "task" not in claim]
                assert "todo is empty" in why
                await person.sees_columns(in_progress=2)
                await call(has_it, "finish_task", task_id="2", finish="give_back", summary="今日はここまで")
                await person.sees_columns(in_progress=1, todo=1)

                # 4. what it has done waits for the person, who looks at something else
                person.press("2")
                ended = await call(
                    backend, "finish_task", task_id="1", finish="complete", summary=RESULT, files=["api/users.py"],
                    branch="feature/users",
                )  # fmt: skip
                assert ended["task"]["status"] == "review"
                await person.sees("backend-dev reported #1", RESULT, "! 1 waits")
                assert board.call("get_handoff", handoff=stored).handoff.status is HandoffStatus.COMPLETED
                person.press("!")
                await person.sees_columns(review=1, todo=1)
                person.press("Enter")
                await person.sees("feature/users", "api/users.py", "r Approve")

                # 5. who approves it
                person.press("r")
                await person.sees("Approved #1")
                event = last_event(board)
                assert (event.type, event.door, event.after["status"]) == ("approved", Door.TUI, "done")
                history = (await call(backend, "get_task", task_id="1"))["history"]
                assert any("approved" in line for line in history)
                person.press("1")
                await person.sees_columns(done=1, todo=1)

        # the day is over
        person.press("3")
        await person.sees("frontend-dev", "backend-dev", gone=["● working"])
        person.press("q")
        await person.sees("ended with 0")
    with board.database.read() as rows:
        ends = [(session.state, session.end_reason) for session in rows.every(Session)]
    assert ends == [(SessionState.ENDED, "its client closed the connection")] * 2
    sequence, found = rows_of(board)
    assert replayed(board, sequence) == found, "the events tell all of it"
