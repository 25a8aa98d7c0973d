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
import json
import os
import resource
import selectors
import signal
import socket
import struct
import sys
import time

SOCKET = "worker.sock"
TAIL_BYTES = 65_536
"""How much of the end of a run's output its result carries."""
CHUNK = 65_536
LONGEST_REQUEST = 1_048_576
LONGEST_BACKLOG = 16_777_216
"""A dispatcher that reads nothing for so many bytes is dropped; it may connect again."""
KILL_EVERY_S = 0.05
"""Between two sweeps over a tree that is to die: what was forked meanwhile is met by the next."""
FAREWELL_S = 2.0
"""How long a stopped worker waits for somebody to take its last results."""
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def main():
    """Serve until SIGTERM or SIGINT."""
    folder = os.environ.get("WZP_RUNNER_FOLDER")
    if not folder:
        sys.stderr.write("The worker is started by a process's runner, which sets WZP_RUNNER_FOLDER.\n")
        return 2
    return Worker(folder).serve()


# The tree of processes below one


def _prctl(option, value):
    """Linux's prctl; nothing elsewhere."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def process_table():
    """Each process's parent and start time, by pid."""
    table = {}
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


def below(root, table):
    """The pids of all descendants of a process."""
    children = {}
    for pid, (parent, _) in table.items():
        children.setdefault(parent, []).append(pid)
    found, frontier = [], [root]
    while frontier:
        frontier = [child for pid in frontier for child in children.get(pid, ())]
        found += frontier
    return found


def signal_tree(root, number):
    """Send a signal to every descendant of a process; how many there were."""
    table = process_table()
    pids = below(root, table)
    for pid in pids:
        _signal_one(pid, table[pid][1], number)
    return len(pids)


def _signal_one(pid, started, number):
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


# The keeper


def keep(request, report, output):
    """What the keeper does: start the command, reap all that comes to it, and end when nothing is left.

    Args:
        report: the descriptor on which it tells the worker, in JSON lines.
        output: the descriptor to which the command prints.
    """

    def tell(**words):
        os.write(report, json.dumps(words).encode() + b"\n")

    os.setsid()
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)

    def bury(*_):
        signal_tree(os.getpid(), signal.SIGKILL)

    signal.signal(signal.SIGALRM, bury)
    # sent when the worker dies under us; sweeps until nothing is left
    signal.signal(signal.SIGTERM, lambda *_: signal.setitimer(signal.ITIMER_REAL, 0.001, KILL_EVERY_S))
    _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == 1:
        return
    changes = before = None
    if request.get("collects_files"):
        changes = _neighbour("changed_files")
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


def _become(request, output):
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


