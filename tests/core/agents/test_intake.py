"""What hooks note comes to the session of their agent, each line once, whoever reads it."""

import json
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.agents import AgentReport, reports
from core.agents.expiry import expire_all
from core.agents.intake import take_in
from core.agents.presence import beat, take_up
from core.agents.sessions import hash_token
from core.agents.spool import spool_of
from core.work import Client
from storage import AgentState, Database, Session, SessionState, StateSource, Status, format_time, utc_now
from tests.conftest import ROOM
from tests.support.users import User

CLIENT = "4711:100"
"""The agent's client, as a hook and a server name it."""


@pytest.fixture
def spool(board: User) -> Path:
    folder = spool_of(board.database.home)
    folder.mkdir(parents=True)
    return folder / f"{utc_now():%Y-%m-%d}.jsonl"


def note(spool: Path, project: Path, event: str, *, seconds_ago: float = 0.0, **more: Any) -> None:
    line = {
        "version": 1, "at": format_time(utc_now() - timedelta(seconds=seconds_ago)), "client": "claude",
        "event": event, "cwd": str(project), "client_session": "run-1", "ancestors": ["4712:101", CLIENT, "1:1"],
        **more,
    }  # fmt: skip
    with spool.open("a") as file:
        file.write("\n" + json.dumps(line) + "\n")


def reported(database: Database) -> dict[str, AgentReport]:
    with database.read() as rows:
        room = rows.room_by_name(ROOM)
        assert room is not None
        return {each.agent.name: each for each in reports(rows, room)}


def test_a_client_without_a_server_gets_a_session_and_its_state_follows_its_hooks(
    board: User, spool: Path, project: Path
):
    database = board.database
    note(spool, project, "SessionStart", detail="startup", seconds_ago=9)
    assert take_in(database) == 1
    found = reported(database)["claude-1"]
    assert (found.state, found.source) == (AgentState.IDLE, StateSource.HOOK)
    note(spool, project, "UserPromptSubmit", seconds_ago=8)
    note(spool, project, "PreToolUse", tool="Bash", seconds_ago=7)
    take_in(database)
    found = reported(database)["claude-1"]
    assert (found.state, found.message) == (AgentState.WORKING, "uses Bash")
    assert found.since is not None
    assert 6 < (utc_now() - found.since).total_seconds() < 60, "its age is that of the report, not of the reading"
    note(spool, project, "PermissionRequest", message="May I use Bash: rm -rf build", seconds_ago=6)
    take_in(database)
    found = reported(database)["claude-1"]
    assert (found.state, found.message) == (AgentState.WAITING, "May I use Bash: rm -rf build")
    note(spool, project, "PostToolUse", tool="Bash", seconds_ago=5)
    note(spool, project, "Stop", seconds_ago=4)
    take_in(database)
    assert reported(database)["claude-1"].state is AgentState.IDLE
    note(spool, project, "SessionEnd", detail="logout")
    take_in(database)
    found = reported(database)["claude-1"]
    assert (found.state, found.source, found.message) == (
        AgentState.ENDED, StateSource.SESSION, "its client ended (logout)",
    )  # fmt: skip


def test_each_line_is_taken_in_once_by_many_readers_at_once(board: User, spool: Path, project: Path):
    for number in range(300):
        note(spool, project, "SessionStart", client_session=f"run-{number}", ancestors=[f"{number + 10}:1"])
    taken = []

    def read() -> None:
        taken.append(take_in(board.database))
        board.database.close_thread()

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert take_in(board.database) == 0
    assert sum(taken) == 300
    with board.database.read() as rows:
        assert len(rows.every(Session)) == 300


def test_a_hook_joins_the_session_whose_server_is_a_child_of_one_of_its_ancestors(
    board: User, spool: Path, project: Path
):
    database = board.database
    board.call("create_agent", name="backend-dev")
    made = board.call("create_session", agent="backend-dev")
    with database.write("take up") as rows:
        room = rows.room_by_name(ROOM)
        assert room is not None
        taken = take_up(rows, made.session, room, Client("claude", "1", pid=99, parent=CLIENT))
    note(spool, project, "Notification", message="Claude needs your permission to use Bash")
    take_in(database)
    found = reported(database)
    assert set(found) == {"owner", "backend-dev"}, "no second session for the same client"
    assert found["backend-dev"].state is AgentState.WAITING
    with database.write("beat") as rows:
        assert beat(rows, made.session.id, taken.epoch, calls=1)
    assert reported(database)["backend-dev"].message == "Claude needs your permission to use Bash"


def test_a_hook_in_a_session_with_a_token_belongs_to_it_and_an_agents_variable_names_the_newcomer(
    board: User, spool: Path, project: Path
):
    board.call("create_agent", name="backend-dev")
    made = board.call("create_session", agent="backend-dev")
    note(spool, project, "UserPromptSubmit", token_hash=hash_token(made.token.value), ancestors=["7:7"])
    note(spool, project, "UserPromptSubmit", agent="tester", client_session="run-2", ancestors=["8:8"])
    take_in(board.database)
    found = reported(board.database)
    assert {name: each.state for name, each in found.items() if name != "owner"} == {
        "backend-dev": AgentState.WORKING, "tester": AgentState.WORKING,
    }  # fmt: skip


