"""The driver waits for keys: its input thread sleeps while nobody types, and is there when somebody does."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from textual._xterm_parser import XTermParser
from textual.events import Key
from textual.message import Message

from tui import driver
from tui.driver import LOOKS_ON_S, Ending, read_keys

SOON_S = 20.0


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + SOON_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class Reader:
    """A thread that reads keys from a pipe; how often it has woken, and what it has heard."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.file, self.typing = os.pipe()
        self.ending = Ending()
        self.wakes = 0
        self.heard: list[Message] = []
        select = driver.select.select

        def counted(*arguments: Any) -> Any:
            self.wakes += 1
            return select(*arguments)

        monkeypatch.setattr(driver.select, "select", counted)
        self.begin()

    def begin(self) -> None:
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        read_keys(self.file, self.ending, self.heard.append, XTermParser())

    def type(self, text: str | bytes) -> None:
        os.write(self.typing, text if isinstance(text, bytes) else text.encode())

    def keys(self) -> list[str]:
        return [each.key for each in self.heard if isinstance(each, Key)]

    def rest(self) -> None:
        """Wait until it sleeps."""
        time.sleep(LOOKS_ON_S)
        until(lambda: self._woke_in(0.3) == 0)

    def _woke_in(self, seconds: float) -> int:
        before = self.wakes
        time.sleep(seconds)
        return self.wakes - before

    def end(self) -> None:
        self.ending.set()
        self.thread.join(SOON_S)
        assert not self.thread.is_alive()


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    reader = Reader(monkeypatch)
    yield reader
    reader.end()
    os.close(reader.file)
    os.close(reader.typing)


def test_it_sleeps_while_nobody_types(reader: Reader) -> None:
    reader.rest()
    reader.type("j")
    until(lambda: reader.keys() == ["j"])
    reader.rest()
    reader.type("kk")
    until(lambda: reader.keys() == ["j", "k", "k"])


def test_an_escape_alone_is_heard_though_nothing_follows(reader: Reader) -> None:
    reader.rest()
    for count in (1, 2):
        reader.type("\x1b")
        until(lambda count=count: reader.keys() == ["escape"] * count)
    reader.type("\x1b[A")
    until(lambda: reader.keys() == ["escape", "escape", "up"])


def test_a_character_in_pieces_is_one_and_what_is_none_harms_nobody(reader: Reader) -> None:
    first, rest = "漢".encode()[:1], "漢".encode()[1:]
    reader.type(first)
    reader.rest()
    reader.type(rest)
    until(lambda: len(reader.keys()) == 1)
    assert [each.character for each in reader.heard if isinstance(each, Key)] == ["漢"]
    reader.type(b"\xff\xfej")
    until(lambda: reader.keys()[-1] == "j")


def test_the_end_wakes_it_and_it_begins_again(reader: Reader) -> None:
    for key in "jk":
        reader.rest()
        reader.end()  # as where another program gets the terminal for a while
        reader.ending.clear()
        reader.begin()
        reader.type(key)
        until(lambda key=key: reader.keys()[-1:] == [key])
    reader.end()
    reader.end()  # once more harms nobody


def test_a_terminal_that_went_without_a_word_is_no_hot_loop(reader: Reader) -> None:
    os.close(reader.typing)
    time.sleep(0.5)
    assert 0 < reader.wakes < 20
    reader.typing = os.open(os.devnull, os.O_RDONLY)
