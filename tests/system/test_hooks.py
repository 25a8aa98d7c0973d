"""Hooks as clients start them: many at once, beside a locked database, and the commands that install and check them."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from core.agents.clients import Client, Scope, commands
from core.agents.spool import read_new, spool_of
from storage import Database, Home

pytestmark = pytest.mark.system

PROGRAM = [sys.executable, str(Path(__file__).parents[2] / "wezterm_parallel.py")]
PATIENCE_S = 60.0


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "user"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


def fire(event: dict[str, Any]) -> None:
    line = commands.hook("claude", guarded=False)
    ended = subprocess.run(["/bin/sh", "-c", line], input=json.dumps(event).encode(), capture_output=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")


def wzp(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *words], cwd=project, capture_output=True, text=True, timeout=PATIENCE_S)


def test_two_hundred_hooks_at_once_leave_two_hundred_whole_lines(home: Home):
    home.path.mkdir()
    long = "質問" * 300
    with ThreadPoolExecutor(16) as clients:
        events = ({"hook_event_name": "Notification", "session_id": str(n), "message": long} for n in range(200))
        list(clients.map(fire, events))
    batch = read_new(home, {}, limit=1_000)
    assert sorted(int(line.client_session or "") for line in batch.lines) == list(range(200))
    assert (batch.skipped, batch.has_more) == (0, False)


def test_a_locked_database_is_no_concern_of_the_hook(database: Database, home: Home):
    with database.write("hold the lock"):
        fire({"hook_event_name": "Stop", "session_id": "s"})
    assert len(read_new(home, {}).lines) == 1


@pytest.mark.parametrize("client", list(Client))
def test_what_is_installed_works_and_can_be_taken_out(home: Home, project: Path, client: Client):
    shown = wzp(project, "agents", "install", "--client", client, "--dry-run")
    assert "+++" in shown.stdout
    assert wzp(project, "agents", "doctor", "--client", client).returncode == 1
    assert wzp(project, "agents", "install", "--client", client).returncode == 0
    assert "Nothing to change" in wzp(project, "agents", "install", "--client", client).stdout
    doctor = wzp(project, "agents", "doctor", "--client", client, "--json")
    checks = {each["subject"]: each for each in json.loads(doctor.stdout)["checks"]}
    assert checks["configuration, project"]["verdict"] == "ok", doctor.stdout
    assert checks["server, project"]["verdict"] == "ok", doctor.stdout
    assert checks["hook, project"]["verdict"] in ("ok", "warn"), doctor.stdout  # warn: slow, on a busy machine
    assert doctor.returncode == 0
    assert not spool_of(home).exists()  # the trial has left nothing in the real home
    assert wzp(project, "agents", "install", "--client", client, "--uninstall").returncode == 0
    assert list(project.iterdir()) == []
    assert wzp(project, "agents", "doctor").returncode == 1


def test_a_copy_that_has_moved_away_is_found_out(home: Home, project: Path):
    wzp(project, "agents", "install", "--client", "cursor")
    for name in ("mcp.json", "hooks.json"):
        file = project / ".cursor" / name
        ours = Path(PROGRAM[1])  # the interpreter may lie beside it
        moved = (
            file.read_text().replace(str(ours), f"/gone/{ours.name}").replace(str(ours.parent / "core"), "/gone/core")
        )
        file.write_text(moved)
    doctor = wzp(project, "agents", "doctor")
    assert doctor.returncode == 1
    assert "fail  cursor  server, project" in doctor.stdout
    assert "/gone/core/agents/hook.py is not there any more" in doctor.stdout


def test_two_scopes_at_once_are_found_out(home: Home, project: Path):
    for scope in Scope:
        wzp(project, "agents", "install", "--client", "cursor", "--scope", scope)
    told = wzp(project, "agents", "doctor").stdout
    assert "each event comes twice" in told
    assert "warn  room: none" in told


FAKE_CODEX = """#!/usr/bin/env python3
import json, sys
if "--version" in sys.argv:
    sys.exit(print("codex-cli 9"))
hooks = [{**each, "sourcePath": SOURCE} for each in HOOKS]
for line in sys.stdin:
    asked = json.loads(line)
    if "id" in asked:
        data = [{"hooks": hooks}] if asked["method"] == "hooks/list" else []
        print(json.dumps({"method": "chatter"}) + "\\n" + json.dumps({"id": asked["id"], "result": {"data": data}}))
        sys.stdout.flush()
