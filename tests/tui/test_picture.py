"""The picture of a process's screen: whatever is printed, there is a picture, and it is as wide as the terminal."""

from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.processes.picture import Look, Picture, plain


def test_text_colours_and_wide_characters_stand_where_they_were_printed() -> None:
    picture = Picture(4, 20)
    picture.feed("ab\x1b[1;31mred\x1b[0m\r\n\x1b[38;2;1;2;3m検証\x1b[0mx".encode())
    lines = picture.lines()
    assert lines[0][:2] == (("ab", Look()), ("red", Look(foreground="red", is_bold=True)))
    assert lines[1][0] == ("検証", Look(foreground="010203"))
    assert plain(lines) == "abred\n検証x\n\n"
    assert picture.cursor == (1, 5)


def test_only_lines_that_have_changed_are_made_again() -> None:
    picture = Picture(3, 10)
    picture.feed(b"one\r\ntwo")
    before = picture.lines()
    picture.feed(b"!")
    after = picture.lines()
    assert [one is two for one, two in zip(before, after, strict=True)] == [True, False, True]


def test_what_programs_send_beyond_colours_changes_none() -> None:
    picture = Picture(2, 20)
    picture.feed(b"\x1b[>4;2m\x1b[?u\x1b[6n\x1b[c\x1b]52;c;aGk=\x07plain")
    assert picture.lines()[0][0][0].startswith("plain")
    assert picture.lines()[0][0][1] == Look()


def test_a_sequence_that_comes_in_pieces_is_understood() -> None:
    picture = Picture(2, 20)
    for piece in (b"\x1b[>4", b";2ma\x1b", b"[38:2::1:2:3mb\x1b[0;4:3mc\x1bPq#0;2", b"\x1b", b"\\d"):
        picture.feed(piece)
    runs = picture.lines()[0]
    assert runs[0] == ("a", Look())
    assert runs[1] == ("b", Look(foreground="010203"))
    assert runs[2][0].startswith("cd")
    assert runs[2][1].is_underlined


@given(st.lists(st.binary(max_size=80) | st.text(max_size=40).map(str.encode), max_size=8))
@example([b"\x1b[99999999C\x1b[9999;9999H\x1b[3J\x00\xff\xfe", b"\x1b[?1049h\x1b[999L\x1b[999P\x1b[999@"])
@example([b"\x1b[38;5m\x1b[38;2;1m\x1b[48m", b"\x1b#8\x1b[999;1r\n\n\n"])
def test_any_bytes_give_a_picture_of_the_right_size(pieces: list[bytes]) -> None:
    picture = Picture(5, 12)
    for piece in pieces:
        picture.feed(piece)
    lines = picture.lines()
    assert len(lines) == 5
    for line in lines:
        text = "".join(text for text, _look in line)
        assert cell_len(text) <= 13
        assert "\x1b" not in text


def test_what_was_on_the_screen_before_a_full_screen_program_is_there_after_it() -> None:
    picture = Picture(4, 20)
    picture.feed(b"$ less notes\r\n")
    before, cursor = picture.lines(), picture.cursor
    picture.feed(b"\x1b[?1049h\x1b[H\x1b[2Jpage one\r\n\x1b[4;1H:")
    assert plain(picture.lines()).splitlines() == ["page one", "", "", ":"]
    picture.feed(b"\x1b[?1049l")
    assert plain(picture.lines()) == plain(before)
    assert picture.cursor == cursor


def test_lines_are_drawn_as_lines_and_repeated_characters_as_often_as_told() -> None:
    picture = Picture(3, 20)
    picture.feed(b"\x1b(0lq\x1b[4bk\x1b(B\r\n\x0e")
    picture.feed("x\x0f検".encode())
    assert plain(picture.lines()).splitlines() == ["┌─────┐", "│検"]


def test_lines_scroll_between_the_margins_and_blank_ones_take_the_place_of_others() -> None:
    picture = Picture(5, 10)
    picture.feed(b"a\r\nb\r\nc\x1b[5;1He\x1b[2;4r\x1b[2;1H\x1b[S")
    assert plain(picture.lines()).split("\n") == ["a", "c", "", "", "e"]
    picture.feed(b"\x1b[2T")
    assert plain(picture.lines()).split("\n") == ["a", "", "", "c", "e"]


def test_erasing_keeps_the_background_and_no_other_look() -> None:
    picture = Picture(2, 10)
    picture.feed(b"\x1b[7;44mtop\x1b[K")
    assert picture.lines()[0] == (
        ("top", Look(background="blue", is_reversed=True)),
        (" " * 7, Look(background="blue")),
    )


def test_a_place_is_returned_to_as_often_as_asked() -> None:
    picture = Picture(2, 20)
    picture.feed(b"ab\x1b7\x1b[2;1Hx\x1b8c\x1b[2;5Hy\x1b8d\x1b[s\x1b[H\x1b[ue")
    assert plain(picture.lines()).split("\n") == ["abde", "x   y"]


def test_what_has_no_width_takes_nothing_else_away() -> None:
    picture = Picture(2, 30)
    picture.feed("ok ✔️ done \u200b👩‍💻 next é".encode())
    assert plain(picture.lines()).split("\n")[0].endswith("next é")


def test_half_of_a_wide_character_that_was_written_over_moves_nothing_else() -> None:
    picture = Picture(3, 8)
    picture.feed("検証|\r\x1b[Cx\r\n検証|\r\n".encode())
    assert [cell_len("".join(text for text, _ in line)) for line in picture.lines()] == [8, 8, 8]
    assert plain(picture.lines()).splitlines()[0] == " x証|"
