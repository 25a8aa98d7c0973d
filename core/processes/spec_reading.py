"""The keys of a process in room.yaml: how each is read, and what must hold between them."""

import re
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from core.processes.yaml_reading import (
    Entries,
    Invalid,
    Problems,
    flag,
    is_empty,
    items,
    number,
    one_of,
    several,
    text,
    whole,
)  # fmt: skip
from storage import Backend, Condition, LogSettings, Probe, ProcessKind, ProcessSpec, Restart, RestartPolicy

KEYS: Final = (
    "name", "command", "kind", "agent", "cwd", "env", "env_file", "backend", "autostart", "instances", "restart",
    "stop_signal", "stop_grace", "depends_on", "readiness", "liveness", "log", "capacity", "labels", "restartable",
)  # fmt: skip
"""What a process may have."""

NAME_LIMIT: Final = 60
INSTANCE_LIMIT: Final = 64
CAPACITY_LIMIT: Final = 64
DAY_S: Final = 86_400

_NAME: Final = re.compile(r"[^\W_][\w-]*")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED: Final = frozenset({"none", "all"})
_OURS: Final = frozenset({"WZP_RUNNER", "WZP_RUNNER_FOLDER", "WZP_RUN", "WZP_SESSION_TOKEN"})
"""Variables by which we find what belongs to a process again."""

STOP_SIGNALS: Final = ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGABRT", "SIGKILL")

_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(B|kB|KB|MB|GB|KiB|MiB|GiB)?")
_UNITS: Final = {
    None: 1, "B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30,
}  # fmt: skip
LEAST_LOG: Final = 10_000
MOST_LOG: Final = 10**12

INSTANCES: Final = whole(1, INSTANCE_LIMIT)

_NO_COMMAND: Final[tuple[tuple[str, ...], str | None]] = ((), None)
_NO_WORDS: Final[tuple[str, ...]] = ()
_NO_NAMES: Final[Mapping[str, str]] = {}

_PROBE_KINDS: Final = ("exec", "http", "tcp", "log_line", "log-line")


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
    agent = entries.read("agent", _agent_name, None)
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
        "backend": Backend(entries.read("backend", _backend, str(Backend.LOCAL))),
        "autostart": entries.read("autostart", flag, True),
        "restart": entries.read("restart", lambda node: restart_of(node, problems), Restart()),
        "stop_signal": entries.read("stop_signal", signal_of, "SIGTERM"),
        "stop_grace_seconds": entries.read("stop_grace", number(0, 3600, "seconds"), 10.0),
        "depends_on": entries.read("depends_on", lambda node: _dependencies(node, problems), _NO_NAMES),
        "readiness": entries.read("readiness", lambda node: _probe(node, problems, is_liveness=False), None),
        "liveness": entries.read("liveness", lambda node: _probe(node, problems, is_liveness=True), None),
        "log": entries.read("log", lambda node: _log(node, problems), LogSettings()),
        "capacity": entries.read("capacity", whole(1, CAPACITY_LIMIT), 1),
        "labels": entries.read("labels", lambda node: _labels(node, problems), _NO_WORDS),
        "is_restartable": entries.read("restartable", flag, False),
    }


def name_in(node: Node, name: str) -> str:
    """A process's name, checked.

    Raises:
        Invalid: it is none.
    """
    if not _NAME.fullmatch(name) or len(name) > NAME_LIMIT or name in _RESERVED or name.startswith("prc_"):
        raise Invalid(
            node, f"{name[:80]!r} is no name of a process.",
            f"Use up to {NAME_LIMIT} letters, digits, `-` and `_`, beginning with a letter or digit.",
        )  # fmt: skip
    return name


def command_of(node: Node) -> tuple[tuple[str, ...], str | None]:
    """A command as argument list and shell line, of which one is empty."""
    if isinstance(node, SequenceNode):
        arguments = tuple(text(each) for each in node.value)
        if not arguments or not arguments[0]:
            raise Invalid(node, "The command is empty.", "Write the program and its arguments.")
        return arguments, None
    if isinstance(node, MappingNode):
        raise Invalid(node, "A command is a text or a list, not a mapping.", "Quote a text that has `: ` in it.")
    line = text(node)
    if not line.strip():
        raise Invalid(node, "The command is empty.", "Write a shell line, or a list of arguments.")
    return (), line


