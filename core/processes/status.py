"""What a runner tells of its process, and what can be learnt of a runner from its folder without asking it."""

import contextlib
import fcntl
import os
import signal
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from core.errors import ProcessFailed
from core.processes.identity import is_same_process
from core.processes.runner import tree
from storage import Home, ProcessId, boot_id, decode_json

RunnerState = Literal["starting", "running", "stopping", "exited"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

END_S = 10.0
"""How long `end_leftovers` tries."""


@dataclass(frozen=True, slots=True)
class RunnerStatus:
    """A process as its runner saw it last.

    `pid`, `pid_started` (kernel ticks after boot) and `boot_id` name the leader for ever, `runner_pid` and
    `runner_started` the runner. `exit_code` or `exit_signal` is the leader's, known from its end on, which may be
    before the state is `exited`: that is only when nothing of its tree is left. `error` says why it does not end.
    `token` is the highest fencing token that the runner has seen. `pane` is the multiplexer's pane in which it runs.
    """

    state: RunnerState
    pid: int | None
    pid_started: int | None
    boot_id: str
    runner_pid: int
    runner_started: int | None
    started_at: datetime | None
    ended_at: datetime | None
    exit_code: int | None
    exit_signal: str | None
    error: str | None
    token: int
    last_output_at: datetime | None
    rows: int = 24
    columns: int = 80
    pane: str | None = None


def status_from(wire: dict[str, Any]) -> RunnerStatus:
    """The status that a runner's JSON tells of.

    Raises:
        KeyError, TypeError: it is no such JSON.
    """
    return RunnerStatus(
        state=wire["state"], pid=wire["pid"], pid_started=wire["pid_started"], boot_id=wire["boot_id"],
        runner_pid=wire["runner_pid"], runner_started=wire["runner_started"], started_at=_moment(wire["started_at"]),
        ended_at=_moment(wire["ended_at"]), exit_code=wire["exit_code"], exit_signal=wire["exit_signal"],
        error=wire["error"], token=wire["token"], last_output_at=_moment(wire["last_output_at"]),
        rows=wire["rows"], columns=wire["columns"], pane=wire["pane"],
    )  # fmt: skip


def read_status(folder: Path) -> RunnerStatus | None:
    """What the runner of a folder has written down last; None where it has written nothing that can be read."""
    try:
        wire = decode_json((folder / "state.json").read_bytes())
        return status_from(wire)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_runner_alive(folder: Path) -> bool:
    """Whether the runner of a folder lives: then it has its lock, which the kernel gives back however it ends."""
    try:
        descriptor = os.open(folder / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # no descriptor is free: who cannot look must not take a living one for dead, and end its process
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def ask_for_socket(folder: Path) -> bool:
    """Ask a runner whose socket cannot be found to make it anew: what is old in /tmp is swept away on many machines.

    False where it does not live, as far as its folder tells; a process that has its pid by now is not disturbed.
    """
    status = read_status(folder)
    if status is None or not is_same_process(status.runner_pid, status.runner_started, status.boot_id):
        return False
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(status.runner_pid, signal.SIGUSR1)
        return True
    return False


def processes_folder(home: Home) -> Path:
    """Where the folders of all processes' runners lie."""
    return home.run / "processes"


def runner_folders(home: Home) -> dict[ProcessId, list[Path]]:
    """The folders of all runners, living or not, by process; of one process oldest name first."""
    found: dict[ProcessId, list[Path]] = {}
    try:
        processes = sorted(os.scandir(processes_folder(home)), key=lambda entry: entry.name)
    except OSError:
        return found
    for process in processes:
        if process.is_dir(follow_symlinks=False):
            try:
                with os.scandir(process.path) as entries:
                    names = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
            except OSError:
                continue
            found[ProcessId(process.name)] = [Path(process.path, name) for name in names]
    return found


def end_leftovers(folder: Path, status: RunnerStatus | None = None) -> int:
    """Kill what a runner that was killed has left behind, and prove it dead; gives how many there were.

    A process is proven to be left over by its environment, which names the runner; by being the leader that `status`
    names (boot id, pid and start); by the session of that leader while it lives; or by stemming from such a one. A
    reused pid is never signalled. It takes a while: call it in a thread.

    Raises:
        ProcessFailed: some do not die, or the runner itself lives.
    """
    import time

    if is_runner_alive(folder):
        raise ProcessFailed(
            f"Runner {folder.name} lives, so what runs under it is not left over.", "Stop the process through it."
        )
    ended: set[tuple[int, int]] = set()
    pause_s = 0.002
    deadline = time.monotonic() + END_S
    while rows := _left(folder.name, status):
        if time.monotonic() > deadline:
            pids = ", ".join(str(row.pid) for row in rows[:5])
            raise ProcessFailed(
                f"{len(rows)} processes that runner {folder.name} has left behind do not die ({pids}).",
                "They wait for a device or a file system; see to that, or restart the machine.",
            )
        ended.update((row.pid, row.started) for row in rows)
        tree.kill_all(lambda: _left(folder.name, status))
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, 0.2)
    return len(ended)


def _left(runner: str, status: RunnerStatus | None) -> list[tree.Row]:
    """Whoever is proven to have been started under a runner, and lives."""
    rows = tree.table()
    proven = {row.pid: row for row in tree.marked(rows, runner)}
    if status is not None and status.pid is not None and status.boot_id == boot_id():
        leader = rows.get(status.pid)
        if leader is not None and leader.started == status.pid_started:
            proven.update((row.pid, row) for row in rows.values() if row.session == leader.pid)
            proven[leader.pid] = leader
    for row in tree.descendants(rows, list(proven)):
        proven[row.pid] = row
    proven.pop(os.getpid(), None)
    return [row for row in proven.values() if row.lives]


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else _EPOCH + timedelta(microseconds=microseconds)
