"""Single values of a room.yaml: names, commands, paths in the room, signals, addresses, expressions, sizes, labels."""

import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from core.processes.yaml_reading import Invalid, Problems, is_empty, items, one_of, several, text
from storage import Backend

NAME_LIMIT: Final = 60

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
LONGEST_EXPRESSION: Final = 1_000
"""Characters: what is longer can take minutes to be compiled."""
MOST_LOG: Final = 10**12


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
    if len(pattern) > LONGEST_EXPRESSION:
        raise Invalid(
            node, f"The expression that begins with {pattern[:60]!r} has {len(pattern)} characters.",
            f"Write at most {LONGEST_EXPRESSION}.",
        )  # fmt: skip
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise Invalid(
            node, f"{pattern[:200]!r} is no regular expression: {error}.", "Mend it, or escape its signs with `\\`."
        ) from error
    if not pattern:
        raise Invalid(node, "The expression is empty.", "Write what a line must have in it.")
    return pattern


def size_of(node: Node) -> int:
    """A number of bytes, plain or as `10MB`."""
    match = _SIZE.fullmatch(text(node).strip().replace("_", ""))
    size = int(float(match[1]) * _UNITS[match[2]]) if match else -1
    if not LEAST_LOG <= size <= MOST_LOG:
        raise Invalid(node, f"{text(node)[:60]!r} is no size of a log.", "Write 10MB, 500KiB, or bytes from 10,000.")
    return size


def labels_of(node: Node, problems: Problems) -> tuple[str, ...]:
    """Words, or a mapping whose pairs become `name=value`."""
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


def agent_name(node: Node) -> str:
    """The name of an agent."""
    name = text(node).strip()
    if not name or len(name) > 60 or re.search(r"[\x00-\x1f\x7f-\x9f]", name) or name in ("me", "nobody", "none"):
        raise Invalid(node, f"{name[:80]!r} is no agent's name.", "Name an agent, such as `wzp agent list` shows.")
    return name


def backend_of(node: Node) -> str:
    """The name of a backend that there is in this version."""
    word = one_of(Backend, what="backend")(node)
    if word == Backend.WEZTERM:
        raise Invalid(node, "Processes in panes of WezTerm come with the layouts.", "Write local or tmux.")
    return word
