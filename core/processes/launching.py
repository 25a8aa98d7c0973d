"""A runner's folder and what goes into it: where it lies, what it was launched of, what its status says."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from core.processes.environment import arguments_of, directory_of, environment_of
from core.processes.happenings import RunnerState, Sight
from core.processes.link import Launch, RunnerStatus
from core.processes.unit import launch_digest
from storage import Home, Process, ProcessId, Room

LAUNCHED: Final = "launched"
"""The file in a runner's folder that says what it was launched of, for the host after this one."""


def runner_folder(home: Home, process: ProcessId, runner: str) -> Path:
    """Where a runner lives."""
    return home.run / "processes" / process / runner


def output_folder(home: Home, process: ProcessId) -> Path:
    """Where a process's output is kept."""
    return home.logs / "processes" / process


def launch_of(process: Process, room: Room, home: Home, runner: str, token: int, own: Mapping[str, str]) -> Launch:
    """All that a runner needs to start a process.

    Args:
        own: the variables that it declares (`own_environment`).

    Raises:
        ParallelError: the directory, the environment or the secrets are not to be had.
    """
    spec = process.spec
    return Launch(
        process=process.id,
        folder=runner_folder(home, process.id, runner),
        argv=arguments_of(process),
        cwd=directory_of(process, room),
        env=environment_of(process, room, home, own),
        output=output_folder(home, process.id),
        max_bytes=spec.log.max_bytes,
        files=spec.log.files,
        stop_signal=spec.stop_signal,
        grace_s=spec.stop_grace_seconds,
        token=token,
        title=process.name,
        room=room.name,
    )


def note_launched(folder: Path, process: Process, fingerprint: Mapping[str, str]) -> None:
    """Leave word of what a runner was launched of. Where it cannot be left, a later host takes it to be unchanged."""
    told = {"digest": launch_digest(process.spec), "generation": process.generation, **fingerprint}
    with suppress(OSError):
        (folder / LAUNCHED).write_text(json.dumps(told))


def read_launched(folder: Path) -> tuple[str | None, int]:
    """The digest and the generation of which a runner was launched; None and 0 where there is no word of it."""
    told = read_note(folder)
    try:
        return str(told["digest"]), int(told["generation"])
    except (ValueError, KeyError, TypeError):
        return None, 0


def read_note(folder: Path) -> dict[str, Any]:
    """What `note_launched` has left in a runner's folder; empty where there is no word of it."""
    try:
        told = json.loads((folder / LAUNCHED).read_text())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def sight_of(status: RunnerStatus) -> Sight:
    """A runner's status as the machine sees it."""
    return Sight(
        RunnerState(status.state), status.pid, status.pid_started, status.boot_id, status.started_at, status.ended_at,
        status.exit_code, status.exit_signal, status.error,
    )  # fmt: skip
