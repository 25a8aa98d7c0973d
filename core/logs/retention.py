"""What logs and the trash take on the disk, and what of it goes: what is no more, after some days or if it is too much.

What a process of a room has printed is bounded by its own `log` and stays as long as the process does. The output of
removed processes and of ended runs stays for some days, so that it can still be read, and in all no larger than the
settings say; the oldest goes first. What the program itself writes is bounded by size. What was thrown away stays in
the trash for its own days and size, and what was thrown away last stays for ever (storage/trash.py).
"""

import logging
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from core.processes.link import is_runner_alive, runner_folders
from core.settings import Settings
from storage import Database, Process, RunState, remove_trashed, trashed

MEGABYTE: Final = 1_000_000
OWN_BYTES: Final = 1_000_000
"""A file of crashes is put aside when it is larger; the one put aside before goes."""
CRASHES: Final = ("wzp.log", "crash.log", "serve-crash.log")

_OPEN: Final = frozenset({RunState.QUEUED, RunState.RUNNING})

logger = logging.getLogger(__name__)


class Kind(StrEnum):
    """Whose log it is, or that it lies in the trash."""

    PROCESS = "process"
    REMOVED = "removed"
    RUN = "run"
    OWN = "own"
    TRASH = "trash"


@dataclass(frozen=True, slots=True)
class Kept:
    """The files of one log, or what was thrown away at one moment.

    `room` is None for those of the program, and of what the store does not know any more. `last_at` is when something
    was last printed (or the process removed, where that was later; or all thrown away), `goes_at` when they go by age;
    None where they stay. `is_loose` says that they may go at all.
    """

    kind: Kind
    name: str
    id: str
    room: str | None
    paths: tuple[Path, ...]
    size: int
    last_at: datetime
    goes_at: datetime | None
    is_loose: bool


def all_kept(database: Database, settings: Settings) -> list[Kept]:
    """Everything in `logs/` of the home, and what is ours in `trash/`. Blocking."""
    home = database.home
    with database.read() as rows:
        rooms = {room.id: room.name for room in rows.rooms()}
        processes: dict[str, Process] = {each.id: each for each in rows.every(Process)}
        open_runs: set[str] = {each.id for each in rows.runs(states=_OPEN)}
    busy = {str(process) for process, folders in runner_folders(home).items() if any(map(is_runner_alive, folders))}
    found = []
    for folder in _entries(home.logs / "processes"):
        process = processes.get(folder.name)
        size, last_at = _measured(_entries(folder))
        is_loose = folder.name not in busy
        if process is not None:
            is_loose = is_loose and process.removed and process.observed_generation >= process.generation
            last_at = max(last_at, process.updated_at) if process.removed else last_at
        found.append(Kept(
            kind=Kind.PROCESS if process is not None and not process.removed else Kind.REMOVED,
            name=process.name if process is not None else folder.name,
            id=folder.name,
            room=rooms.get(process.room_id) if process is not None else None,
            paths=(folder,), size=size, last_at=last_at, goes_at=_goes_at(last_at, settings, is_loose),
            is_loose=is_loose,
        ))  # fmt: skip
    for run, paths in _by_stem(home.logs / "runs").items():
        size, last_at = _measured(paths)
        is_loose = run not in open_runs
        found.append(
            Kept(Kind.RUN, run, run, None, paths, size, last_at, _goes_at(last_at, settings, is_loose), is_loose)
        )
    for name, paths in _by_stem(home.logs).items():
        size, last_at = _measured(paths)
        found.append(Kept(Kind.OWN, name, name, None, paths, size, last_at, None, is_loose=False))
    thrown = trashed(home)
    for each in thrown:
        is_loose = each is not thrown[-1]
        goes_at = _after(each.at, settings.trash_days) if is_loose else None
        name = each.path.name
        found.append(Kept(Kind.TRASH, name, name, None, (each.path,), each.size, each.at, goes_at, is_loose))
    return found


def due(kept: Iterable[Kept], settings: Settings, now: datetime) -> list[Kept]:
    """What goes now: what is too old, and of the rest the oldest until it is small enough; the trash by itself."""
    logs: list[Kept] = []
    thrown: list[Kept] = []
    for each in kept:
        (thrown if each.kind is Kind.TRASH else logs).append(each)
    return [*_due(logs, settings.log_megabytes, now), *_due(thrown, settings.trash_megabytes, now)]


def _due(kept: Iterable[Kept], megabytes: int, now: datetime) -> list[Kept]:
    loose = sorted((each for each in kept if each.is_loose), key=lambda each: each.last_at)
    old = [each for each in loose if each.goes_at is not None and each.goes_at <= now]
    rest = [each for each in loose if each.goes_at is None or each.goes_at > now]
    excess = sum(each.size for each in rest) - megabytes * MEGABYTE if megabytes else 0
    for each in rest:
        if excess <= 0:
            break
        old.append(each)
        excess -= each.size
    return old


def tidy(database: Database, settings: Settings, now: datetime) -> list[Kept]:
    """Remove what goes now, and put aside what the program has written too much of; gives what has gone. Blocking."""
    gone = due(all_kept(database, settings), settings, now)
    thrown = {each.paths[0]: each for each in gone if each.kind is Kind.TRASH}
    logs = [each for each in gone if each.kind is not Kind.TRASH]
    for each in logs:
        for path in each.paths:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                with suppress(OSError):
                    path.unlink()
        logger.info("removed the log of %s %s: %d bytes, last written %s", each.kind, each.id, each.size, each.last_at)
    gone = [*logs, *(thrown[folder] for folder in remove_trashed(database.home, list(thrown)))]
    for each in gone[len(logs) :]:
        logger.info("removed %s from the trash: %d bytes", each.id, each.size)
    for name in CRASHES:
        path = database.home.logs / name
        with suppress(OSError):
            if path.stat().st_size > OWN_BYTES:
                path.replace(path.with_name(f"{name}.1"))
    return gone


def _by_stem(folder: Path) -> dict[str, tuple[Path, ...]]:
    """The files of a folder by what stands before the first dot: rotated ones belong together."""
    found: dict[str, tuple[Path, ...]] = {}
    for path in _entries(folder):
        if not path.is_dir():
            stem = path.name.partition(".")[0]
            found[stem] = (*found.get(stem, ()), path)
    return found


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:  # there is none, or it has just gone
        return []


def _measured(paths: Iterable[Path]) -> tuple[int, datetime]:
    """How large files are together, and when the last of them was written."""
    size, last = 0, 0.0
    for path in paths:
        with suppress(OSError):  # it has just gone
            status = path.stat()
            size, last = size + status.st_size, max(last, status.st_mtime)
    return size, datetime.fromtimestamp(last, UTC)


def _goes_at(last_at: datetime, settings: Settings, is_loose: bool) -> datetime | None:
    return _after(last_at, settings.log_days) if is_loose else None


def _after(at: datetime, days: int) -> datetime | None:
    return at + timedelta(days=days) if days else None
