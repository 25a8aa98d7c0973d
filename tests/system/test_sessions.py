"""The sessions of real servers: when they open, whom they name, what ends them and what becomes of their tasks."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.agents import reports
from core.agents.expiry import expire_all
from storage import Agent, AgentState, Database, Ending, Session, SessionState, StateSource, Status
from tests.conftest import ROOM
from tests.support.agents import PROGRAM, AgentProcess
from tests.support.users import User

pytestmark = pytest.mark.system


def sessions(database: Database) -> list[tuple[str, SessionState, str | None]]:
    """Agent's name, state and end of each session, oldest first."""
    with database.read() as rows:
        room = rows.room_by_name(ROOM)
        assert room is not None
        found = []
        for session in reversed(rows.sessions(room.id)):
            agent = rows.get(Agent, session.agent_id)
            assert agent is not None
            found.append((agent.name, session.state, session.end_reason))
        return found


def until(condition: Callable[[], bool], what: str, timeout_s: float = 30.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def test_a_client_that_only_looks_leaves_no_session_behind(board: User, project: Path):
    with AgentProcess(project) as server:
        server.request("tools/list")
        assert server.leave() == 0
    assert sessions(board.database) == []


def test_the_first_call_opens_a_session_named_from_the_client_and_a_number(board: User, project: Path):
    with AgentProcess(project) as first, AgentProcess(project) as second:
        first.call("list_tasks")
        second.call("list_tasks")
        assert [name for name, *_ in sessions(board.database)] == ["claude-code-1", "claude-code-2"]
        with board.database.read() as rows:
            (one, _) = reversed(rows.sessions(rows.rooms()[0].id))
        assert (one.client_name, one.client_version, one.pid) == ("claude-code", "1.2.3", first.process.pid)
        assert first.leave() == 0
    until(lambda: sessions(board.database)[0][1] is SessionState.ENDED, "the session is over")
    assert sessions(board.database)[0][2] == "its client closed the connection"


def test_an_agent_that_the_environment_names_goes_on_with_what_it_had(board: User, project: Path):
    task = board.add("one", status="todo")
    with AgentProcess(project, WZP_AGENT="backend-dev") as server:
        assert server.call("claim_next")["task"]["number"] == task.number
        server.kill()
    expire_all(board.database)
    assert board.see(task).status is Status.IN_PROGRESS, "its lease lasts"
    with AgentProcess(project, WZP_AGENT="backend-dev") as server:
        server.call("session_start")
        assert server.call("finish_task", task_id=task.number, finish="complete", summary="done")["task"]["claim"] == 1
    assert [name for name, *_ in sessions(board.database)] == ["backend-dev"], "its server was gone: nobody else's"


def test_a_server_that_its_client_starts_anew_takes_the_session_up(board: User, project: Path):
    board.add("one", status="todo")
    with AgentProcess(project) as server:
        server.call("claim_next")
        server.kill()
    with AgentProcess(project) as server:
        assert server.call("finish_task", task_id=1, finish="complete", summary="done")["success"]
    assert [name for name, *_ in sessions(board.database)] == ["claude-code-1"]


def test_a_session_that_ended_leaves_its_tasks_to_the_same_agent_of_the_same_client(board: User, project: Path):
    board.add("one", status="todo")
    with AgentProcess(project) as server:
        server.call("claim_next")
        server.leave()
    result = board.see("1").result
    assert result is not None
    assert result.ending is Ending.ABANDONED
    assert "its client closed the connection" in result.summary
    with AgentProcess(project) as server:
        (mine,) = server.call("session_start")["tasks"]
        assert mine["number"] == 1
        assert board.see("1").result is None, "it is in hands again"
        server.call("finish_task", task_id=1, finish="complete", summary="done")
    assert [name for name, *_ in sessions(board.database)] == ["claude-code-1", "claude-code-1"]


def test_a_session_that_stops_answering_is_lost_and_a_late_answer_is_refused_with_the_reason(
    board: User, project: Path
):
    board.call("update_room", lease_seconds=10)
    task = board.add("one", status="todo")
    with AgentProcess(project) as server:
        server.call("claim_next")
        with board.database.write("stop it while it holds nothing"):
            os.kill(server.process.pid, signal.SIGSTOP)
        until(lambda: bool(expire_all(board.database)) or board.see(task).status is Status.TODO, "it lapses")
        os.kill(server.process.pid, signal.SIGCONT)
        error = server.refused("finish_task", task_id=1, finish="complete", summary="done")
        assert error["code"] == "session_over"
        assert "no sign of life for 1" in error["message"]
        assert server.process.wait(10) == 0, "it leaves once its lease is lost"
    (_, state, why) = sessions(board.database)[0]
    assert (state, str(why)[:19]) == (SessionState.LOST, "no sign of life for")
    seen = board.see(task)
    assert (seen.status, seen.assignee, seen.claimed_by) == (Status.TODO, None, None)
    event = board.call("list_events", task=task, limit=1)[0]
    assert event.type == "returned"
    assert "no sign of life" in event.reason


def test_two_agents_with_one_token_the_later_has_it_and_the_earlier_is_told(board: User, project: Path):
    board.call("create_agent", name="backend-dev")
    board.add("one", status="todo")
    made = board.call("create_session", agent="backend-dev")
    with (
        AgentProcess(project, WZP_SESSION_TOKEN=made.token.value) as first,
        AgentProcess(project, WZP_SESSION_TOKEN=made.token.value) as second,
    ):
        first.call("claim_next")
        second.call("comment_task", task_id=1, body="from the second")
        error = first.refused("comment_task", task_id=1, body="from the first")
        assert error["code"] == "session_taken"
        assert str(second.process.pid) in error["message"]
        assert first.process.wait(10) == 0
        second.call("finish_task", task_id=1, finish="complete", summary="done")
        second.leave()
    assert sessions(board.database) == [("backend-dev", SessionState.ACTIVE, None)], "who made the token ends it"


def test_a_token_of_another_room_and_an_unknown_one_are_refused(
    board: User, project: Path, tmp_path: Path, home: object
):
    other = tmp_path / "other"
    other.mkdir()
    board.call("create_room", name="other", root=other)
    board.call("create_agent", name="backend-dev")
    made = board.call("create_session", agent="backend-dev")
    with AgentProcess(other, WZP_SESSION_TOKEN=made.token.value) as server:
        error = server.refused("list_tasks")
        assert error["code"] == "permission_denied"
        assert "demo" in error["message"]
    with AgentProcess(project, WZP_SESSION_TOKEN="wzs_nobodys") as server:
        assert server.refused("list_tasks")["code"] == "session_over"


def test_commands_are_the_signs_of_life_of_an_agent_without_a_server(board: User, project: Path):
    def wzp(*words: str, **environment: str) -> Any:
        ended = subprocess.run(
            [sys.executable, str(PROGRAM), *words, "--json"], cwd=project, env={**os.environ, **environment},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return json.loads(ended.stdout)

    board.add("one", status="todo")
    started = wzp("session", "start", "tester", WZP_AGENT="tester")
    token, session = started["token"], started["session"]["id"]
    wzp("claim", "next", WZP_SESSION_TOKEN=token)
    with board.database.read() as rows:
        known = rows.presence(session)
    assert known is not None
    assert (known.state, known.source) == (AgentState.WORKING, StateSource.CLI)
    with board.database.write("silence") as rows:
        rows.put_presence(replace(known, beat=known.beat - known.lease_seconds - 1))
    expire_all(board.database)
    assert board.see("1").status is Status.TODO, "its claim lapsed"
    assert wzp("session", "show", session[-8:])["state"] == "lost", "by the end of its id"


def test_a_call_tells_that_the_agent_works(board: User, project: Path):
    board.add("one")
    with AgentProcess(project) as server:
        server.call("list_tasks")
        server.call("list_tasks")

        def is_told() -> bool:
            with board.database.read() as rows:
                found = {each.agent.name: each for each in reports(rows, rows.rooms()[0])}["claude-code-1"]
                told = (found.state, found.source, found.tool_calls)
            return told == (AgentState.WORKING, StateSource.MCP, 2)

        until(is_told, "its calls are counted")
    with board.database.read() as rows:
        assert [each.state for each in rows.every(Session)] == [SessionState.ACTIVE], "silence alone tells of a crash"
