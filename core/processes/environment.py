"""What a process is started with: its argument list, its directory inside the room, its environment with secrets."""

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from core.doors.identity import AGENT_VARIABLE, ROOM_VARIABLE, without_agent
from core.errors import ProcessFailed
from core.processes.declaration import approved_secrets
from storage import HOME_VARIABLE, Home, ParallelError, Process, ProcessKind, Room

_OWN_PREFIX: Final = "WZP_"
_OF_ANOTHER_TERMINAL: Final = ("TMUX", "TMUX_PANE", "WEZTERM_PANE", "STY", "WINDOW", "LINES", "COLUMNS")
"""What tells of the terminal in which the host happens to run; the process has another."""

TERMINAL: Final = "xterm-256color"
"""What a runner's pseudo-terminal is understood as when it is shown."""

_ASSIGNMENT: Final = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")

ENV_FILE_LIMIT: Final = 1_000_000


def base_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The host's environment without what tells of agents, of ourselves and of the host's own terminal."""
    kept = without_agent(environment)
    return {
        name: value
        for name, value in kept.items()
        if not name.startswith(_OWN_PREFIX) and name not in _OF_ANOTHER_TERMINAL
    }


def environment_of(process: Process, room: Room, home: Home, own: Mapping[str, str] | None = None) -> dict[str, str]:
    """All variables of a process: those around it, what it declares, and who it is.

    Args:
        own: what it declares, where that has been read already.

    Raises:
        ParallelError: the env_file cannot be read, or the secrets are not in a room.yaml that was approved.
    """
    around = base_environment(os.environ) | {"TERM": TERMINAL, HOME_VARIABLE: str(home.path)}
    declared = own_environment(process, room) if own is None else own
    is_agent = process.spec.kind is ProcessKind.AGENT and process.spec.agent is not None
    identity = {AGENT_VARIABLE: process.spec.agent or "", ROOM_VARIABLE: room.name} if is_agent else {}
    return {**around, **declared, **identity}


def own_environment(process: Process, room: Room, declared_secrets: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables that a process declares, the later ones over the earlier: env_file, env, secrets.

    Args:
        declared_secrets: the secrets by name; those of the approved room.yaml if omitted.

    Raises:
        ParallelError: the env_file cannot be read, or the secrets are not in a room.yaml that was approved.
    """
    spec = process.spec
    found = {} if spec.env_file is None else read_env_file(inside(room, spec.env_file, "env_file"))
    found |= spec.env
    if spec.secret_env:
        secrets = approved_secrets(room, process.declared_name) if declared_secrets is None else declared_secrets
        missing = [name for name in spec.secret_env if name not in secrets]
        if missing:
            raise ProcessFailed(
                f"The secret variable {missing[0]} of {process.declared_name} is not in room.yaml any more.",
                "Approve the present room.yaml with `wzp room trust`.",
            )
        found |= {name: secrets[name] for name in spec.secret_env}
    return found


def arguments_of(process: Process) -> tuple[str, ...]:
    """The argument list that runs a process."""
    spec = process.spec
    if spec.kind is ProcessKind.WORKER:
        from core.dispatch import WORKER_ARGV

        return WORKER_ARGV
    return ("/bin/sh", "-c", spec.shell) if spec.shell is not None else spec.command


def directory_of(process: Process, room: Room) -> Path:
    """The directory in which a process runs.

    Raises:
        ProcessFailed: it is missing, no directory, or outside the room.
    """
    path = inside(room, process.spec.cwd, "cwd")
    if not path.is_dir():
        raise ProcessFailed(f"The cwd {process.spec.cwd!r} is no directory.", "Name one inside the room.")
    return path


def inside(room: Room, relative: str, what: str) -> Path:
    """A path of the room, with every link followed.

    Raises:
        ProcessFailed: it is not there, or leads out of the room's root.
    """
    root = Path(room.root)
    try:
        resolved_root = root.resolve(strict=True)
        path = (resolved_root / relative).resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ProcessFailed(
            f"The {what} {relative!r} is not in {root}: {why}.",
            "Create it, or name another: in room.yaml, or by `wzp process edit`.",
        ) from error
    if not path.is_relative_to(resolved_root):
        raise ProcessFailed(
            f"The {what} {relative!r} leads to {path}, outside the room {root}.", "Name one inside the room."
        )
    return path


def read_env_file(path: Path) -> dict[str, str]:
    """The assignments of an env file: `NAME=value` a line, `export` before it or not, quotes as in a shell, `#`.

    Nothing is expanded. Values are used and forgotten.

    Raises:
        ProcessFailed: it cannot be read, or a line is none of these; the value is not told.
    """
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ProcessFailed(f"The env file {path} is no plain file.", "Name one.")
            content = file.read(ENV_FILE_LIMIT + 1).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ProcessFailed(f"The env file {path} cannot be read: {error}.", "Mend it, or name another.") from error
    if len(content) > ENV_FILE_LIMIT:
        raise ProcessFailed(f"The env file {path} is larger than {ENV_FILE_LIMIT:,} bytes.", "Write less into it.")
    found: dict[str, str] = {}
    for number, line in enumerate(content.splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        match = _ASSIGNMENT.fullmatch(text)
        value = _unquoted(match[2]) if match else None
        if match is None or value is None or "\0" in value:
            raise ProcessFailed(
                f"Line {number} of the env file {path} is no NAME=value.", "Write one assignment a line."
            )
        found[match[1]] = value
    return found


def _without_waiting(path: str, flags: int) -> int:
    """A pipe without a writer would hold up whoever reads it: a transaction, among others."""
    return os.open(path, flags | os.O_NONBLOCK)


def _unquoted(text: str) -> str | None:
    """A value without its quotes and without a comment after it; None where a quote is not closed."""
    if text[:1] == "'":
        value, closed, rest = text[1:].partition("'")
    elif text[:1] == '"':
        match = re.match(r'"((?:[^"\\]|\\.)*)"', text)
        if match is None:
            return None
        escapes = {"n": "\n", "t": "\t", "r": "\r"}
        value = re.sub(r"\\(.)", lambda found: escapes.get(found[1], found[1]), match[1])
        closed, rest = '"', text[match.end() :]
    else:
        return re.split(r"\s+#", text)[0].strip() if not text.startswith("#") else ""
    is_whole = bool(closed) and (not rest.strip() or rest.strip().startswith("#"))
    return value if is_whole else None


def as_reason(error: ParallelError) -> str:
    """An error as a process's reason: one line, with what to do."""
    return " ".join(f"{error} {error.hint}".split())
