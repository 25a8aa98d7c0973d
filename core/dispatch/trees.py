"""Trees of processes: who is below whom, who bears a run's mark in the environment, and signals to them.

Loaded by the worker and its keepers by its path; the standard library alone.
"""

import contextlib
import errno
import os
import signal
import sys
from collections.abc import Collection, Iterable, Mapping

Table = Mapping[int, tuple[int, int | None]]
"""The parent and the start time of each process that lives, by pid."""

KILL_EVERY_S = 0.05
"""Between two sweeps over a tree that is to die: what was forked meanwhile is met by the next."""
LONGEST_SWEEP_S = 1.0
"""Between two sweeps over one that does not die: it hangs in the kernel, and looking for it costs time."""

MARK = "WZP_RUN"
"""The variable in a process's environment that names the run."""

SCARCE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN})
"""The errors of a machine that has no file, memory or process to spare: they tell nothing of what was looked for."""

IS_LINUX = sys.platform == "linux"


def process_table() -> Table:
    """The parent and the start time of each process that lives, by pid; no start times but on Linux.

    Raises:
        OSError: nobody can look now.
    """
    table: dict[int, tuple[int, int | None]] = {}
    if not IS_LINUX:
        for pid, line in _ps("ps", "-ax", "-o", "pid=,ppid=,stat="):
            parent, state = line.split()
            if not state.startswith(b"Z"):
                table[pid] = int(parent), None
        if os.getpid() not in table:
            raise OSError(errno.EAGAIN, "ps tells nothing")
        return table
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = _stat(int(name))
            if fields is not None and fields[0] not in (b"Z", b"X"):
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


def signal_tree(root: int, number: int) -> list[int]:
    """Send a signal to every descendant of a process; the pids that there were.

    Raises:
        OSError: the machine has nothing to spare now; some may have got it.
    """
    table = process_table()
    pids = below(root, table)
    for pid in pids:
        signal_one(pid, table[pid][1], number)
    return pids


def kill_strays(keepers: Collection[int]) -> list[int]:
    """Kill what is below this process and below none of the keepers; the pids that there were.

    Raises:
        OSError: as `signal_tree`.
    """
    table = process_table()
    spared = {pid for each in keepers for pid in (each, *below(each, table))}
    strays = [pid for pid in below(os.getpid(), table) if pid not in spared]
    for pid in strays:
        signal_one(pid, table[pid][1], signal.SIGKILL)
    return strays


def kill_marked(runs: Iterable[str]) -> dict[int, str]:
    """Kill what bears the mark of any of the runs, wherever it is; the pids that there were, each with its run.

    Where there is no /proc, `ps` tells who bears a mark, of those whose environment it may show.

    Raises:
        OSError: as `signal_tree`.
    """
    marks = {f"{MARK}={run}".encode(): run for run in runs}
    table = process_table()
    found: dict[int, str] = {}
    for pid, variables in _environments(table):
        run = next((run for mark, run in marks.items() if mark in variables), None)
        if run is not None and pid != os.getpid():
            found[pid] = run
            signal_one(pid, table[pid][1], signal.SIGKILL)
    return found


def signal_one(pid: int, started: int | None, number: int) -> None:
    """Signal the process that was seen under a pid, not one that has come to bear it since.

    Raises:
        OSError: the machine has nothing to spare now.
    """
    if started is None or not hasattr(signal, "pidfd_send_signal") or not hasattr(os, "pidfd_open"):
        with contextlib.suppress(OSError):
            os.kill(pid, number)
        return
    try:
        descriptor = os.pidfd_open(pid)
    except OSError as error:
        if error.errno in SCARCE:
            raise
        return  # gone
    try:
        fields = _stat(pid)
        if fields is not None and int(fields[19]) == started:
            with contextlib.suppress(OSError):  # gone meanwhile
                signal.pidfd_send_signal(descriptor, number)
    finally:
        os.close(descriptor)


def _stat(pid: int) -> list[bytes] | None:
    """What proc(5) tells of a process from its state on; None where there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError as error:
        if error.errno in SCARCE:
            raise
        return None
    return fields if len(fields) >= 20 else None


def _environments(table: Table) -> Iterable[tuple[int, list[bytes]]]:
    """The variables with which each process was started, as far as we may see them."""
    if not IS_LINUX:
        # on macOS -E shows the environment behind the arguments, on others e does
        flags = "-axEww" if sys.platform == "darwin" else "axeww"
        for pid, line in _ps("ps", flags, "-o", "pid=,command="):
            if pid in table:
                yield pid, line.split()
        return
    for pid in table:
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                yield pid, file.read().split(b"\0")
        except OSError as error:
            if error.errno in SCARCE:
                raise
            continue  # gone, or another user's


def _ps(*argv: str) -> list[tuple[int, bytes]]:
    """What `ps` tells of each process behind its pid; not of itself."""
    import subprocess

    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as asked:
        told = asked.communicate()[0]
    lines = (line.split(None, 1) for line in told.splitlines())
    return [(int(words[0]), words[1]) for words in lines if len(words) == 2 and int(words[0]) != asked.pid]
