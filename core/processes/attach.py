"""Handing one's terminal over to a process: what is typed goes to it, what it prints is shown, until the detach key."""

import asyncio
import contextlib
import os
import re
import termios
import tty
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.errors import ProcessFailed
from core.processes.link import RunnerLink, RunnerStatus

DETACH_KEY: Final = "ctrl+\\"

_DETACH: Final = re.compile(rb"\x1c|\x1b\[92;5(?::1)?u|\x1b\[27;5;92~")
"""The key as terminals send it; the longer ones where the process has asked for a keyboard protocol."""

_LONGEST_KEY: Final = 16
"""So many bytes are remembered of what was typed: more than any of those keys has."""

LAST_WRITE_S: Final = 1.0
"""How long a terminal that takes nothing is waited for."""

_SIZE_S: Final = 0.2
"""How often our size is compared. Not by SIGWINCH: that is the app's, whose terminal this may be."""

_QUERIES: Final = re.compile(
    rb"\x05"
    rb"|\x1b\[[?>=]?[0-9;]*[cn]"  # who are you, where is the cursor
    rb"|\x1b\[\??[0-9;]*\$p|\x1b\[\?u|\x1b\[>[0-9;]*q"  # modes, keyboard protocol, version
    rb"|\x1b\[(?:1[1-9]|2[01])(?:;[0-9]+)*t"  # sizes and titles of the window
    rb"|\x1b\][0-9;]*;\?(?:\x07|\x1b\\)"  # colours
    rb"|\x1bP[+$]q[^\x1b]*\x1b\\"  # capabilities
)
"""What a terminal would answer, and what answers would be typed into the process again when old output is shown."""

_CLEAR: Final = b"\x1b[2J\x1b[H"
_RESTORE: Final = (
    b"\x1b[?1049l\x1b[?47l"  # the other screen
    b"\x1b[?9l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l\x1b[?1015l\x1b[?1016l"  # the mouse
    b"\x1b[?1004l\x1b[?2004l\x1b[?2026l\x1b[?2031l"  # focus, paste, frames, changes of theme
    b"\x1b[?1l\x1b>\x1b[<u\x1b[>4m"  # the keyboard
    b"\x1b[4l\x1b[20l\x1b[?5l\x1b[?69l\x1b7\x1b[r\x1b8\x1b[?7h"  # how text is put on the screen
    b"\x1b[?25h\x1b[0 q\x1b[0m\x1b(B\x0f\r\n\x1b[J"  # cursor, colours, characters
)
"""Takes back what a process may have asked of the terminal: other screen, mouse, paste, keyboard, cursor, colours, and
what it has drawn below. To let all lines scroll again moves the cursor to the top, hence its place is kept."""


@dataclass(frozen=True, slots=True)
class Attached:
    """How it ended: by the detach key, or with the process; and its status then."""

    detached: bool
    status: RunnerStatus


async def attach(folder: Path, *, reading: int = 0, writing: int = 1) -> Attached:
    """Hand a terminal over to the process of a runner's folder until the detach key, or until the process ends.

    The process gets the terminal's size. The terminal is as it was afterwards, whatever happens. Blocks no event loop.

    Args:
        reading: the terminal's descriptor for what is typed.
        writing: and the one for what is shown.

    Raises:
        BackendUnavailable: the runner is gone.
        ProcessFailed: the process has ended.
    """
    link = await RunnerLink.connect(folder)
    try:
        if link.status.state == "exited":
            raise ProcessFailed(
                f"Process {folder.parent.name} has ended; there is nothing to attach to.", "Start it with `wzp start`."
            )
        with _raw(reading, writing):
            return await _Relay(link, reading, writing).run()
    finally:
        link.close()