"""


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        ([{"command": commands.hook("codex", guarded=False), "trustStatus": "trusted", "enabled": True}], "ok"),
        ([{"command": commands.hook("codex", guarded=False), "trustStatus": "untrusted", "enabled": True}], "warn"),
        ([{"command": commands.hook("codex", guarded=False), "trustStatus": "trusted", "enabled": False}], "warn"),
        ([{"command": "somebody else's", "trustStatus": "trusted", "enabled": True}], "warn"),
    ],
)  # fmt: skip
def test_codex_is_asked_whether_it_runs_our_hooks(
    home: Home, project: Path, user: Path, monkeypatch: pytest.MonkeyPatch, told: list[dict[str, Any]], verdict: str
):
    program = user / "codex"
    source = str(project / ".codex/hooks.json")
    program.write_text(FAKE_CODEX.replace("HOOKS", repr(told)).replace("SOURCE", repr(source)))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{user}:{os.environ['PATH']}")
    wzp(project, "agents", "install", "--client", "codex")
    doctor = json.loads(wzp(project, "agents", "doctor", "--json").stdout)
    assert {each["subject"]: each["verdict"] for each in doctor["checks"]}["trust, project"] == verdict


EMPTY = '{"id": %d, "result": {}}'


@pytest.mark.parametrize(
    ("server", "why"),
    [
        ("exit 0", "ended"), ("echo hello; cat", "something else than JSON"), ("exec sleep 60", "no answer"),
        ('read -r x; echo \'{"id": 1, "error": {"code": 1}}\'; cat', "refuses"),
        (f"read -r x; echo '{EMPTY % 1}'; read -r x; read -r x; echo '{EMPTY % 2}'; cat", "no tools"),
    ],
    ids=["ends", "no JSON", "silent", "error", "no tools"],
)  # fmt: skip
def test_a_server_that_does_not_work_is_found_out(home: Home, project: Path, tmp_path: Path, server: str, why: str):
    wzp(project, "agents", "install", "--client", "cursor")
    program = tmp_path / "wzp"
    program.write_text(f"#!/bin/sh\n{server}\n")
    program.chmod(0o755)
    entry = {"mcpServers": {"wezterm-parallel": {"command": str(program), "args": ["mcp"]}}}
    (project / ".cursor/mcp.json").write_text(json.dumps(entry))
    doctor = json.loads(wzp(project, "agents", "doctor", "--json").stdout)
    (check,) = [each for each in doctor["checks"] if each["subject"] == "server, project"]
    assert check["verdict"] == "fail"
    assert why in check["message"]


def test_the_person_is_told_what_not_to_commit(home: Home, project: Path):
    subprocess.run(["git", "init", "-q", project], check=True)
    told = wzp(project, "agents", "install", "--client", "cursor").stderr
    assert ".cursor/mcp.json names this machine's Python" in told
    for advice in told.splitlines():
        subprocess.run(advice.partition("To keep it out: ")[2], shell=True, check=True)
    assert subprocess.check_output(["git", "-C", project, "status", "--short"]) == b""
    (project / ".git/info/exclude").write_text("/.codex\n")
    assert wzp(project, "agents", "install", "--client", "codex").stderr == ""


def test_an_agent_may_not_connect_clients(home: Home, project: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WZP_AGENT", "bob")
    refused = wzp(project, "agents", "install", "--client", "cursor")
    assert refused.returncode == 6
    assert list(project.iterdir()) == []


def test_a_broken_file_is_told_with_its_place(home: Home, project: Path):
    (project / ".cursor").mkdir()
    (project / ".cursor/mcp.json").write_text('{"mcpServers": {,}}')
    refused = wzp(project, "agents", "install", "--client", "cursor")
    assert refused.returncode == 2
    assert "line 1, column 17" in refused.stderr
    doctor = wzp(project, "agents", "doctor")
    assert doctor.returncode == 1
    assert "line 1, column 17" in doctor.stdout


def test_the_hook_of_an_environment_without_a_home_leaves_nothing(home: Home):
    fire({"hook_event_name": "Stop"})
    assert not home.path.exists()
