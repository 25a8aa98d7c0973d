"""A watch on a file or folder: wakes the thread that waits when something is written there, and costs nothing until.

By inotify, which is Linux's. Elsewhere, and where no more of it is to be had, nothing is announced, and whoever waits
has to look for himself. It tells of what programs of this machine write, which is all there is on a local filesystem.
"""

import os
import select
import struct
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, Final

_WRITTEN: Final = 0x002 | 0x080 | 0x100
"""IN_MODIFY, IN_MOVED_TO, IN_CREATE (inotify(7))."""
_MOVED_AWAY: Final = 0x800
_IGNORED: Final = 0x8000
"""What was watched is there no more."""
_HEAD: Final = struct.Struct("iIII")
"""Watch, mask, cookie and length of the name that follows."""
_READ_BYTES: Final = 1 << 16


class FileWatch:
    """Watches one path: written to, or in a folder a file created. For one thread, but for `wake`, which is for all."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._reading, False)
        os.set_blocking(self._writing, False)
        self._wakes = select.poll()
        self._signs = select.poll()
        for each in (self._wakes, self._signs):
            each.register(self._reading, select.POLLIN)
        self._notify = -1
        self._is_watching = False
        self._closing = Lock()

    def watch(self) -> bool:
        """Watch the path from now on; whether what is written there will be announced."""
        if self._is_watching:
            return True
        if self._notify < 0:
            self._notify = _begin()
            if self._notify < 0:
                return False
            self._signs.register(self._notify, select.POLLIN)
        self._is_watching = _add(self._notify, self._path)
        return self._is_watching

    @property
    def is_watching(self) -> bool:
        """Whether what is written is announced."""
        return self._is_watching

    def wait(self, timeout_s: float, *, for_writes: bool = True) -> bool:
        """Wait until something is written, somebody wakes us, or the time is over; whether something was written.

        Without `for_writes` what is written is left for `take_writes`.
        """
        ready = (self._signs if for_writes else self._wakes).poll(max(0.0, timeout_s) * 1000)
        if any(file == self._reading for file, _ in ready):
            with suppress(BlockingIOError):
                os.read(self._reading, _READ_BYTES)
        return any(file == self._notify for file, _ in ready) and self.take_writes()

    def take_writes(self) -> bool:
        """Whether something has been written since this was last told."""
        if self._notify < 0:
            return False
        try:
            events = os.read(self._notify, _READ_BYTES)
        except BlockingIOError:
            return False
        position = 0
        while position < len(events):
            _, mask, _, length = _HEAD.unpack_from(events, position)
            position += _HEAD.size + length
            if mask & (_IGNORED | _MOVED_AWAY):
                self._is_watching = False
        return True

    def wake(self) -> None:
        """Let whoever waits, or will wait next, go on."""
        with self._closing, suppress(BlockingIOError):  # full: he will go on anyway
            if self._writing >= 0:
                os.write(self._writing, b".")

    def close(self) -> None:
        """Watch no more; after the thread that waits has ended."""
        with self._closing:
            for file in (self._notify, self._reading, self._writing):
                if file >= 0:
                    os.close(file)
            self._notify = self._reading = self._writing = -1
            self._is_watching = False


def _begin() -> int:
    """A new inotify; -1 where there is none to be had."""
    functions = _inotify()
    return int(functions[0](os.O_CLOEXEC | os.O_NONBLOCK)) if functions is not None else -1


def _add(notify: int, path: Path) -> bool:
    functions = _inotify()
    return functions is not None and functions[1](notify, os.fsencode(path), _WRITTEN | _MOVED_AWAY) >= 0


@cache
def _inotify() -> tuple[Any, Any] | None:
    """The two functions of the C library that Python does not know; None where it has them not."""
    if sys.platform != "linux":
        return None
    import ctypes  # 3 ms, for whoever follows the store

    try:
        library = ctypes.CDLL(None)
        init, add = library.inotify_init1, library.inotify_add_watch
    except (OSError, AttributeError):
        return None
    init.argtypes = [ctypes.c_int]
    add.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_uint32]
    return init, add
