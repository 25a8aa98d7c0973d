"""The worker: a long-lived program that carries out runs, each in a tree of processes that is gone before it reports.

It is started by its absolute file, runs on the standard library alone, and imports none of its neighbours, since it
must not take anything of the project it works in. One thread, one select loop.

Between the worker and each command stands a *keeper*, a fork of the worker that is a subreaper of its own: whatever
the command leaves behind, however it detaches itself, stays below its keeper, and the keeper ends when nothing is left
there. So the trees of several runs never mix, and "the keeper has ended" proves that a tree is dead.

The dispatcher talks to it in JSON lines over `worker.sock` in the runner's folder. Requests carry the host's fencing
token; one lower than a token seen before is refused. A run is known by its id: asking twice to begin it gives its
present state. Results are kept, in memory and beside the output, until the dispatcher forgets them.
"""

import contextlib
import errno
import os
import selectors
import signal
import socket
import sys
import time
from typing import TYPE_CHECKING, Any

CHUNK = 65_536
DEFECT_PAUSE_S = 0.5
"""After a defect of ours, so that it does not keep a processor busy."""
FAREWELL_S = 2.0
"""How long a stopped worker waits for somebody to take its last results."""


def main() -> int:
    """Serve until SIGTERM or SIGINT."""
    folder = os.environ.get("WZP_RUNNER_FOLDER")
    if not folder:
        sys.stderr.write("The worker is started by a process's runner, which sets WZP_RUNNER_FOLDER.\n")
        return 2
    return Worker(folder).serve()


def _neighbour(name: str) -> Any:
    """A module beside this file, by its path: the folder itself is not on sys.path."""
    from importlib.util import module_from_spec, spec_from_file_location

    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{name}.py")
    spec = spec_from_file_location(f"wzp_worker_{name}", path)
    assert spec is not None
    module = module_from_spec(spec)
    assert spec.loader is not None
    spec.loader.exec_module(module)
    return module


keeper = _neighbour("keeper")
trees = _neighbour("trees")
jobs = _neighbour("job")
connections = _neighbour("clients")

if TYPE_CHECKING:
    from core.dispatch.clients import Client, Clients
    from core.dispatch.job import Job, Request


