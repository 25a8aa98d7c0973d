"""A runner's place: the locks that say that it lives and that the process is its own, the highest token, state.json."""

from __future__ import annotations

import fcntl
import os

from .desk import Refused
from .light import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Place:
    """The runner's folder (the current directory) and the file `instance` beside it, which all runners of the process
    have in common.

    Raises:
        OSError: another runner has this folder, or the disk refuses.
    """

    def __init__(self) -> None:
        self._lock = _locked("lock")
        self._instance = -1
        self.is_unwritten = False
        """Whether the last state found no room."""

    def take_process(self, token: int) -> None:
        """Be the only runner of the process until all of it has ended; the file remembers the highest token.

        Raises:
            Refused: somebody else is, or a later host has spoken already.
        """
        self._instance = os.open("../instance", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._instance, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Refused("process_failed", "Another runner of this process has not ended yet.") from error
        told = os.pread(self._instance, 32, 0).strip(b"\0 \n")
        require_token(token, int(told) if told.isdigit() else 0)
        self.remember(token)

    def give_process_up(self) -> None:
        """Let another runner have the process."""
        os.close(self._instance)
        self._instance = -1

    def remember(self, token: int) -> None:
        """Note a token, for the runners after this one."""
        if self._instance >= 0:
            os.pwrite(self._instance, b"%20d\n" % token, 0)

    def renew(self, token: int) -> None:
        """Put in place again what somebody has swept away; what another runner has by now is left to it."""
        for path, descriptor in (("lock", self._lock), ("../instance", self._instance)):
            try:
                if descriptor < 0 or _is_file(path, descriptor):
                    continue
                new = _locked(path)
            except OSError:
                continue
            os.dup2(new, descriptor, inheritable=False)
            os.close(new)
            if descriptor == self._instance:
                self.remember(token)

    def touch(self) -> None:
        """Be in use, for whoever sweeps away what nobody has used for days."""
        for path in ("lock", "../instance", "socket", "state.json", "launched", "runner.log"):
            try:
                os.utime(path)
            except OSError:
                continue

    def write(self, status: dict[str, Any]) -> None:
        """Put the status into state.json, whole or not at all.

        Not synced to the disk: what it tells of does not outlive a power cut either.
        """
        try:
            descriptor = os.open(".state.json.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                data = encode(status).encode() + b"\n"
                self.is_unwritten = os.write(descriptor, data) < len(data)
            finally:
                os.close(descriptor)
            if not self.is_unwritten:
                os.rename(".state.json.new", "state.json")
        except OSError:  # no room: again in a second; whoever is connected knows
            self.is_unwritten = True


def _locked(path: str) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _is_file(path: str, descriptor: int) -> bool:
    """Whether a file is still the one that is open."""
    try:
        there, ours = os.stat(path), os.fstat(descriptor)
    except FileNotFoundError:
        return False
    return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)


def require_token(token: int, known: int) -> None:
    """Refuse a host that another has replaced.

    Raises:
        Refused: the token is lower than one that was seen before.
    """
    if token < known:
        raise Refused("host_lost", f"Host {token} of the services has been replaced by host {known}.")
