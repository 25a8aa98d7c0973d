"""The Japanese catalogue: complete, compiled, true to its placeholders, and seen on the screens."""

from collections.abc import Iterator
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Message

from core.settings import Language
from docs import translations
from storage import Home
from tests.support.app import app_of, open_app, screen_text, shown, until
from tests.support.users import User
from tui import translation
from tui.dialogs import Pick

CATALOGUES = translations.catalogues()
NAMES = [path.parents[1].name for path in CATALOGUES]


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    """The language is the process's: leave it as it was found."""
    yield
    translation.set_language("en")


@pytest.fixture
def japanese(home: Home) -> None:
    """The person's settings ask for Japanese."""
    home.config.parent.mkdir(parents=True, exist_ok=True)
    home.config.write_text("language: ja\n")


def forms(text: str | tuple[str, ...] | list[str]) -> list[str]:
    return [text] if isinstance(text, str) else list(text)


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def messages(catalogue: translations.Catalog) -> dict[str | tuple[str, ...], Message]:
    return {message.id: message for message in catalogue if message.id}


def test_there_is_a_catalogue_for_each_language_that_can_be_set() -> None:
    assert sorted(NAMES) == sorted(set(Language) - {Language.AUTO, Language.EN})


def test_texts_inside_of_f_strings_are_texts_too(tmp_path: Path) -> None:
    source = tmp_path / "screen.py"
    source.write_text("told = f\"{count} {_('up')} {_(word)} {clock(_('since'))}\" + _('plain')\n")
    assert list(translations._in_f_strings(source)) == ["up", "since"]


@pytest.mark.parametrize("path", CATALOGUES, ids=NAMES)
def test_every_text_of_the_screens_is_translated_and_no_other(path: translations.Path) -> None:
    """`just translations` collects the texts anew."""
    stored = messages(translations.read(path))
    assert set(messages(translations.collected())) == set(stored)
    assert [each.id for each in stored.values() if not all(forms(each.string))] == []
    assert [each.id for each in stored.values() if each.fuzzy] == []


@pytest.mark.parametrize("path", CATALOGUES, ids=NAMES)
def test_every_translation_has_the_placeholders_of_its_text(path: translations.Path) -> None:
    for message in messages(translations.read(path)).values():
        for form in forms(message.string):
            assert placeholders(form) == placeholders(forms(message.id)[-1]), message.id


@pytest.mark.parametrize("path", CATALOGUES, ids=NAMES)
def test_the_compiled_catalogue_is_that_of_the_text(path: translations.Path) -> None:
    """`just translations` compiles it anew."""
    anew = GNUTranslations(BytesIO(translations.compiled(translations.read(path))))
    with path.with_suffix(".mo").open("rb") as file:
        stored = GNUTranslations(file)
    texts = [text for text in anew._catalog if text]
    assert {text: stored._catalog.get(text) for text in texts} == {text: anew._catalog[text] for text in texts}


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "ja_JP.UTF-8"}, "ja"),
        ({"LANG": "ja_JP.UTF-8", "LC_ALL": "C"}, "C"),
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "ja"}, "ja"),
        ({"LANG": "de@euro", "LC_ALL": ""}, "de"),
        ({}, "en"),
    ],
)
def test_the_language_of_the_terminal_is_read_as_posix_says(environment: dict[str, str], language: str) -> None:
    assert translation.language_of(environment) == language


def test_auto_speaks_what_the_terminal_does_and_english_where_there_is_no_catalogue() -> None:
    translation.set_language("auto", {"LANG": "ja_JP.UTF-8"})
    assert translation.translate("Backlog") == "バックログ"
    assert translation.ngettext("{count} card", "{count} cards", 1) == "カード {count} 枚"
    translation.set_language("auto", {"LANG": "tlh_AQ"})
    assert translation.translate("Backlog") == "Backlog"
    assert translation.ngettext("{count} card", "{count} cards", 2) == "{count} cards"


def test_nothing_is_translated_into_nothing() -> None:
    """gettext keeps a catalogue's header under the empty text."""
    translation.set_language("ja")
    assert translation.translate("") == ""


async def test_the_board_speaks_japanese(board: User, japanese: None) -> None:
    board.add("Fix login")
    async with open_app(board, size=(160, 45)) as pilot:
        await shown(pilot, "Fix login")
        for column in ("バックログ", "未着手", "作業中", "ブロック中", "レビュー", "完了"):
            assert column in screen_text(pilot)
        footer = screen_text(pilot).splitlines()[-1]
        assert "新規" in footer
        assert "元に戻す" in footer
        assert "Undo" not in screen_text(pilot)


async def test_what_is_told_and_asked_is_japanese(board: User, japanese: None) -> None:
    board.add("Fix login")
    async with open_app(board, size=(160, 45)) as pilot:
        await shown(pilot, "Fix login")
        await pilot.press("x")
        await until(pilot, lambda: app_of(pilot).notes)
        assert app_of(pilot).notes[0].text == "#1 をアーカイブしました。"
        await pilot.press("2")
        await shown(pilot, "アーカイブ: #1 Fix login", "追加: #1 Fix login（バックログ）")


async def test_a_chosen_language_is_stored_and_spoken_from_the_next_start(board: User, home: Home) -> None:
    async with open_app(board) as pilot:
        await pilot.press("f3")
        await shown(pilot, "toast seconds")
        await pilot.press("j", "j", "j", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Pick))
        await pilot.press(*"ja", "enter")
        await until(pilot, lambda: app_of(pilot).notes)
        assert app_of(pilot).notes[0].text == "The app speaks it from its next start."
        assert "language: ja" in home.config.read_text()
    async with open_app(board) as pilot:
        await shown(pilot, "バックログ")
