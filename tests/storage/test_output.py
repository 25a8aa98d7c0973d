"""Reading a process's output: whatever it printed, over rotated files, by line, by time, by pattern, as it comes."""

import re
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.processes.runner.log import OutputLog
from storage import OutputReader, strip_ansi, utc_now
from storage.output import BLOCK, STRETCH, NewOutput


def written(folder: Path, *pieces: bytes, max_bytes: int = 1_000_000, files: int = 50) -> OutputReader:
    log = OutputLog(str(folder), max_bytes, files)
    for piece in pieces:
        log.append(piece)
    log.close()
    return OutputReader(folder)


def texts(lines) -> list[bytes]:
    return [line.text for line in lines]


def test_nothing_is_there_yet(tmp_path: Path):
    reader = OutputReader(tmp_path / "none")
    assert reader.bounds() == (0, 0)
    assert reader.tail(10) == []
    assert list(reader.lines()) == list(reader.grep("x")) == list(reader.since(utc_now())) == []
    assert reader.read(0).data == b""


def test_lines_carry_their_bytes_their_time_and_their_place(tmp_path: Path):
    before = utc_now()
    reader = written(tmp_path, b"one\r\ntw", b"o\n\n", b"\x1b[31mthree\x1b[0m")
    one, two, empty, three = reader.lines()
    assert texts((one, two, empty, three)) == [b"one", b"two", b"", b"\x1b[31mthree\x1b[0m"]
    assert [line.offset for line in (one, two, empty, three)] == [0, 5, 9, 10]
    assert before - timedelta(milliseconds=1) <= one.at <= three.at <= utc_now()


output = st.lists(
    st.sampled_from([b"a", b"\n", b"\r\n", b"\0", b"\xff", b"bc" * 700, b"\n" * 30, b"z" * 70_000]), max_size=60
)


