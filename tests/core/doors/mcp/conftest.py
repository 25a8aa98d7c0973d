"""Fixtures for the MCP door: a connection to the board of `demo` within this process, spoken to in either era."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core.doors.mcp.board import Board
from core.doors.mcp.caller import Caller
from core.doors.mcp.connection import Connection
from tests.support.users import User

ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "tester", "version": "1"},
}


class Agent:
    """A client and its connection. `sent` is what came without being asked for."""

    def __init__(self, name: str) -> None:
        self.sent: list[Any] = []
        self.offer = Board(lambda: Caller("demo", {"WZP_AGENT": name}))
        self.connection = Connection(self.offer, self.sent.append)
        self._number = 0

    def say(self, message: Any) -> Any:
        """One line there, one line back; None for silence."""
        line = message if isinstance(message, bytes) else json.dumps(message).encode()
        answer = self.connection.receive(line)
        assert answer is None or (answer.endswith(b"\n") and answer.count(b"\n") == 1)
        return None if answer is None else json.loads(answer)

    def request(self, method: str, **params: Any) -> Any:
        """A request, and its whole answer. With `_meta` it is one of the stateless era."""
        self._number += 1
        return self.say({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})

    def stateless(self, method: str, **params: Any) -> Any:
        """A request as 2026-07-28 has them."""
        return self.request(method, **params, _meta=ENVELOPE)

    def shake(self, revision: str = "2025-11-25") -> Any:
        """The handshake."""
        client = {"name": "tester", "version": "1"}
        return self.request("initialize", protocolVersion=revision, capabilities={}, clientInfo=client)

    def call(self, tool: str, **arguments: Any) -> Any:
        """What a tool answers, structured; its text says the same."""
        result = self.request("tools/call", name=tool, arguments=arguments)["result"]
        assert [json.loads(each["text"]) for each in result["content"]] == [result["structuredContent"]]
        assert result.get("isError", False) is not result["structuredContent"]["success"]
        return result["structuredContent"]

    def close(self) -> None:
        """Go."""
        self.connection.close()
        if self.offer.caller is not None:
            self.offer.caller.close()


@pytest.fixture
def new_agent(board: User) -> Iterator[Callable[..., Agent]]:
    """Makes agents on the board of `demo`, each with a connection of its own."""
    made: list[Agent] = []

    def make(name: str = "claude") -> Agent:
        made.append(Agent(name))
        return made[-1]

    yield make
    for agent in made:
        agent.close()


@pytest.fixture
def agent(new_agent: Callable[..., Agent]) -> Agent:
    """One agent, after its handshake."""
    one = new_agent()
    one.shake()
    return one
