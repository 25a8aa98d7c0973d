"""A job: one run as the worker has it, its output, its clock, and how its tree of processes is ended or held.

Loaded by the worker by its path; the standard library alone.
"""

import contextlib
import json
import os
import signal
import time
from typing import Any

TAIL_BYTES = 65_536
"""How much of the end of a run's output its result carries."""
NEAR_BYTES = 1_024
"""Within which a cut output begins with its next line."""
TIDY_S = 0.03
"""How long a command that has ended may leave something behind before that is asked to end: most leave nothing, and
then nobody has to look."""
DEFAULT_GRACE_S = 5.0
DEFAULT_MAX_BYTES = 10_000_000
LOST_KEEPER = "its keeper was killed"
AGAIN_S = 0.1
"""Before what the machine had nothing to spare for is tried again."""
STUCK_S = 3.0
"""A process that is killed and has not gone after so long hangs in the kernel."""

Request = dict[str, Any]
"""A request as it came: for a run, all that its launch needs."""


class Job:
    """One run, from its request to the moment when its result is forgotten.

    `state` is running, paused, ending or ended. `tree` gives the signals to what is below its keeper.
    """

    def __init__(self, request: Request, tree: Any, end_unbegun: int) -> None:
        self.request = request
        self.run: str = request["run"]
        self.name: str = request.get("name", f"run {self.run}")
        self.attempt: int = request["attempt"]
        self.tree = tree
        self.end_unbegun = end_unbegun
        self.keeper: int | None = None  # until it is reaped
        self.report: int | None = None  # our ends of the pipes
        self.output: int | None = None
        self.state = "running"
        self.leader: int | None = None
        self.status: int | None = None
        self.error: str | None = None
        self.reason: str | None = None
        self.is_cancelled = self.is_interrupted = self.has_lost_keeper = False
        self.has_strays = False  # whether its keeper may have left something behind
        self.began = time.monotonic()
        self._files: list[str] = []
        self._heard = b""
        self._tail = bytearray()
        self._log: int | None = None
        self._log_size = 0
        self._log_error: str | None = None
        self._started_at = time.time()
        self._ended_at: float | None = None
        self._seconds: float | None = None
        limit = request.get("time_limit_s")
        self._limit_at = self.began + limit if limit else None
        self._paused_at = 0.0
        self._ask_at: float | None = None  # when what is left is asked to end
        self._kill_at: float | None = None  # and when it is killed; None as long as it may live
        self._kill_every_s: float = tree.KILL_EVERY_S
        self._killing_since: float | None = None
        self._stuck_since: float | None = None  # since when it is killed in vain, by the clock on the wall
        self._stuck: list[int] = []
        self._owed: int | None = None  # a signal that could not be sent, and when it is tried again
        self._owed_at = 0.0

    def wire(self) -> dict[str, Any]:
        """What the dispatcher is told of it."""
        told: dict[str, Any] = {
            "tell": "run", "run": self.run, "attempt": self.attempt, "state": self.state, "pid": self.leader,
            "started_at": self._started_at,
        }  # fmt: skip
        if self._stuck_since is not None and self.state != "ended":
            told |= {"stuck_since": self._stuck_since, "stuck": self._stuck}
        if self.state == "ended":
            code = os.waitstatus_to_exitcode(self.status) if self.status is not None else None
            more: dict[str, Any] = {
                "exit_code": code if code is not None and code >= 0 else None,
                "exit_signal": _signal_name(-code) if code is not None and code < 0 else None,
                "error": self.error, "reason": self.reason, "cancelled": self.is_cancelled,
                "interrupted": self.is_interrupted, "lost_keeper": self.has_lost_keeper,
                "ended_at": self._ended_at, "seconds": self._seconds,
                "output": self._tail.decode(errors="replace"), "files": self._files, "log_error": self._log_error,
            }  # fmt: skip
            told |= more
        return told

    def hear(self, told: bytes) -> None:
        """Take in what the keeper tells."""
        *lines, self._heard = (self._heard + told).split(b"\n")
        for line in lines:
            words = json.loads(line)
            if "leader" in words:
                self._meet_leader(words["leader"])
            if "empty" in words:  # what still runs looks for the files that have changed
                self._ask_at = self._kill_at = None
            self.error = words.get("error", self.error)
            self._files = words.get("files", self._files)
            if "status" in words:
                self.status = words["status"]
                if self.state in ("running", "paused"):  # what it has left behind gets its grace
                    self.end_softly(after_s=TIDY_S)

    def _meet_leader(self, leader: int) -> None:
        self.leader = leader
        if self.state == "paused":
            self._hold()
        elif self.state == "ending":  # it was asked to before there was anybody to hear
            self._signal(signal.SIGTERM)

    def bury(self) -> None:
        """Its keeper has ended: there is nobody any more to be asked to end."""
        self.state = "ending"
        self._ask_at = self._kill_at = self._owed = None

    def look_later(self) -> None:
        """Nobody could look for what is left of it; another sweep does."""
        self._kill_at = time.monotonic() + AGAIN_S

    def note_killing(self, left: list[int]) -> bool:
        """Count a sweep over what does not die yet, each later than the one before; True once if it has lasted.

        Args:
            left: the pids of what was killed.
        """
        now = time.monotonic()
        if self._killing_since is None:
            self._killing_since = now
        self._kill_at = now + self._kill_every_s
        self._kill_every_s = min(2 * self._kill_every_s, self.tree.LONGEST_SWEEP_S)
        if self._stuck_since is not None or now - self._killing_since < STUCK_S:
            return False
        self._stuck_since, self._stuck = time.time() - (now - self._killing_since), left
        return True

    def end(self) -> None:
        """The tree is gone: the result stands, in memory and beside the output."""
        if self._log is not None:
            os.close(self._log)
            self._log = None
        if len(self._tail) > TAIL_BYTES:
            near = self._tail.find(b"\n", len(self._tail) - TAIL_BYTES, len(self._tail) - TAIL_BYTES + NEAR_BYTES)
            del self._tail[: near + 1 if near >= 0 else -TAIL_BYTES]
        self.state = "ended"
        self._ended_at = time.time()
        self._seconds = time.monotonic() - self.began
        path = self.request.get("result")
        if path is not None:
            with contextlib.suppress(OSError):  # then it is in memory alone
                draft = f"{path}.draft"
                with open(draft, "w") as file:
                    json.dump(self.wire(), file)
                os.replace(draft, path)

    def forget(self) -> None:
        """Drop the result that lies beside the output."""
        if (path := self.request.get("result")) is not None:
            with contextlib.suppress(OSError):
                os.unlink(path)

    # output

    def take(self, chunk: bytes) -> None:
        """Keep what the command has printed: its end in memory, all of it in the log."""
        self._tail += chunk
        if len(self._tail) > 2 * TAIL_BYTES:
            del self._tail[: -TAIL_BYTES - NEAR_BYTES]
        path = self.request.get("output")
        if path is None or self._log_error is not None:
            return
        try:
            self._write(path, chunk)
        except OSError as error:  # a full disk ends the log, not the run
            self._log_error = f"{error.strerror}: {path}"

    def _write(self, path: str, chunk: bytes) -> None:
        if self._log is None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
            self._log = os.open(path, flags, 0o600)
            self._log_size = os.fstat(self._log).st_size
        while chunk:
            written = os.write(self._log, chunk)
            self._log_size += written
            chunk = chunk[written:]
        if self._log_size > self.request.get("max_bytes", DEFAULT_MAX_BYTES):
            os.close(self._log)
            self._log = None
            os.replace(path, f"{path}.1")

    # ending, pausing

    def cancel(self) -> None:
        """End it, since nobody wants it any more."""
        if self.state in ("running", "paused"):
            self.is_cancelled = True
            self.end_softly()

    def interrupt(self, reason: str) -> None:
        """End it, though somebody wants it."""
        if self.state in ("running", "paused"):
            self.is_interrupted = True
            self.reason = reason
            self.end_softly()

    def end_softly(self, *, after_s: float = 0.0) -> None:
        """Ask the whole tree to end, and set the time at which it is killed."""
        self.go_on()
        if self.state != "running":
            return
        self.state = "ending"
        now = time.monotonic()
        self._kill_at = now + after_s + self.request.get("grace_s", DEFAULT_GRACE_S)
        if after_s:
            self._ask_at = now + after_s
        elif self.leader is None and self.keeper is not None:
            os.kill(self.keeper, self.end_unbegun)
        else:
            self._signal(signal.SIGTERM)

    def pause(self) -> None:
        """Let the whole tree stand still."""
        if self.state != "running":
            return
        self.state = "paused"
        self._paused_at = time.monotonic()
        if self.leader is not None:
            self._hold()

    def _hold(self) -> None:
        seen = None
        for _ in range(20):  # what was forked while we looked is met by the next look
            found = self._signal(signal.SIGSTOP)
            if found is None or len(found) == seen:
                break
            seen = len(found)

    def _signal(self, number: int) -> list[int] | None:
        """Signal the whole tree; None where the machine has nothing to spare for it: then it is tried again."""
        self._owed = None
        try:
            found: list[int] = self.tree.signal_tree(self.keeper, number)
        except OSError:
            self._owed, self._owed_at = number, time.monotonic() + AGAIN_S
            return None
        return found

    def _signal_again(self) -> None:
        owed = self._owed
        if owed == signal.SIGSTOP:
            self._hold()
        elif owed is not None:
            if self._signal(signal.SIGCONT) is None:  # one that was held may have missed that as well
                self._owed = owed
            else:
                self._signal(owed)

    def go_on(self) -> None:
        """Let the tree go on; the time it stood still does not count."""
        if self.state == "paused":
            self.state = "running"
            if self._limit_at is not None:
                self._limit_at += time.monotonic() - self._paused_at
            if self.leader is not None:
                self._signal(signal.SIGCONT)

    def look_at_clock(self) -> bool:
        """Do what is due; True once if what was killed does not die."""
        now = time.monotonic()
        if self._owed is not None and now >= self._owed_at:
            self._signal_again()
        if self.state == "running" and self._limit_at is not None and now >= self._limit_at:
            self.reason = f"it exceeded its time limit of {self.request['time_limit_s']:g} s"
            self.end_softly()
        if self.state != "ending":
            return False
        if self._ask_at is not None and now >= self._ask_at:
            self._ask_at = None
            self._signal(signal.SIGTERM)
        if self._kill_at is None or now < self._kill_at:
            return False
        left: list[int] = []
        if self.keeper is not None:
            try:
                self.tree.signal_tree(self.keeper, signal.SIGSTOP)  # so that nothing forks away from under the sweep
                left = self.tree.signal_tree(self.keeper, signal.SIGKILL)
            except OSError:
                self.look_later()
                return False
        return self.note_killing(left)

    def due(self) -> float | None:
        """When something is due next, in monotonic seconds."""
        moments = [self._owed_at if self._owed is not None else None]
        if self.state == "running":
            moments.append(self._limit_at)
        elif self.state == "ending":
            moments.append(self._ask_at if self._ask_at is not None else self._kill_at)
        return min((each for each in moments if each is not None), default=None)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
