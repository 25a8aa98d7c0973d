"""Handing a terminal over to a process; the test is the person and the terminal."""

import asyncio
import contextlib
import fcntl
import os
import select
import signal
import struct
import termios

import pyte
import pytest

from core.errors import BackendUnavailable, ProcessFailed
from core.processes.attach import Attached, attach
from core.processes.link import RunnerLink
from storage import Home
from tests.support.runners import PATIENCE_S, Runners, exited, running, until


class Person:
    """A terminal and who sits at it."""

    def __init__(self) -> None:
        self.master, self.slave = os.openpty()
        os.set_blocking(self.master, False)
        self.resize(30, 100)
        self.before = termios.tcgetattr(self.slave)
        self._shown = b""

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, data: bytes) -> None:
        os.write(self.master, data)

    def shown(self) -> bytes:
        with contextlib.suppress(BlockingIOError):
            for _ in range(16):  # a flood has no end
                self._shown += os.read(self.master, 1 << 16)
        return self._shown

    async def sees(self, text: bytes) -> None:
        await until(lambda: text in self.shown())

    @property
    def terminal_is_as_before(self) -> bool:
        return termios.tcgetattr(self.slave) == self.before


@pytest.fixture
def person():
    made = Person()
    yield made
    os.close(made.slave)
    os.close(made.master)


@pytest.fixture
async def runners(home: Home):
    home.create()
    async with running(home) as made:
        yield made


def attached(link: RunnerLink, person: Person) -> "asyncio.Task[Attached]":
    return asyncio.create_task(attach(link.folder, reading=person.slave, writing=person.slave))


async def test_typing_reaches_the_process_and_its_output_the_terminal_until_the_detach_key(
    runners: Runners, person: Person
):
    link = await runners.start("sh", "-c", "echo before; cat")
    await until(lambda: b"before" in runners.printed())
    task = attached(link, person)
    await person.sees(b"before")
    person.type(b"hello\r")
    await person.sees(b"hello\r\nhello")
    person.type(b"last\r\x1cnever")
    done = await asyncio.wait_for(task, PATIENCE_S)
    assert done.detached
    assert done.status.state == "running"
    assert person.terminal_is_as_before
    await until(lambda: b"last\r\nlast" in runners.printed())
    assert b"never" not in runners.printed()


@pytest.mark.parametrize("key", [b"\x1c", b"\x1b[92;5u", b"\x1b[27;5;92~"])
async def test_the_detach_key_is_known_in_each_keyboard_protocol(runners: Runners, person: Person, key: bytes):
    link = await runners.start("cat")
    task = attached(link, person)
    await person.sees(b"\x1b[2J") if runners.printed() else await until(lambda: not person.terminal_is_as_before)
    person.type(key)
    assert (await asyncio.wait_for(task, PATIENCE_S)).detached


async def test_the_detach_key_is_known_though_it_comes_in_pieces(runners: Runners, person: Person):
    link = await runners.start("sh", "-c", "stty -echo -icanon; echo up; exec od -An -tx1 -w1")
    await until(lambda: b"up" in runners.printed())
    task = attached(link, person)
    await person.sees(b"up")
    for piece in (b"a\x1b", b"[92", b";5u"):
        person.type(piece)
        await until(lambda: task.done() or not input_waits(person))
    assert (await asyncio.wait_for(task, PATIENCE_S)).detached


def input_waits(person: Person) -> bool:
    return bool(select.select([person.slave], [], [], 0)[0])


async def test_the_process_gets_the_terminals_size_and_its_changes(runners: Runners, person: Person):
    link = await runners.start("sh", "-c", "trap 'stty size' WINCH; echo up; while :; do sleep 0.05; done")
    await until(lambda: b"up" in runners.printed())
    task = attached(link, person)
    await person.sees(b"30 100")
    person.resize(40, 120)
    await person.sees(b"40 120")
    person.type(b"\x1c")
    await asyncio.wait_for(task, PATIENCE_S)


async def test_lines_that_scrolled_in_a_lower_terminal_do_not_stay_the_only_ones_that_do(
    runners: Runners, person: Person
):
    link = await runners.start(
        "sh", "-c", r"""printf '\033[1;24rdrawn\n'; trap 'printf "\033[H\033[2J"; seq 29' WINCH
        while :; do sleep 0.05; done""",
    )  # fmt: skip
    # as vim does: it sets which lines scroll once, and leaves it to the terminal to forget that with its size
    await until(lambda: b"drawn" in runners.printed())
    await link.resize(30, 100)
    await until(lambda: b"29\r\n" in runners.printed())
    screen = pyte.Screen(100, 30)
    pyte.ByteStream(screen).feed((await link.screen())[0])
    assert [line.rstrip() for line in screen.display[:29]] == [str(number) for number in range(1, 30)]
    before, _, _ = await link.screen()
    await link.resize(30, 100)
    assert (await link.screen())[0] == before


async def test_ctrl_c_is_the_processs(runners: Runners, person: Person):
    link = await runners.start("sh", "-c", "trap 'echo interrupted' INT; echo up; while :; do sleep 0.05; done")
    await until(lambda: b"up" in runners.printed())
    task = attached(link, person)
    await person.sees(b"up")
    person.type(b"\x03")
    await person.sees(b"interrupted")
    assert not task.done()
    person.type(b"\x1c")
    await asyncio.wait_for(task, PATIENCE_S)