class Worker:
    """Serves dispatchers, keeps jobs."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.jobs: dict[str, Job] = {}
        self.selector = selectors.DefaultSelector()
        self.clients: Clients = connections.Clients(self.selector, self._obey, _print)
        self.is_asked_to_stop = False
        self.stopping_since: float | None = None

    def serve(self) -> int:
        """Serve until stopped; the exit code."""
        keeper.prctl(keeper.PR_SET_CHILD_SUBREAPER, 1)  # what outlives a keeper that was killed comes to us
        wake, woken = socket.socketpair()
        for end in (wake, woken):
            end.setblocking(False)
        signal.set_wakeup_fd(woken.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.pthread_sigmask(signal.SIG_BLOCK, (keeper.END_UNBEGUN,))
        self.selector.register(wake, selectors.EVENT_READ, lambda _: wake.recv(4096))
        self.clients.listen(self.folder)
        _print(f"ready, pid {os.getpid()}")
        while not self._is_over():
            try:
                self._turn()
            except Exception as error:  # a defect of ours must not end the runs of others
                _print(f"a defect: {error!r}, line {_line_of(error)}")
                time.sleep(DEFECT_PAUSE_S)
        _print("stopped")
        return 0

    def _turn(self) -> None:
        for key, events in self.selector.select(self._patience()):
            key.data(events)
        if self.is_asked_to_stop and self.stopping_since is None:
            self._stop()
        self.clients.look_at_clock()
        self._look_at_clocks()
        self._reap_strays()

    def _obey(self, client: "Client", request: "Request") -> None:
        """Do what a dispatcher asks for."""
        what = request["do"]
        if what == "hello":
            told = [job.wire for job in self.jobs.values()]
            self.clients.send_in_turn(client, [*told, lambda: {"tell": "jobs", "pid": os.getpid()}])
        elif what == "run":
            self._begin(client, request)
        elif what == "forget":
            for run in request["runs"]:
                self._forget(run)
        elif what in ("cancel", "pause", "continue"):
            job = self.jobs.get(request["run"])
            if job is None:
                self.clients.send(client, {"tell": "unknown", "run": request["run"]})
            else:
                {"cancel": job.cancel, "pause": job.pause, "continue": job.go_on}[what]()
                self.clients.tell(job.wire())
        else:
            self.clients.send(client, {"tell": "error", "message": f"unknown request {what!r}"})

    # runs

    def _begin(self, client: "Client", request: "Request") -> None:
        job = self.jobs.get(request["run"])
        if job is None and self.stopping_since is not None:
            self.clients.send(client, {"tell": "unknown", "run": request["run"]})
            return
        if job is None:
            job = self.jobs[request["run"]] = jobs.Job(request, trees, keeper.END_UNBEGUN)
            try:
                self._fork_keeper(job)
            except OSError as error:  # the machine's limit of processes or files
                job.error = f"it could not be started: {error.strerror}"
                self._end(job)
                return
        self.clients.tell(job.wire())

    def _fork_keeper(self, job: "Job") -> None:
        worker = os.getpid()
        opened: list[int] = []
        try:
            opened += os.pipe()
            opened += os.pipe()
            report, keepers_report, output, keepers_output = opened
            self.selector.register(report, selectors.EVENT_READ, lambda _: self._hear(job))
            self.selector.register(output, selectors.EVENT_READ, lambda _: self._take_output(job))
            pid = os.fork()
        except OSError:
            for descriptor in opened:
                with contextlib.suppress(KeyError):
                    self.selector.unregister(descriptor)
                os.close(descriptor)
            raise
        if pid == 0:
            code = 1
            try:
                keeper.close_all_but(keepers_report, keepers_output)
                keeper.keep(job.request, keepers_report, keepers_output, worker, trees, _neighbour)
                code = 0
            finally:
                os._exit(code)
        os.close(keepers_report)
        os.close(keepers_output)
        os.set_blocking(output, False)
        os.set_blocking(report, False)
        job.keeper, job.report, job.output = pid, report, output

    def _hear(self, job: "Job") -> None:
        """Take in what the keeper tells; its end is the end of all that was below it."""
        assert job.report is not None
        try:
            told = os.read(job.report, CHUNK)
        except BlockingIOError:
            return
        if not told:
            self._close_pipe(job, "report")
            job.bury()
            self._bury(job)
            return
        job.hear(told)

    def _bury(self, job: "Job") -> None:
        """End a run whose keeper has ended, once nothing is left of it; nobody is waited for."""
        if job.keeper is not None:
            with contextlib.suppress(ChildProcessError):
                pid, status = os.waitpid(job.keeper, os.WNOHANG)
                if pid == 0:
                    self._look_later(job, [job.keeper])
                    return
                job.has_strays = status != 0  # it was killed, perhaps after its command had ended
            job.keeper = None
            job.has_lost_keeper = job.status is None and job.error is None
            if job.has_lost_keeper:
                job.error = jobs.LOST_KEEPER
        if job.has_strays or job.has_lost_keeper:
            try:
                strays = self._kill_strays(job)
            except OSError:  # nobody can look now, so nothing is proven
                job.look_later()
                return
            if strays:
                self._look_later(job, strays)
                return
        while self._take_output(job):
            pass
        self._end(job)

    def _look_later(self, job: "Job", left: list[int]) -> None:
        if job.note_killing(left):
            self._tell_stuck(job)

    def _tell_stuck(self, job: "Job") -> None:
        self._say(job, "its processes are killed and do not go")
        self.clients.tell(job.wire())

    def _say(self, job: "Job", what: str) -> None:
        """Leave a line in the worker's own log."""
        _print(f"{job.name}, attempt {job.attempt}: {what}")

    def _kill_strays(self, job: "Job") -> list[int]:
        """Kill what a keeper that was killed has left: it is below us now, and below no keeper; the pids there were.

        Without a subreaper it may be anywhere, and is known by its mark.

        Raises:
            OSError: nobody can look now.
        """
        keepers = [each.keeper for each in self.jobs.values() if each.keeper is not None]
        found = trees.kill_strays(keepers) if trees.IS_LINUX else trees.kill_marked([job.run])
        self._reap_strays()
        return list(found)

    def _reap_strays(self) -> None:
        """Take the exit status of whatever came to us; a keeper is waited for by its own pid."""
        keepers = {job.keeper for job in self.jobs.values()}
        with contextlib.suppress(ChildProcessError):
            while True:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                if found is None or found.si_pid in keepers:
                    return
                os.waitpid(found.si_pid, 0)

    def _take_output(self, job: "Job") -> bool:
        """Take in what the command has printed; whether there may be more."""
        if job.output is None:
            return False
        try:
            chunk = os.read(job.output, CHUNK)
        except BlockingIOError:
            return False
        if not chunk:
            self._close_pipe(job, "output")
            return False
        job.take(chunk)
        return True

    def _close_pipe(self, job: "Job", name: str) -> None:
        descriptor = getattr(job, name)
        self.selector.unregister(descriptor)
        os.close(descriptor)
        setattr(job, name, None)

    def _end(self, job: "Job") -> None:
        """The tree is gone: tell."""
        if job.output is not None:
            self._close_pipe(job, "output")
        job.end()
        self._say(job, "ended")
        self.clients.tell(job.wire())

    def _forget(self, run: str) -> None:
        job = self.jobs.get(run)
        if job is not None and job.state == "ended":
            del self.jobs[run]
            job.forget()

    # time

    def _look_at_clocks(self) -> None:
        for job in list(self.jobs.values()):
            is_buried = job.report is None and job.state == "ending"
            if is_buried and (job.keeper is not None or (job.due() or 0.0) <= time.monotonic()):
                self._bury(job)
            elif not is_buried and job.look_at_clock():
                self._tell_stuck(job)

    def _patience(self) -> float | None:
        """How long nothing is due, in seconds; None without end."""
        due = [moment for job in self.jobs.values() if (moment := job.due()) is not None]
        if self.clients.due is not None:
            due.append(self.clients.due)
        if self.stopping_since is not None:
            due.append(time.monotonic() + trees.KILL_EVERY_S)
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _ask_to_stop(self, *_: Any) -> None:
        self.is_asked_to_stop = True  # between two instructions of ours: the loop acts on it

    def _stop(self) -> None:
        self.stopping_since = time.monotonic()
        for job in list(self.jobs.values()):
            job.interrupt("its worker was stopped")

    def _is_over(self) -> bool:
        if self.stopping_since is None or any(job.state != "ended" for job in self.jobs.values()):
            return False
        is_taken = not self.jobs or not self.clients
        return is_taken or time.monotonic() - self.stopping_since > FAREWELL_S


def _print(line: str) -> None:
    """Leave a line in the worker's own log, as long as there is one."""
    with contextlib.suppress(OSError):
        print(line, flush=True)


def _line_of(error: Exception) -> str:
    """Where an error was raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace is not None else "?"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as problem:
        sys.stderr.write(f"The worker ends: {problem}\n")
        sys.exit(1 if problem.errno != errno.EADDRINUSE else 3)
