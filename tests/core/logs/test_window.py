"""A window onto several outputs: what was printed last is found first, and a filter that follows reads only on."""

import re
import time

import pytest
import time_machine

from core.logs.expressions import Expression
from core.logs.window import Keep, Window, sources_of
from storage import OutputReader, utc_now
from tests.support.outputs import Printing, add_process
from tests.support.users import User


def window_of(board: User, *names: str) -> tuple[Window, list[Printing]]:
    processes = [add_process(board, name) for name in names]
    outputs = [Printing(board, each) for each in processes]
    return Window(sources_of(board.database.home, processes)), outputs


def later() -> None:
    time.sleep(0.003)  # what is measured is the clock: lines are told apart by milliseconds


def test_the_last_place_of_all_sources_is_found_backwards_and_from_there_the_one_before(board: User) -> None:
    window, (web, db) = window_of(board, "web", "db")
    for output, text in ((web, "needle 1"), (db, "needle 2"), (db, "x"), (web, "needle 3"), (db, "y")):
        output.say(text)
        later()
    place, found = window.end(), []
    while (entry := window.find(place, Expression("needle").pattern, forward=False)) is not None:
        found.append(entry.line.text.decode())
        place = window.place_of(entry)
    assert found == ["needle 3", "needle 2", "needle 1"]
    keep = Keep(re.compile("[12]"))
    entry = window.find(window.end(), Expression("needle").pattern, forward=False, keep=keep)
    assert entry is not None
    assert entry.line.text == b"needle 2"


def test_what_is_known_of_a_filter_is_read_on_and_never_twice(board: User, monkeypatch: pytest.MonkeyPatch) -> None:
    window, (web, db) = window_of(board, "web", "db")
    keep = Keep(re.compile("odd"))
    for number in range(200):
        (web if number % 3 else db).say(f"{number} {'odd' if number % 2 else 'even'}")
    upto = window.last_lines()
    known = window.above(upto, 10, keep)
    read = []
    real = OutputReader.grep

    def counting(reader: OutputReader, pattern: re.Pattern[str], *, begin: int) -> object:
        read.append(reader.bounds()[1] - begin)
        return real(reader, pattern, begin=begin)

    monkeypatch.setattr(OutputReader, "grep", counting)
    for number in range(200, 260):
        (web if number % 3 else db).write(f"{number} {'odd' if number % 2 else 'even'}".encode())
        known, upto = window.renewed(known, upto, 10, keep)  # the line is not whole yet
        (web if number % 3 else db).write(b" done\n")
        known, upto = window.renewed(known, upto, 10, keep)
        assert window.reaches(upto)
    texts = [each.line.text.decode() for each in known]
    assert sorted(texts) == [f"{number} odd done" for number in range(241, 260, 2)]
    assert max(read) < 200
    whole = window.above(window.end(), 10, keep)
    assert sorted(each.line.text for each in whole) == sorted(each.line.text for each in known)


def test_a_log_that_was_removed_is_not_reached_any_more(board: User) -> None:
    window, (web,) = window_of(board, "web")
    web.say("one", "two")
    upto = window.last_lines()
    for path in web.folder.iterdir():
        path.unlink()
    assert not window.reaches(upto)


@pytest.mark.parametrize("forward", [True, False])
def test_of_what_came_at_the_same_time_nothing_is_passed_over(
    board: User, monkeypatch: pytest.MonkeyPatch, forward: bool
) -> None:
    window, outputs = window_of(board, "one", "two", "three")
    with time_machine.travel(utc_now(), tick=False):
        for number in range(12):
            outputs[number % 3].say(f"needle {number}")
    found: list[str] = []
    place = window.begin() if forward else window.end()
    while (entry := window.find(place, Expression("needle").pattern, forward=forward)) is not None and len(found) < 20:
        found.append(entry.line.text.decode())
        place = window.place_of(entry)
        if forward:
            place = window.moved(place, [entry], past=True)
    shown = [each.line.text.decode() for each in window.above(window.end(), 20)]
    assert found == (shown if forward else shown[::-1])
    assert len(found) == 12