async def test_it_ends_with_the_process_after_its_last_words(runners: Runners, person: Person):
    link = await runners.start("sh", "-c", "read x; seq 1 5000; echo goodbye; exit 4")
    task = attached(link, person)
    await until(lambda: not person.terminal_is_as_before)
    person.type(b"\r")
    await person.sees(b"goodbye")
    done = await asyncio.wait_for(task, PATIENCE_S)
    assert not done.detached
    assert done.status.exit_code == 4
    assert person.terminal_is_as_before


async def test_what_the_process_asked_of_the_terminal_is_taken_back(runners: Runners, person: Person):
    asks = r"stty raw -echo; printf '\033[?1049h\033[?1003h\033[?25l\033[?5h\033[4h\033[5;9rup'; exec cat"
    link = await runners.start("sh", "-c", asks)
    await until(lambda: b"up" in runners.printed())
    task = attached(link, person)
    await person.sees(b"up")
    person.type(b"\x1c")
    await asyncio.wait_for(task, PATIENCE_S)
    after = person.shown().rpartition(b"up")[2]
    for undone in (b"?1049l", b"?1003l", b"?25h", b"0m", b"?5l", b"4l", b"r", b"?1015l", b">4m"):
        assert b"\x1b[" + undone in after
    assert person.terminal_is_as_before


async def test_a_process_that_dies_with_its_terminal_in_raw_mode_leaves_ours_as_it_was(
    runners: Runners, person: Person
):
    asks = r"stty raw -echo -isig; printf '\033[?1049h\033[?1003hup'; read x; kill -9 $$"
    link = await runners.start("sh", "-c", asks)
    await until(lambda: b"up" in runners.printed())
    task = attached(link, person)
    await person.sees(b"up")
    person.type(b"\n")
    done = await asyncio.wait_for(task, PATIENCE_S)
    assert (done.detached, done.status.exit_signal) == (False, "SIGKILL")
    assert person.terminal_is_as_before
    assert person.shown().rindex(b"\x1b[?1049l") > person.shown().rindex(b"up")


async def test_old_questions_to_the_terminal_are_not_asked_again(runners: Runners, person: Person):
    link = await runners.start("sh", "-c", r"printf 'a\033[cb\033[6nc\033]11;?\007d\033[?ue\033[>qf\033[31mg'; cat")
    await until(lambda: b"g" in runners.printed())
    task = attached(link, person)
    await person.sees(b"abcdef\x1b[31mg")
    person.type(b"\x1c")
    await asyncio.wait_for(task, PATIENCE_S)


@pytest.mark.parametrize("how", ["cancelled", "runner killed"])
async def test_the_terminal_is_put_back_whatever_happens(runners: Runners, person: Person, how: str):
    link = await runners.start("sh", "-c", "echo up; cat")
    await until(lambda: b"up" in runners.printed())
    task = attached(link, person)
    await person.sees(b"up")
    if how == "cancelled":
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        os.kill(link.status.runner_pid, signal.SIGKILL)
        assert not (await asyncio.wait_for(task, PATIENCE_S)).detached
    assert person.terminal_is_as_before


async def test_a_terminal_that_goes_away_detaches(runners: Runners, person: Person):
    link = await runners.start("cat")
    theirs, ours = os.openpty()
    reading = os.dup(ours)
    task = asyncio.create_task(attach(link.folder, reading=reading, writing=ours))
    await until(lambda: termios.tcgetattr(ours)[3] & termios.ICANON == 0)
    os.close(theirs)
    assert (await asyncio.wait_for(task, PATIENCE_S)).detached
    assert (await link.refresh()).state == "running"
    for descriptor in (ours, reading):
        os.close(descriptor)


async def test_a_flood_blocks_nobody_and_can_be_left(runners: Runners, person: Person):
    link = await runners.start("yes")
    task = attached(link, person)
    await person.sees(b"y\r\ny")
    person.type(b"\x1c")
    pump = asyncio.create_task(_pump(person))
    assert (await asyncio.wait_for(task, PATIENCE_S)).detached
    pump.cancel()
    await asyncio.gather(pump, return_exceptions=True)
    assert person.terminal_is_as_before
    await link.kill()
    await exited(link)


async def test_there_is_nothing_to_attach_to_after_the_end(runners: Runners, person: Person):
    link = await runners.start("true")
    await exited(link)
    with pytest.raises(ProcessFailed, match="has ended"):
        await attached(link, person)
    await link.release()
    with pytest.raises(BackendUnavailable):
        await attached(link, person)
    assert person.terminal_is_as_before


async def test_where_there_is_no_terminal_it_says_so(runners: Runners):
    link = await runners.start("cat")
    reading, writing = os.pipe()
    with pytest.raises(ProcessFailed, match="no terminal"):
        await attach(link.folder, reading=reading, writing=writing)


async def _pump(person: Person) -> None:
    """The terminal goes on showing."""
    while True:
        person.shown()
        await asyncio.sleep(0)
