"""A process as an entry of room.yaml would say it: how one that is added or edited by command goes through the same
rules, and how what is stored is shown in the words in which it is written."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from core.errors import InvalidData
from core.processes.declaration import BrokenDeclarations, Declared, read_entry
from core.processes.secrets import looks_secret
from storage import LogSettings, Probe, ProcessKind, ProcessSpec, Restart, Room

_RESTART_KEYS: Final = {
    "policy": "policy", "first_delay_seconds": "first_delay", "longest_delay_seconds": "longest_delay",
    "steady_seconds": "steady", "limit": "limit", "window_seconds": "window", "success_codes": "success_codes",
}  # fmt: skip
_PROBE_KEYS: Final = {
    "exec": "exec", "http": "http", "tcp": "tcp", "log_line": "log_line", "delay_seconds": "delay",
    "interval_seconds": "interval", "timeout_seconds": "timeout", "failures": "failures", "successes": "successes",
}  # fmt: skip
_LOG_KEYS: Final = {"max_bytes": "max_bytes", "files": "files", "alert_on": "alert_on"}


def entry_of(spec: ProcessSpec) -> dict[str, Any]:
    """The keys with which room.yaml would declare a spec; what stands at its default is left out."""
    entry: dict[str, Any] = {}
    if spec.kind is not ProcessKind.WORKER:
        entry["command"] = spec.shell if spec.shell is not None else list(spec.command)
    default = ProcessSpec()
    plain = {
        "kind": spec.kind, "agent": spec.agent, "cwd": spec.cwd, "env_file": spec.env_file, "backend": spec.backend,
        "autostart": spec.autostart, "stop_signal": spec.stop_signal, "capacity": spec.capacity,
    }  # fmt: skip
    entry.update({key: _plain(value) for key, value in plain.items() if value != getattr(default, key)})
    if spec.stop_grace_seconds != default.stop_grace_seconds:
        entry["stop_grace"] = spec.stop_grace_seconds
    if spec.is_restartable:
        entry["restartable"] = True
    for key, value in (("env", spec.env), ("depends_on", spec.depends_on)):
        if value:
            entry[key] = {name: str(each) for name, each in value.items()}
    if spec.labels:
        entry["labels"] = list(spec.labels)
    for key, part, keys, base in (
        ("restart", spec.restart, _RESTART_KEYS, Restart()),
        ("readiness", spec.readiness, _PROBE_KEYS, Probe()),
        ("liveness", spec.liveness, _PROBE_KEYS, Probe()),
        ("log", spec.log, _LOG_KEYS, LogSettings()),
    ):
        if part is not None and (told := _differing(part, base, keys)):
            entry[key] = told
    return entry


def read_added(name: str, entry: Mapping[str, Any], room: Room, others: Mapping[str, ProcessSpec]) -> Declared:
    """What an entry declares that came from a command, not from room.yaml.

    Args:
        others: what else there is, which it may depend on.

    Raises:
        InvalidData: the entry would be refused in room.yaml too, or it holds a secret, which would be stored.
    """
    for variable, value in entry.get("env", {}).items():
        if looks_secret(variable, value):
            raise InvalidData(
                f"{variable} looks like a secret, and what is added by command is stored.",
                "Write it into a file in the room, out of git, and name that with --env-file.",
            )
    try:
        return read_entry({"name": name, **entry}, room.root, others)
    except BrokenDeclarations as error:
        first = error.problems[0]
        raise InvalidData(first.message, first.hint) from error


def _differing(part: Any, base: Any, keys: Mapping[str, str]) -> dict[str, Any]:
    told = {}
    for each in fields(part):
        value = getattr(part, each.name)
        if value != getattr(base, each.name):
            told[keys[each.name]] = _plain(value)
    return told


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)
