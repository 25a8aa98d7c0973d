"""The agents' service: what hooks note is taken in at once, and who is silent is noticed, while nobody calls."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from core.agents.presence import Observation, observe
from core.agents.spool import spool_of
from core.services import AgentsService
from core.services import agents as agents_module
from storage import (
    AgentState,
    Database,
    Presence,
    Session,
    SessionState,
    StateSource,
    file_watch,
    format_time,
    utc_now,
)
from tests.support.users import User


@asynccontextmanager
async def running(database: Database) -> AsyncIterator[None]:
    task = asyncio.create_task(AgentsService(database).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


def only_presence(database: Database) -> Presence | None:
    with database.read() as rows:
        return next(iter(rows.presences().values()), None)


async def test_what_a_hook_notes_is_known_without_a_call(board: User, project: Path):
    database = board.database
    async with running(database):
        folder = spool_of(database.home)
        folder.mkdir(parents=True, exist_ok=True)
        line = {
            "version": 1, "at": format_time(utc_now()), "client": "claude", "event": "Notification",
            "cwd": str(project), "message": "Claude needs your permission",
        }  # fmt: skip
        (folder / f"{utc_now():%Y-%m-%d}.jsonl").write_text("\n" + json.dumps(line) + "\n")
        await until(lambda: only_presence(database) is not None)
    found = only_presence(database)
    assert found is not None
    assert (found.state, found.message) == (AgentState.WAITING, "Claude needs your permission")


async def test_what_a_hook_notes_is_known_where_no_watch_tells_of_it(
    board: User, project: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(file_watch, "_begin", lambda: -1)
    await test_what_a_hook_notes_is_known_without_a_call(board, project)


async def test_while_no_hook_writes_the_spool_is_hardly_looked_at(board: User, monkeypatch: pytest.MonkeyPatch):
    looks: list[float] = []
    look = AgentsService._sizes
    monkeypatch.setattr(AgentsService, "_sizes", lambda self: looks.append(0.0) or look(self))
    async with running(board.database):
        await until(lambda: len(looks) > 2)
        before = len(looks)
        await asyncio.sleep(2)
        assert len(looks) - before <= 4 or sys.platform != "linux"


async def test_a_session_that_is_silent_beyond_its_lease_is_lost(board: User, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(agents_module, "EXPIRE_S", 0.05)
    database = board.database
    board.call("create_agent", name="worker")
    session = board.call("create_session", agent="worker").session
    with database.write("observe") as rows:
        room = rows.rooms()[0]
        observe(rows, session, room, Observation(AgentState.WORKING, StateSource.MCP, utc_now()))

    def state() -> SessionState:
        with database.read() as rows:
            found = rows.get(Session, session.id)
            assert found is not None
            return found.state

    async with running(database):
        await asyncio.sleep(0.2)
        assert state() is SessionState.ACTIVE, "its lease lasts"
        with database.write("silence") as rows:
            known = rows.presence(session.id)
            assert known is not None
            rows.put_presence(replace(known, beat=known.beat - known.lease_seconds - 1))
        await until(lambda: state() is SessionState.LOST)
        await until(lambda: only_presence(database) is None)


async def test_a_session_of_another_boot_is_lost_at_once(board: User, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(agents_module, "EXPIRE_S", 0.05)
    database = board.database
    board.call("create_agent", name="worker")
    session = board.call("create_session", agent="worker").session
    with database.write("observe") as rows:
        observe(rows, session, rows.rooms()[0], Observation(AgentState.WORKING, StateSource.MCP, utc_now()))
        known = rows.presence(session.id)
        assert known is not None
        rows.put_presence(replace(known, boot_id="another"))

    def end_reason() -> str | None:
        with database.read() as rows:
            found = rows.get(Session, session.id)
            assert found is not None
            return found.end_reason

    async with running(database):
        await until(lambda: end_reason() is not None)
    assert end_reason() == "no sign of life since the machine was started anew"
