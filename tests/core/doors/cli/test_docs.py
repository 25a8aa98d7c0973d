"""The pages about the command line name all that there is: commands, fields, codes."""

import re
from pathlib import Path

import pytest

from core.doors.cli.program import BY_HAND, DOOR
from core.operations import load
from storage import ParallelError

DOCS = Path(__file__).resolve().parents[4] / "docs"
CLI = (DOCS / "cli.md").read_text()
JSON = (DOCS / "json.md").read_text()
COMMANDS = [each.command for each in load().values() if DOOR not in each.not_at]


@pytest.mark.parametrize("command", [*COMMANDS, *BY_HAND])
def test_each_command_has_an_example(command: str):
    assert re.search(rf"\bwzp {re.escape(command)}(?= |$)", CLI, re.MULTILINE)


def kinds(error: type[ParallelError]) -> list[type[ParallelError]]:
    return [error, *(each for child in error.__subclasses__() for each in kinds(child))]


@pytest.mark.parametrize("error", kinds(ParallelError), ids=lambda each: each.code)
def test_each_error_code_stands_beside_its_exit_code(error: type[ParallelError]):
    row = next(line for line in JSON.splitlines() if line.startswith(f"| {error.exit_code} |"))
    assert f"`{error.code}`" in row


SECTIONS_WITHIN = {"Claim": "Task", "Briefing": "Agent"}
"""What carries the fields of another record stands for them by its name."""


def section(title: str) -> str:
    return JSON.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_each_field_is_described(wzp, room):
    wzp("task", "add", "Fix")
    wzp("agent", "add", "claude")
    wzp("task", "move", "1", "in_progress")
    handoff = wzp("handoff", "create", "1", "Half of it stands.", "--to-agent", "claude", "--json").json
    run = wzp("task", "queue", wzp("task", "add", "Test", "--command", "true", "--json").json["id"], "--json").json
    shown = {
        "Comment": wzp("task", "comment", "1", "hi", "--json").json,
        "Handoff": handoff,
        "Session": wzp("session", "create", "claude", "--json").json,
        "Briefing": wzp("session", "start", "helper", "--json").json,
        "Claim": wzp("claim", "next", "--json").json,
        "Task": wzp("claim", "finish", "1", "complete", "It works.", "--json").json,
        "Result": wzp("task", "show", "1", "--json").json["result"],
        "Room": wzp("room", "show", "--json").json,
        "Agent": wzp("agent", "list", "--json").json[0],
        "Event": wzp("history", "--json").json[0],
        "Run": run,
        "Backup": wzp("backup", "create", "--json").json,
    }
    for title, wire in shown.items():
        assert wire, title
        described = set(re.findall(r"\w+", section(title) + section(SECTIONS_WITHIN.get(title, title))))
        assert set(wire) <= described, f"{title}: {set(wire) - described}"
