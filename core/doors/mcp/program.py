"""`wzp mcp`: the server's process. It speaks on its standard streams, and ends when its client has gone.

It ends at the end of its input, when its parent has died, on a signal, and when its session is lost; always between
two messages, so that no call is left half done.
"""

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from fcntl import F_DUPFD_CLOEXEC, fcntl
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NoReturn

from core.doors.mcp.board import Board
from core.doors.mcp.connection import Connection, report
from core.doors.mcp.wire import INVALID_REQUEST, LONGEST_LINE, RpcError, encode, error_of

if TYPE_CHECKING:
    from core.doors.mcp.caller import Caller
    from core.doors.mcp.log import SeldomLog

WATCH_S: Final = 1.0
"""How often we look whether the parent lives."""
FAREWELL_S: Final = 6.0
"""What the end of the session gets where nobody hurries us; the store keeps a writer waiting for 5 s at most."""
GRACE_S: Final = 0.5
"""What a signal leaves us for the call in progress and the end of the session, which take milliseconds unless they wait
for the store. Whatever is cut off then is rolled back."""

LAST_WORD_S: Final = 2.0
"""How long a server stays that has lost its session, to refuse a late call with the reason."""

ROOM_OPTION: Final = "--room"


def run(words: Sequence[str]) -> None:
    """Serve, if a client has started us with words that it may; else return, for the command line to answer."""
    if sys.stdin is not None and sys.stdin.isatty():
        return
    match list(words):
        case []:
            serve(None)
        case [option, room] if option == ROOM_OPTION:
            serve(room)
        case [word] if word.startswith(f"{ROOM_OPTION}="):
            serve(word.removeprefix(f"{ROOM_OPTION}="))


def serve(room_option: str | None) -> NoReturn:
    """Serve this process's standard streams until the client has gone."""
    gc.disable()  # while modules are imported there is nothing to collect: a tenth of the start
    _Server(room_option, os.environ).run()


class _Leave(BaseException):
    """A signal asked us to go while we waited for input."""


class _Server:
    """One client on two pipes."""

    def __init__(self, room_option: str | None, environment: Mapping[str, str]) -> None:
        self._parent = os.getppid()
        self._input, self._output = _claim_streams()
        self._board = Board(lambda: _caller(room_option, environment))
        self._connection = Connection(self._board, self._send)
        self._calling = threading.Lock()
        self._sending = threading.Lock()
        self._ending = threading.Lock()
        self._is_leaving = self._is_hurried = False
        self._log: SeldomLog | None = None

    def run(self) -> NoReturn:
        """Serve until it is over."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
        threading.Thread(target=self._watch, name="parent-watch", daemon=True).start()
        with suppress(_Leave):
            self._serve()
        self._end()

    def _serve(self) -> None:
        is_warm = False
        for line in _lines(self._input):
            with self._calling:
                answer = _TOO_LONG if line is None else self._connection.receive(line)
                was_over = self._is_over  # asked before the answer: one that tells it is the last word, no other
                if answer is not None:
                    self._write(answer)
            if not is_warm:
                is_warm = True
                # whole before two threads import: else one can leave `importlib` with a second, broken _bootstrap
                import importlib.machinery  # noqa: F401

                threading.Thread(target=self._prepare, name="warm-up", daemon=True).start()
            if was_over or self._is_leaving:
                return

    def _prepare(self) -> None:
        from logging import getLogger

        from core.doors.mcp.log import SeldomLog

        self._log = SeldomLog()
        getLogger().addHandler(self._log)
        with suppress(Exception):  # the first call meets it again, and tells the agent
            self._board.prepare()

    @property
    def _is_over(self) -> bool:
        caller = self._board.caller
        return self._is_leaving or (caller is not None and caller.lost.is_set())

    def _watch(self) -> None:
        """End where nobody would read our answers any more; a client's crash may leave our input open."""
        is_settled = False
        while os.getppid() == self._parent and not self._is_over:
            time.sleep(WATCH_S)
            if not is_settled:
                is_settled = True
                gc.collect()
                gc.freeze()  # what the start has made stays; no later collection need look at it
                gc.enable()
        if not self._is_leaving and os.getppid() == self._parent:
            time.sleep(LAST_WORD_S)  # the lease is lost: whoever calls now shall hear why
        with self._calling:
            self._end()

    def _on_signal(self, *_: Any) -> None:
        self._is_leaving = self._is_hurried = True
        signal.setitimer(signal.ITIMER_REAL, GRACE_S)
        if not self._ending.locked() and not self._calling.locked():
            raise _Leave

    def _end(self) -> NoReturn:
        """Leave at once: the interpreter's own way out would wait for threads and take down modules one by one."""
        self._ending.acquire()
        if not self._is_hurried:
            signal.setitimer(signal.ITIMER_REAL, FAREWELL_S)
        try:
            self._connection.close()
            if (caller := self._board.caller) is not None:
                caller.close()
        except Exception as error:
            report(error)
        finally:
            if self._log is not None:
                self._log.close()
            os._exit(0)

    def _send(self, message: Any) -> None:
        self._write(encode(message))

    def _write(self, line: bytes) -> None:
        rest = memoryview(line)
        try:
            with self._sending:
                while rest:
                    rest = rest[os.write(self._output, rest) :]
        except OSError:  # nobody reads any more; whoever waits for input ends then
            self._is_leaving = True


_TOO_LONG: Final = encode(
    error_of(None, RpcError(INVALID_REQUEST, f"A message of more than {LONGEST_LINE:,} bytes was not read."))
)


def _caller(room_option: str | None, environment: Mapping[str, str]) -> "Caller":
    from core.doors.mcp.caller import Caller

    return Caller(room_option, environment)


def _lines(stream: BinaryIO) -> Iterator[bytes | None]:
    """The lines of a stream; None for one that is too long, which is never held whole."""
    with suppress(OSError):  # a stream that fails has ended
        while line := stream.readline(LONGEST_LINE + 1):
            if len(line) <= LONGEST_LINE or line.endswith(b"\n"):
                yield line
                continue
            while (rest := stream.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                pass
            yield None


def _claim_streams() -> tuple[BinaryIO, int]:
    """Standard input and output for the protocol alone: others read nothing and print to stderr."""
    try:
        # not below 3, where a stream that was closed has left its number free
        incoming = os.fdopen(fcntl(0, F_DUPFD_CLOEXEC, 3), "rb")
        outgoing = fcntl(1, F_DUPFD_CLOEXEC, 3)
    except OSError:  # closed by whoever started us: there is nobody to speak with
        os._exit(0)
    os.set_blocking(incoming.fileno(), True)
    os.set_blocking(outgoing, True)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    try:
        os.dup2(2, 1)
    except OSError:  # no stderr either
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
    if nothing > 2:  # else it stands in for a stream that was closed
        os.close(nothing)
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: PTH123, SIM115
    sys.stdout = sys.stderr
    return incoming, outgoing
