"""The driver of the terminal: Textual's, but it waits for keys where Textual looks for them ten times a second.

Those looks are what an idle app would cost most, more than any of its services.
"""

import os
import select
import threading
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, Final

from textual import constants
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

LOOK_S: Final = 0.1
LOOKS_ON_S: Final = 2 * constants.ESCAPE_DELAY + LOOK_S
"""How long after something was read it looks, and how often: an escape alone is a key once its delay is over."""
READ_BYTES: Final = 4096


class WaitingDriver(LinuxDriver):
    """Costs nothing while nobody types."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.exit_event = self._ending = Ending()

    def run_input_thread(self) -> None:
        read_keys(self.fileno, self._ending, self.process_message, XTermParser(self._debug))


class Ending(threading.Event):
    """Whether the thread that reads keys shall end; setting it wakes that thread."""

    def __init__(self) -> None:
        super().__init__()
        self._writing = -1
        self._closing = threading.Lock()

    @contextmanager
    def waking(self) -> Iterator[int]:
        """A file that can be read once this has been set, meanwhile."""
        reading, writing = os.pipe()
        with self._closing:
            self._writing = writing
        try:
            yield reading
        finally:
            with self._closing:
                self._writing = -1
            os.close(reading)
            os.close(writing)

    def set(self) -> None:
        super().set()
        with self._closing:
            if self._writing >= 0:
                os.write(self._writing, b".")


def read_keys(file: int, ending: Ending, take: Callable[[Message], None], parser: XTermParser) -> None:
    """Read keys, and whatever else a terminal tells, until `ending` is set.

    Raises:
        OSError: the terminal has gone.
    """
    decode = getincrementaldecoder("utf-8")("replace").decode

    def take_in() -> bool:
        data = os.read(file, READ_BYTES)
        if text := decode(data):  # none: the rest of a character is to come
            for message in parser.feed(text):
                take(message)
        return bool(data)

    looks_on_until = 0.0
    with ending.waking() as waking:
        while not ending.is_set():
            # by select, which Textual uses too: poll knows no terminals on macOS
            is_looking = monotonic() < looks_on_until
            if file in select.select([file, waking], [], [], LOOK_S if is_looking else None)[0]:
                if not take_in():
                    ending.wait(LOOK_S)  # a terminal that went without a word reads as empty for ever
                looks_on_until = monotonic() + LOOKS_ON_S
            for message in parser.tick():
                take(message)
        if select.select([file], [], [], LOOK_S)[0]:
            take_in()  # what a terminal answers late is not for the shell that comes next
