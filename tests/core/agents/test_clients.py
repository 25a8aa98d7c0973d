"""Connecting clients: what is written where, that it can be done twice, and that it can be undone wholly."""

import json
import os
import shlex
import sys
import tomllib
from pathlib import Path

import pytest

from core.agents.clients import Change, Client, Place, Scope, changes, is_installed, write
from core.agents.clients.commands import ServerEntry, hook, hook_words, server
from core.agents.clients.files import ConfigurationBusy
from core.agents.clients.layout import HOOKS, PASSED_ON, hook_lines, server_entry
from core.agents.hook import EVENTS
from core.errors import InvalidData, RuleRefusal
from storage import Home

PLACES = [(client, scope) for client in Client for scope in Scope]


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "user"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


def install(home: Home, place: Place) -> Path | None:
    return write(home, changes(place))


def uninstall(home: Home, place: Place) -> Path | None:
    return write(home, changes(place, remove=True))


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("client", "scope"), PLACES)
def test_installing_twice_changes_nothing_more(home: Home, project: Path, client: Client, scope: Scope):
    place = Place(client, scope, project)
    assert not is_installed(place)
    assert all(change.is_change for change in changes(place))
    install(home, place)
    assert is_installed(place)
    assert server_entry(place) == server()
    assert set(hook_lines(place)) == set(HOOKS[client])
    assert not any(change.is_change for change in changes(place))


@pytest.mark.parametrize(("client", "scope"), PLACES)
def test_uninstalling_leaves_no_trace(home: Home, project: Path, user: Path, client: Client, scope: Scope):
    place = Place(client, scope, project)
    install(home, place)
    uninstall(home, place)
    assert files_below(user) == files_below(project) == {}
    assert list(project.iterdir()) == []
    assert not any(change.is_change for change in changes(place, remove=True))


CLAUDE_HOOK = '{"hooks": [{"type": "command", "command": "say done"}]}'
THEIRS = {
    "claude": (
        '{"numStartups": 7, "mcpServers": {"a": {"command": "x"}}}',
        f'{{\n\t"model": "opus",\n\t"hooks": {{"Stop": [{CLAUDE_HOOK}]}}\n}}',
    ),
    "codex": ('# mine\nmodel = "o3"\n\n[mcp_servers.a]\ncommand = "x"\n', '{"hooks": {"Stop": [{"hooks": []}]}}'),
    "cursor": ('{"x": [ 1,2 ]}\n', '{"version": 1, "hooks": {"stop": [{"command": "./mine.sh"}]}}\n'),
}


@pytest.mark.parametrize(("client", "scope"), PLACES)
def test_what_is_the_users_stays_byte_for_byte(home: Home, project: Path, client: Client, scope: Scope):
    place = Place(client, scope, project)
    for path, text in zip((place.server_file, place.hooks_file), THEIRS[client], strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    kept = install(home, place)
    assert kept is not None
    assert sorted(each.read_text() for each in kept.iterdir()) == sorted(THEIRS[client])
    assert is_installed(place)
    uninstall(home, place)
    assert (place.server_file.read_text(), place.hooks_file.read_text()) == THEIRS[client]


def test_the_hooks_stand_beside_those_of_the_user(home: Home, project: Path):
    place = Place(Client.CLAUDE, Scope.PROJECT, project)
    place.hooks_file.parent.mkdir()
    place.hooks_file.write_text(THEIRS["claude"][1])
    install(home, place)
    written = json.loads(place.hooks_file.read_text())
    theirs, ours = written["hooks"]["Stop"]
    assert theirs["hooks"][0]["command"] == "say done"
    assert ours == {"hooks": [{"type": "command", "command": hook("claude", guarded=False), "timeout": 3}]}
    assert written["hooks"]["PreToolUse"][0]["hooks"][0]["command"] == hook("claude", guarded=True)
    assert written["model"] == "opus"


def test_claudes_own_project_scope_is_used_so_that_nothing_is_committed(home: Home, project: Path, user: Path):
    install(home, Place(Client.CLAUDE, Scope.PROJECT, project))
    written = json.loads((user / ".claude.json").read_text())
    assert written["projects"][str(project)]["mcpServers"]["wezterm-parallel"] == {
        "type": "stdio", "command": sys.executable, "args": list(server().arguments),
    }  # fmt: skip
    assert list(files_below(project)) == [".claude/settings.local.json"]


def test_moved_folders_of_clients_are_found(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "c"))
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "x"))
    claude, codex = Place(Client.CLAUDE, Scope.USER, project), Place(Client.CODEX, Scope.USER, project)
    assert (claude.server_file, claude.hooks_file) == (tmp_path / "c/.claude.json", tmp_path / "c/settings.json")
    assert (codex.server_file, codex.hooks_file) == (tmp_path / "x/config.toml", tmp_path / "x/hooks.json")


