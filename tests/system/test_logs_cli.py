"""`wzp logs` from outside: merged, filtered, followed over rotation, safe for a terminal; and the program's own log."""

import json
import logging
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from storage import Home, new_trash_folder, start_logging
from tests.support.outputs import Printing, add_process
from tests.support.serving import PROGRAM, Project
from tests.support.users import User

DEADLINE_S = 60.0


@pytest.fixture
def shop(board: User, home: Home, project: Path) -> Project:
    return Project(home, project)


@contextmanager
def following(project: Project, *words: str) -> Iterator["Reader"]:
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM), "logs", "-f", *words], cwd=project.directory, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, env=os.environ,
    )  # fmt: skip
    try:
        yield Reader(process)
    finally:
        process.kill()
        process.communicate()


class Reader:
    """Reads what a command prints, until something has come."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self.text = ""

    def until(self, wanted: str) -> str:
        assert self.process.stdout is not None
        deadline = time.monotonic() + DEADLINE_S
        while wanted not in self.text:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, left))
            assert ready, f"{wanted!r} did not come: {self.text[-500:]!r}"
            more = os.read(self.process.stdout.fileno(), 65536)
            assert more, f"ended before {wanted!r} came: {self.text[-500:]!r}"
            self.text += more.decode()
        return self.text


def test_several_are_merged_by_time_with_their_names(board: User, shop: Project):
    outputs = [Printing(board, add_process(board, name)) for name in ("web", "db")]
    for number in range(6):
        outputs[number % 2].say(f"line {number}")
        time.sleep(0.002)  # times are kept to the millisecond
    lines = shop.run("logs").stdout.splitlines()
    assert lines == [f"{('web', 'db ')[number % 2]} │ line {number}" for number in range(6)]
    assert shop.run("logs", "web", "-n", "1").stdout == "line 4\n"


def test_since_and_grep_choose_and_json_gives_a_line_each(board: User, shop: Project):
    output = Printing(board, add_process(board, "web"))
    output.say("GET /a", "\x1b[31mERROR\x1b[0m boom", "GET /b")
    assert shop.run("logs", "web", "--grep", "ERROR b").stdout == "ERROR boom\n"
    assert shop.run("logs", "web", "--since", "2099-01-01").stdout == ""
    told = [json.loads(line) for line in shop.run("logs", "--json", "--since", "10m").stdout.splitlines()]
    assert [each["text"] for each in told] == ["GET /a", "ERROR boom", "GET /b"]
    assert {"process", "process_id", "at", "offset", "text"} == set(told[0])
    assert "is no time" in shop.run("logs", "--since", "soon", code=None).stderr
    assert shop.run("logs", "--grep", "(", code=2).stderr


def test_following_goes_on_over_a_rotation_and_takes_in_new_processes(board: User, shop: Project):
    output = Printing(board, add_process(board, "web"), max_bytes=5_000)
    output.say("first")
    with following(shop) as reader:
        reader.until("first")
        for number in range(300):
            output.say(f"line {number:04} {'x' * 50}")
            if number % 20 == 0:
                reader.until(f"line {number:04}")
        text = reader.until("line 0299")
        assert [f"line {number:04}" in text for number in range(300)] == [True] * 300
        Printing(board, add_process(board, "db")).say("hello from db")
        reader.until("hello from db")
        reader.process.send_signal(signal.SIGINT)
        assert reader.process.wait(DEADLINE_S) == 130


def test_a_line_that_comes_in_parts_is_followed_once_and_whole(board: User, shop: Project):
    output = Printing(board, add_process(board, "web"))
    output.write(b"first\nsec")
    with following(shop, "web") as reader:
        reader.until("first\n")
        output.write(b"ond\nthird\n")
        assert reader.until("third\n") == "first\nsecond\nthird\n"
        output.write(b"Password: ")
        assert reader.until("Password: \n").endswith("third\nPassword: \n"), "a prompt is shown after a while"
        output.write(b"\nwelcome\n")
        reader.until("welcome\n")


def test_what_came_too_fast_to_be_followed_is_told(board: User, shop: Project):
    output = Printing(board, add_process(board, "web"), max_bytes=20_000, files=2)
    output.say("first")
    with following(shop, "web") as reader:
        reader.until("first")
        reader.process.send_signal(signal.SIGSTOP)
        output.write(b"".join(b"line %06d\n" % number for number in range(10_000)))
        reader.process.send_signal(signal.SIGCONT)
        text = reader.until("line 009999")
        assert "line 000000" not in text
        assert reader.process.stderr is not None
        told = os.read(reader.process.stderr.fileno(), 4096).decode()
        assert "bytes of web came too fast and were rotated away unread" in told
        kept = text.count("line 00")
        assert abs(int(told.split()[1]) - (10_000 - kept) * 12) < 12, "to the byte, but for the line that is torn"


def test_a_line_without_end_is_followed_too(board: User, shop: Project):
    output = Printing(board, add_process(board, "web"), max_bytes=100_000_000)
    output.say("first")
    with following(shop, "web") as reader:
        reader.until("first\n")
        for _ in range(30):
            output.write(b"z" * 100_001)
        output.write(b"!\n")
        text = reader.until("!\n")
        assert text.replace("\n", "") == "first" + "z" * 3_000_030 + "!"


def test_a_removed_process_can_still_be_read_and_its_place_on_the_disk_be_seen(board: User, shop: Project):
    for name in ("web", "gone"):
        Printing(board, add_process(board, name)).say(f"hello from {name}")
    board.call("remove_process", process="gone")
    assert shop.run("logs").stdout == "hello from web\n"
    assert shop.run("logs", "gone").stdout == "hello from gone\n"
    assert "no-such" in shop.run("logs", "no-such", code=None).stderr
    told = {each["name"]: each for each in map(json.loads, shop.run("logs", "--disk", "--json").stdout.splitlines())}
    assert told["web"]["kind"] == "process"
    assert told["gone"]["kind"] == "removed"
    assert told["gone"]["bytes"] > 16
    assert "gone (removed)" in shop.run("logs", "--disk").stdout
    assert "--disk" in shop.run("logs", "web", "--disk", code=2).stderr


def test_how_much_lies_in_the_trash_is_told(board: User, home: Home, shop: Project):
    assert "trash" not in shop.run("logs", "--disk").stdout.partition(" in all; ")[0]
    older, newest = new_trash_folder(home), new_trash_folder(home)
    (older / "state.db").write_bytes(b"x" * 3_000_000)
    (newest / "metrics.db").write_bytes(b"x" * 1_000_000)
    told = [json.loads(line) for line in shop.run("logs", "--disk", "--json").stdout.splitlines()]
    trash = {each["name"]: each for each in told if each["kind"] == "trash"}
    assert {name: each["bytes"] for name, each in trash.items()} == {older.name: 3_000_000, newest.name: 1_000_000}
    assert trash[older.name]["goes_at"] > trash[older.name]["last_at"]
    assert trash[newest.name]["goes_at"] is None
    (row,) = (line for line in shop.run("logs", "--disk").stdout.splitlines() if line.startswith("2 in the trash"))
    assert "3.8 MiB" in row
    assert "the oldest" in row


def test_a_terminal_gets_colours_and_no_other_escape(board: User, shop: Project):
    output = Printing(board, add_process(board, "web"))
    output.say(b"\x1b[31mred\x1b[0m\x1b]0;title\x07\x1b[2J\x1b[6n\x9b5n \x07\x00end")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM), "logs", "web"], cwd=shop.directory, stdout=theirs, stdin=subprocess.DEVNULL,
        env={**os.environ, "TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    while True:
        try:
            more = os.read(ours, 65536)
        except OSError:  # the other side is closed
            break
        if not more:
            break
        seen += more
    assert process.wait(DEADLINE_S) == 0
    os.close(ours)
    assert b"\x1b[31mred\x1b[0m" in seen
    assert seen.replace(b"\x1b[31m", b"").replace(b"\x1b[0m", b"").count(b"\x1b") == 0
    assert b"title" not in seen
    assert b"\x07" not in seen
    assert shop.run("logs", "web").stdout.startswith("red")


def test_raw_gives_the_bytes_of_one_process(board: User, shop: Project):
    data = bytes(range(256)) * 10
    Printing(board, add_process(board, "web")).write(data)
    ended = subprocess.run(
        [sys.executable, str(PROGRAM), "logs", "web", "--raw"], cwd=shop.directory, capture_output=True, check=True
    )
    assert ended.stdout == data
    add_process(board, "db")
    assert "one process" in shop.run("logs", "--raw", code=2).stderr


def test_a_reader_that_goes_ends_the_following(board: User, shop: Project):
    Printing(board, add_process(board, "web")).say("first")
    with following(shop) as reader:
        reader.until("first")
        assert reader.process.stdout is not None
        reader.process.stdout.close()
        assert reader.process.wait(DEADLINE_S) == 141
        reader.process.stdout = None


def test_the_programs_own_log_is_shown_by_level_and_module(board: User, shop: Project, home: Home):
    stop = start_logging(home.logs / "app.log")
    logging.getLogger("core.processes.supervisor").info("web is running")
    logging.getLogger("core.dispatch").error("it broke")
    stop()
    text = shop.run("logs", "app").stdout
    assert "web is running" in text
    assert "it broke" in shop.run("logs", "app", "--level", "warning").stdout
    assert "web is running" not in shop.run("logs", "app", "--level", "warning").stdout
    assert "it broke" not in shop.run("logs", "app", "--module", "core.processes").stdout
    told = [json.loads(line) for line in shop.run("--json", "logs", "app", "--grep", "broke").stdout.splitlines()]
    assert [each["logger"] for each in told] == ["core.dispatch"]
    shop.run("logs", "web", "--level", "info", code=2)


@contextmanager
def searching(project: Project, *words: str) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM), "logs", *words], cwd=project.directory, stdout=subprocess.PIPE, text=True,
        stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, env=os.environ,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("words", [(), ("-n", "5"), ("--json",), ("app",)])
def test_an_expression_that_takes_for_ever_is_told_of_and_where(
    board: User, shop: Project, home: Home, words: tuple[str, ...]
):
    Printing(board, add_process(board, "web")).say("a" * 100 + "!")
    stop = start_logging(home.logs / "serve.log")
    logging.getLogger("core.test").warning("a" * 100 + "!")
    stop()
    ended = shop.run("logs", *words, "--grep", "(a+)+$", code=2)
    where = "app" if "app" in words else "web"
    assert f"takes more than 2 s of processor time over the log of {where}" in ended.stderr
    assert "no repeat stands within another" in ended.stderr
    assert ended.stdout == ""


def test_a_line_that_comes_can_be_too_slow_as_well(board: User, shop: Project):
    output = Printing(board, add_process(board, "web"))
    output.say("aaa")
    with following(shop, "web", "--grep", "^(a+)+$") as reader:
        reader.until("aaa\n")
        output.say("b", "aa", "b")
        assert reader.until("aaa\naa\n") == "aaa\naa\n"
        output.say("a" * 100 + "!")
        assert reader.process.wait(DEADLINE_S) == 2
        assert reader.process.stderr is not None
        assert b"the log of web" in reader.process.stderr.read()


def test_ctrl_c_ends_a_search_at_once(board: User, shop: Project):
    Printing(board, add_process(board, "web")).say("a" * 100 + "!")
    with searching(shop, "--grep", "(a+)+$") as process:
        command = psutil.Process(process.pid)
        deadline = time.monotonic() + DEADLINE_S
        while not (looking := [each for each in command.children() if each.cpu_times().user > 0.2]):
            assert time.monotonic() < deadline
            time.sleep(0.01)  # until it searches: its own time is what tells
        process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE_S) == 130, "not 2: it was not told to be too slow"
        psutil.wait_procs(looking, timeout=DEADLINE_S)
        assert not looking[0].is_running()
