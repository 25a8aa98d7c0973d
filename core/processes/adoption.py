"""Taking stock when a host begins: which processes are stored, which runners live, and which belong together."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.processes.happenings import Found
from core.processes.launching import read_launched
from core.processes.link import RunnerStatus, is_runner_alive, read_status, runner_folders
from storage import Database, Process, ProcessId, ProcessState, Room, RoomId

_TAKEN_IN: Final = frozenset({ProcessState.EXITED, ProcessState.FAILED, ProcessState.STOPPED, ProcessState.PENDING})
"""The states in which the end of a process's last runner has been recorded."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """What there is.

    `sequence` is the event after which changes are still to be heard. `strays` are runners that nobody wants, by
    process and folder: of removed processes, or a second one of a process; and those whose end has been recorded.
    """

    rooms: Mapping[RoomId, Room]
    found: tuple[Found, ...]
    strays: tuple[tuple[ProcessId, Path], ...]
    sequence: int


def take_stock(database: Database) -> Inventory:
    """Look into the store and into the run folder. Not for an event loop."""
    try:
        with database.read() as rows:
            sequence = rows.last_sequence()
            rooms = {room.id: room for room in rows.rooms()}
            processes = rows.processes(leaving=True)
    finally:
        database.close_thread()
    folders = runner_folders(database.home)
    found, strays = [], []
    for process in processes:
        runners = folders.pop(process.id, [])
        chosen = _belonging(process, runners)
        strays += [(process.id, folder) for folder in runners if folder != chosen]
        if chosen is None:
            found.append(Found(process))
        else:
            digest, generation = read_launched(chosen)
            found.append(Found(process, chosen.name, digest, generation))
    strays += [(process_id, folder) for process_id, runners in folders.items() for folder in runners]
    return Inventory(rooms, tuple(found), tuple(strays), sequence)


def _belonging(process: Process, folders: list[Path]) -> Path | None:
    """The runner's folder whose end is still to be taken in: the one that lives, else the one that is recorded."""
    statuses = {folder: read_status(folder) for folder in folders}
    open_ones = [folder for folder in folders if not _is_taken_in(process, folder, statuses[folder])]
    return max(
        open_ones,
        key=lambda folder: (
            is_runner_alive(folder), _token_of(statuses[folder]), folder.name == process.runner, folder.name
        ),
        default=None,
    )  # fmt: skip


def _is_taken_in(process: Process, folder: Path, status: RunnerStatus | None) -> bool:
    has_ended = (status is not None and status.state == "exited") or not is_runner_alive(folder)
    return has_ended and folder.name == process.runner and process.state in _TAKEN_IN


def _token_of(status: RunnerStatus | None) -> int:
    return status.token if status is not None else 0
