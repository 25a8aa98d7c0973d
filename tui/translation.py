"""The language of the screens: gettext's catalogues, asked for every text at the moment when it is drawn.

The texts in the code are English and are the keys of the catalogues. `_` translates one; `mark` leaves a constant as it
is, to be found by whoever collects the texts (docs/translations.py), and translated where it is drawn.
"""

import os
from collections.abc import Mapping
from gettext import NullTranslations, translation
from pathlib import Path
from typing import Final

DOMAIN: Final = "wezterm_parallel"
LOCALE: Final = Path(__file__).with_name("locale")
"""Where the catalogues lie: `LANGUAGE/LC_MESSAGES/wezterm_parallel.po`, and the `.mo` compiled from it."""

AUTO: Final = "auto"
"""The language that stands for the one of the terminal."""

_catalogue: NullTranslations = NullTranslations()


def set_language(name: str, environment: Mapping[str, str] = os.environ) -> None:
    """Speak a language from now on.

    Args:
        name: `en`, the name of a catalogue, or `auto` for what the environment asks for; English where there is none.
    """
    global _catalogue
    language = language_of(environment) if name == AUTO else name
    _catalogue = translation(DOMAIN, LOCALE, [language], fallback=True)


def language_of(environment: Mapping[str, str]) -> str:
    """The language of the terminal's messages: `ja` for `LANG=ja_JP.UTF-8`; as POSIX says, the first that is set."""
    wanted = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "en")
    return wanted.partition(".")[0].partition("@")[0].partition("_")[0] or "en"


def translate(text: str) -> str:
    """A text in the language of the screens. Fill its `{placeholders}` afterwards, with `format`."""
    # A catalogue answers the empty text with its own header.
    return _catalogue.gettext(text) if text else ""


def ngettext(singular: str, plural: str, count: int) -> str:
    """The form of a text that goes with a number."""
    return _catalogue.ngettext(singular, plural, count)


def mark(text: str) -> str:
    """The text itself: it is translated where it is drawn."""
    return text


_ = translate
