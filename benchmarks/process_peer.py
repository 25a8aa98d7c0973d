"""Against supervisor (PyPI), its defaults, in one run: 50 processes start, are killed and return, and stop.

The figures to reach: at least as fast in each, until all are RUNNING (which for supervisor means that each has stayed
up for its `startsecs`, one second by default), or until all are stopped. The mean of several rounds, since supervisor's
stop takes either 15 ms or a second, as it happens: it sleeps a second in select, and only what its programs' pipes tell
wakes it. Its fastest and slowest round stand beside.

    pip install supervisor; python benchmarks/process_peer.py [--quick]
"""

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ending import run, scratch_folder
from figures import Figures, arguments, call, scratch_database
from hosting import all_are, declare, host, present, until

from storage import ProcessState

CONFIGURATION = """[unix_http_server]
file={folder}/sock
[supervisord]
nodaemon=true
logfile={folder}/supervisord.log
pidfile={folder}/supervisord.pid
childlogdir={folder}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[program:p]
command=sleep 100000
process_name=%(program_name)s_%(process_num)d
numprocs={count}
autostart=false
"""

ROUNDS = 5
LOOK_S = 0.02


def timed(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def times(*acts: Callable[[], object]) -> list[list[float]]:
    """The times of each act, over rounds in which all are done in turn."""
    rounds = [[timed(act) for act in acts] for _ in range(ROUNDS)]
    return [list(each) for each in zip(*rounds, strict=True)]


def ours(count: int) -> list[list[float]]:
    with scratch_database() as database:
        declare(database, [f"p{number}" for number in range(count)])
        with host(database):

            def start() -> None:
                call(database, "start_processes", all=True)
                until(lambda: all_are(database, ProcessState.RUNNING), LOOK_S)

            def crash() -> None:
                before = {each.id: each.pid for each in present(database)}
                for pid in before.values():
                    assert pid is not None
                    os.kill(pid, signal.SIGKILL)
                until(
                    lambda: all(
                        each.state is ProcessState.RUNNING and each.pid != before[each.id] for each in present(database)
                    ),
                    LOOK_S,
                )

            def stop() -> None:
                call(database, "stop_processes", all=True)
                until(lambda: all_are(database, ProcessState.STOPPED), LOOK_S)

            return times(start, crash, stop)


@contextmanager
def supervisord(count: int) -> Iterator[Any]:
    from xmlrpc.client import ServerProxy

    from supervisor.xmlrpc import SupervisorTransport

    with scratch_folder() as folder:
        path = folder / "supervisord.conf"
        path.write_text(CONFIGURATION.format(folder=folder, count=count))
        program = [sys.executable, "-m", "supervisor.supervisord", "-c", str(path)]
        with subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
            until((folder / "sock").exists)
            transport = SupervisorTransport(None, None, serverurl=f"unix://{folder}/sock")
            try:
                yield ServerProxy("http://127.0.0.1", transport=transport).supervisor
            finally:
                running.terminate()
                running.wait()


def theirs(count: int) -> list[list[float]]:
    with supervisord(count) as control:

        def crash() -> None:
            before = {each["name"]: each["pid"] for each in control.getAllProcessInfo()}
            for pid in before.values():
                os.kill(pid, signal.SIGKILL)

            def are_back() -> bool:
                return all(
                    each["statename"] == "RUNNING" and each["pid"] not in (0, before[each["name"]])
                    for each in control.getAllProcessInfo()
                )

            until(are_back, LOOK_S)

        def stop() -> None:
            control.stopAllProcesses()
            until(lambda: all(each["statename"] == "STOPPED" for each in control.getAllProcessInfo()), LOOK_S)

        return times(control.startAllProcesses, crash, stop)


def main() -> None:
    """Measure both, print, and fail where ours is slower."""
    count = 5 if arguments(__doc__).quick else 50
    figures = Figures(f"{count} processes, ours beside supervisor's")
    try:
        import supervisor  # noqa: F401
    except ImportError:
        print("supervisor is not installed: pip install supervisor")
        sys.exit(0)
    peer, own = theirs(count), ours(count)
    for what, theirs_s, ours_s in zip(("start", "kill → running again", "stop"), peer, own, strict=True):
        figures.add(f"{what}, supervisor, mean", statistics.fmean(theirs_s), "s")
        figures.add("  its fastest", min(theirs_s), "s")
        figures.add("  its slowest", max(theirs_s), "s")
        figures.add(f"{what}, ours, mean", statistics.fmean(ours_s), "s", at_most=round(statistics.fmean(theirs_s), 3))
    figures.finish()


if __name__ == "__main__":
    run(main)