def _neighbour(name):
    """A module beside this file, by its path: the folder itself is not on sys.path."""
    from importlib.util import module_from_spec, spec_from_file_location

    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{name}.py")
    spec = spec_from_file_location(f"wzp_worker_{name}", path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# The worker


class Job:
    """One run, from its request to the moment when its result is forgotten."""

    def __init__(self, request):
        self.request = request
        self.run = request["run"]
        self.attempt = request["attempt"]
        self.keeper = self.leader = None
        self.report = self.output = None  # our ends of the pipes
        self.heard = b""
        self.state = "running"
        self.status = self.error = self.reason = None
        self.files = []
        self.is_cancelled = self.is_interrupted = False
        self.tail = bytearray()
        self.log = None
        self.log_size = 0
        self.log_error = None
        self.began = time.monotonic()
        self.started_at = time.time()
        self.ended_at = self.seconds = None
        limit = request.get("time_limit_s")
        self.limit_at = self.began + limit if limit else None
        self.paused_at = None
        self.kill_at = None  # when what is left is killed; None as long as it may live

    def wire(self):
        """What the dispatcher is told of it."""
        told = {
            "tell": "run", "run": self.run, "attempt": self.attempt, "state": self.state, "pid": self.leader,
            "started_at": self.started_at,
        }  # fmt: skip
        if self.state == "ended":
            code = os.waitstatus_to_exitcode(self.status) if self.status is not None else None
            told |= {
                "exit_code": code if code is not None and code >= 0 else None,
                "exit_signal": _signal_name(-code) if code is not None and code < 0 else None,
                "error": self.error, "reason": self.reason, "cancelled": self.is_cancelled,
                "interrupted": self.is_interrupted, "ended_at": self.ended_at, "seconds": self.seconds,
                "output": self.tail.decode(errors="replace"), "files": self.files, "log_error": self.log_error,
            }  # fmt: skip
        return told


def _signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class Client:
    """One connection of a dispatcher."""

    def __init__(self, channel):
        self.channel = channel
        self.read = b""
        self.unsent = b""


class Worker:
    """Serves dispatchers, keeps jobs."""

    def __init__(self, folder):
        self.folder = folder
        self.token = 0
        self.jobs = {}
        self.clients = {}
        self.selector = selectors.DefaultSelector()
        self.stopping_since = None

    def serve(self):
        """Serve until stopped; the exit code."""
        _prctl(PR_SET_CHILD_SUBREAPER, 1)  # what outlives a keeper that was killed comes to us
        wake, woken = socket.socketpair()
        for end in (wake, woken):
            end.setblocking(False)
        signal.set_wakeup_fd(woken.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        listener = self._listen()
        self.selector.register(wake, selectors.EVENT_READ, lambda _: wake.recv(4096))
        self.selector.register(listener, selectors.EVENT_READ, lambda _: self._accept(listener))
        print(f"ready, pid {os.getpid()}", flush=True)
        while not self._is_over():
            for key, events in self.selector.select(self._patience()):
                key.data(events)
            self._look_at_clocks()
            self._reap_strays()
        print("stopped", flush=True)
        return 0

    def _listen(self):
        """The socket, bound by a short name: a path beyond 108 bytes cannot be."""
        here = os.getcwd()
        os.chdir(self.folder)
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(SOCKET)
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listener.setblocking(False)
            before = os.umask(0o177)
            try:
                listener.bind(SOCKET)
            finally:
                os.umask(before)
            listener.listen(16)
        finally:
            os.chdir(here)
        return listener

    # dispatchers

    def _accept(self, listener):
        channel, _ = listener.accept()
        if hasattr(socket, "SO_PEERCRED"):
            size = struct.calcsize("3i")
            owner = struct.unpack("3i", channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[1]
            if owner != os.getuid():
                channel.close()
                return
        channel.setblocking(False)
        client = Client(channel)
        self.clients[channel] = client
        self.selector.register(channel, selectors.EVENT_READ, lambda events: self._serve_client(client, events))

    def _serve_client(self, client, events):
        if events & selectors.EVENT_WRITE:
            self._flush(client)
        if not events & selectors.EVENT_READ or client.channel not in self.clients:
            return
        try:
            received = client.channel.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        client.read += received
        if not received or len(client.read) > LONGEST_REQUEST:
            self._drop(client)
            return
        *lines, client.read = client.read.split(b"\n")
        for line in lines:
            self._obey(client, line)

    def _obey(self, client, line):
        try:
            request = json.loads(line)
            what, token = request["do"], int(request["token"])
        except (ValueError, KeyError, TypeError):
            self._send(client, {"tell": "error", "message": f"not understood: {line[:80]!r}"})
            return
        if token < self.token:
            self._send(client, {"tell": "refused", "token": self.token})
            return
        self.token = token
        try:
            if what == "hello":
                self._send(client, {"tell": "jobs", "pid": os.getpid(), "runs": [j.wire() for j in self.jobs.values()]})
            elif what == "run":
                self._begin(client, request)
            elif what == "forget":
                for run in request["runs"]:
                    self._forget(run)
            elif what in ("cancel", "pause", "continue"):
                job = self.jobs.get(request["run"])
                if job is None:
                    self._send(client, {"tell": "unknown", "run": request["run"]})
                else:
                    {"cancel": self._cancel, "pause": self._pause, "continue": self._continue}[what](job)
                    self._tell(job)
            else:
                self._send(client, {"tell": "error", "message": f"unknown request {what!r}"})
        except (KeyError, TypeError) as error:
            self._send(client, {"tell": "error", "message": f"{what}: {error!r}"})

    def _send(self, client, told):
        client.unsent += json.dumps(told).encode() + b"\n"
        self._flush(client)

    def _flush(self, client):
        try:
            while client.unsent:
                client.unsent = client.unsent[client.channel.send(client.unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            self._drop(client)
            return
        if len(client.unsent) > LONGEST_BACKLOG:
            self._drop(client)
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.unsent else 0)
        if client.channel in self.clients and self.selector.get_key(client.channel).events != wanted:
            self.selector.modify(client.channel, wanted, self.selector.get_key(client.channel).data)

    def _drop(self, client):
        if self.clients.pop(client.channel, None) is not None:
            self.selector.unregister(client.channel)
            client.channel.close()

    def _tell(self, job):
        for client in list(self.clients.values()):
            self._send(client, job.wire())

    # runs

    def _begin(self, client, request):
        job = self.jobs.get(request["run"])
        if job is None and self.stopping_since is not None:
            self._send(client, {"tell": "unknown", "run": request["run"]})
            return
        if job is None:
            job = self.jobs[request["run"]] = Job(request)
            try:
                self._fork_keeper(job)
            except OSError as error:  # the machine's limit of processes or files
                job.error = f"it could not be started: {error.strerror}"
                self._end(job)
                return
        self._tell(job)

    def _fork_keeper(self, job):
        report, keepers_report = os.pipe()
        try:
            output, keepers_output = os.pipe()
        except OSError:
            os.close(report)
            os.close(keepers_report)
            raise
        try:
            pid = os.fork()
        except OSError:
            for descriptor in (report, keepers_report, output, keepers_output):
                os.close(descriptor)
            raise
        if pid == 0:
            code = 1
            try:
                _close_all_but(keepers_report, keepers_output)
                keep(job.request, keepers_report, keepers_output)
                code = 0
            finally:
                os._exit(code)
        os.close(keepers_report)
        os.close(keepers_output)
        os.set_blocking(output, False)
        os.set_blocking(report, False)
        job.keeper, job.report, job.output = pid, report, output
        self.selector.register(report, selectors.EVENT_READ, lambda _: self._hear(job))
        self.selector.register(output, selectors.EVENT_READ, lambda _: self._take_output(job))

    def _hear(self, job):
        """Take in what the keeper tells; its end is the end of all that was below it."""
        try:
            told = os.read(job.report, CHUNK)
        except BlockingIOError:
            return
        if not told:
            self._close_pipe(job, "report")
            self._bury_keeper(job)
            return
        *lines, job.heard = (job.heard + told).split(b"\n")
        for line in lines:
            words = json.loads(line)
            job.leader = words.get("leader", job.leader)
            job.error = words.get("error", job.error)
            job.files = words.get("files", job.files)
            if "status" in words:
                job.status = words["status"]
                if job.kill_at is None:  # what it left behind has its grace
                    self._end_softly(job)

    def _bury_keeper(self, job):
        with contextlib.suppress(ChildProcessError):
            os.waitpid(job.keeper, 0)
        if job.status is None and job.error is None:
            job.error = "its keeper was killed"
        # where the keeper was killed, what was below it is below us now
        while self._end_strays_of(job):
            time.sleep(0.005)
        while self._take_output(job):
            pass
        self._end(job)

    def _end_strays_of(self, job):
        """Kill what bears the run's mark and is below no keeper; how many there were."""
        if job.error != "its keeper was killed" or sys.platform != "linux":
            return 0
        mark = f"WZP_RUN={job.run}".encode()
        table = process_table()
        found = 0
        for pid in below(os.getpid(), table):
            with contextlib.suppress(OSError):
                with open(f"/proc/{pid}/environ", "rb") as file:
                    is_ours = mark in file.read().split(b"\0")
                if is_ours:
                    _signal_one(pid, table[pid][1], signal.SIGKILL)
                    found += 1
        self._reap_strays()
        return found

    def _reap_strays(self):
        """Take the exit status of whatever came to us; a keeper is waited for by its own pid."""
        keepers = {job.keeper for job in self.jobs.values() if job.report is not None}
        with contextlib.suppress(ChildProcessError):
            while True:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                if found is None or found.si_pid in keepers:
                    return
                os.waitpid(found.si_pid, 0)

    def _take_output(self, job):
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
        job.tail += chunk
        if len(job.tail) > 2 * TAIL_BYTES:
            del job.tail[:-TAIL_BYTES]
        self._keep_output(job, chunk)
        return True

    def _keep_output(self, job, chunk):
        path = job.request.get("output")
        if path is None or job.log_error is not None:
            return
        try:
            if job.log is None:
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
                job.log = os.open(path, flags, 0o600)
                job.log_size = os.fstat(job.log).st_size
            while chunk:
                written = os.write(job.log, chunk)
                job.log_size += written
                chunk = chunk[written:]
            if job.log_size > job.request.get("max_bytes", 10_000_000):
                os.close(job.log)
                job.log = None
                os.replace(path, f"{path}.1")
        except OSError as error:  # a full disk ends the log, not the run
            job.log_error = f"{error.strerror}: {path}"

    def _close_pipe(self, job, name):
        descriptor = getattr(job, name)
        self.selector.unregister(descriptor)
        os.close(descriptor)
        setattr(job, name, None)

    def _end(self, job):
        """The tree is gone: tell."""
        if job.output is not None:
            self._close_pipe(job, "output")
        if job.log is not None:
            os.close(job.log)
            job.log = None
        del job.tail[:-TAIL_BYTES]
        job.state = "ended"
        job.ended_at = time.time()
        job.seconds = time.monotonic() - job.began
        self._keep_result(job)
        print(f"run {job.run} attempt {job.attempt} ended", flush=True)
        self._tell(job)

    def _keep_result(self, job):
        """Lay the result beside the output, for the case that we are killed before it is taken."""
        path = job.request.get("result")
        if path is None:
            return
        with contextlib.suppress(OSError):  # then it is in memory alone
            draft = f"{path}.draft"
            with open(draft, "w") as file:
                json.dump(job.wire(), file)
            os.replace(draft, path)

    def _forget(self, run):
        job = self.jobs.get(run)
        if job is not None and job.state == "ended":
            del self.jobs[run]
            with contextlib.suppress(OSError, TypeError):
                os.unlink(job.request.get("result"))

    # ending, pausing

    def _cancel(self, job):
        if job.state in ("running", "paused"):
            job.is_cancelled = True
            self._end_softly(job)

    def _end_softly(self, job):
        """Ask the whole tree to end, and set the time at which it is killed."""
        self._continue(job)
        if job.state == "ended":
            return
        if job.kill_at is None:
            job.state = "ending"
            job.kill_at = time.monotonic() + job.request.get("grace_s", 5.0)
            signal_tree(job.keeper, signal.SIGTERM)

    def _pause(self, job):
        if job.state == "running":
            job.state = "paused"
            job.paused_at = time.monotonic()
            seen = -1
            for _ in range(20):  # what was forked while we looked is met by the next look
                count = signal_tree(job.keeper, signal.SIGSTOP)
                if count == seen:
                    break
                seen = count

    def _continue(self, job):
        if job.state == "paused":
            job.state = "running"
            if job.limit_at is not None:
                job.limit_at += time.monotonic() - job.paused_at
            job.paused_at = None
            signal_tree(job.keeper, signal.SIGCONT)

    # time

    def _look_at_clocks(self):
        now = time.monotonic()
        for job in list(self.jobs.values()):
            if job.state == "running" and job.limit_at is not None and now >= job.limit_at:
                job.reason = f"it exceeded its time limit of {job.request['time_limit_s']:g} s"
                self._end_softly(job)
            if job.state == "ending" and job.kill_at is not None and now >= job.kill_at:
                signal_tree(job.keeper, signal.SIGSTOP)  # so that nothing forks away from under the sweep
                signal_tree(job.keeper, signal.SIGKILL)
                job.kill_at = now + KILL_EVERY_S

    def _patience(self):
        """How long nothing is due, in seconds; None without end."""
        due = []
        for job in self.jobs.values():
            if job.state == "running" and job.limit_at is not None:
                due.append(job.limit_at)
            if job.state == "ending" and job.kill_at is not None:
                due.append(job.kill_at)
        if self.stopping_since is not None:
            due.append(time.monotonic() + KILL_EVERY_S)
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _stop(self, *_):
        if self.stopping_since is None:
            self.stopping_since = time.monotonic()
            for job in list(self.jobs.values()):
                if job.state in ("running", "paused"):
                    job.is_interrupted = True
                    job.reason = "its worker was stopped"
                    self._end_softly(job)

    def _is_over(self):
        if self.stopping_since is None or any(job.state != "ended" for job in self.jobs.values()):
            return False
        is_taken = not self.jobs or not self.clients
        return is_taken or time.monotonic() - self.stopping_since > FAREWELL_S


def _close_all_but(*kept):
    """Close what belongs to the worker: a keeper that held its socket would answer for a dead one."""
    limit = min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 65_536)
    start = 3
    for descriptor in sorted(kept):
        os.closerange(start, descriptor)
        start = descriptor + 1
    os.closerange(start, limit)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as problem:
        sys.stderr.write(f"The worker ends: {problem}\n")
        sys.exit(1 if problem.errno != errno.EADDRINUSE else 3)
