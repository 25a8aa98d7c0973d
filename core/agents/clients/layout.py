"""Where each client keeps its configuration, and what stands there of ours.

| client | scope | MCP server | hooks |
|---|---|---|---|
| claude | project | `~/.claude.json`, under the project | `.claude/settings.local.json` |
| claude | user | `~/.claude.json` | `~/.claude/settings.json` |
| codex | project | `.codex/config.toml` | `.codex/hooks.json` |
| codex | user | `~/.codex/config.toml` | `~/.codex/hooks.json` |
| cursor | project | `.cursor/mcp.json` | `.cursor/hooks.json` |
| cursor | user | `~/.cursor/mcp.json` | `~/.cursor/hooks.json` |

Our commands name an interpreter of this machine, so they stand where the client keeps what is the user's own, where it
has such a place: Claude Code has (`.mcp.json` and `.claude/settings.json` are for what a team shares, and a server in
`.mcp.json` waits for approval besides). No file ever names an agent or a token: those come from the environment.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from core.agents.clients import commands, json_text, toml_text
from core.agents.clients.commands import SERVER_NAME, ServerEntry
from core.agents.clients.files import Change, Edit, plan
from core.errors import InvalidData, RuleRefusal


class Client(StrEnum):
    """An agent's client whose configuration we know."""

    CLAUDE = "claude"
    CODEX = "codex"
    CURSOR = "cursor"


class Scope(StrEnum):
    """For whom a configuration holds: in one project, or in all of the user's."""

    PROJECT = "project"
    USER = "user"


PROGRAMS: Final[Mapping[Client, Sequence[str]]] = {
    Client.CLAUDE: ("claude",),
    Client.CODEX: ("codex",),
    Client.CURSOR: ("cursor-agent", "cursor"),
}
"""What starts each client; the first that is found."""

HOOKS: Final[Mapping[Client, Mapping[str, bool]]] = {
    Client.CLAUDE: {
        "SessionStart": False, "UserPromptSubmit": False, "PreToolUse": True, "PostToolUse": True,
        "Notification": False, "PermissionRequest": False, "Stop": False, "StopFailure": False, "SessionEnd": False,
    },
    Client.CODEX: {
        "SessionStart": False, "UserPromptSubmit": False, "PreToolUse": True, "PostToolUse": True,
        "PermissionRequest": False, "Stop": False, "Interrupt": False, "SessionEnd": False,
    },
    Client.CURSOR: {
        "sessionStart": False, "beforeSubmitPrompt": False, "postToolUse": True, "stop": False, "sessionEnd": False,
    },
}  # fmt: skip
"""The events that we ask each client for, in its own words, and whether the guard stands before them."""

PASSED_ON: Final = ("WEZTERM_PARALLEL_HOME", "WZP_AGENT", "WZP_ROOM", "WZP_SESSION_TOKEN")
"""What Codex, which gives its servers a short list of variables, is asked to pass on. Names, never values."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which configuration: of which client, for whom. `project` is the root of the project."""

    client: Client
    scope: Scope
    project: Path

    @property
    def folder(self) -> Path:
        """The client's own folder, in the project or in the user's home."""
        if self.scope is Scope.PROJECT:
            return self.project / f".{self.client}"
        named = {Client.CLAUDE: "CLAUDE_CONFIG_DIR", Client.CODEX: "CODEX_HOME"}.get(self.client)
        moved = os.environ.get(named, "") if named else ""
        return Path(moved).expanduser().absolute() if moved else Path.home() / f".{self.client}"

    @property
    def server_file(self) -> Path:
        """The file that names the MCP servers."""
        match self.client:
            case Client.CLAUDE:  # one file for both scopes, beside the folder unless that has been moved
                moved = os.environ.get("CLAUDE_CONFIG_DIR")
                return (Path(moved).expanduser().absolute() if moved else Path.home()) / ".claude.json"
            case Client.CODEX:
                return self.folder / "config.toml"
            case Client.CURSOR:
                return self.folder / "mcp.json"

    @property
    def hooks_file(self) -> Path:
        """The file that names the hooks."""
        if self.client is not Client.CLAUDE:
            return self.folder / "hooks.json"
        return self.folder / ("settings.local.json" if self.scope is Scope.PROJECT else "settings.json")

    @property
    def server_path(self) -> tuple[str, ...]:
        """Where in its file the entry of our server stands."""
        if self.client is Client.CODEX:
            return ("mcp_servers", SERVER_NAME)
        if self.client is Client.CLAUDE and self.scope is Scope.PROJECT:
            return ("projects", str(self.project), "mcpServers", SERVER_NAME)
        return ("mcpServers", SERVER_NAME)


def changes(place: Place, *, remove: bool = False) -> list[Change]:
    """What has to change in the files of a client so that we stand in them as we should, or no more (`remove`).

    Raises:
        InvalidData: a file is not of its form.
        RuleRefusal: a server of another product has our name.
    """
    server_file = place.server_file
    lock = Path(f"{server_file}.lock") if place.client is Client.CLAUDE else None
    return [
        plan(server_file, _server_edit(place, remove=remove), lock),
        plan(place.hooks_file, _hooks_edit(place, remove=remove)),
    ]


def server_entry(place: Place) -> ServerEntry | None:
    """How the client's configuration starts our server; None if it does not.

    Raises:
        InvalidData: the file is not of its form.
    """
    text = plan(place.server_file, _unchanged).before
    return _entry(_at(_parser(place)(text, str(place.server_file)), place.server_path))