class _Relay:
    """One handing over."""

    def __init__(self, link: RunnerLink, reading: int, writing: int) -> None:
        self._link = link
        self._reading = reading
        self._writing = writing
        self._typed: asyncio.Queue[bytes] = asyncio.Queue()
        self._typed_last = b""
        self._is_detached = False
        self._writing_now: asyncio.Future[None] | None = None

    async def run(self) -> Attached:
        loop = asyncio.get_running_loop()
        await self._fit(os.get_terminal_size(self._writing))
        loop.add_reader(self._reading, self._take)
        showing = asyncio.create_task(self._show())
        ends = (showing, asyncio.create_task(self._wait_end()), asyncio.create_task(self._pass_on()))
        tasks = (*ends, asyncio.create_task(self._follow_size()))
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if not self._is_detached:  # what it printed last is on its way
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LAST_WRITE_S):
                        await self._drained(showing)
        finally:
            loop.remove_reader(self._reading)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._writing_now is not None:  # its rest must not come after what puts the terminal back
                await asyncio.wait((self._writing_now,), timeout=LAST_WRITE_S)
        return Attached(self._is_detached, self._link.status)

    def _take(self) -> None:
        """Something was typed."""
        try:
            typed = os.read(self._reading, 1 << 14)
        except BlockingIOError:
            return
        except OSError:
            typed = b""
        found = _DETACH.search(self._typed_last + typed)  # a key may come in pieces
        if found is not None or not typed:  # or the terminal is gone
            typed = typed[: max(0, found.start() - len(self._typed_last))] if found is not None else b""
            asyncio.get_running_loop().remove_reader(self._reading)
            self._typed.put_nowait(typed)
            self._typed.put_nowait(b"")
        else:
            self._typed_last = (self._typed_last + typed)[-_LONGEST_KEY:]
            self._typed.put_nowait(typed)

    async def _pass_on(self) -> None:
        """Give the process what was typed, in order; an empty piece is the end."""
        while typed := await self._typed.get():
            try:
                await self._link.write(typed)
            except ProcessFailed:  # it does not read; a terminal, too, loses what is typed then
                continue
        self._is_detached = True

    async def _show(self) -> None:
        loop = asyncio.get_running_loop()
        is_first = True
        async with contextlib.aclosing(self._link.output(replay=True)) as chunks:
            async for chunk in chunks:
                data = _CLEAR + _QUERIES.sub(b"", chunk) if is_first else chunk
                is_first = False
                self._writing_now = loop.run_in_executor(None, _write_all, self._writing, data)
                await asyncio.shield(self._writing_now)
                self._writing_now = None

    async def _wait_end(self) -> None:
        async with contextlib.aclosing(self._link.changes()) as changes:
            async for status in changes:
                if status.state == "exited":
                    return

    async def _drained(self, showing: "asyncio.Task[None]") -> None:
        """Until nothing has come to be shown for a moment; the status comes after all output on one connection."""
        while not showing.done() and (self._writing_now is not None or self._link.has_unread_output):
            await asyncio.sleep(0.01)

    async def _follow_size(self) -> None:
        known = os.get_terminal_size(self._writing)
        while True:
            await asyncio.sleep(_SIZE_S)
            with contextlib.suppress(OSError):
                if (size := os.get_terminal_size(self._writing)) != known:
                    await self._fit(size)
                    known = size

    async def _fit(self, size: os.terminal_size) -> None:
        if size.lines > 0 and size.columns > 0:
            await self._link.resize(size.lines, size.columns)


@contextlib.contextmanager
def _raw(reading: int, writing: int) -> Iterator[None]:
    """Take the terminal's own echo, editing and signals away, and put all back."""
    try:
        before = termios.tcgetattr(reading)
    except termios.error as error:
        raise ProcessFailed("There is no terminal to hand over here.", "Attach from a terminal.") from error
    tty.setraw(reading)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            _write_all(writing, _RESTORE)
        with contextlib.suppress(termios.error):
            termios.tcsetattr(reading, termios.TCSADRAIN, before)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view[:4096]) :]
        except BlockingIOError:  # somebody has made the terminal non-blocking
            import select

            select.select([], [descriptor], [], 1.0)
