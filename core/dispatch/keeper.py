"""The keeper of one run: a fork of the worker that stands between it and a command, and ends when nothing is left.

It is a subreaper: what the command leaves behind, however it detaches itself, stays below it. Loaded by the worker by
its path; the standard library alone.
"""

import contextlib
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any

Table = Mapping[int, tuple[int, int | None]]
"""Each process's parent and start time, by pid."""

KILL_EVERY_S = 0.05
"""Between two sweeps over a tree that is to die: what was forked meanwhile is met by the next."""
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def prctl(option: int, value: int) -> None:
    """Linux's prctl; nothing elsewhere."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def process_table() -> Table:
    """Each process's parent and start time, by pid."""
    table: dict[int, tuple[int, int | None]] = {}
    if sys.platform != "linux":
        import subprocess

        listed = subprocess.run(["/bin/ps", "-axo", "pid=,ppid="], capture_output=True, check=False, text=True)
        for line in listed.stdout.splitlines():
            pid, parent = line.split()
            table[int(pid)] = int(parent), None
        return table
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
                if fields[0] != b"Z":
                    table[int(name)] = int(fields[1]), int(fields[19])
    return table


def below(root: int, table: Table) -> list[int]:
    """The pids of all descendants of a process."""
    children: dict[int, list[int]] = {}
    for pid, (parent, _) in table.items():
        children.setdefault(parent, []).append(pid)
    found: list[int] = []
    frontier = [root]
    while frontier:
        frontier = [child for pid in frontier for child in children.get(pid, ())]
        found += frontier
    return found


def signal_tree(root: int, number: int) -> int:
    """Send a signal to every descendant of a process; how many there were."""
    table = process_table()
    pids = below(root, table)
    for pid in pids:
        signal_one(pid, table[pid][1], number)
    return len(pids)


def signal_one(pid: int, started: int | None, number: int) -> None:
    """Signal the process that was seen under a pid, not one that has come to bear it since."""
    try:
        if not hasattr(signal, "pidfd_send_signal") or not hasattr(os, "pidfd_open"):
            os.kill(pid, number)
            return
        descriptor = os.pidfd_open(pid)
    except OSError:
        return
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        if int(fields[19]) == started:
            signal.pidfd_send_signal(descriptor, number)
    except (OSError, ValueError, IndexError):
        pass  # gone meanwhile
    finally:
        os.close(descriptor)


def keep(request: Mapping[str, Any], report: int, output: int, load: Callable[[str], Any]) -> None:
    """What the keeper does: start the command, reap all that comes to it, and end when nothing is left.

    Args:
        report: the descriptor on which it tells the worker, in JSON lines.
        output: the descriptor to which the command prints.
        load: gives a module of this folder.
    """

    def tell(**words: Any) -> None:
        os.write(report, json.dumps(words).encode() + b"\n")

    os.setsid()
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)

    def bury(*_: Any) -> None:
        signal_tree(os.getpid(), signal.SIGKILL)

    signal.signal(signal.SIGALRM, bury)
    # sent when the worker dies under us; sweeps until nothing is left
    signal.signal(signal.SIGTERM, lambda *_: signal.setitimer(signal.ITIMER_REAL, 0.001, KILL_EVERY_S))
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == 1:
        return
    changes = before = None
    if request.get("collects_files"):
        changes = load("changed_files")
        before = changes.snapshot(request["cwd"])
    leader = os.fork()
    if leader == 0:
        try:
            _become(request, output)
        except OSError as error:
            tell(error=f"{error.strerror}: {error.filename}" if error.filename else str(error))
        os._exit(127)
    os.close(output)
    tell(leader=leader)
    while True:
        try:
            pid, status = os.waitpid(-1, 0)
        except ChildProcessError:
            break
        if pid == leader:
            tell(status=status)
    if changes is not None:
        files = changes.changed(request["cwd"], before)
        tell(files=files)


def _become(request: Mapping[str, Any], output: int) -> None:
    """Turn into the command."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    os.chdir(request["cwd"])
    environment = {**os.environ, **request.get("env", {}), "WZP_RUN": request["run"], "PWD": request["cwd"]}
    environment.pop("WZP_RUNNER_FOLDER", None)
    os.execve("/bin/sh", ["sh", "-c", request["shell"]], environment)


def close_all_but(*kept: int) -> None:
    """Close what belongs to the worker: a keeper that held its socket would answer for a dead one."""
    limit = min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 65_536)
    start = 3
    for descriptor in sorted(kept):
        os.closerange(start, descriptor)
        start = descriptor + 1
    os.closerange(start, limit)