def test_codex_is_asked_to_pass_on_who_its_agent_is_and_no_value_is_written(
    home: Home, project: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("WZP_SESSION_TOKEN", "wzs_secret")
    monkeypatch.setenv("WZP_AGENT", "the-agent")
    for client in Client:
        place = Place(client, Scope.PROJECT, project)
        install(home, place)
        for path in (place.server_file, place.hooks_file):
            assert "wzs_secret" not in path.read_text()
            assert "the-agent" not in path.read_text()
    entry = tomllib.loads((project / ".codex/config.toml").read_text())["mcp_servers"]["wezterm-parallel"]
    assert entry["env_vars"] == list(PASSED_ON)


def test_an_entry_of_another_copy_of_us_is_brought_up_to_date_and_keeps_what_the_user_added(home: Home, project: Path):
    place = Place(Client.CURSOR, Scope.PROJECT, project)
    install(home, place)
    entry = {"command": "/old/python", "args": ["/old/wezterm_parallel.py", "mcp"], "env": {"A": "b"}}
    place.server_file.write_text(json.dumps({"mcpServers": {"wezterm-parallel": entry}}))
    place.hooks_file.write_text(place.hooks_file.read_text().replace(str(Path.cwd()), "/old"))
    place.hooks_file.write_text(place.hooks_file.read_text().replace('"stop"', '"oldEvent"').replace("3", "60"))
    install(home, place)
    assert server_entry(place) == server()
    assert json.loads(place.server_file.read_text())["mcpServers"]["wezterm-parallel"]["env"] == {"A": "b"}
    assert hook_lines(place) == {
        event: hook("cursor", guarded=guarded) for event, guarded in HOOKS[Client.CURSOR].items()
    }
    assert "oldEvent" not in place.hooks_file.read_text()
    uninstall(home, place)
    assert files_below(project) == {}


def test_a_server_of_another_product_with_our_name_is_left_alone(home: Home, project: Path):
    place = Place(Client.CURSOR, Scope.PROJECT, project)
    place.server_file.parent.mkdir()
    text = '{"mcpServers": {"wezterm-parallel": {"command": "npx", "args": ["other"]}}}'
    place.server_file.write_text(text)
    with pytest.raises(RuleRefusal, match="not ours"):
        changes(place)
    uninstall(home, place)
    assert place.server_file.read_text() == text


@pytest.mark.parametrize(
    ("client", "text"),
    [
        ("claude", '{"a": 1, // why\n}'), ("cursor", "{"), ("codex", "a = \n"), ("codex", "mcp_servers = 1\n"),
        ("claude", "[1]"), ("cursor", '{"mcpServers": []}'), ("cursor", '{"mcpServers": {"wezterm-parallel": 1}}'),
    ],
)  # fmt: skip
def test_a_broken_file_is_refused_and_stays(home: Home, project: Path, client: str, text: str):
    place = Place(Client(client), Scope.USER, project)
    place.server_file.parent.mkdir(exist_ok=True)
    place.server_file.write_text(text)
    with pytest.raises(InvalidData, match=place.server_file.name):
        changes(place)
    assert place.server_file.read_text() == text
    assert files_below(home.path) == {}


@pytest.mark.parametrize("text", ['{"hooks": []}', '{"hooks": {"Stop": {}}}', "[]"])
def test_hooks_of_another_form_are_refused_and_stay(project: Path, text: str):
    place = Place(Client.CLAUDE, Scope.USER, project)
    place.hooks_file.parent.mkdir()
    place.hooks_file.write_text(text)
    with pytest.raises(InvalidData, match=r"settings\.json"):
        changes(place)


def test_a_link_is_written_through_and_the_mode_stays(home: Home, project: Path, user: Path):
    place = Place(Client.CODEX, Scope.USER, project)
    real = user / "dotfiles.toml"
    real.write_text("a = 1\n")
    real.chmod(0o640)
    place.folder.mkdir()
    place.server_file.symlink_to(real)
    install(home, place)
    assert place.server_file.is_symlink()
    assert "wezterm-parallel" in real.read_text()
    assert real.stat().st_mode & 0o777 == 0o640
    uninstall(home, place)
    assert real.read_text() == "a = 1\n"


def test_what_the_client_wrote_meanwhile_is_not_lost(home: Home, project: Path):
    place = Place(Client.CLAUDE, Scope.USER, project)
    planned = changes(place)
    place.server_file.write_text('{"numStartups": 8}')
    write(home, planned)
    assert json.loads(place.server_file.read_text())["numStartups"] == 8
    assert is_installed(place)


def test_a_file_that_its_client_holds_is_waited_for(home: Home, project: Path, monkeypatch: pytest.MonkeyPatch):
    place = Place(Client.CLAUDE, Scope.USER, project)
    monkeypatch.setattr("core.agents.clients.files.LOCK_WAIT_S", 0.1)
    lock = place.server_file.with_name(".claude.json.lock")
    lock.mkdir()
    with pytest.raises(ConfigurationBusy, match="held by the client"):
        install(home, place)
    assert not place.server_file.exists()
    os.utime(lock, (1, 1))  # its holder has died
    install(home, place)
    assert is_installed(place)
    assert not lock.exists()


def test_the_difference_shows_what_is_added(project: Path):
    (change, hooks) = changes(Place(Client.CODEX, Scope.PROJECT, project))
    assert change.difference.startswith(f"--- /dev/null\n+++ {change.path}\n")
    assert "+[mcp_servers.wezterm-parallel]\n" in change.difference
    assert isinstance(hooks, Change)
    assert not change.path.exists()


def test_only_our_commands_are_taken_for_ours():
    assert hook_words(hook("claude", guarded=True))
    assert hook_words("exec '/a b/python' -I -S '/c d/core/agents/hook.py' --client codex")
    for line in (
        "say done",
        "python core/agents/hook.py",
        "exec /x/core/agents/hook.py",
        "exec '/core/agents/hook.py --client",
        7,
    ):
        assert not hook_words(line)
    assert server().is_ours
    assert ServerEntry("wzp", ("mcp",)).is_ours
    assert not ServerEntry("npx", ("mcp",)).is_ours
    assert not ServerEntry("wzp", ("watch",)).is_ours


def test_every_event_that_is_asked_for_is_one_that_the_hook_notes():
    for events in HOOKS.values():
        assert set(events) <= set(EVENTS)


def test_paths_with_blanks_and_quotes_reach_the_shell_whole(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "executable", "/it's here/py thon")
    assert shlex.split(hook("claude", guarded=False))[1] == "/it's here/py thon"
