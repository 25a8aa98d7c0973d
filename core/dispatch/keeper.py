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

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36

END_UNBEGUN = signal.SIGUSR1
"""Tells a keeper not to begin its command. The worker blocks it, and so do its keepers: it waits to be looked for."""


def prctl(option: int, value: int) -> None:
    """Linux's prctl; nothing elsewhere."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def keep(
    request: Mapping[str, Any], report: int, output: int, worker: int, trees: Any, load: Callable[[str], Any]
) -> None:
    """What the keeper does: start the command, reap all that comes to it, and end when nothing is left.

    Where END_UNBEGUN comes before the command has begun, it does not begin.

    Args:
        report: the descriptor on which it tells the worker, in JSON lines.
        output: the descriptor to which the command prints.
        worker: the pid of the worker, without which nothing begins.
        trees: the module of that name.
        load: gives a module of this folder.
    """

    def tell(**words: Any) -> None:
        with contextlib.suppress(BrokenPipeError):  # the worker has died under us; what is below us dies first
            os.write(report, json.dumps(words).encode() + b"\n")

    os.setsid()
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)

    def bury(*_: Any) -> None:
        with contextlib.suppress(OSError):  # the machine has nothing to spare now; the next sweep comes soon
            trees.signal_tree(os.getpid(), signal.SIGKILL)

    signal.signal(signal.SIGALRM, bury)
    # sent when the worker dies under us; sweeps until nothing is left
    signal.signal(signal.SIGTERM, lambda *_: signal.setitimer(signal.ITIMER_REAL, 0.001, trees.KILL_EVERY_S))
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != worker:
        return
    changes = before = None
    if request.get("collects_files"):
        try:
            changes = load("changed_files")
            before = changes.snapshot(request["cwd"])
        except Exception as error:
            tell(error=f"it could not be started, since its files could not be looked at: {error}")
            return
    # a signal that comes while the command's process is made waits until that is the command, or is past
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGALRM))
    if END_UNBEGUN in signal.sigpending():
        tell(error="it was ended before it began")
        return
    try:
        leader = os.fork()
    except OSError as error:  # the machine's limit of processes
        tell(error=f"it could not be started: {error.strerror}")
        return
    if leader == 0:
        try:
            _become(request, output)
        except OSError as error:
            tell(error=f"{error.strerror}: {error.filename}" if error.filename else str(error))
        except Exception as error:
            tell(error=f"it could not be started: {error!r}")
        os._exit(127)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGALRM))
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
        tell(empty=True)
        with contextlib.suppress(OSError, ValueError):  # a result without its files is better than none
            tell(files=changes.changed(request["cwd"], before))


def _become(request: Mapping[str, Any], output: int) -> None:
    """Turn into the command."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
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