def test_what_is_none_of_a_room_or_of_a_helper_or_no_question_changes_nothing(
    board: User, spool: Path, project: Path, tmp_path: Path
):
    note(spool, tmp_path / "elsewhere", "SessionStart")
    note(spool, project, "SessionEnd")
    take_in(board.database)
    with board.database.read() as rows:
        assert rows.every(Session) == []
    note(spool, project, "UserPromptSubmit")
    note(spool, project, "Stop", subagent="helper-1")
    note(spool, project, "Notification", detail="auth_success", message="signed in")
    take_in(board.database)
    assert reported(board.database)["claude-1"].state is AgentState.WORKING


def test_what_a_client_noted_long_ago_makes_no_agent_of_today(board: User, spool: Path, project: Path):
    note(spool, project, "SessionStart", seconds_ago=3_700)
    note(spool, project, "PreToolUse", tool="Bash", seconds_ago=3_650)
    assert take_in(board.database) == 2
    with board.database.read() as rows:
        assert rows.every(Session) == []


def test_clearing_a_conversation_ends_no_session(board: User, spool: Path, project: Path):
    note(spool, project, "SessionStart", detail="startup")
    note(spool, project, "SessionEnd", detail="clear")
    note(spool, project, "SessionStart", detail="clear", client_session="run-2")
    take_in(board.database)
    with board.database.read() as rows:
        assert [each.state for each in rows.every(Session)] == [SessionState.ACTIVE]


def test_a_card_says_at_once_that_its_agent_ended_without_reporting(board: User, spool: Path, project: Path):
    database = board.database
    task = board.add("one", status="todo")
    note(spool, project, "SessionStart", agent="backend-dev")
    take_in(database)
    with database.read() as rows:
        (session,) = rows.every(Session)
    agent = User(database, "backend-dev", room=ROOM)
    agent.actor = agent.actor.__class__(
        "backend-dev", agent.actor.role, agent.actor.door, agent.actor.kind, session_id=session.id
    )
    agent.call("claim_next")
    note(spool, project, "SessionEnd", detail="logout", agent="backend-dev")
    take_in(database)
    seen = board.see(task)
    assert seen.status is Status.IN_PROGRESS, "its lease lasts"
    assert seen.result is not None
    assert seen.result.summary == "backend-dev stopped without reporting: its client ended (logout)"
    expire_all(database)
    assert board.see(task).status is Status.IN_PROGRESS


def test_lines_are_not_lost_when_applying_them_fails(
    board: User, spool: Path, project: Path, monkeypatch: pytest.MonkeyPatch
):
    note(spool, project, "SessionStart")
    with monkeypatch.context() as broken:
        broken.setattr("core.agents.intake._apply", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            take_in(board.database)
    assert take_in(board.database) == 1
    assert reported(board.database)["claude-1"].state is AgentState.IDLE


def test_a_question_is_not_lost_where_the_client_asks_again_in_general_words(board: User, spool: Path, project: Path):
    database = board.database
    note(spool, project, "PermissionRequest", message="May I use Bash: Make a file", seconds_ago=9)
    note(spool, project, "Notification", message="Claude needs your permission", detail="permission_prompt")
    take_in(database)
    found = reported(database)["claude-1"]
    assert (found.state, found.message) == (AgentState.WAITING, "May I use Bash: Make a file")
    note(spool, project, "PostToolUse", tool="Bash")
    note(spool, project, "Notification", message="Claude needs your permission", detail="permission_prompt")
    take_in(database)
    assert reported(database)["claude-1"].message == "Claude needs your permission"


def test_a_helper_inside_the_client_works_and_asks_for_the_agent_but_does_not_stop_it(
    board: User, spool: Path, project: Path
):
    database = board.database
    note(spool, project, "PermissionRequest", subagent="a1", message="May I use Bash?", seconds_ago=9)
    take_in(database)
    assert reported(database)["claude-1"].state is AgentState.WAITING
    note(spool, project, "PostToolUse", subagent="a1", tool="Bash", seconds_ago=8)
    note(spool, project, "Stop", subagent="a1")
    take_in(database)
    assert reported(database)["claude-1"].state is AgentState.WORKING


def test_a_room_goes_by_its_id_too_and_a_token_that_proves_nothing_makes_no_session(
    board: User, spool: Path, project: Path, tmp_path: Path
):
    room = board.call("get_room")
    note(spool, tmp_path / "elsewhere", "UserPromptSubmit", room=room.id)
    note(spool, project, "UserPromptSubmit", token_hash="0" * 64, client_session="run-2", ancestors=["9:9"])
    take_in(board.database)
    assert set(reported(board.database)) == {"owner", "claude-1"}
