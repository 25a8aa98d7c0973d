"""The sign of life of the host of services: who acts, by which token, and when it was last heard. Light to import."""

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from storage import Home, boot_id, monotonic

SUSPENDED_S: Final = 15.0
"""A host that has shown no sign of life for so long does not act, and is passed over."""


@dataclass(frozen=True, slots=True)
class HostSign:
    """What a host tells of itself: its process, its fencing token, and when it was last heard (monotonic seconds)."""

    pid: int
    token: int
    boot_id: str
    beat: float

    @property
    def silent_s(self) -> float:
        """For how many seconds it has not been heard; infinite after a new start of the machine."""
        return monotonic() - self.beat if self.boot_id == boot_id() else float("inf")


def current_host(home: Home) -> HostSign | None:
    """The host of a home as it told last; None where none has its lock."""
    path = lock_path(home)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return sign_in(path)
    finally:
        os.close(descriptor)
    return None


def acting_host(home: Home) -> HostSign | None:
    """The host of a home that shows signs of life; None where there is none, or it is suspended."""
    sign = current_host(home)
    return sign if sign is not None and sign.silent_s <= SUSPENDED_S else None


def lock_path(home: Home) -> Path:
    """The file whose lock is the lease."""
    return home.run / "host.lock"


def sign_in(path: Path) -> HostSign | None:
    """The sign that a host has left in the file, whether it lives or not."""
    try:
        return HostSign(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):  # not told yet, or half told
        return None