def environment(node: Node, problems: Problems) -> dict[str, str]:
    """The variables of a mapping, each as it was written."""
    found = {}
    for name, key, value in items(node, problems):
        if not _VARIABLE.fullmatch(name):
            problems.note(
                key, f"{name[:80]!r} is no name of a variable.", "Use letters, digits and `_`, no digit first."
            )
        elif name in _OURS:
            problems.note(key, f"{name} is set by us.", "Take it away.")
        else:
            found[name] = "" if is_empty(value) else problems.take(text, value, "")
    return found


def inside(node: Node, path: str, root: str | None, what: str) -> str:
    """A path in the room, relative to its root.

    Raises:
        Invalid: it is absolute or lies outside, also through a link.
    """
    fault = outside(path, root)
    if fault:
        raise Invalid(node, f"The {what} {path[:200]!r} {fault}.", f"Name a {what} in the room, relative to its root.")
    return path


def outside(path: str, root: str | None) -> str | None:
    """What is wrong with a path that shall lie in the room; None if nothing is."""
    if not path.strip():
        return "is empty"
    if path.startswith(("/", "~")):
        return "is absolute"
    depth = 0
    for part in Path(path).parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
            return "lies outside the room"
    if root is not None:
        try:
            if not (Path(root) / path).resolve().is_relative_to(Path(root).resolve()):
                return "leads out of the room through a link"
        except (OSError, RuntimeError):
            return "leads nowhere"
    return None


def signal_of(node: Node) -> str:
    """The name of a signal, with or without SIG."""
    word = text(node).strip().upper()
    name = word if word.startswith("SIG") else f"SIG{word}"
    if name not in STOP_SIGNALS:
        raise Invalid(node, f"{text(node)[:60]!r} is no signal to stop by.", f"Write one of {', '.join(STOP_SIGNALS)}.")
    return name


def restart_of(node: Node, problems: Problems) -> Restart:
    """A policy's word, or a mapping with its numbers."""
    policy = one_of(RestartPolicy, what="restart policy")

    def word(each: Node) -> RestartPolicy:
        try:
            return RestartPolicy(policy(each))
        except Invalid as error:
            aliases = {"no": "never", "false": "never", "true": "always", "yes": "always", "unless-stopped": "always"}
            if meant := aliases.get(text(each).lower()):
                raise Invalid(each, error.message, f"Did you mean {meant!r}?") from error
            raise

    if not isinstance(node, MappingNode):
        return Restart(policy=word(node))
    default = Restart()
    read = _Seconds(node, "restart", ("policy", "limit", "success_codes"),
                    ("first_delay", "longest_delay", "steady", "window"), problems)  # fmt: skip
    codes = several(whole(0, 255), most=256, what="exit codes")
    restart = Restart(
        policy=read.entries.read("policy", word, default.policy),
        first_delay_seconds=read("first_delay", number(0.01, DAY_S, "seconds"), default.first_delay_seconds),
        longest_delay_seconds=read("longest_delay", number(0.01, DAY_S, "seconds"), default.longest_delay_seconds),
        steady_seconds=read("steady", number(0, DAY_S, "seconds"), default.steady_seconds),
        limit=read.entries.read("limit", whole(0, 100_000), default.limit),
        window_seconds=read("window", number(1, DAY_S, "seconds"), default.window_seconds),
        success_codes=tuple(sorted(set(read.entries.read("success_codes", codes, default.success_codes)))),
    )
    if restart.longest_delay_seconds < restart.first_delay_seconds:
        problems.note(node, "The longest delay is shorter than the first.", "Make `longest_delay` the greater one.")
    return restart


class _Seconds:
    """A mapping in which each time may carry its unit: `interval` or `interval_seconds`, not both."""

    def __init__(
        self, node: Node, what: str, plain: tuple[str, ...], timed: tuple[str, ...], problems: Problems
    ) -> None:
        long = tuple(f"{name}_seconds" for name in timed)
        self.entries = Entries(node, what, (*plain, *timed, *long), problems)
        for short, full in zip(timed, long, strict=True):
            if short in self.entries and full in self.entries:
                problems.note(self.entries.key(full), f"{short!r} stands there already.", f"Take {full!r} away.")

    def __call__(self, name: str, reader: Any, default: float) -> float:
        value: float = self.entries.read(name, reader, self.entries.read(f"{name}_seconds", reader, default))
        return value


