"""The painted card: exactly as wide and as high as it says, legible without colour, harmless whatever it is called."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style

from core.settings import Density
from storage import AgentId, Priority, RoomId, Status, Task, TaskId
from tui.widgets.card import Face, Ground, Mark, Part, card_height, paint_card

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
STYLES = {(ground, part): Style() for ground in Ground for part in Part}
TEXTS = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from("ab 日本。「🚀é[]")), min_size=1, max_size=120)


def task(**fields: Any) -> Task:
    base = Task(
        id=TaskId("tsk_1"), room_id=RoomId("rom_1"), number=12, title="Fix login", rank="a0",
        created_by=AgentId("agt_1"), created_at=NOW, updated_at=NOW, status_changed_at=NOW,
    )  # fmt: skip
    return replace(base, **fields)


def lines(
    card: Task, face: Face | None = None, marks: Mark = Mark.NONE, width: int = 30, density: Density = Density.NORMAL,
    more: int = 0,
) -> list[str]:  # fmt: skip
    face = face or Face(assignee="claude", age="2d")
    return [strip.text for strip in paint_card(card, face, marks, width, density, STYLES, more)]


@given(
    TEXTS,
    st.integers(12, 80),
    st.sampled_from(list(Density)),
    st.lists(st.sampled_from(["api", "ui", "とても長いラベル", "[b]x"]), max_size=5, unique=True),
    st.one_of(st.none(), TEXTS),
    st.sampled_from([Mark.NONE, Mark.CURSOR, Mark.SELECTED | Mark.CURSOR, Mark.GHOST, Mark.SOURCE, Mark.PENDING]),
)
def test_every_line_is_exactly_as_wide_and_there_are_as_many_as_said(
    title: str, width: int, density: Density, labels: list[str], reason: str | None, marks: Mark
) -> None:
    title = " ".join(title.split()) or "x"
    card = task(
        title=title, labels=tuple(labels), blocked_reason=reason, description=title, waiting_on=3, comment_count=7
    )
    face = Face(assignee="日本の担当者", age="12d", due="due 21 Nov!", is_overdue=True)
    strips = paint_card(card, face, marks, width, density, STYLES, 2)
    assert {strip.cell_length for strip in strips} == {width}
    gap = 0 if density is Density.COMPACT else 1
    assert len(strips) == card_height(card, width, density) - gap


def test_a_card_shows_what_one_decides_by() -> None:
    card = task(priority=Priority.URGENT, labels=("api", "ui"), waiting_on=2, comment_count=3)
    text = "\n".join(lines(card, Face("claude", "2d", "due today"), width=44))
    for part in ("Fix login", "#12", "!!", "@claude", "2d", "⧗2", "❝3", "due today", "‹api›", "‹ui›"):
        assert part in text


def test_a_blocked_card_says_why() -> None:
    assert any(
        "waits for the vendor" in line
        for line in lines(task(status=Status.BLOCKED, blocked_reason="waits for the vendor"))
    )


def test_a_long_title_takes_two_lines_and_no_more() -> None:
    shown = lines(task(title="word " * 2000))
    assert len(shown) == 3
    assert shown[1].rstrip().endswith("…")


def test_a_compact_card_is_one_line() -> None:
    (line,) = lines(task(priority=Priority.HIGH, waiting_on=1), density=Density.COMPACT)
    assert "Fix login" in line
    assert line.rstrip().endswith("⧗1 ! #12")


def test_a_comfortable_card_shows_the_beginning_of_the_description() -> None:
    text = "\n".join(lines(task(description="Open the app.\nThen wait."), density=Density.COMFORTABLE))
    assert "Open the app." in text
    assert "Then wait." not in text


@pytest.mark.parametrize(
    ("marks", "begins"),
    [
        (Mark.NONE, "│ "),
        (Mark.CURSOR, "▌ "),
        (Mark.SELECTED, "│✓"),
        (Mark.CURSOR | Mark.SELECTED, "▌✓"),
        (Mark.FLASH, "│*"),
        (Mark.GHOST, "▌ "),
        (Mark.CURSOR | Mark.SOURCE, "│ "),
    ],
)
def test_each_mark_is_a_character(marks: Mark, begins: str) -> None:
    assert lines(task(), marks=marks)[0].startswith(begins)


def test_a_pending_card_says_so() -> None:
    assert "⟳" in lines(task(), marks=Mark.PENDING)[-1]


def test_priorities_differ_without_colour() -> None:
    assert len({tuple(lines(task(priority=priority))) for priority in Priority}) == len(Priority)


def test_a_carried_selection_says_how_many_more_there_are() -> None:
    assert "+3 more" in "\n".join(lines(task(), marks=Mark.GHOST, more=3))


@pytest.mark.parametrize("title", ["[bold red]x[/]", "[@click=app.quit]y[/]", "\\[z]"])
def test_markup_is_text(title: str) -> None:
    assert title in lines(task(title=title))[0]


@pytest.mark.parametrize("title", ["a\x1b[31mb", "a\u202eb", "a\u200bb", "a\x07b", "a\x1b]0;evil\x07b"])
def test_nothing_in_a_title_reaches_the_terminal_as_a_command(title: str) -> None:
    for density in Density:
        card = task(title=title, labels=(title,), blocked_reason=title, description=title)
        assert all(line.isprintable() for line in lines(card, Face(assignee=title), width=50, density=density))
