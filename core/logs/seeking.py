"""Looking for users' expressions in output, however long that would take.

An expression with a repeat in a repeat can take for ever over one line, and would hold the whole program: its threads
share one interpreter, which `re` does not let go of, not even for Ctrl+C. So what users write is looked for in another
process (seeker.py), whose time the kernel bounds, and which can be ended at any moment. An engine that can be stopped
(the library `regex`, measured 2026.11) can still not be stopped while it compiles, and finds other things.
"""

import pickle
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, ParamSpec, TypeVar

from core.errors import InvalidData
from core.logs.expressions import Expression, is_quick

PATIENCE_S: Final = 2
"""Most that may be spent, in processor time, on what is read at once: a megabyte at most, which a usual expression goes
through in a hundredth of that."""

PROGRAM: Final = Path(__file__).resolve().with_name("seeker.py")

P = ParamSpec("P")
T = TypeVar("T")


class TooSlow(InvalidData):
    """An expression takes too long. `source` is the name of what it was looked for in, if that has one."""

    def __init__(self, source: str = "") -> None:
        self.source = source
        where = f" the log of {source}" if source else " some lines"
        super().__init__(
            f"The expression takes more than {PATIENCE_S} s of processor time over{where}.",
            "Write a simpler one, in which no repeat stands within another, or plain text.",
        )


class SeekingStopped(Exception):
    """What was looked for is not wanted any more."""


class Seeker:
    """A process that looks for users' expressions: begun when it is needed, ended with `close` or with us.

    For one call at a time, of a function that stands in a module; blocking, for a thread. `stop` may come at any time.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._change = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._left: list[subprocess.Popen[bytes]] = []
        self._is_closed = False

    def __enter__(self) -> "Seeker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def begin(self) -> None:
        """Have the process ready."""
        with suppress(SeekingStopped, OSError):
            self._begun()

    def call(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """What a function gives, called there. Arguments that have a method `watched` tell what they read.

        Raises:
            TooSlow: an expression takes too long.
            SeekingStopped: `stop` or `close` was called meanwhile.
            re.error: it is no expression.
            OSError: the machine allows no more processes, or has ended this one.
        """
        with self._turn:
            for kind, value in self._answers(function, arguments, named):
                if kind == "done":
                    return value  # type: ignore[no-any-return]
        raise AssertionError("an answer ends with what came of it")

    def each(self, function: Callable[P, Iterator[T]], *arguments: P.args, **named: P.kwargs) -> Iterator[T]:
        """As `call`, of a function that gives one after the other; they come as they are found."""
        with self._turn:
            for kind, value in self._answers(function, arguments, named):
                if kind == "some":
                    yield from value

    def stop(self) -> None:
        """End what is being looked for; the next call begins anew. Never waits."""
        with self._change:
            process, self._process = self._process, None
            if process is not None:
                process.kill()
                self._left.append(process)

    def close(self) -> None:
        """End the process; nothing can be called any more."""
        self._is_closed = True
        self.stop()
        with self._turn:
            self._bury()

    def _begun(self) -> subprocess.Popen[bytes]:
        with self._change:
            if self._is_closed:
                raise SeekingStopped
            if self._process is None:
                self._process = subprocess.Popen(
                    [sys.executable, "-I", str(PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL, process_group=0,  # Ctrl+C is for us
                )  # fmt: skip
            return self._process

    def _answers(
        self, function: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]
    ) -> Iterator[tuple[str, Any]]:
        """What the process says until it is done."""
        self._bury()
        process = self._begun()
        assert process.stdin is not None
        assert process.stdout is not None
        source, kind = "", ""
        try:
            pickle.dump((function, arguments, named), process.stdin)
            process.stdin.flush()
            while kind != "done":
                kind, value = pickle.load(process.stdout)  # noqa: S301  # from a program of ours
                if kind == "at":
                    source = value
                elif kind == "refused":
                    kind = "done"
                    raise re.error(value)
                elif kind == "failed":
                    kind = "done"
                    raise RuntimeError(value)
                else:
                    yield kind, value
        except (EOFError, BrokenPipeError, pickle.UnpicklingError):
            raise self._ended(process, source) from None
        finally:
            if kind != "done":  # it is busy with what nobody waits for
                with self._change:
                    is_ours = self._process is process
                if is_ours:
                    self.stop()

    def _ended(self, process: subprocess.Popen[bytes], source: str) -> Exception:
        """Why a process has ended in the middle."""
        with self._change:
            is_stopped = self._process is not process
        if is_stopped:
            return SeekingStopped()
        code = process.wait()
        return TooSlow(source) if code == -signal.SIGVTALRM else OSError(f"the search was ended from outside ({code})")

    def _bury(self) -> None:
        with self._change:
            left, self._left = self._left, []
        for process in left:
            process.wait()
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                with suppress(OSError):
                    pipe.close()


def fitting(expression: Expression, texts: Sequence[str]) -> list[int]:
    """The numbers of the texts in which an expression is found."""
    search = expression.pattern.search
    return [number for number, text in enumerate(texts) if search(text)]


def first_fitting(expression: Expression, texts: Sequence[str]) -> int | None:
    """The number of the first text in which an expression is found."""
    search = expression.pattern.search
    return next((number for number, text in enumerate(texts) if search(text)), None)


def first_line_with(pattern: str, lines: Sequence[str], seeker: Seeker | None = None) -> int | None:
    """The number of the first line in which an expression is found. Blocking: for a thread, not for an event loop.

    Args:
        seeker: whom to ask; one for this alone where there is none.

    Raises:
        TooSlow: the expression takes too long over these lines.
        OSError: the machine allows no more processes.
        re.error: it is no expression.
    """
    expression = Expression(pattern, is_typed=False)
    if is_quick(pattern):
        return first_fitting(expression, lines)
    if seeker is not None:
        return seeker.call(first_fitting, expression, lines)
    with Seeker() as own:
        return own.call(first_fitting, expression, lines)