@given(pieces=output, max_bytes=st.sampled_from([4096, 100_000]), wanted=st.integers(1, 40))
def test_whatever_was_printed_is_read_the_same_from_both_ends(tmp_path_factory, pieces, max_bytes, wanted):
    data = b"".join(pieces)
    reader = written(tmp_path_factory.mktemp("log"), *pieces, max_bytes=max_bytes, files=2_000)
    lines = list(reader.lines())
    assert reader.bounds() == (0, len(data))
    assert all(data[line.offset :].startswith(line.text) for line in lines)
    assert sum(len(line.text) for line in lines) >= len(data.replace(b"\r\n", b"").replace(b"\n", b""))
    assert all(len(line.text) <= 2 * BLOCK for line in lines)
    assert reader.tail(wanted) == lines[-wanted:]
    for line in lines[:: max(len(lines) // 5, 1)]:
        place = lines.index(line)
        assert reader.tail(wanted, before=line.offset) == lines[max(place - wanted, 0) : place]
        assert list(reader.lines(line.offset)) == lines[place:]
    assert b"".join(chunk.data for chunk in reader.follow(0, is_over=lambda: True)) == data


def test_what_was_rotated_away_is_gone_and_offsets_stay(tmp_path: Path):
    data = b"".join(b"line %d\n" % number for number in range(5_000))
    reader = written(tmp_path, data, max_bytes=10_000, files=3)
    begin, end = reader.bounds()
    assert end == len(data)
    assert 20_000 < end - begin <= 30_000
    line = reader.tail(1)[0]
    assert data[line.offset :] == b"line 4999\n"
    chunk = reader.read(0)
    assert chunk.offset == begin
    assert chunk.data == data[begin:]


def test_a_line_over_the_border_of_two_files_is_one(tmp_path: Path):
    reader = written(tmp_path, b"x" * 4_040 + b"\n", b"over the border\n", b"next\n", max_bytes=4_096)
    assert (tmp_path / "output.log.1").read_bytes().endswith(b"\nover th")
    assert texts(reader.tail(2)) == [b"over the border", b"next"]
    assert texts(reader.grep("over the border")) == [b"over the border"]


def test_a_missing_file_parts_the_lines_and_stops_nobody(tmp_path: Path):
    reader = written(tmp_path, b"".join(b"line %05d\n" % number for number in range(1_500)), max_bytes=5_000)
    (tmp_path / "output.log.1").unlink()
    lines = list(reader.lines())
    assert lines[0].text == b"line 00000"
    assert lines[-1].text == b"line 01499"
    assert len(list(reader.grep(r"^line \d{5}$"))) == len(lines) - 2  # the two that the gap has torn


def test_a_lost_or_torn_index_costs_times_only(tmp_path: Path):
    reader = written(tmp_path, b"".join(b"line %05d\n" % number for number in range(1_500)), max_bytes=5_000)
    (tmp_path / "output.log.1.idx").unlink()
    (tmp_path / "output.log.2.idx").write_bytes(b"WZP")
    index = tmp_path / "output.log.idx"
    index.write_bytes(index.read_bytes()[:-5])
    assert len(list(reader.lines())) == 1_500
    assert list(reader.since(utc_now() - timedelta(hours=1)))[-1].text == b"line 01499"


def test_since_takes_the_lines_that_came_then_or_after(tmp_path: Path):
    log = OutputLog(str(tmp_path), 4_096, 10)
    log.append(b"x" * 5_000 + b"\nold\n")
    time.sleep(0.005)  # what is measured is the clock
    moment = utc_now()
    time.sleep(0.005)
    log.append(b"new\nnewer\n")
    log.close()
    reader = OutputReader(tmp_path)
    assert texts(reader.since(moment)) == [b"new", b"newer"]
    assert texts(reader.grep("w", since=moment)) == [b"new", b"newer"]
    assert texts(reader.grep("old|newer", since=moment)) == [b"newer"]
    assert list(reader.since(utc_now())) == []


def test_a_clock_that_was_set_back_hides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    log = OutputLog(str(tmp_path), 100_000, 2)
    now = time.time_ns()
    for text, hours in ((b"first\n", 0), (b"from the future\n", 5), (b"back again\n", 0)):
        monkeypatch.setattr(
            "core.processes.runner.log.time.time_ns", lambda hours=hours: now + hours * 3_600_000_000_000
        )
        log.append(text)
    log.close()
    reader = OutputReader(tmp_path)
    first, future, again = reader.lines()
    assert again.at < future.at
    assert texts(reader.since(first.at)) == [b"first", b"from the future", b"back again"]
    assert texts(reader.since(first.at + timedelta(hours=1))) == [b"from the future"]


def test_escapes_stand_in_no_search(tmp_path: Path):
    reader = written(
        tmp_path,
        b"\x1b[1;31mER\x1b[0mROR: one\r\n", b"fine\n", b"50%\r100% ERROR two\n", b"ER\0ROR \x1b]0;t\x07three\n",
        b"last \xff ERROR",
    )  # fmt: skip
    assert [line.offset for line in reader.grep("ERROR")] == [line.offset for line in reader.grep("E[R]ROR")]
    assert len(list(reader.grep("ERROR"))) == 4
    assert texts(reader.grep("^ERROR: one$")) == [b"\x1b[1;31mER\x1b[0mROR: one"]
    assert texts(reader.grep("50%")) == [b"50%\r100% ERROR two"]
    assert texts(reader.grep(re.compile("error T", re.IGNORECASE))) == [
        b"50%\r100% ERROR two",
        b"ER\0ROR \x1b]0;t\x07three",
    ]
    with pytest.raises(re.error):
        list(reader.grep("("))


@given(pieces=output, begin=st.integers(0, 100_000))
def test_a_search_finds_what_looking_at_each_line_finds(tmp_path_factory, pieces, begin):
    reader = written(tmp_path_factory.mktemp("log"), *pieces, max_bytes=100_000, files=2_000)
    for pattern in ("a", "bc", "^a+$", "z{3}"):
        slow = [line for line in reader.lines(begin) if re.search(pattern, strip_ansi(line.text))]
        assert list(reader.grep(pattern, begin=begin)) == slow


@given(pieces=output, before=st.integers(0, 200_000), stretch=st.sampled_from([BLOCK, 3 * BLOCK, STRETCH]))
def test_a_search_backwards_finds_the_same_the_last_first(tmp_path_factory, pieces, before, stretch):
    reader = written(tmp_path_factory.mktemp("log"), *pieces, max_bytes=100_000, files=2_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("storage.output.STRETCH", stretch)
        for pattern in ("a", "bc", "^a+$", "z{3}"):
            found = list(reader.grep(pattern))
            assert list(reader.grep_back(re.compile(pattern))) == found[::-1]
        lines = [line for line in reader.lines() if line.offset <= before]
        if lines:  # from the begin of a line, as the places of a window are
            found = [line for line in reader.grep("a") if line.offset < lines[-1].offset]
            assert list(reader.grep_back(re.compile("a"), before=lines[-1].offset)) == found[::-1]


def test_a_search_backwards_looks_at_nothing_that_is_surely_older(tmp_path: Path):
    log = OutputLog(str(tmp_path), 4_000_000, 10)
    log.append(b"needle old\n" + b"x" * 79 + b"\n")
    log.append((b"x" * 79 + b"\n") * 40_000)
    time.sleep(0.005)  # what is measured is the clock
    moment = utc_now()
    log.append(b"needle new\n")
    log.close()
    reader = OutputReader(tmp_path)
    assert texts(reader.grep_back(re.compile("needle"))) == [b"needle new", b"needle old"]
    assert texts(reader.grep_back(re.compile("needle"), since=moment)) == [b"needle new"]
    assert list(reader.grep_back(re.compile("needle"), since=utc_now())) == []


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x1b[38;5;196mred\x1b[0m", "red"),
        (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        (b"\x1b]0;title\x07text", "text"),
        (b"\x1bP1$r0m\x1b\\text", "text"),
        (b"\x1b(Btext\x1b=", "text"),
        (b"a\tb\x00\x07\x08c", "a\tbc"),
        (b"10%\r50%\r100%", "100%"),
        (b"done\r", "done"),
        (b"caf\xc3\xa9 \xff \xe6\x97\xa5", "café � 日"),
        (b"c1 \xc2\x9b31m", "c1 31m"),
        (b"cut \x1b[38;5", "cut "),
        (b"\x1b", ""),
    ],
)
def test_escapes_are_stripped_as_a_terminal_would_show_it(data: bytes, text: str):
    assert strip_ansi(data) == text


def test_a_flood_of_escapes_is_stripped_in_good_time():
    began = time.thread_time()
    for flood in (
        b"\x1b[" * 500_000,
        b"\x1b]0;" * 250_000,
        b"\x1bP" * 500_000,
        b"\x1b" * 1_000_000,
        b"\x1b[;" * 300_000,
    ):
        strip_ansi(flood)
    assert time.thread_time() - began < 20


def test_a_hundred_megabytes_are_not_loaded_for_the_last_lines(tmp_path: Path):
    block = b"".join(b"%07d a line of some length that stands for many others of its kind\n" % n for n in range(10_000))
    reader = written(tmp_path, *[block] * 140, max_bytes=200_000_000)
    assert (tmp_path / "output.log").stat().st_size > 95_000_000
    began = time.thread_time()
    assert len(reader.tail(1_000)) == 1_000
    assert reader.read(reader.bounds()[1] - 10).data[-1:] == b"\n"
    assert time.thread_time() - began < 1.0


def test_following_meets_rotation_without_loss(tmp_path: Path):
    log = OutputLog(str(tmp_path), 4_096, 50)
    reader = OutputReader(tmp_path)
    pieces = iter([b"%06d\n" % number * 10 for number in range(1_000)])
    seen = b""
    is_over = False

    def more() -> bool:
        nonlocal is_over
        for _ in range(100):
            if piece := next(pieces, b""):
                log.append(piece)
            else:
                is_over = True
        return is_over

    for chunk in reader.follow(0, is_over=more):
        assert chunk.offset == len(seen)
        seen += chunk.data
    assert seen == b"".join(b"%06d\n" % number * 10 for number in range(1_000))


def test_files_that_are_rotated_while_they_are_opened_leave_nothing_out(tmp_path: Path):
    """A writer on a thread of its own, which waits only so that nothing is rotated away unread."""
    log = OutputLog(str(tmp_path), 4_096, 40)
    reader = OutputReader(tmp_path)
    total, seen = 4_000_000, 0
    line = b"x" * 99 + b"\n"

    def write() -> None:
        for place in range(0, total, len(line)):
            while place - seen > 60_000:
                time.sleep(0)
            log.append(line)

    writing = threading.Thread(target=write)
    writing.start()
    for chunk in reader.follow(0, is_over=lambda: not writing.is_alive()):
        assert chunk.offset == seen, "nothing lost, nothing twice"
        assert reader.bounds()[1] >= chunk.end
        seen = chunk.end
    writing.join()
    assert seen == total


def test_one_file_that_is_begun_anew_is_never_seen_as_none(tmp_path: Path):
    log = OutputLog(str(tmp_path), 4_096, 1)
    log.append(b"begin\n")
    reader = OutputReader(tmp_path)
    is_over = threading.Event()

    def write() -> None:
        while not is_over.is_set():
            log.append(b"x" * 99 + b"\n")

    writing = threading.Thread(target=write)
    writing.start()
    try:
        last = 0
        for _ in range(3_000):
            end = reader.bounds()[1]
            assert end >= last
            last = end
    finally:
        is_over.set()
        writing.join()


def test_what_is_new_is_told_from_within_a_line_and_what_was_rotated_away_is_counted(tmp_path: Path):
    log = OutputLog(str(tmp_path), 4_096, 2)
    reader = OutputReader(tmp_path)
    log.append(b"one\nPass")
    first = reader.more(0)
    assert (texts(first.lines), first.end, first.missed) == ([b"one"], 4, 0)
    assert reader.more(4) == NewOutput((), 4, 0), "it has no end yet"
    asked = reader.more(4, whole=False)
    assert (texts(asked.lines), asked.end) == ([b"Pass"], 8)
    log.append(b"word: \r\ntwo\n")
    assert texts(reader.more(8).lines) == [b"word: ", b"two"]
    log.append(b"x" * 20_000 + b"\nlast\n")
    late = reader.more(0)
    assert late.missed == reader.bounds()[0]
    assert late.lines[-1].text == b"last"
    assert reader.more(1 << 40).lines, "a log that was removed begins anew"


def test_a_line_of_many_megabytes_comes_in_parts_while_it_comes(tmp_path: Path):
    log = OutputLog(str(tmp_path), 100_000_000, 2)
    reader = OutputReader(tmp_path)
    data, place = b"", 0
    for _ in range(40):
        log.append(b"z" * 123_457)
        for _ in range(2):
            new = reader.more(place)
            data += b"".join(texts(new.lines))
            place = new.end
    log.append(b"\n")
    while (new := reader.more(place)).lines:
        data += b"".join(texts(new.lines))
        place = new.end
    assert data == b"z" * 123_457 * 40


def test_a_file_whose_index_is_lost_lies_where_its_neighbours_leave_it(tmp_path: Path):
    reader = written(tmp_path, b"".join(b"line %05d\n" % number for number in range(1_500)), max_bytes=5_000)
    whole = reader.bounds()
    names = sorted((each for each in tmp_path.glob("output.log.*[0-9]")), key=lambda each: -int(each.suffix[1:]))
    Path(f"{names[0]}.idx").unlink()
    assert reader.bounds() == whole
    assert len(list(reader.lines())) == 1_500


@pytest.mark.parametrize("whole", [True, False])
def test_no_line_is_parted_where_much_is_new(tmp_path: Path, whole: bool):
    reader = written(tmp_path, b"".join(b"line %06d\n" % number for number in range(200_000)), max_bytes=10_000_000)
    found, place = [], 0
    while (new := reader.more(place, whole=whole)).lines:
        found += texts(new.lines)
        place = new.end
    assert found == [b"line %06d" % number for number in range(200_000)]


def test_where_the_last_whole_line_ends(tmp_path: Path):
    assert OutputReader(tmp_path / "none").end_of_lines() == 0
    for number, (data, end) in enumerate(((b"", 0), (b"one", 0), (b"one\ntwo", 4), (b"one\ntwo\n", 8))):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert written(folder, data).end_of_lines() == end