def hook_lines(place: Place) -> Mapping[str, str]:
    """The shell lines of our hooks in the client's configuration, by event.

    Raises:
        InvalidData: the file is not of its form.
    """
    text = plan(place.hooks_file, _unchanged).before
    hooks = _at(json_text.parse(text, str(place.hooks_file)), ("hooks",))
    return {event: str(handler["command"]) for event, _, handler in _our_hooks(hooks)}


def is_installed(place: Place) -> bool:
    """Whether anything of ours stands in the client's configuration, or may: one that cannot be read counts."""
    try:
        return server_entry(place) is not None or bool(hook_lines(place))
    except InvalidData:
        return True


def _parser(place: Place) -> Callable[[str, str], Any]:
    return toml_text.parse if place.client is Client.CODEX else json_text.parse


def _unchanged(text: str) -> str:
    return text


def _server_edit(place: Place, *, remove: bool) -> Edit:
    form = toml_text if place.client is Client.CODEX else json_text
    path, name = place.server_path, str(place.server_file)

    def edit(text: str) -> str:
        present = _at(form.parse(text, name), path, name)
        if present is not None:
            entry = _entry(present)
            if entry is None:
                raise InvalidData(f"{name}: {'.'.join(path)} names no command.", "Repair it; nothing was written.")
            if not entry.is_ours:
                if remove:
                    return text
                raise RuleRefusal(
                    f"{name} has an MCP server {SERVER_NAME!r} that is not ours.", "Rename it or take it out first."
                )
        if remove:
            return text if present is None else _nothing_left(form.take_out(text, path), form.parse, name)
        for key, value in _server_values(place).items():  # what the user has added to our entry stays
            if _at(form.parse(text, name), (*path, key)) != value:
                text = form.put(text, (*path, key), value)
        return text

    return edit


def _server_values(place: Place) -> dict[str, Any]:
    entry = commands.server()
    started: dict[str, Any] = {"command": entry.command, "args": list(entry.arguments)}
    if place.client is Client.CODEX:
        return {**started, "env_vars": list(PASSED_ON)}
    return {"type": "stdio", **started}


def _entry(value: Any) -> ServerEntry | None:
    if not isinstance(value, dict) or not isinstance(value.get("command"), str):
        return None
    arguments = value.get("args", [])
    return ServerEntry(value["command"], tuple(map(str, arguments)) if isinstance(arguments, list) else ())


def _hooks_edit(place: Place, *, remove: bool) -> Edit:
    wanted = {} if remove else {
        event: _handler(place, guarded=guarded) for event, guarded in HOOKS[place.client].items()
    }  # fmt: skip
    name = str(place.hooks_file)

    def edit(text: str) -> str:
        parsed = json_text.parse(text, name)
        present = _our_hooks(_at(parsed, ("hooks",), name))
        if {event: handler for event, _, handler in present} == wanted and len(present) == len(wanted):
            return text
        for _, hook_path, _ in reversed(present):
            text = json_text.take_out(text, ("hooks", *hook_path))
        if wanted and place.client is Client.CURSOR and "version" not in parsed:
            text = json_text.put(text, ("version",), 1)
        for event, handler in wanted.items():
            there = _at(json_text.parse(text, name), ("hooks", event), name)
            if not isinstance(there, list | None):
                raise InvalidData(f"{name}: hooks.{event} is no list.", "Repair it; nothing was written.")
            entry = handler if place.client is Client.CURSOR else {"hooks": [handler]}
            text = json_text.put(text, ("hooks", event, len(there or ())), entry)
        return _nothing_left(text, json_text.parse, name) if remove else text

    return edit


def _handler(place: Place, *, guarded: bool) -> dict[str, Any]:
    started = {"command": commands.hook(place.client, guarded=guarded), "timeout": commands.HOOK_SECONDS}
    return started if place.client is Client.CURSOR else {"type": "command", **started}


def _our_hooks(hooks: Any) -> list[tuple[str, tuple[json_text.Key, ...], dict[str, Any]]]:
    """Our hooks below `hooks`: event, path from there, what stands there. Cursor lists them, the others group them."""
    found: list[tuple[str, tuple[json_text.Key, ...], dict[str, Any]]] = []
    for event, entries in hooks.items() if isinstance(hooks, dict) else ():
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            inner = entry.get("hooks") if isinstance(entry, dict) else None
            nested = [(("hooks", at), each) for at, each in enumerate(inner)] if isinstance(inner, list) else []
            for more, each in [((), entry), *nested]:
                if isinstance(each, dict) and commands.hook_words(each.get("command")):
                    found.append((event, (event, index, *more), each))
    return found


def _at(value: Any, path: Sequence[json_text.Key], name: str = "") -> Any:
    """What stands at a path of a parsed value; None if nothing does.

    Raises:
        InvalidData: something on the way is no object, in the file `name`, if one is given.
    """
    for depth, key in enumerate(path):
        if not isinstance(value, dict):
            if name:
                where = ".".join(map(str, path[:depth])) or "its content"
                raise InvalidData(f"{name}: {where} is no object.", "Repair it; nothing was written.")
            return None
        if key not in value:
            return None
        value = value[key]
    return value


def _nothing_left(text: str, parse: Callable[[str, str], Any], name: str) -> str:
    """The text, or none where it holds nothing any more but the number of its form."""
    return "" if set(parse(text, name)) <= {"version"} else text
