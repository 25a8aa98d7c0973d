"""Waiting until a host has made true what a command has stored: with its progress on a terminal, and a deadline."""

import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import click

from core.doors.cli.context import Run, put_text
from core.errors import NotSettled, ProcessFailed
from core.processes.standing import Standing, standing_of
from core.processes.watched import LIVING, as_seen
from core.shapes import Shaper
from core.text import for_screen
from storage import ChangeFeed, Desired, Process, ProcessId, ProcessState, Room, utc_now

DEFAULT_TIMEOUT_S: Final = 60
LOOK_S: Final = 0.5
"""How often we look even where nothing was told."""
HOST_LOOK_S: Final = 1.0
SURE_S: Final = 0.25
"""What has run so long has not ended at once: a wrong option or a port that is taken shows itself sooner."""

_CLEAR: Final = "\r\x1b[K"


def options() -> list[click.Parameter]:
    """`--no-wait` and `--timeout`, for the commands of operations that settle."""
    from core.doors.cli.words import NUMBER

    return [
        click.Option(["--no-wait"], is_flag=True, help="Do not wait until it has come true."),
        click.Option(
            ["--timeout"], type=NUMBER, metavar="SECONDS", default=DEFAULT_TIMEOUT_S, show_default=True,
            help="How long to wait.",
        ),
    ]  # fmt: skip


def settled(run: Run, shaped: Any, *, waits: bool, timeout_s: float) -> Any:
    """The result of an operation that settles, as it is once the host has acted upon it.

    A host is started where there is none.

    Args:
        shaped: what the operation gave: reports of processes, or something that has them as `processes`.

    Raises:
        ProcessFailed: a process that was to run has failed; says which, and why.
        NotSettled: not all have arrived in time; says which, and where they stand.
        BackendUnavailable: no host could be started; what was asked for stands, and the next host does it.
    """
    reports = shaped["processes"] if isinstance(shaped, Mapping) else shaped
    asked = {ProcessId(each["id"]): int(each["generation"]) for each in reports}
    waiting = _Waiting(run, asked)
    if waiting.left() or waiting.needs_a_host():
        from core.services import ensure_host

        ensure_host(run.home)
        if waits:
            waiting.wait(timeout_s)
    fresh = waiting.shaped()  # what a repetition by key is given was stored before anything came true
    return {**shaped, "processes": fresh} if isinstance(shaped, Mapping) else fresh


