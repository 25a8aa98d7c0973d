"""The agents and handoffs in a real terminal, while hooks and `wzp` of agents run as processes of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core.agents import hook
from storage import Home
from tests.support.terminal import PROGRAM, Terminal

pytestmark = pytest.mark.system


class Agent:
    """An agent's shell in a project: `wzp` in its session, and its client's hooks."""

    def __init__(self, directory: Path, home: Home, token: str = "") -> None:
        self.directory = directory
        self._env = {**os.environ, "WEZTERM_PARALLEL_HOME": str(home.path)}
        if token:
            self._env["WZP_SESSION_TOKEN"] = token

    def wzp(self, *arguments: str) -> Any:
        """Run a command; its JSON."""
        done = subprocess.run(
            [*PROGRAM, *arguments, "--json"], cwd=self.directory, env=self._env, capture_output=True, text=True,
            check=True, timeout=60,
        )  # fmt: skip
        return json.loads(done.stdout)

    def hook(self, event: str, **more: str) -> None:
        """Let its client tell of an event."""
        told = {"hook_event_name": event, "session_id": "run-1", "cwd": str(self.directory), **more}
        subprocess.run(
            [sys.executable, "-I", "-S", str(Path(hook.__file__)), "--client", "claude"],
            input=json.dumps(told), cwd=self.directory, env=self._env, text=True, check=True, timeout=30,
        )  # fmt: skip


@pytest.fixture
def person(project: Path, home: Home) -> Agent:
    """A project that has a room, and the person's shell in it."""
    shell = Agent(project, home)
    shell.wzp("room", "create", "demo", "--root", str(project))
    return shell


def open_app(project: Path, home: Home, columns: int = 120, lines: int = 40) -> Terminal:
    env = {"WEZTERM_PARALLEL_HOME": str(home.path)}
    return Terminal([*PROGRAM], columns=columns, lines=lines, cwd=project, env=env)


def test_what_a_clients_hooks_tell_is_on_the_screen_and_exclamation_goes_there(
    person: Agent, project: Path, home: Home
) -> None:
    with open_app(project, home) as terminal:
        terminal.wait_for("Backlog", gone=["Reading"])
        terminal.press("3")
        terminal.wait_for("No agent works in this room yet.", "wzp agents install --client claude")
        person.hook("SessionStart")
        terminal.wait_for("idle · hook")
        person.hook("UserPromptSubmit")
        terminal.wait_for("working · hook")
        terminal.press("1")
        terminal.wait_for("Backlog")
        person.hook("Notification", message="May I use Bash?", notification_type="permission_prompt")
        terminal.wait_for("waits for you.", "! 1 waits")
        terminal.press("!")
        terminal.wait_for("waiting · hook", "May I use Bash?")
        person.hook("SessionEnd", reason="exit")
        terminal.wait_for("ended · session")


def test_an_agents_work_is_handed_over_and_approved_at_the_screen(person: Agent, project: Path, home: Home) -> None:
    person.wzp("agent", "add", "ann")
    ann = Agent(project, home, person.wzp("session", "create", "ann")["token"])
    for title in ("Fix the login", "Write the docs"):
        person.wzp("task", "add", title, "--status", "todo")
    with open_app(project, home, columns=80, lines=24) as terminal:
        terminal.wait_for("Fix the login", "Write the docs")
        ann.wzp("claim", "next", "1")
        ann.wzp("claim", "finish", "1", "complete", "It works now.")
        terminal.wait_for("ann reported #1", "! 1 waits")
        terminal.press("!", "r")
        terminal.wait_for("Approved #1")
        ann.wzp("claim", "next", "2")
        ann.wzp("handoff", "create", "2", "半分まで書きました", "--to-role", "person")
        terminal.wait_for("ann hands #2")
        terminal.press("4")
        terminal.wait_for("ann → any person", "半分まで書きました")
        terminal.press("a")
        terminal.wait_for("acknowledged")
    done, taken = person.wzp("task", "show", "1"), person.wzp("task", "show", "2")
    assert (done["status"], taken["status"], taken["assignee_name"] == "ann") == ("done", "in_progress", False)
