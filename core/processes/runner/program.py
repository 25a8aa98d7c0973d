"""The runner's one loop: terminal, signals, socket and clock of one process, never waiting for anybody but them all."""

from __future__ import annotations

import binascii
import os
import sys
import time

from . import child, tree
from .desk import Desk, Refused
from .leader import Leader
from .life import Life
from .light import become_subreaper, signal_number, signals
from .log import OutputLog
from .place import Place, require_token
from .screen import Screen
from .starter import Starter
from .terminal import Terminal
from .watch import READABLE, WRITE, Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .clients import Client

VERSION = 1
"""Of the wire and of state.json."""

DEFECT_PAUSE_S = 0.1
"""After an error that should not be, so that one that comes again and again does not take the machine."""

LINGER_S = 24 * 3600.0
"""An ended process's runner waits so long to be asked for the exit status; state.json stays after that."""

TOUCH_S = 12 * 3600.0
"""So often its files are touched: a home below /tmp or /var/tmp is swept of what is days old."""

LOOK_FOR_FOLDER_S = 5.0
"""So often it looks whether there is still a folder in which it could be asked: its home may have been removed."""


class Runner:
    """One process, from its start until it is released."""

    def __init__(self, folder: str, launch: dict[str, Any], in_pane: bool) -> None:
        self._name = os.path.basename(folder.rstrip("/"))
        self._launch = launch
        self._in_pane = in_pane
        self._watch = Watch()
        self._screen = Screen()
        self._end_at: float | None = None
        self._is_released = False
        self._touch_at = time.monotonic() + TOUCH_S
        self._pane: Any = None
        self.status: dict[str, Any] = {
            "version": VERSION, "state": "starting", "pid": None, "pid_started": None,
            "boot_id": str(launch["boot_id"]), "runner_pid": os.getpid(), "runner_started": tree.started(os.getpid()),
            "started_at": None, "ended_at": None, "exit_code": None, "exit_signal": None, "error": None, "hint": None,
            "token": int(launch["token"]), "last_output_at": None,
            "rows": int(launch["rows"]), "columns": int(launch["columns"]), "pane": None,
        }  # fmt: skip

    # beginning

    def begin(self) -> None:
        """Take the process's place, open everything, and start the program.

        Raises:
            Refused: another runner has the process, or a later host has.
            child.StartError: the program could not be started.
        """
        self._umask = os.umask(0o077)
        self._place = Place()
        self._place.take_process(self.status["token"])
        self._take_signals()
        launch = self._launch
        self._log = OutputLog(str(launch["output"]), int(launch["max_bytes"]), int(launch["files"]))
        self._is_subreaper = become_subreaper()
        if self._in_pane:
            self._take_pane()
        self._desk = Desk(self._watch, self)
        env = {str(name): str(value) for name, value in launch["env"].items() if name != tree.DETACHED}
        env[tree.MARKER] = self._name
        env[tree.MARKER + "_FOLDER"] = os.getcwd()
        if self._in_pane:
            env |= {name: os.environ[name] for name in ("TERM", "TMUX", "TMUX_PANE") if name in os.environ}
        env.setdefault("TERM", "xterm-256color")
        status = self.status
        argv = [str(each) for each in launch["argv"]]
        pid, master, slave = child.spawn(argv, str(launch["cwd"]), env, status["rows"], status["columns"], self._umask)
        self._leader = Leader(pid, self._note_end)
        self._life = Life(
            self._leader, self._name, self._is_subreaper,
            signal_number(str(launch["stop_signal"])) or int(signals.SIGTERM), float(launch["grace_s"]),
            self._stops, self._finish,
        )  # fmt: skip
        status["pid"], status["pid_started"] = pid, tree.started(pid)
        status["started_at"] = _now_us()
        status["state"] = "running"
        self._terminal = Terminal(self._watch, master, slave, self._take_output)
        self._place.write(status)

    def _take_signals(self) -> None:
        reading, writing = os.pipe()
        for descriptor in (reading, writing):
            os.set_blocking(descriptor, False)
        signals.set_wakeup_fd(writing, warn_on_full_buffer=False)
        self._signals = reading
        for name in ("SIGCHLD", "SIGTERM", "SIGWINCH", "SIGUSR1"):
            signals.signal(getattr(signals, name), _nothing)
        for name in ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGPIPE", "SIGUSR2"):
            signals.signal(getattr(signals, name), signals.SIG_IGN)
        self._watch.add(reading, self._signalled)

    def _take_pane(self) -> None:
        from .pane import Pane

        self._pane = Pane()
        self.status["pane"] = os.environ.get("TMUX_PANE")
        size = self._pane.size()
        if size is not None and all(size):
            self.status["rows"], self.status["columns"] = size
        self._watch.add(self._pane.fd, self._pane_ready)

    # the loop

    def run(self) -> None:
        """Serve until released."""
        self._life.advance()  # it may have ended already
        while not self._is_released:
            try:
                self._watch.wait(self._pause_ms())
                self._clock()
            except Exception:  # a defect of ours must not leave a process alone
                sys.excepthook(*sys.exc_info())
                time.sleep(DEFECT_PAUSE_S)

    def _pause_ms(self) -> int:
        times = [self._touch_at]
        moments = (self._life.wake_at, self._end_at, self._terminal.look_at, self._desk.hears_at)
        times += [moment for moment in moments if moment is not None]
        if self._end_at is not None:
            times.append(time.monotonic() + LOOK_FOR_FOLDER_S)
        if self._place.is_unwritten:
            times.append(time.monotonic() + 1.0)
        if self._log.lost and self.status["state"] != "exited":
            times.append(self._log.retry_at)
        return max(0, int((min(times) - time.monotonic()) * 1000) + 1)

    def _clock(self) -> None:
        now = time.monotonic()
        if self._life.wake_at is not None and now >= self._life.wake_at:
            self._life.advance()
        if self._terminal.look_at is not None and now >= self._terminal.look_at:
            self._terminal.look()
        self._desk.hear_again()
        if self._place.is_unwritten:
            self._place.write(self.status)
        if now >= self._touch_at:
            self._touch_at = now + TOUCH_S
            self._place.touch()
        if self._log.lost and now >= self._log.retry_at and self.status["state"] != "exited":
            self._log.resume()  # a process that is silent by now shall not hide what it had said
        if self._end_at is not None and (now >= self._end_at or os.stat(".").st_nlink == 0):
            self._is_released = True

    # what the process does

    def _take_output(self, data: bytes) -> None:
        self._log.append(data)
        self.status["last_output_at"] = _now_us()
        self._screen.take(data)
        if self._pane is not None:
            self._pane.show(data)
            if self._pane.has_more:
                self._watch.wait_to_write(self._pane.fd, True)
        self._desk.tell_output(data, self._log.end)

    def _signalled(self, _happened: int) -> None:
        try:
            came = set(os.read(self._signals, 4096))
        except BlockingIOError:
            return
        if signals.SIGCHLD in came:
            self._life.advance()
        if signals.SIGTERM in came:  # the machine goes down
            self._life.stop()
        if signals.SIGUSR1 in came:  # somebody does not find our socket
            self._place.renew(self.status["token"])
            self._place.write(self.status)
            self._desk.open_again()
        if signals.SIGWINCH in came and self._pane is not None and (size := self._pane.size()) is not None:
            self._resize(*size)

    def _note_end(self, code: int | None, name: str | None) -> None:
        self.status["exit_code"], self.status["exit_signal"] = code, name

    def _stops(self, error: str | None) -> None:
        self._change(state="stopping", **({} if error is None else {"error": error}))

    def _finish(self) -> None:
        """Nothing is left: take the last output, reap the leader, let another runner have the process, and tell."""
        self._terminal.end()
        self._log.close()
        self._end_at = time.monotonic() + LINGER_S
        self.status["ended_at"] = _now_us()
        self.status["error"] = None
        if self._pane is not None:
            code, name = self.status["exit_code"], self.status["exit_signal"]
            self._pane.show(f"\r\n[ended with {name or f'code {code}'}]\r\n".encode())
        self.status["state"] = "exited"
        self._place.write(self.status)
        self._place.give_process_up()
        self._desk.tell_status(self.status)

    def _change(self, **changes: Any) -> None:
        """Change the status, write it down and tell everybody, if it is news."""
        if any(self.status[name] != value for name, value in changes.items()):
            self.status.update(changes)
            self._place.write(self.status)
            self._desk.tell_status(self.status)

    # what others ask

    def obey(self, client: Client, message: dict[str, Any]) -> dict[str, Any]:
        """Do what a message asks; gives what the answer says beside its id."""
        do = message["do"]
        if do in ("hello", "stop", "kill", "signal", "release"):
            self._check_token(int(message["token"]))
        if do == "stop":
            self._life.stop(float(message["grace_s"]) if "grace_s" in message else None)
        elif do == "kill":
            self._life.stop(0.0)
        elif do == "signal":
            number = signal_number(str(message["signal"]))
            if number is None:
                raise Refused("invalid_data", f"{message['signal']!r} is no signal of this system.")
            self._leader.signal(number)
        elif do == "release":
            if self.status["state"] != "exited":
                raise Refused("process_failed", "The process has not ended, so its runner stays.")
            self._is_released = True
        elif do == "write":
            self._write(binascii.a2b_base64(message["data"]))
        elif do == "resize":
            self._resize(int(message["rows"]), int(message["columns"]))
            client.has_resized = True
        elif do == "screen":
            return self._picture()
        elif do == "output":
            client.wants_output = bool(message.get("on", True))
            return self._picture() if message.get("screen") else {"end": self._log.end}
        elif do not in ("hello", "status"):
            raise Refused("invalid_data", f"The runner knows no {do!r}.")
        return {"status": self.status}

    def _check_token(self, token: int) -> None:
        """Refuse a host that another has replaced; remember a later one.

        Raises:
            Refused: the token is lower than one that was seen before.
        """
        require_token(token, self.status["token"])
        if token > self.status["token"]:
            self.status["token"] = token
            try:
                self._place.remember(token)
            except OSError:  # no room: this runner knows it all the same
                pass
            self._place.write(self.status)

    def _write(self, data: bytes) -> None:
        if self.status["state"] == "exited":
            raise Refused("process_failed", "The process has ended and takes no input.")
        self._terminal.write(data)

    def _resize(self, rows: int, columns: int) -> None:
        if not (0 < rows < 10_000 and 0 < columns < 10_000):
            raise Refused("invalid_data", f"A terminal of {rows} rows and {columns} columns cannot be.")
        if (rows, columns) == (self.status["rows"], self.status["columns"]):
            return
        self._screen.resize()
        if self.status["state"] != "exited":
            self._terminal.resize(rows, columns)
        self._change(rows=rows, columns=columns)  # who looks on has to know how large the picture is

    def _picture(self) -> dict[str, Any]:
        data = self._screen.picture()
        return {
            "screen": binascii.b2a_base64(data, newline=False).decode(),
            "rows": self.status["rows"], "columns": self.status["columns"], "end": self._log.end,
        }  # fmt: skip

    # the pane

    def _pane_ready(self, happened: int) -> None:
        if happened & WRITE:
            self._pane.flush()
            if not self._pane.has_more:
                self._watch.wait_to_write(self._pane.fd, False)
        if not happened & READABLE:
            return
        typed = self._pane.read()
        if typed is None:  # somebody has closed the pane: the process goes with its terminal
            self._watch.forget(self._pane.fd)
            self._pane.close()
            self._pane = None
            self._life.stop()
            self._leader.signal(signals.SIGHUP)  # as a terminal tells that it is gone
        elif typed and self.status["state"] != "exited":
            try:
                self._write(typed)
            except Refused:  # nobody reads; a terminal drops what is typed then, too
                return

    def latest(self, size: int) -> bytes:
        """So many of the last bytes of output, or as many as are still there."""
        return self._screen.latest(size)

    def left(self, client: Client) -> None:
        """A client has gone; who was attached may have given the terminal another size than its pane has."""
        if client.has_resized and self._pane is not None and (size := self._pane.size()) is not None:
            self._resize(*size)

    def close(self) -> None:
        """Leave nothing in the folder that says that we live."""
        self._desk.close()


def _nothing(_number: int, _frame: object) -> None:
    """A handler, so that the signal wakes the loop."""


def _now_us() -> int:
    return time.time_ns() // 1000


def main(folder: str, in_pane: bool) -> None:
    """Run one process from its launch to its release."""
    os.chdir(folder)
    starter = Starter(in_pane)
    runner = Runner(folder, starter.launch(), in_pane)
    try:
        runner.begin()
    except child.StartError as error:
        starter.answer(
            {"failed": "process_failed", "message": error.message, "hint": error.hint, "passing": error.passing}
        )
        sys.exit(1)
    except Refused as error:
        starter.answer({"failed": error.code, "message": error.message, "passing": error.code == "process_failed"})
        sys.exit(1)
    except OSError as error:
        starter.answer({"failed": "backend_unavailable", "message": f"A runner could not begin: {error}."})
        sys.exit(1)
    starter.answer({"status": runner.status})
    runner.run()
    runner.close()
    os._exit(0)  # nothing is left that Python would have to tidy up