class _Waiting:
    """Some processes, and the generation of each that shall come true."""

    def __init__(self, run: Run, asked: Mapping[ProcessId, int]) -> None:
        self._run = run
        self._asked = asked
        self._processes: dict[ProcessId, Process] = {}

    def left(self) -> list[Process]:
        """Those that have not arrived yet, as they are now."""
        with self._run.database.read() as rows:
            found = (rows.get(Process, each) for each in self._asked)
            # a record may be older than what has happened: a process that is seen to be gone has not arrived
            self._processes = {each.id: as_seen(each, watched=False) for each in found if each is not None}
        return [each for each in self._processes.values() if self._standing(each) is Standing.WAITING]

    def needs_a_host(self) -> bool:
        """Whether any of them is to be watched, although nothing is to be waited for."""
        return any(each.desired is Desired.RUNNING or each.state in LIVING for each in self._processes.values())

    def wait(self, timeout_s: float) -> None:
        """Wait until all have arrived, or one has failed and the others have settled."""
        deadline = time.monotonic() + timeout_s
        host_due = time.monotonic() + HOST_LOOK_S
        with self._changes() as changed, _progress(self._run) as tell:
            while left := self.left() or self._newborn():
                now = time.monotonic()
                if now >= deadline:
                    raise _late(left, timeout_s)
                if failed := self._what_all_wait_for(left):
                    raise _failure(failed)
                if now >= host_due:
                    self._see_to_a_host()
                    host_due = time.monotonic() + HOST_LOOK_S
                tell(left)
                look_s = LOOK_S if self._standing(left[0]) is Standing.WAITING else SURE_S
                changed.wait(min(look_s, max(0.0, deadline - now)))
                changed.clear()
        failed = [each for each in self._processes.values() if self._standing(each) is Standing.FAILED]
        if failed:
            raise _failure(failed)
        if others := [each.name for each in self._processes.values() if self._standing(each) is Standing.SUPERSEDED]:
            self._run.warn(f"Somebody has asked otherwise meanwhile of {', '.join(others)}.")

    def shaped(self) -> list[dict[str, Any]]:
        """The reports as they are now."""
        from core.operations.process import report_of

        with self._run.database.read() as rows:
            shaper = Shaper(rows)
            found = [each for each in (rows.get(Process, each) for each in self._asked) if each is not None]
            rooms = {each.room_id: rows.get(Room, each.room_id) for each in found}
            return [shaper.shape(report_of(each, room)) for each in found if (room := rooms[each.room_id]) is not None]

    def _standing(self, process: Process) -> Standing:
        return standing_of(process, self._asked[process.id])

    def _newborn(self) -> list[Process]:
        """Those that run, and have begun so lately that they might yet turn out to end at once."""
        now = utc_now()
        return [
            each
            for each in self._processes.values()
            if each.state is ProcessState.RUNNING and self._standing(each) is Standing.ARRIVED
            and each.desired is Desired.RUNNING
            and each.started_at is not None and 0 <= (now - each.started_at).total_seconds() < SURE_S
        ]  # fmt: skip

    def _what_all_wait_for(self, left: Sequence[Process]) -> list[Process]:
        """The failed processes, where none of those that are left can start because of them."""
        with self._run.database.read() as rows:
            present = [each for room in {each.room_id for each in left} for each in rows.processes(room)]
        failed = {each.declared_name: each for each in present if each.state is ProcessState.FAILED}
        needs = {each.declared_name: set(each.spec.depends_on) for each in present}
        found: dict[str, Process] = {}
        for process in left:
            reach, seen = [process.declared_name], set()
            while reach:
                name = reach.pop()
                if name not in seen:
                    seen.add(name)
                    reach.extend(needs.get(name, ()))
            blocking = {name: failed[name] for name in seen & set(failed) if name != process.declared_name}
            if process.state is not ProcessState.PENDING or not blocking:
                return []
            found.update(blocking)
        return list(found.values())

    def _see_to_a_host(self) -> None:
        from core.services import acting_host, ensure_host

        if acting_host(self._run.home) is None:
            self._run.warn("The process that ran the services has ended or is suspended; another one is started.")
            ensure_host(self._run.home)

    @contextmanager
    def _changes(self) -> Iterator[threading.Event]:
        changed = threading.Event()
        with self._run.database.read() as rows:
            after = rows.last_sequence()
        feed = ChangeFeed(self._run.database, lambda _events: changed.set(), after=after)
        feed.start()
        try:
            yield changed
        finally:
            feed.stop()


@contextmanager
def _progress(run: Run) -> "Iterator[Any]":
    """Tells a person at a terminal who is waited for, on one line that is gone afterwards."""
    if run.wants_json or not sys.stderr.isatty():
        yield lambda _left: None
        return
    told = ""

    def tell(left: Sequence[Process]) -> None:
        nonlocal told
        names = ", ".join(f"{each.name} ({_where(each)})" for each in left[:4])
        line = f"Waiting for {names}" + (f" and {len(left) - 4} more" if len(left) > 4 else "")
        line = for_screen(line)[:100]
        if line != told:
            sys.stderr.write(_CLEAR + line)
            sys.stderr.flush()
            told = line

    try:
        yield tell
    except KeyboardInterrupt:
        sys.stderr.write(_CLEAR)
        put_text("Not waited for any longer; it goes on in the background.", to=sys.stderr)
        raise
    finally:
        sys.stderr.write(_CLEAR)
        sys.stderr.flush()


def _where(process: Process) -> str:
    return f"{process.state}: {process.reason}" if process.reason else str(process.state)


def _late(left: Sequence[Process], timeout_s: float) -> NotSettled:
    names = ", ".join(f"{each.name} ({_where(each)})" for each in left)
    wanted = "not down" if all(each.desired != "running" or each.removed for each in left) else "not there"
    return NotSettled(
        f"After {timeout_s:g} s {names} {'is' if len(left) == 1 else 'are'} {wanted} yet.",
        "It goes on in the background; see `wzp ps` and `wzp logs`, or wait longer with `--timeout`.",
        processes=[{"name": each.name, "state": each.state, "reason": each.reason} for each in left],
    )


def _failure(failed: Sequence[Process]) -> ProcessFailed:
    why = "; ".join(f"{each.name} failed: {(each.reason or 'it says no reason').rstrip('.')}" for each in failed)
    return ProcessFailed(
        f"{why}.",
        f"See its output with `wzp logs {failed[0].name}`.",
        processes=[{"name": each.name, "state": each.state, "reason": each.reason} for each in failed],
    )
