"""CSVs of other programs."""

from datetime import date
from pathlib import Path

import pytest

from core.transfer import BadSource, SourceFormat, read_board
from core.transfer.words import Gaps
from storage import Priority, Status

DATA = Path(__file__).parent / "data" / "sheet.csv"


def test_columns_are_known_by_many_names() -> None:
    first, second, third = read_board(DATA).tasks
    assert (first.number, first.title, first.status) == (1, "Lay the foundation", Status.IN_PROGRESS)
    assert (first.priority, first.labels, first.assignee) == (Priority.HIGH, ("ground", "stone"), "mason")
    assert (first.estimate_minutes, first.due) == (150, date(2026, 12, 24))
    assert first.description == 'Dig\n"deep" first'
    assert (second.needs, second.estimate_minutes, second.assignee) == (("1", "9"), 480, "mason")
    assert (third.title, third.status, third.needs) == ("石の庭 🪨", Status.BACKLOG, ("2", "3"))


def test_what_finds_no_place_is_listed_with_its_line() -> None:
    listed = {(each.item, each.field, each.value) for each in read_board(DATA).unmapped}
    assert listed == {
        ("all lines", "Story Points", ""),
        ("line 4", "assignee", "carpenter"),
        ("line 4", "due", "soon"),
        ("line 5", "status", "Someday"),
    }


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_separators_and_byte_order_marks(tmp_path: Path, separator: str, start: str) -> None:
    file = tmp_path / "board.csv"
    file.write_text(f"{start}Title{separator}Status\nOne{separator}Done\n", encoding="utf-8")
    [task] = read_board(file).tasks
    assert (task.title, task.status) == ("One", Status.DONE)


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (b"Colour,Size\nred,1\n", "line 1.*there is: Colour, Size"),
        (b"", "line 1"),
        (b'title\nfine\n"never closed', "line 3.*not CSV"),
        (b"title\nfine\n\xff\xfe\n", "line 3.*not UTF-8"),
    ],
)
def test_a_bad_file_says_where(tmp_path: Path, content: bytes, where: str) -> None:
    file = tmp_path / "board.csv"
    file.write_bytes(content)
    with pytest.raises(BadSource, match=where):
        read_board(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match=r"no file .*gone\.csv"):
        read_board(tmp_path / "gone.csv")


def test_a_format_may_be_said(tmp_path: Path) -> None:
    file = tmp_path / "board.txt"
    file.write_text("title\n{not json}\n")
    assert read_board(file, SourceFormat.CSV).tasks[0].title == "{not json}"
    with pytest.raises(BadSource, match="folder"):
        read_board(file, SourceFormat.BACKLOG)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("90", 90), ("45m", 45), ("1h 30m", 90), ("1.5 hours", 90), ("2d", 960), ("1w", 2400), ("soon", None),
     ("-5", None), ("3 fortnights", None), ("0", None), ("9" * 30, None)],
)  # fmt: skip
def test_durations(text: str, minutes: int | None) -> None:
    gaps = Gaps()
    assert gaps.minutes("line 1", "estimate", text) == minutes
    assert bool(gaps.found) == (minutes is None)