def _probe(node: Node, problems: Problems, *, is_liveness: bool) -> Probe | None:
    what = "liveness" if is_liveness else "readiness"
    read = _Seconds(
        node, what, (*_PROBE_KINDS, "failures", "successes"), ("delay", "interval", "timeout"), problems
    )  # fmt: skip
    kinds = [name for name in read.entries.names() if name in _PROBE_KINDS]
    if len(kinds) != 1:
        told = f"has {' and '.join(kinds)}" if kinds else "does not say what to ask"
        raise Invalid(node, f"The {what} {told}.", "Give exactly one of exec, http, tcp, log_line.")
    if is_liveness and kinds[0].startswith("log"):
        raise Invalid(
            read.entries.key(kinds[0]), "A line of output tells when a process is ready, not whether it lives.",
            "Use exec, http or tcp for liveness, or put it under `readiness`.",
        )  # fmt: skip
    default = Probe()
    asked: dict[str, Any] = {
        "exec": read.entries.read("exec", _probe_command, _NO_WORDS),
        "http": read.entries.read("http", url_of, None),
        "tcp": read.entries.read("tcp", address_of, None),
        "log_line": read.entries.read("log_line", regex_of, read.entries.read("log-line", regex_of, None)),
    }
    return Probe(
        **asked,
        delay_seconds=read("delay", number(0, 3600, "seconds"), default.delay_seconds),
        interval_seconds=read("interval", number(0.1, 3600, "seconds"), default.interval_seconds),
        timeout_seconds=read("timeout", number(0.05, 600, "seconds"), default.timeout_seconds),
        failures=read.entries.read("failures", whole(1, 1000), default.failures),
        successes=read.entries.read("successes", whole(1, 1000), default.successes),
    )


def _probe_command(node: Node) -> tuple[str, ...]:
    arguments, shell = command_of(node)
    return arguments if shell is None else ("/bin/sh", "-c", shell)


def url_of(node: Node) -> str:
    """A URL of http or https with a host."""
    url = text(node)
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_url = False
    if not is_url or any(character.isspace() for character in url):
        raise Invalid(node, f"{url[:200]!r} is no http URL.", "Write one such as http://127.0.0.1:3000/health.")
    return url


def address_of(node: Node) -> str:
    """`host:port`; a port alone is one of this machine."""
    written = text(node).strip()
    host, _, port = written.rpartition(":")
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536) or any(each.isspace() for each in host):
        raise Invalid(node, f"{written[:200]!r} is no address.", "Write host:port, such as 127.0.0.1:5432.")
    return f"{host or '127.0.0.1'}:{int(port)}"


def regex_of(node: Node) -> str:
    """A regular expression."""
    pattern = text(node)
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise Invalid(
            node, f"{pattern[:200]!r} is no regular expression: {error}.", "Mend it, or escape its signs with `\\`."
        ) from error
    if not pattern:
        raise Invalid(node, "The expression is empty.", "Write what a line must have in it.")
    return pattern


def _log(node: Node, problems: Problems) -> LogSettings:
    entries = Entries(node, "log", ("max_bytes", "files", "alert_on"), problems)
    default = LogSettings()
    return LogSettings(
        max_bytes=entries.read("max_bytes", size_of, default.max_bytes),
        files=entries.read("files", whole(1, 1000), default.files),
        alert_on=entries.read("alert_on", several(regex_of, most=100, what="expressions"), default.alert_on),
    )


def size_of(node: Node) -> int:
    """A number of bytes, plain or as `10MB`."""
    match = _SIZE.fullmatch(text(node).strip().replace("_", ""))
    size = int(float(match[1]) * _UNITS[match[2]]) if match else -1
    if not LEAST_LOG <= size <= MOST_LOG:
        raise Invalid(node, f"{text(node)[:60]!r} is no size of a log.", "Write 10MB, 500KiB, or bytes from 10,000.")
    return size


def _labels(node: Node, problems: Problems) -> tuple[str, ...]:
    if isinstance(node, MappingNode):
        pairs = ((key, text(value)) for _, key, value in items(node, problems))
        return tuple(_label(key, f"{text(key)}={value}") for key, value in pairs)
    labels = several(lambda each: _label(each, text(each)), most=64, what="labels")(node)
    return tuple(dict.fromkeys(labels))


