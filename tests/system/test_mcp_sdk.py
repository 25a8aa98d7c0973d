"""The official SDK's client against the real server, in each of its modes: every tool, prompt, resource, and update."""

import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import ResourceUpdated
from mcp_types import ResourceUpdatedNotification

from tests.support.agents import PROGRAM
from tests.support.users import User

pytestmark = [
    pytest.mark.system,
    pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning"),  # the older eras are meant
]

MODES = {"auto": "2026-07-28", "legacy": "2025-11-25", "2026-07-28": "2026-07-28"}

Connect = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
def connect(board: User, project: Path) -> Connect:
    """Connects a client to a server of its own, for an agent of that name."""

    @asynccontextmanager
    async def connected(mode: str, agent: str, **more: Any) -> AsyncIterator[Client]:
        server = StdioServerParameters(
            command=sys.executable, args=[str(PROGRAM), "mcp"], cwd=project, env={**os.environ, "WZP_AGENT": agent}
        )
        async with Client(server, mode=mode, **more) as client:
            yield client

    return connected


async def call(client: Client, tool: str, **arguments: Any) -> Any:
    """A tool's answer; its text and its structure say the same."""
    result = await client.call_tool(tool, arguments)
    assert json.loads(result.content[0].text) == result.structured_content
    assert bool(result.is_error) is not result.structured_content["success"]
    return result.structured_content


@pytest.mark.parametrize(("mode", "revision"), MODES.items())
async def test_it_settles_on_the_newest_revision_of_the_mode(connect: Connect, mode: str, revision: str):
    async with connect(mode, "alice") as client:
        assert client.protocol_version == revision
        listed = (await client.list_tools()).tools
        assert len(listed) == 12
        if mode != "2026-07-28":  # pinned, it asks for nothing
            assert client.server_info is not None
            assert client.server_info.name == "wezterm-parallel"
            assert "session_start" in (client.instructions or "")


@pytest.mark.parametrize("mode", MODES)
async def test_every_tool_works_through_it(connect: Connect, mode: str):
    async with connect(mode, "alice") as alice, connect(mode, "bob") as bob:
        assert (await call(alice, "session_start"))["agent"]["name"] == "alice"
        await call(bob, "session_start", description="Backend developer", skills=["api"])
        made = await call(alice, "create_task", title="Build the form", status="todo", priority="high")
        assert made["task"]["number"] == 1
        assert (await call(alice, "claim_next"))["task"]["status"] == "in_progress"
        await call(alice, "comment_task", task_id="1", body="Begun")
        await call(alice, "update_task", task_id="1", labels=["ui"])
        handed = await call(
            alice, "create_handoff", task_id="1", to_agent_id="bob", summary="The API is missing", next_steps=["POST"]
        )
        (waiting,) = (await call(bob, "list_handoffs"))["handoffs"]
        assert waiting["id"] == handed["handoff"]["id"]
        taken = await call(bob, "acknowledge_handoff", handoff_id=waiting["id"])
        assert (taken["task"]["assignee"], taken["handoff"]["status"]) == ("bob", "acknowledged")
        await call(bob, "update_task_status", task_id="1", status="blocked", reason="waits for the schema")
        await call(bob, "claim_next", task_id="1")
        ended = await call(bob, "finish_task", task_id="1", finish="complete", summary="Done", files=["api.py"])
        assert ended["task"]["status"] == "review"
        (brief,) = (await call(alice, "list_tasks", status=["review"]))["tasks"]
        assert (brief["number"], brief["assignee"]) == (1, "bob")
        whole = await call(alice, "get_task", task_id="1")
        assert whole["task"]["result"]["summary"] == "Done"
        assert any("waits for the schema" in line for line in whole["history"])


@pytest.mark.parametrize("mode", MODES)
async def test_a_conflict_reaches_the_model_in_words(connect: Connect, mode: str):
    async with connect(mode, "alice") as alice, connect(mode, "bob") as bob:
        await call(alice, "create_task", title="x")
        await call(bob, "list_tasks")
        await call(alice, "update_task_status", task_id="1", status="todo", reason="it is time")
        result = await bob.call_tool("update_task", {"task_id": "1", "title": "y"})
        assert result.is_error
        text = result.content[0].text
        assert all(told in text for told in ("version_conflict", "alice", "it is time", "expected_version 2"))


@pytest.mark.parametrize("mode", MODES)
async def test_prompts_resources_and_completion_work_through_it(connect: Connect, mode: str):
    async with connect(mode, "alice") as client:
        await call(client, "create_task", title="Build the form")
        assert [each.name for each in (await client.list_prompts()).prompts] == ["session_start", "session_end"]
        prompt = await client.get_prompt("session_start", {"agent": "alice"})
        assert "# Session start" in prompt.messages[0].content.text
        assert [each.uri for each in (await client.list_resources()).resources] == ["wzp://board", "wzp://handoffs"]
        templates = (await client.list_resource_templates()).resource_templates
        assert [each.uri_template for each in templates] == ["wzp://task/{number}", "wzp://handoffs/{agent}"]
        for uri in ("wzp://board", "wzp://task/1"):
            assert "Build the form" in (await client.read_resource(uri)).contents[0].text
        with pytest.raises(MCPError):
            await client.read_resource("wzp://task/999")
        if mode == "legacy":
            await client.send_ping()


async def test_another_agents_change_is_told_on_a_stream(connect: Connect):
    async with connect("auto", "alice") as alice, connect("auto", "bob") as bob:
        await call(alice, "create_task", title="x")
        with anyio.fail_after(20):
            async with bob.listen(resource_subscriptions=["wzp://task/1"]) as stream:
                await call(alice, "comment_task", task_id="1", body="hi")
                async for event in stream:
                    assert event == ResourceUpdated(uri="wzp://task/1")
                    break
            assert (await call(bob, "list_tasks"))["count"] == 1


async def test_another_agents_change_is_told_to_a_subscriber(connect: Connect):
    told = anyio.Event()

    async def hear(message: Any) -> None:
        if isinstance(message, ResourceUpdatedNotification) and str(message.params.uri) == "wzp://board":
            told.set()

    async with connect("legacy", "alice") as alice, connect("legacy", "bob", message_handler=hear) as bob:
        await bob.subscribe_resource("wzp://board")
        await call(alice, "create_task", title="x")
        with anyio.fail_after(20):
            await told.wait()
        await bob.unsubscribe_resource("wzp://board")
