"""The processes of the machine, in one pass: who is whose child, who still lives, who was started by which runner."""

from __future__ import annotations

import errno
import os
import sys
import time

from .light import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MARKER = "WZP_RUNNER"
"""The variable in a process's environment that names the runner under which it was started."""

DETACHED = "WZP_DETACHED"
"""A process with this in its environment, and no runner's name, is no part of whose tree it began in: a host of the
services, a runner. Whoever only adds it to what a runner has given him stays in the tree."""

IS_LINUX = sys.platform.startswith("linux")

SCARCE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
"""The errors of a machine that has no file or memory to spare: they tell nothing of what was looked for."""

PASS_S = 0.3
"""For how long a tree that goes on forking is looked through before what was found is killed."""


class Row:
    """One process: its numbers, its state (`Z` is dead but not reaped), and when it started (ticks after boot)."""

    __slots__ = ("group", "parent", "pid", "session", "started", "state")

    def __init__(self, pid: int, state: str, parent: int, group: int, session: int, started: int) -> None:
        self.pid = pid
        self.state = state
        self.parent = parent
        self.group = group
        self.session = session
        self.started = started

    @property
    def lives(self) -> bool:
        """Whether it still runs or could."""
        return self.state not in "ZX"


def row_of(pid: int) -> Row | None:
    """What the machine tells of one process; None if there is none.

    Raises:
        OSError: it has nothing to spare to tell with.
    """
    if not IS_LINUX:
        return _ps(pid).get(pid)
    try:
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
    except OSError as error:
        if error.errno in SCARCE:
            raise
        return None
    try:
        told = os.read(descriptor, 2048)
    except OSError:  # ended meanwhile
        return None
    finally:
        os.close(descriptor)
    fields = told[told.rfind(b")") + 2 :].split(None, 20)  # a name may hold spaces and brackets
    if len(fields) < 20:
        return None
    return Row(pid, fields[0].decode(), int(fields[1]), int(fields[2]), int(fields[3]), int(fields[19]))


def started(pid: int) -> int | None:
    """When a process started, in ticks after boot (proc(5), field 22): with boot id and pid its name for ever."""
    row = row_of(pid)
    return row.started if row is not None else None


def table() -> dict[int, Row]:
    """All processes by pid."""
    if not IS_LINUX:
        _told.clear()
        return _ps()
    rows = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (row := row_of(int(name))) is not None:
            rows[row.pid] = row
    return rows


def descendants(rows: dict[int, Row], roots: Iterable[int]) -> list[Row]:
    """Whoever stems from `roots`, themselves not included; without what is detached, and what stems from that."""
    children: dict[int, list[Row]] = {}
    for row in rows.values():
        children.setdefault(row.parent, []).append(row)
    found: list[Row] = []
    seen = set(roots)
    todo = list(seen)
    while todo:
        for row in children.get(todo.pop(), ()):
            if row.pid not in seen:
                seen.add(row.pid)
                if not (row.lives and is_detached(row.pid)):
                    found.append(row)
                    todo.append(row.pid)
    return found


def is_detached(pid: int) -> bool:
    """Whether a process belongs to nobody's tree, as its environment says; False too where we may not look."""
    variables = environment(pid).split(b"\0")
    marker = f"{MARKER}=".encode()
    return f"{DETACHED}=1".encode() in variables and not any(each.startswith(marker) for each in variables)


def environment(pid: int) -> bytes:
    """What a process was started with, `NAME=value` parted by NUL bytes; empty where we may not look."""
    if not IS_LINUX:
        if pid not in _told:
            _told.update(_ps_environments())
        return _told.get(pid, b"")
    try:
        descriptor = os.open(f"/proc/{pid}/environ", os.O_RDONLY)
    except OSError:
        return b""
    pieces = []
    try:
        while piece := os.read(descriptor, 1 << 16):
            pieces.append(piece)
    except OSError:
        pass
    finally:
        os.close(descriptor)
    return b"".join(pieces)


def marked(rows: dict[int, Row], runner: str) -> list[Row]:
    """Whoever was started under a runner, by its environment."""
    wanted = f"{MARKER}={runner}".encode()
    return [row for row in rows.values() if row.lives and wanted in environment(row.pid).split(b"\0")]


def own_children() -> list[int] | None:
    """The pids of this process's children, dead ones too; None where the system does not tell."""
    pid = os.getpid()
    try:
        descriptor = os.open(f"/proc/{pid}/task/{pid}/children", os.O_RDONLY)
    except OSError:
        return None
    pieces = []
    try:
        while piece := os.read(descriptor, 1 << 16):
            pieces.append(piece)
    finally:
        os.close(descriptor)
    return [int(each) for each in b"".join(pieces).split()]


def send(row: Row, number: int) -> bool:
    """Signal a process if it still is the one that `row` tells of; whether it was there."""
    try:
        descriptor = os.pidfd_open(row.pid) if hasattr(os, "pidfd_open") else -1
    except OSError:
        descriptor = -1
    try:
        if started(row.pid) != row.started:
            return False
        if descriptor >= 0 and hasattr(signals, "pidfd_send_signal"):
            signals.pidfd_send_signal(descriptor, number)  # to what we opened, even if its number is another's by now
        else:
            os.kill(row.pid, number)
    except OSError:
        return False
    finally:
        if descriptor >= 0:
            os.close(descriptor)
    return True


def kill_all(find: Callable[[], Iterable[Row]]) -> int:
    """One pass of killing all that `find` finds living: hold them first, so that none forks on; how many there were."""
    held: dict[tuple[int, int], Row] = {}
    deadline = time.monotonic() + PASS_S
    while new := [row for row in find() if row.lives and (row.pid, row.started) not in held]:
        for row in new:
            held[row.pid, row.started] = row
            send(row, signals.SIGSTOP)
        if time.monotonic() > deadline:
            break
    for row in held.values():
        send(row, signals.SIGKILL)
    return len(held)


def _ps(*pids: int) -> dict[int, Row]:
    """As `table`, where there is no /proc (macOS). A start is in seconds since the epoch there."""
    rows = {}
    which = ("-p", ",".join(map(str, pids))) if pids else ("-ax",)
    asked, said = _ask("ps", "-o", "pid=,stat=,ppid=,pgid=,sess=,lstart=", *which)
    for line in said.decode(errors="replace").splitlines():
        fields = line.split(None, 5)
        try:
            began = int(time.mktime(time.strptime(fields[5].strip(), "%a %b %d %H:%M:%S %Y")))
            pid, parent, group = int(fields[0]), int(fields[2]), int(fields[3])
        except (ValueError, IndexError):
            continue
        rows[pid] = Row(pid, fields[1][:1], parent, group, group, began)
    rows.pop(asked, None)
    return rows


def _ps_environments() -> dict[int, bytes]:
    """The arguments and environments of all processes, as far as we may see them; one call for all."""
    told = {}
    _, said = _ask("ps", "-axEww" if sys.platform == "darwin" else "axeww", "-o", "pid=,command=")
    for line in said.splitlines():
        pid, _, words = line.strip().partition(b" ")
        if pid.isdigit():
            told[int(pid)] = b"\0".join(words.split())
    return told


_told: dict[int, bytes] = {}
"""What `ps` said at the last look at the whole table; not where there is /proc."""


def _ask(*argv: str) -> tuple[int, bytes]:
    """The pid of a program that has ended, which it may have told of itself, and what it said."""
    import subprocess

    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as asked:
        return asked.pid, asked.communicate()[0]
