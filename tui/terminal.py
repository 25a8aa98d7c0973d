"""The terminal under the app: it may hang up, end us by a signal, or go without a word; and it can notify the person.

The lowest layer of the app: `InTerminal` lives in a terminal, `Telling` speaks to the person, `Following` keeps up with
the store, `Attending` knows what waits for the person, `ParallelApp` has the places and what one does everywhere.
"""

import asyncio
import os
import signal
import sys
import termios
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import sleep
from typing import Any, Final, TypeVar

from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver

from core.settings import Notify
from core.text import for_screen
from tui.driver import WaitingDriver
from tui.turns import KeysInTurn

WATCH_TERMINAL_S: Final = 1.0
GRACE_S: Final = 2.0
"""How long the app may take to end after its terminal has gone: writes to a dead terminal can block for ever."""
T = TypeVar("T")

HUNG_UP: Final = 128 + signal.SIGHUP


class InTerminal(KeysInTurn):
    """Ends with its terminal, and leaves it as it was."""

    _is_lent = False
    """Another program has the terminal."""

    def on_mount(self) -> None:
        if not self.is_headless:
            self._listen_to_signals()

    def get_driver_class(self) -> type[Driver]:
        driver = super().get_driver_class()
        return WaitingDriver if driver is LinuxDriver else driver

    @property
    def can_lend_terminal(self) -> bool:
        """Whether the terminal can be handed to another program for a while."""
        return not self.is_headless and self._driver is not None and self._driver.can_suspend

    async def lend_terminal(self, borrow: Callable[[], Awaitable[T]]) -> T:
        """Step aside, let `borrow` have the terminal, then draw everything again. The event loop goes on meanwhile.

        Nothing may be written to the terminal before it is back: Textual's writer stands still, and whoever fills its
        queue would wait for ever. So nothing is repainted, and notifications are left out.
        """
        failure: BaseException | None = None
        with self.batch_update():
            self._is_lent = True
            try:
                with self.suspend():
                    try:
                        result = await borrow()
                    except BaseException as error:
                        failure = error  # Textual takes the terminal back only where nothing is raised
            finally:
                self._is_lent = False
        self.screen.refresh(layout=True)
        if failure is not None:
            raise failure
        return result

    def notify_terminal(self, way: Notify, text: str) -> None:
        """Let the terminal tell of something, also where the person looks at another window."""
        if way is Notify.BELL and not self._is_lent:
            self.bell()
        elif way is not Notify.OFF and self._driver is not None and not self._is_lent:
            self._driver.write(notification(way, self.title, text, is_in_tmux="TMUX" in os.environ))

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGHUP, signal.SIGTERM):
            # A signal that the caller wants ignored (nohup) stays ignored.
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._end, 128 + number)
        threading.Thread(target=self._watch_terminal, args=[loop], name="terminal-watch", daemon=True).start()

    def _watch_terminal(self, loop: asyncio.AbstractEventLoop) -> None:
        # A terminal that went without SIGHUP (nohup, a dead ssh) reads as empty for ever: Textual's input thread would
        # spin on it, and the app would stay as an orphan.
        while _has_terminal():
            sleep(WATCH_TERMINAL_S)
        _end_within_grace(HUNG_UP)
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(self._end, HUNG_UP)

    def _end(self, code: int) -> None:
        """End from outside. Everything is stored already; only the terminal is to be left, if it is still there."""
        _end_within_grace(code)
        self.exit(code)

    def panic(self, *renderables: Any) -> None:
        """Textual's way out: also taken when the terminal has gone without a signal, and then it may not come to an
        end, since nobody takes what it writes."""
        if not self.is_headless:
            _end_within_grace(1 if _has_terminal() else HUNG_UP)
        super().panic(*renderables)


def notification(way: Notify, title: str, text: str, *, is_in_tmux: bool = False) -> str:
    """The escape sequence of a notification. WezTerm drops one with a semicolon in it, and tmux keeps what is not
    wrapped for it (and passes it on only with its option `allow-passthrough`)."""
    title, text = (for_screen(each).replace(";", ",") for each in (title, text))
    body = f"9;{text}" if way is Notify.OSC_9 else f"777;notify;{title};{text}"
    sequence = f"\x1b]{body}\x1b\\"
    return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\" if is_in_tmux else sequence


def _end_within_grace(code: int) -> None:
    if _ending.acquire(blocking=False):  # once: who came first knows why
        timer = threading.Timer(GRACE_S, os._exit, [code])
        timer.daemon = True
        timer.start()


_ending: Final = threading.Lock()


def _has_terminal() -> bool:
    with suppress(termios.error, OSError, ValueError):
        termios.tcgetattr(sys.__stdin__.fileno() if sys.__stdin__ is not None else 0)
        return True
    return False
