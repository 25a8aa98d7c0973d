"""How words are read: by their types, refused with what would have been right."""

from datetime import date, timedelta
from pathlib import Path

import click
import pytest

from core.doors.cli import words
from core.operation import Item, Line, OrUnset
from storage import AgentId, Priority, Status, TaskId


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (Status, "in_progress", Status.IN_PROGRESS),
        (Status, "In-Progress", Status.IN_PROGRESS),
        (Status | None, "none", words.CLEARED),
        (int, "12", 12),
        (int | None | OrUnset, "", words.CLEARED),
        (date, "2030-02-28", date(2030, 2, 28)),
        (date | None, "none", words.CLEARED),
        (Path, "a/b", Path("a/b")),
        (AgentId | None, "none", "nobody"),
        (TaskId, "#12", "#12"),
        (tuple[TaskId, ...], "1,#2, 3", ("1", "#2", "3")),
        (tuple[Line, ...] | OrUnset, "", ()),
        (tuple[Line, ...], "none", ()),
        (tuple[Priority, ...], "low,HIGH", (Priority.LOW, Priority.HIGH)),
        (dict[Status, int], "todo=3,done=0", {Status.TODO: 3, Status.DONE: 0}),
    ],
)
def test_a_word_is_read_by_its_type(annotation, text, value):
    assert words.word_for(annotation).convert(text) == value


def test_a_day_may_be_counted_from_today():
    word, today = words.word_for(date), date.today()  # noqa: DTZ011  the person's own day
    assert word.convert("today") == today
    assert word.convert("tomorrow") == word.convert("+1") == today + timedelta(days=1)


@pytest.mark.parametrize(
    ("annotation", "text", "told"),
    [
        (Status, "nowhere", "in_progress"),
        (int, "-1", "whole number"),
        (int, "99999999999999999999", "whole number"),
        (int, "٣", "whole number"),
        (date, "2030-02-30", "YYYY-MM-DD"),
        (date, "+99999999999", "YYYY-MM-DD"),
        (dict[Status, int], "todo", "NAME=VALUE"),
        (dict[Status, int], "todo=x", "whole number"),
        (TaskId, "\udcff", "Unicode"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_would_be_right(annotation, text, told):
    with pytest.raises(click.BadParameter, match=told):
        words.word_for(annotation).convert(text)


def test_a_sentence_is_taken_whole_and_its_option_says_nothing_of_commas(wzp, room):
    assert words.word_for(tuple[Item, ...]).convert("a, b") == ("a, b",)
    told = " ".join(wzp("handoff", "create", "--help").out.split())
    assert "--failed-approach, --failed-approaches TEXT What was tried and does not work; repeatable." in told
    assert "--file, --files TEXT The files touched; repeatable, or separated by commas." in told


def test_a_word_that_is_none_of_a_vocabulary_is_told_what_there_is(wzp, room):
    for line, choices in (
        (("queue", "list", "--state", "bogus"), "queued, running, succeeded, failed, cancelled, quarantined"),
        (("agent", "add", "x", "--kind", "bogus"), "person, ai, worker"),
    ):
        refused = wzp(*line)
        assert refused.code == 2
        assert f"'bogus' is none of {choices}." in refused.err


def test_the_usage_names_a_command_as_the_help_below_does(wzp):
    told = wzp("process", "add", "--help").out
    assert "NAME [COMMAND...]" in told
    assert "COMMAND: the program and its arguments" in told


def test_the_help_says_what_holds_where_a_number_is_omitted(wzp):
    told = " ".join(wzp("queue", "list", "--help").out.split())
    assert "--limit N At most so many; 100 if omitted." in told
