"""The fair write lock: an `flock` on a sidecar file, around every write transaction.

SQLite's own busy handler sleeps and does not queue, so under load a writer can starve; a blocked `flock` queues in
the kernel. The lock is only fairness: `BEGIN IMMEDIATE` inside it stays the correctness.
"""

import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from storage.clock import format_time, utc_now
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

    @contextmanager
    def hold(self, operation: str) -> Iterator[None]:
        """Hold the lock; `operation` is what others are told who wait for it.

        Raises:
            StorageTimeout: it did not come before the deadline; names the holder.
        """
        until = time.monotonic() + self._deadline_s
        if not self._turn.acquire(timeout=self._deadline_s):
            raise _timeout(self._deadline_s, {"pid": os.getpid(), "operation": self._operation})
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

    def _locked_descriptor(self, until: float) -> int:
        if self._descriptor is None:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        descriptor = self._descriptor
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not _BlockedWaiter(descriptor).wait(until - time.monotonic()):
                self._descriptor = None  # the waiter keeps it, and closes it when the lock comes at last
                raise _timeout(self._deadline_s, _read_note(descriptor)) from None
        return descriptor


class _BlockedWaiter:
    """Waits for a lock in a thread of its own, because `flock` knows no deadline."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._decided = threading.Lock()
        self._came = threading.Event()
        self._abandoned = False
        threading.Thread(target=self._block, name="write-lock", daemon=True).start()

    def wait(self, seconds: float) -> bool:
        """Whether the lock came in time. If not, the descriptor belongs to the thread from now on."""
        if self._came.wait(max(0.0, seconds)):
            return True
        with self._decided:
            if self._came.is_set():
                return True
            self._abandoned = True
            return False

    def _block(self) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        with self._decided:
            if not self._abandoned:
                self._came.set()
                return
        os.close(self._descriptor)  # closing releases


def _write_note(descriptor: int, operation: str) -> None:
    note = json.dumps({"pid": os.getpid(), "operation": operation[:80], "since": format_time(utc_now())})
    with suppress(OSError):  # a full disk must not stop the reader of the note, nor the writer of a row
        os.pwrite(descriptor, note.encode().ljust(_NOTE_BYTES), 0)


def _read_note(descriptor: int) -> dict[str, object]:
    try:
        note = json.loads(os.pread(descriptor, _NOTE_BYTES, 0))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def _process_name(pid: object) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return "process"


def _timeout(deadline_s: float, holder: dict[str, object]) -> StorageTimeout:
    pid, operation = holder.get("pid", "unknown"), holder.get("operation", "unknown")
    return StorageTimeout(
        f"The store was busy for {deadline_s:g} s: {_process_name(pid)} (pid {pid}) holds it for {operation}"
        + (f" since {holder['since']}." if "since" in holder else "."),
        "Try again; if that process is stopped (Ctrl+Z in a pane), bring it to the foreground or end it.",
        holder=holder,
    )
