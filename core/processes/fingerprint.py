"""Whether a process would be started with other variables than it was: its env_file and its secrets, by their hash.

A salted hash lies in the runner's folder, as long as that process lives (which has the values in its own environment);
the store never sees it.
"""

import hashlib
import secrets
from collections.abc import Mapping
from pathlib import Path

from core.processes.environment import own_environment
from core.processes.launching import read_note, runner_folder
from storage import Home, ParallelError, Process, ProcessState, Room

UP = (ProcessState.RUNNING, ProcessState.READY, ProcessState.UNHEALTHY)


def fingerprint(own: Mapping[str, str], salt: str | None = None) -> dict[str, str]:
    """What to note of a process's own variables."""
    salt = salt or secrets.token_hex(16)
    told = repr((salt, sorted(own.items()))).encode()
    return {"salt": salt, "environment": hashlib.sha256(told).hexdigest()}


def reads_more(process: Process) -> bool:
    """Whether a process gets variables whose values its declaration in the store does not hold."""
    return process.spec.env_file is not None or bool(process.spec.secret_env)


def has_other_environment(
    home: Home, process: Process, room: Room, declared_secrets: Mapping[str, str] | None = None
) -> bool:
    """Whether a process that is up would get other variables if it were started now. Reads files.

    Args:
        declared_secrets: what room.yaml says now; those of the approved content if omitted.
    """
    if not reads_more(process) or process.state not in UP or process.runner is None:
        return False
    return differs(runner_folder(home, process.id, process.runner), process, room, declared_secrets)


def differs(folder: Path, process: Process, room: Room, declared_secrets: Mapping[str, str] | None = None) -> bool:
    """Whether a process under the runner of a folder was started with other variables; no, where it cannot be told."""
    noted = read_note(folder)
    salt, environment = noted.get("salt"), noted.get("environment")
    if not isinstance(salt, str) or not isinstance(environment, str):
        return False
    try:
        own = own_environment(process, room, declared_secrets)
    except ParallelError:  # what is broken or gone would start nothing; what runs goes on
        return False
    return fingerprint(own, salt)["environment"] != environment
