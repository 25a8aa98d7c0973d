"""Collect every text of the screens into the catalogues, and compile those. `just translations` runs it.

What has no translation yet is told, and shown in English until it has one. A language that is named (`de`) and has no
catalogue gets one.
"""

import ast
import io
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from string import Formatter

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
KEYWORDS = {"_": None, "translate": None, "mark": None, "ngettext": (1, 2)}


def collected() -> Catalog:
    """Every text that the screens may show, with the files in which it stands."""
    catalogue = Catalog(project="wezterm-parallel", fuzzy=False)
    for name, _line, message, comments, context in extract_from_dir(ROOT / "tui", keywords=KEYWORDS):
        catalogue.add(message, locations=[(f"tui/{name}", None)], auto_comments=comments, context=context)
    for path in sorted((ROOT / "tui").rglob("*.py")):
        for text in _in_f_strings(path):
            catalogue.add(text, locations=[(path.relative_to(ROOT).as_posix(), None)])
    for text, declared_in in _declared():
        if text:
            catalogue.add(text, locations=[(declared_in, None)])
    return catalogue


def _in_f_strings(path: Path) -> Iterator[str]:
    """The texts inside of f-strings: before Python 3.12 each of those is one token, and the extractor sees none."""
    for string in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(string, ast.JoinedStr):
            for call in ast.walk(string):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "_":
                    values = (each.value for each in call.args if isinstance(each, ast.Constant))
                    yield from (value for value in values if isinstance(value, str))


def _declared() -> Iterator[tuple[str, str]]:
    """The texts that stand in declarations: of actions, settings, operations and alerts."""
    from core.alerts.findings import TEXTS
    from core.settings import Settings
    from tui.palette import offered
    from tui.places import all_actions

    for action in all_actions():
        path = f"{sys.modules[_module_of(action.place)].__name__.replace('.', '/')}.py"
        yield from ((text, path) for text in (action.title, action.help, action.group))
    for setting in fields(Settings):
        if setting.name not in ("keys", "filters"):
            yield setting.metadata["help"], "core/settings.py"
    for text in TEXTS.values():
        yield from ((said, "core/alerts/findings.py") for said in (text.message, text.hint) if _has_words(said))
    for operation in offered():
        yield operation.summary, f"{operation.function.__module__.replace('.', '/')}.py"


def _has_words(text: str) -> bool:
    """Whether there is anything to translate in a text, besides what fills its gaps."""
    return any(literal.strip() for literal, *_gap in Formatter().parse(text))


def _module_of(place: str) -> str:
    return {"app": "tui.actions", "board": "tui.board.actions"}.get(place, f"tui.screens.{place}")


def catalogues() -> list[Path]:
    """The .po files."""
    return sorted((ROOT / "tui" / "locale").glob("*/LC_MESSAGES/*.po"))


def read(path: Path) -> Catalog:
    """A catalogue as it is stored."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parents[1].name)


def compiled(catalogue: Catalog) -> bytes:
    """A catalogue as the app reads it."""
    buffer = io.BytesIO()
    write_mo(buffer, catalogue)
    return buffer.getvalue()


def begin(language: str) -> Path:
    """The catalogue of a language; an empty one is made where there is none."""
    path = ROOT / "tui" / "locale" / language / "LC_MESSAGES" / "wezterm_parallel.po"
    if not path.exists():
        path.parent.mkdir(parents=True)
        with path.open("wb") as file:
            write_po(file, Catalog(locale=language, project="wezterm-parallel", fuzzy=False))
    return path


def update(path: Path) -> list[str]:
    """Bring a catalogue up to date and compile it. Gives the texts that it does not translate yet."""
    catalogue, template = read(path), collected()
    template.creation_date = catalogue.creation_date
    catalogue.update(template, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    with path.open("wb") as file:
        write_po(file, catalogue, width=120, sort_output=True, include_lineno=False)
    path.with_suffix(".mo").write_bytes(compiled(catalogue))
    return [str(each.id) for each in catalogue if each.id and not all(_forms(each.string))]


def _forms(string: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (string or "",) if isinstance(string, str | None) else string or ("",)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    for language in sys.argv[1:]:
        begin(language)
    for each in catalogues():
        missing = update(each)
        sys.stdout.write(f"{each.relative_to(ROOT)}: {len(missing)} texts to translate\n")
        sys.stdout.writelines(f"  {text}\n" for text in missing)
