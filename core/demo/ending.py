"""The demo's end: what runs in it is stopped as a person would stop it, its host ends, its folder is removed."""

import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

from core.demo.hands import Hand
from core.demo.project import PERSON
from core.services import current_host, ensure_host
from storage import Database, Home, ParallelError, Process, ProcessState

STOP_S: Final = 15.0
"""How long the processes may take to stop, and again to be killed, before they are given up."""
HOST_S: Final = 5.0
LOOK_S: Final = 0.02

DOWN: Final = (ProcessState.STOPPED, ProcessState.EXITED, ProcessState.FAILED)


def end_demo(folder: Path) -> None:
    """Leave nothing of the demo in a folder: no process, no host, no file. Does nothing where it has ended."""
    home = Home(folder / "home")
    try:
        if home.database.exists():
            with suppress(ParallelError):  # what cannot be read any more tells nobody what runs
                _stop_processes(home)
            _end_host(home)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _stop_processes(home: Home) -> None:
    database = Database.open(home)
    try:
        person = Hand(database, PERSON)
        for operation in ("stop_processes", "kill_processes"):
            if _is_down(database):
                return
            ensure_host(home)
            with suppress(ParallelError):  # all that is not down yet may have been removed by the person
                person.call(operation, all=True)
            _wait(lambda: _is_down(database), STOP_S)
    finally:
        database.close()


def _is_down(database: Database) -> bool:
    with database.read() as rows:
        return all(each.state in DOWN and each.observed_generation >= each.generation for each in rows.every(Process))


def _end_host(home: Home) -> None:
    sign = current_host(home)
    if sign is None:
        return
    with suppress(psutil.NoSuchProcess):
        host = psutil.Process(sign.pid)
        host.terminate()
        _wait(lambda: _has_ended(host), HOST_S)
        host.kill()


def _has_ended(process: psutil.Process) -> bool:
    """Whether a process has ended; its parent may be the one who waits for us, and so not hear of it yet."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def _wait(holds: Callable[[], bool], patience_s: float) -> None:
    until = time.monotonic() + patience_s
    while not holds() and time.monotonic() < until:
        time.sleep(LOOK_S)
