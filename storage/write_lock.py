"""The fair write lock: an `flock` on a sidecar file, around every write transaction.

SQLite's own busy handler sleeps and does not queue, so under load a writer can starve; a blocked `flock` queues in
the kernel. The lock is only fairness: `BEGIN IMMEDIATE` inside it stays the correctness.
"""

import _thread
import fcntl
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from storage.clock import format_time, utc_now
from storage.engine import file_error
from storage.errors import StorageTimeout

_NOTE_BYTES = 256
"""The holder's note is padded to this, so that one `pwrite` replaces the whole of the last one."""


class WriteLock:
    """The write lock of one database, for all threads of this process and all processes of this machine."""

    def __init__(self, path: Path, deadline_s: float) -> None:
        self._path = path
        self._deadline_s = deadline_s
        self._turn = threading.Lock()  # flock belongs to the descriptor, so threads need a lock of their own
        self._operation = ""
        self._descriptor: int | None = None
        self._waiter: _BlockedWaiter | None = None

    @contextmanager
    def hold(self, operation: str) -> Iterator[None]:
        """Hold the lock; `operation` is what others are told who wait for it.

        Raises:
            StorageTimeout: it did not come before the deadline; names the holder.
        """
        until = time.monotonic() + self._deadline_s
        if not self._turn.acquire(timeout=self._deadline_s):
            pid = os.getpid()
            raise _timeout(self._deadline_s, {"name": _process_name(pid), "pid": pid, "operation": self._operation})
        try:
            descriptor = self._locked_descriptor(until)
            try:
                self._operation = operation
                _write_note(descriptor, operation)
                yield
            finally:
                fcntl.flock(descriptor, fcntl.LOCK_UN)
        finally:
            self._turn.release()

    def close(self) -> None:
        """Give up the descriptor; a later `hold` opens a new one."""
        with self._turn:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None
            self._waiter = None

    def _locked_descriptor(self, until: float) -> int:
        waiter = self._waiter
        if waiter is None or not waiter.resume():
            self._waiter = None
            if self._descriptor is None:
                self._descriptor = self._open()
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return self._descriptor
            except BlockingIOError:
                waiter = self._waiter = _BlockedWaiter(self._descriptor)
                self._descriptor = None  # the waiter's own, until the lock has come
        if not waiter.wait(until - time.monotonic()):
            raise _timeout(self._deadline_s, _read_note(self._path))
        self._waiter, self._descriptor = None, waiter.descriptor
        return waiter.descriptor

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise file_error(error, self._path) from error


class _BlockedWaiter:
    """Waits for a lock in a thread of its own, because `flock` knows no deadline.

    Where the caller gives up, the descriptor stays with the thread, which closes it, and with it the lock, when the
    lock comes at last. A caller who comes again before that takes up the same wait, so that one thread waits however
    often callers give up.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._decided = threading.Lock()
        self._arrival = threading.Lock()  # released by the thread when the lock has come
        self._arrival.acquire()
        self._has_come = False
        self._is_wanted = True
        # a bare thread, since making a `Thread` takes as long as a transaction and this stands in every writer's way
        _thread.start_new_thread(self._block, ())

    def wait(self, seconds: float) -> bool:
        """Whether the lock came in time. If not, the descriptor belongs to the thread from now on."""
        try:
            self._arrival.acquire(timeout=max(0.0, seconds))
        except BaseException:  # Ctrl+C: nobody is left to take the lock
            with self._decided:
                self._is_wanted = False
                if self._has_come:
                    self._leave()
            raise
        with self._decided:
            self._is_wanted = self._has_come
            return self._has_come

    def resume(self) -> bool:
        """Whether the thread still waits; if so, the lock is wanted again."""
        with self._decided:
            self._is_wanted = self.descriptor >= 0
            return self._is_wanted

    def _block(self) -> None:
        fcntl.flock(self.descriptor, fcntl.LOCK_EX)
        with self._decided:
            if self._is_wanted:
                self._has_come = True
                self._arrival.release()
            else:
                self._leave()

    def _leave(self) -> None:
        os.close(self.descriptor)  # closing releases
        self.descriptor = -1


def _write_note(descriptor: int, operation: str) -> None:
    note = json.dumps({"pid": os.getpid(), "operation": operation[:80], "since": format_time(utc_now())})
    with suppress(OSError):  # a full disk must not stop the reader of the note, nor the writer of a row
        os.pwrite(descriptor, note.encode().ljust(_NOTE_BYTES), 0)


def _read_note(path: Path) -> dict[str, object]:
    try:
        note = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    if not isinstance(note, dict):
        return {}
    return {"name": _process_name(note.get("pid")), **note}


def _process_name(pid: object) -> str:
    try:
        if sys.platform == "linux":
            return Path(f"/proc/{pid}/comm").read_text().strip()
        import psutil

        return str(psutil.Process(pid).name())
    except Exception:  # a name is a courtesy; the pid is what counts
        return "process"


def _timeout(deadline_s: float, holder: dict[str, object]) -> StorageTimeout:
    who = f"{holder.get('name', 'process')} (pid {holder.get('pid', 'unknown')})"
    since = f" since {holder['since']}" if "since" in holder else ""
    return StorageTimeout(
        f"The store was busy for {deadline_s:g} s: {who} holds it for {holder.get('operation', 'unknown')!r}{since}.",
        "Try again; if that process is stopped (Ctrl+Z in a pane), bring it to the foreground or end it.",
        holder=holder,
    )
