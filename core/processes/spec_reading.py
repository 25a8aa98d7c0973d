"""The keys of a process in room.yaml: which there are, what each is if left out, and what must hold between them."""

from collections.abc import Mapping
from typing import Any, Final

from ruamel.yaml.nodes import Node

from core.processes.dependency_reading import dependencies_of
from core.processes.timed_reading import probe_of, restart_of
from core.processes.value_reading import (
    agent_name,
    backend_of,
    command_of,
    inside,
    labels_of,
    regex_of,
    signal_of,
    size_of,
)  # fmt: skip
from core.processes.yaml_reading import Entries, Problems, flag, is_empty, number, one_of, several, text, whole
from storage import Backend, LogSettings, ProcessKind, Restart

KEYS: Final = (
    "name", "command", "kind", "agent", "cwd", "env", "env_file", "backend", "autostart", "instances", "restart",
    "stop_signal", "stop_grace", "depends_on", "readiness", "liveness", "log", "capacity", "labels", "restartable",
)  # fmt: skip
"""What a process may have."""

INSTANCE_LIMIT: Final = 64
CAPACITY_LIMIT: Final = 64

INSTANCES: Final = whole(1, INSTANCE_LIMIT)

_NO_COMMAND: Final[tuple[tuple[str, ...], str | None]] = ((), None)
_NO_WORDS: Final[tuple[str, ...]] = ()
_NO_NAMES: Final[Mapping[str, str]] = {}


def spec_fields(entries: Entries, name: str, root: str | None, problems: Problems) -> dict[str, Any]:
    """The fields of the spec that an entry declares, but its environment."""
    kind = ProcessKind(entries.read("kind", one_of(ProcessKind, what="kind"), str(ProcessKind.SERVICE)))
    command, shell = entries.read("command", command_of, _NO_COMMAND)
    has_command = (node := entries.value("command")) is not None and not is_empty(node)
    if kind is ProcessKind.WORKER and has_command:
        problems.note(
            entries.key("command"), "A worker has no command: it runs those of tasks.", "Take `command` away."
        )
    elif kind is not ProcessKind.WORKER and not has_command:
        problems.note(
            entries.key("command"), f"{name or 'The process'} has no command.", "Add `command: …`, or `kind: worker`."
        )
    agent = entries.read("agent", agent_name, None)
    if kind is not ProcessKind.AGENT and "agent" in entries:
        problems.note(entries.key("agent"), f"A {kind} is no agent.", "Add `kind: agent`, or take `agent` away.")
    if kind is ProcessKind.SERVICE and "capacity" in entries:
        problems.note(
            entries.key("capacity"), "A service takes no tasks.", "Take `capacity` away, or set `kind: worker`."
        )
    return {
        "command": command,
        "shell": shell,
        "kind": kind,
        "agent": (agent or name or None) if kind is ProcessKind.AGENT else None,
        "cwd": entries.read("cwd", lambda node: inside(node, text(node), root, "directory"), "."),
        "env_file": entries.read("env_file", lambda node: inside(node, text(node), root, "file"), None),
        "backend": Backend(entries.read("backend", backend_of, str(Backend.LOCAL))),
        "autostart": entries.read("autostart", flag, True),
        "restart": entries.read("restart", lambda node: restart_of(node, problems), Restart()),
        "stop_signal": entries.read("stop_signal", signal_of, "SIGTERM"),
        "stop_grace_seconds": entries.read("stop_grace", number(0, 3600, "seconds"), 10.0),
        "depends_on": entries.read("depends_on", lambda node: dependencies_of(node, problems), _NO_NAMES),
        "readiness": entries.read("readiness", lambda node: probe_of(node, problems, is_liveness=False), None),
        "liveness": entries.read("liveness", lambda node: probe_of(node, problems, is_liveness=True), None),
        "log": entries.read("log", lambda node: _log(node, problems), LogSettings()),
        "capacity": entries.read("capacity", whole(1, CAPACITY_LIMIT), 1),
        "labels": entries.read("labels", lambda node: labels_of(node, problems), _NO_WORDS),
        "is_restartable": entries.read("restartable", flag, False),
    }


def _log(node: Node, problems: Problems) -> LogSettings:
    entries = Entries(node, "log", ("max_bytes", "files", "alert_on"), problems)
    default = LogSettings()
    return LogSettings(
        max_bytes=entries.read("max_bytes", size_of, default.max_bytes),
        files=entries.read("files", whole(1, 1000), default.files),
        alert_on=entries.read("alert_on", several(regex_of, most=100, what="expressions"), default.alert_on),
    )