def _label(node: Node, label: str) -> str:
    if not label.strip() or len(label) > 60 or label.startswith("@") or re.search(r"[\s,\x00-\x1f\x7f-\x9f]", label):
        raise Invalid(
            node, f"{label[:80]!r} is no label.", "Use up to 60 characters, no space, no comma, no leading @."
        )
    return label


def _agent_name(node: Node) -> str:
    name = text(node).strip()
    if not name or len(name) > 60 or re.search(r"[\x00-\x1f\x7f-\x9f]", name) or name in ("me", "nobody", "none"):
        raise Invalid(node, f"{name[:80]!r} is no agent's name.", "Name an agent, such as `wzp agent list` shows.")
    return name


def _backend(node: Node) -> str:
    word = one_of(Backend, what="backend")(node)
    if word == Backend.WEZTERM:
        raise Invalid(node, "Processes in panes of WezTerm come with the layouts.", "Write local or tmux.")
    return word


def _dependencies(node: Node, problems: Problems) -> Mapping[str, str]:
    condition = one_of(Condition, what="condition")
    if not isinstance(node, MappingNode):
        return dict.fromkeys(several(text, most=100, what="names")(node), str(Condition.STARTED))

    def of(value: Node) -> str:
        if is_empty(value):
            return str(Condition.STARTED)
        if isinstance(value, MappingNode):
            inner = Entries(value, "dependency", ("condition",), problems)
            return inner.read("condition", of, str(Condition.STARTED))
        try:
            return condition(value)
        except Invalid as error:
            names = ", ".join(Condition)
            raise Invalid(value, error.message, f"Write one of {names}.") from error

    return {name: problems.take(of, value, str(Condition.STARTED)) for name, _, value in items(node, problems)}


def check_dependencies(name: str, entries: Entries, specs: Mapping[str, ProcessSpec], problems: Problems) -> None:
    """Note which dependencies of a process are not there, or can never fulfil their condition."""
    node = entries.value("depends_on")
    for need, condition in specs[name].depends_on.items():
        place = _place_of(need, node) or entries.key("depends_on")
        if need not in specs:
            known = ", ".join(each for each in specs if each != name)
            problems.note(place, f"{name} depends on {need!r}, which is not there.",
                          f"There are: {known}." if known else "Declare it too.")  # fmt: skip
        elif condition == Condition.HEALTHY and specs[need].readiness is None:
            problems.note(
                place, f"{name} waits until {need} is healthy, and nothing tells that.",
                f"Give {need} a `readiness`, or wait for `started`.",
            )  # fmt: skip
        elif condition.startswith(Condition.COMPLETED) and specs[need].restart.policy is RestartPolicy.ALWAYS:
            problems.note(
                place, f"{name} waits until {need} is completed, and that is always started again.",
                f"Give {need} another restart policy, or wait for `started`.",
            )  # fmt: skip


def _place_of(name: str, node: Node | None) -> Node | None:
    if isinstance(node, MappingNode):
        return next((key for key, _ in node.value if key.value == name), None)
    nodes = node.value if isinstance(node, SequenceNode) else [node]
    return next((each for each in nodes if each is not None and each.value == name), None)


def check_cycles(specs: Mapping[str, ProcessSpec], places: Mapping[str, Entries], problems: Problems) -> None:
    """Note a cycle among the dependencies."""
    graph = {name: [need for need in spec.depends_on if need in specs] for name, spec in specs.items()}
    if (cycle := cycle_in(graph)) is None:
        return
    first = min((name for name in cycle[:-1] if name in places), key=list(specs).index, default=cycle[0])
    if first not in places:  # among others that were there before
        return
    turned = [*cycle[:-1][cycle.index(first) :], *cycle[:-1][: cycle.index(first)], first]
    problems.note(
        places[first].key("depends_on"), f"These wait for each other: {' → '.join(turned)}.",
        "Take one of these dependencies away.",
    )  # fmt: skip


def cycle_in(graph: Mapping[str, Any]) -> list[str] | None:
    """A cycle of what needs what: each needs the next, the last is the first again; None if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return None
