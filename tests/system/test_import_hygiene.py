"""What a simple command imports, and that it imports ours: measured in processes of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from storage import Home

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = REPOSITORY / "wezterm_parallel.py"

HEAVY = {
    "textual", "rich", "psutil", "watchdog", "playhouse.migrations", "playhouse.migrate", "storage.migrate",
    "ruamel", "rapidfuzz", "asyncio", "tui",
}  # fmt: skip

LISTING = """
import sys
sys.argv = ["wzp", *{words!r}]
sys.path.insert(0, {repository!r})
import wezterm_parallel
try:
    wezterm_parallel.main()
except SystemExit as ending:
    print("\\n" + "\\n".join(sorted(sys.modules)), file=sys.stderr)
    sys.exit(ending.code)
"""


def imported_by(*words: str, cwd: Path) -> set[str]:
    """The modules in a process that has carried out one command line."""
    program = LISTING.format(words=list(words), repository=str(REPOSITORY))
    ended = subprocess.run([sys.executable, "-c", program], cwd=cwd, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return set(ended.stderr.split())


@pytest.fixture
def room(home: Home, project: Path) -> Path:
    for words in (["room", "create", "demo"], ["task", "add", "one"]):
        subprocess.run([sys.executable, PROGRAM, *words], cwd=project, check=True, capture_output=True)
    return project


@pytest.mark.parametrize(
    "words", [("task", "list"), ("task", "list", "--json"), ("task", "move", "1", "todo", "--json")]
)
def test_a_simple_command_imports_nothing_heavy(room: Path, words: tuple[str, ...]):
    modules = imported_by(*words, cwd=room)
    assert {"click", "peewee", "apsw", "core.operations.task"} <= modules, "the listing sees what was imported"
    assert modules & HEAVY == set()
    operations = {name for name in modules if name.startswith("core.operations.")}
    assert operations == {f"core.operations.{each}" for each in ("task", "placing", "tasks", "run")}
    assert not any(name.startswith(("core.dispatch", "core.alerts", "core.processes")) for name in modules)


def test_a_json_listing_draws_nothing(room: Path):
    assert "core.doors.cli.drawing" not in imported_by("task", "list", "--json", cwd=room)


SERVING = """
import io, json, os, sys, threading
sys.argv = ["wzp", "mcp"]
sys.path.insert(0, {repository!r})
import core.doors.mcp.program as program
program._Server._prepare = lambda self: None  # what is loaded while the client reads the first answer
leave = os._exit
def listing(code):
    os.write(2, "\\n".join(sorted(sys.modules)).encode())
    leave(code)
os._exit = listing
import wezterm_parallel
wezterm_parallel.main()
"""

FIRST_REQUESTS = {
    "initialize": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}},
    "ping": {},
    "server/discover": {
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {},
        }
    },
    "tools/list": {},
    "tools/call": {"name": "comment_task", "arguments": {"task_id": 1, "body": "hi"}},
}  # fmt: skip


def imported_by_server(*methods: str, cwd: Path) -> set[str]:
    """The modules in a server that has answered these requests."""
    asked = [{"jsonrpc": "2.0", "id": 1, "method": each, "params": FIRST_REQUESTS[each]} for each in methods]
    ended = subprocess.run(
        [sys.executable, "-c", SERVING.format(repository=str(REPOSITORY))],
        input="\n".join(map(json.dumps, asked)), cwd=cwd, capture_output=True, text=True, check=False,
        env=bare_environment(),  # coverage has weight of its own
    )  # fmt: skip
    answers = [json.loads(each) for each in ended.stdout.splitlines()]
    assert len(answers) == len(methods), ended.stderr
    assert all("result" in each and not each["result"].get("isError") for each in answers), answers
    return set(ended.stderr.split())


@pytest.mark.parametrize("method", ["initialize", "ping", "server/discover"])
def test_a_server_answers_the_first_request_before_anything_of_weight_is_imported(room: Path, method: str):
    modules = imported_by_server(method, cwd=room)
    assert {"core.doors.mcp.connection", "json"} <= modules, "the listing sees what was imported"
    assert modules & (HEAVY | {"click", "peewee", "apsw", "msgspec", "dataclasses", "inspect", "logging"}) == set()
    assert {name for name in modules if name.startswith(("storage", "core.operations", "core.operation"))} == set()


def test_a_server_that_was_called_has_imported_nothing_that_no_call_needs(room: Path):
    modules = imported_by_server("initialize", "tools/list", "tools/call", cwd=room)
    assert {"peewee", "apsw", "core.operations.task"} <= modules, "the listing sees what was imported"
    assert modules & (HEAVY | {"click", "pydantic", "mcp", "email", "zipfile", "logging.handlers"}) == set()
    assert modules & {"core.doors.mcp.prompts", "core.doors.mcp.resources", "core.transfer"} == set()


def bare_environment() -> dict[str, str]:
    """Ours without what decides where Python looks; coverage would look for the packages that it measures by itself."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH" and "COVERAGE" not in name}


def foreign_project(directory: Path) -> Path:
    """A project that owns packages and modules of our names, each of which ends the process when it is imported."""
    trap = "raise SystemExit('a foreign module was imported: ' + __name__)\n"
    for package in ("core", "core/doors", "storage", "tui", "layouts"):
        (directory / package).mkdir(parents=True)
        (directory / package / "__init__.py").write_text(trap)
    return directory


@pytest.mark.parametrize("path", [".", "", None])
def test_a_projects_own_core_storage_and_tui_are_never_imported(home: Home, tmp_path: Path, path: str | None):
    project = foreign_project(tmp_path / "foreign")
    environment = bare_environment()
    if path is not None:
        environment["PYTHONPATH"] = path

    def wzp(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, PROGRAM, *words], cwd=project, env=environment, capture_output=True, text=True, check=False
        )

    created = wzp("room", "create", "foreign", "--json")
    assert created.returncode == 0, created.stderr
    assert json.loads(wzp("task", "add", "ours", "--json").stdout)["title"] == "ours"
    assert json.loads(wzp("task", "list", "--json").stdout)[0]["title"] == "ours"
    assert wzp("--help").returncode == 0, "help imports every command"


def test_as_a_console_script_it_finds_ours_before_pythonpaths(home: Home, tmp_path: Path):
    # as pip installs it: a script elsewhere, our directory on the path only behind PYTHONPATH's
    project = foreign_project(tmp_path / "foreign")
    script = tmp_path / "bin" / "wzp"
    script.parent.mkdir()
    script.write_text(f"import sys\nsys.path.append({str(REPOSITORY)!r})\nfrom wezterm_parallel import main\nmain()\n")
    ended = subprocess.run(
        [sys.executable, script, "room", "create", "foreign", "--json"],
        cwd=project, env={**bare_environment(), "PYTHONPATH": "."}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["name"] == "foreign"
