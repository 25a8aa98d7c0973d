"""Tables keep their columns straight whatever stands in them, and drawn text does nothing to the terminal."""

import os
import sys
from datetime import UTC, datetime, timedelta

import pytest

from core.doors.cli import table as tables
from core.doors.cli.drawing import age_of, local_time
from core.doors.cli.table import Cell, cell_width, cut, table


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("日本語", 6), ("é", 1), ("e\u0301", 1), ("🚀x", 3), ("", 0)])
def test_the_width_of_a_text_is_counted_in_cells(text, width):
    assert cell_width(text) == width


def test_a_cut_text_keeps_to_its_cells_and_never_halves_a_wide_character():
    assert cut("日本語の題", 5) == "日本…"
    assert cut("日本語", 6) == "日本語"
    assert cell_width(cut("日本語の題", 6)) <= 6


def test_columns_stay_straight_with_wide_characters_and_empty_ones_are_left_out():
    lines = table(
        ("A", "GONE", "B"), [[Cell("日本"), Cell(""), Cell("x")], [Cell("ab"), Cell(""), Cell("y")]], flexible=0
    )
    assert lines == "A     B\n日本  x\nab    y"


class Terminal:
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_the_flexible_column_gives_way(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setattr(tables.shutil, "get_terminal_size", lambda: os.terminal_size((40, 10)))
    monkeypatch.setenv("NO_COLOR", "1")
    lines = table(("#", "TITLE", "WHO"), [[Cell("#1"), Cell("x" * 100), Cell("alice")]], flexible=1).split("\n")
    assert all(cell_width(line) <= 40 for line in lines)
    assert "alice" in lines[1]
    assert "…" in lines[1]


def test_colours_are_shown_on_a_terminal_alone_and_never_against_no_color(monkeypatch: pytest.MonkeyPatch):
    assert tables.styled("x", tables.RED) == "x"
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    assert tables.styled("x", tables.RED) == "\x1b[31mx\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert tables.styled("x", tables.RED) == "x"


def test_ages_are_told_in_their_greatest_unit():
    now = datetime(2030, 1, 1, tzinfo=UTC)
    told = {"45s": 45, "12m": 12 * 60, "3h": 3 * 3600, "5d": 5 * 86400, "7w": 50 * 86400, "2y": 800 * 86400}
    for text, seconds in told.items():
        assert age_of((now - timedelta(seconds=seconds)).isoformat(), now) == text
    assert age_of((now + timedelta(hours=1)).isoformat(), now) == "0s", "a clock set back is no age"


def test_times_are_told_in_the_persons_zone(monkeypatch: pytest.MonkeyPatch):
    import time

    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert local_time("2030-01-01T00:00:00.000000Z") == "2030-01-01 09:00:00"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_what_people_see_carries_no_escape_of_a_task(wzp, room):
    wzp("task", "add", "plain", "--label", "a\u202eb", "--description", "\x1b[2Jgone", "--command", "x\x1b]0;t\x07y")
    wzp("task", "comment", "1", "hello \x1b[31mred\x9b2J")
    for words in (("task", "list"), ("task", "show", "1"), ("history",), ("board",)):
        shown = wzp(*words)
        assert shown.code == 0
        assert not any(character in shown.out for character in "\x1b\x9b\x07\u202e")


def test_each_view_says_what_there_is(wzp, room):
    assert wzp("task", "list").out == "No tasks.\n"
    wzp("agent", "add", "claude", "--description", "writes code")
    wzp("task", "add", "Write the parser", "--priority", "urgent", "--label", "core", "--estimate", "90")
    wzp(
        "task",
        "add",
        "日本語の題",
        "--dependency",
        "1",
        "--assignee",
        "claude",
        "--due",
        "2030-01-02",
        "--command",
        "just",
    )
    wzp("task", "comment", "2", "first line\nsecond line")
    assert wzp("task", "move", "1", "blocked", "--reason", "waits for the grammar").out == (
        "Moved #1 to blocked: Write the parser\n"
    )
    listed = wzp("task", "list").out
    for word in ("#1", "urgent", "core", "日本語の題", "claude", "2030-01-02"):
        assert word in listed
    shown = wzp("task", "show", "2").out
    for word in ("waits for  #1 (1 open)", "  second line", "just", "History", "Comments"):
        assert word in shown
    assert "waits for the grammar" in wzp("task", "show", "1").out
    assert "status backlog → blocked" in wzp("history").out
    assert "blocked (1)" in wzp("board").out
    assert "writes code" in wzp("agent", "list").out
    assert "日本語の題" in wzp("agent", "show", "claude").out
    wzp("room", "edit", "--wip", "todo=3")
    assert "todo 3 (warn)" in wzp("room", "show").out
    assert "demo" in wzp("room", "list").out
    assert wzp("undo").out == "Undone: update room.\n"
    assert wzp("redo").out.startswith("Redone")


def test_of_many_changed_tasks_the_first_are_named_and_the_others_counted(wzp, room):
    wzp("task", "add", "-", stdin="\n".join(f"task {number}" for number in range(25)))
    told = wzp("task", "archive-many", "-", stdin=" ".join(str(number) for number in range(1, 26))).out
    assert "25 tasks" in told
    assert told.endswith("#19, #20 and 5 more.\n")
    assert "and 5 more" in wzp("undo").out
