"""Text in cells: never wider than it may be, nothing lost, no line begun or ended where Japanese does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from core.text import for_screen
from tui import cells

TEXTS = st.text(
    st.one_of(st.characters(codec="utf-8"), st.sampled_from("ab 日本語、。「」（）🚀é-/")), max_size=80
).map(lambda text: " ".join(for_screen(text).split()))


@pytest.mark.parametrize(
    ("text", "expected"), [("abc", 3), ("日本", 4), ("🚀", 2), ("e\u0301", 1), ("", 0), ("│▌✓⧗❝⇣⟳⊘", 8)]
)
def test_the_width_is_that_of_the_terminal(text: str, expected: int) -> None:
    assert cells.width(text) == expected


@given(TEXTS, st.integers(1, 40))
def test_a_text_cut_in_its_middle_fits_and_keeps_its_ends(text: str, room: int) -> None:
    cut = cells.truncate_middle(text, room)
    assert cell_len(cut) <= room
    begins, _, ends = cut.partition(cells.ELLIPSIS)
    assert cut == text or (text.startswith(begins) and text.endswith(ends))


def test_names_that_differ_at_their_end_differ_when_cut() -> None:
    assert cells.truncate_middle("integration-server.12", 16) == "integratio…er.12"
    assert cells.truncate_middle("検証用サーバープロセス.2", 16) == "検証用サー…ス.2"


@given(TEXTS, st.integers(1, 40))
def test_a_cut_text_fits(text: str, room: int) -> None:
    cut = cells.truncate(text, room)
    assert cell_len(cut) <= room
    assert cut == text or cut.endswith(cells.ELLIPSIS)
    assert cell_len(cells.fit(text, room)) == room


@given(TEXTS, st.integers(2, 40))
def test_wrapped_lines_fit_and_hold_every_character(text: str, room: int) -> None:
    lines = cells.wrap(text, room, 1000)
    assert all(cell_len(line) <= room for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@given(TEXTS, st.integers(2, 40), st.integers(1, 3))
def test_no_more_lines_than_allowed(text: str, room: int, most: int) -> None:
    lines = cells.wrap(text, room, most)
    assert 1 <= len(lines) <= most
    assert all(cell_len(line) <= room for line in lines)


def test_words_are_kept_whole() -> None:
    assert cells.wrap("Fix login redirect when", 12, 3) == ["Fix login", "redirect", "when"]


def test_a_word_that_is_longer_than_the_line_is_broken() -> None:
    assert cells.wrap("abcdefghij", 4, 3) == ["abcd", "efgh", "ij"]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("日本語。次", ["日本", "語。", "次"]),
        ("ああ「い」", ["ああ", "「い", "」"]),
        ("設定ファイル、", ["設定フ", "ァイル、"]),
    ],
)
def test_kinsoku(text: str, lines: list[str]) -> None:
    room = max(cell_len(line) for line in lines)
    assert all(line[0] not in "。、」ァ" or len(line) == 1 for line in cells.wrap(text, room, 9)[:-1])
    assert not any(line.endswith("「") for line in cells.wrap(text, room, 9))


def test_a_full_stop_begins_no_line() -> None:
    assert cells.wrap("日本語を。", 8, 3) == ["日本語", "を。"]


def test_an_opening_bracket_ends_no_line() -> None:
    assert cells.wrap("日本語「例」", 8, 3) == ["日本語", "「例」"]


def test_a_combining_character_stays_with_its_base() -> None:
    assert cells.prefix("ae\u0301b", 2) == 3
