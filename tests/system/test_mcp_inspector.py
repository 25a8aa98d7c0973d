"""The Inspector, the MCP project's own client, against a real `wzp mcp`: a smoke test over stdio."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from storage import HOME_VARIABLE
from tests.support.examiners import INSPECTOR, examine
from tests.support.terminal import PROGRAM
from tests.support.users import User

pytestmark = pytest.mark.system


class Inspector:
    """The Inspector on a server of its own a call."""

    def __init__(self, directory: Path, home: Path) -> None:
        self._directory = directory
        self._home = home

    def run(self, method: str, *options: str) -> "subprocess.CompletedProcess[str]":
        """Ask the server one thing."""
        given = ["--cwd", str(self._directory), "-e", f"{HOME_VARIABLE}={self._home}", "-e", "WZP_AGENT=inspector"]
        return examine(INSPECTOR, ["--cli", *PROGRAM, "mcp", "--method", method, *given, *options])

    def ask(self, method: str, *options: str) -> Any:
        """What the server answers."""
        done = self.run(method, *options)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def inspector(board: User, project: Path) -> Inspector:
    """The Inspector in the room `demo`."""
    return Inspector(project, board.database.home.path)


def test_the_tools_are_portable_to_every_client(inspector: Inspector) -> None:
    done = inspector.run("tools/list", "--strict")
    assert done.returncode == 0, done.stderr
    assert [tool["name"] for tool in json.loads(done.stdout)["tools"]].count("update_task_status") == 1


def test_a_tool_is_called_with_its_arguments(inspector: Inspector, board: User) -> None:
    arguments = ("--tool-arg", "title=From outside", "--tool-arg", 'labels=["api"]', "--tool-arg", "status=todo")
    answer = inspector.ask("tools/call", "--tool-name", "create_task", *arguments)
    assert answer["structuredContent"]["task"]["number"] == 1
    assert json.loads(answer["content"][0]["text"]) == answer["structuredContent"]
    task = board.see("1")
    assert (task.title, task.labels, task.status) == ("From outside", ("api",), "todo")


def test_a_refused_call_says_why(inspector: Inspector) -> None:
    done = inspector.run("tools/call", "--tool-name", "get_task", "--tool-arg", "task_id=7")
    answer = json.loads(done.stdout)
    assert answer["isError"] is True
    assert answer["structuredContent"]["error"]["code"] == "not_found"


def test_a_prompt_and_resources_are_read(inspector: Inspector, board: User) -> None:
    board.add("Fix login", status="todo")
    prompt = inspector.ask("prompts/get", "--prompt-name", "session_start")
    assert "- Name: inspector" in prompt["messages"][0]["content"]["text"]
    uris = [each["uri"] for each in inspector.ask("resources/list")["resources"]]
    assert uris == ["wzp://board", "wzp://handoffs"]
    (page,) = inspector.ask("resources/read", "--uri", "wzp://board")["contents"]
    assert "Fix login" in page["text"]
