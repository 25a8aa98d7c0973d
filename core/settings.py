"""The person's settings in config.yaml: their schema, read forgivingly, written with the file's comments kept."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from io import StringIO
from pathlib import Path
from typing import Any, Final

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from core.alerts.configuration import DEFAULT_RULES, AlertRules, RuleProblem, read_rules
from core.errors import InvalidData
from storage import write_atomically


class Density(StrEnum):
    """How much a card shows."""

    COMPACT = "compact"
    NORMAL = "normal"
    COMFORTABLE = "comfortable"


class Animations(StrEnum):
    """How much moves on the screen. Over ssh and mosh, every step of a movement is a delay."""

    NONE = "none"
    BASIC = "basic"
    FULL = "full"


class Language(StrEnum):
    """What the screens speak; `auto` is the language of the terminal. A catalogue in tui/locale stands behind each."""

    AUTO = "auto"
    EN = "en"
    JA = "ja"


class LogLevel(StrEnum):
    """From which level on a module's records are kept."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Notify(StrEnum):
    """How the terminal is told of what happened: not at all, by its bell, or by one of two escape sequences."""

    OFF = "off"
    BELL = "bell"
    OSC_9 = "osc9"
    OSC_777 = "osc777"


def _setting(default: Any, help: str) -> Any:
    """A setting with its default and the sentence that explains it on the settings screen and in the docs."""
    if isinstance(default, dict):
        return field(default_factory=dict, metadata={"help": help})
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. A name here is a key in config.yaml."""

    theme: str = _setting("wezterm-parallel-dark", "The colours of the app.")
    density: Density = _setting(Density.NORMAL, "How much a card shows: compact, normal or comfortable.")
    animations: Animations = _setting(Animations.NONE, "How much moves on the screen: none, basic or full.")
    language: Language = _setting(Language.EN, "The language of the app from its next start: auto, en or ja.")
    highlight_seconds: float = _setting(3.0, "How long a change by somebody else stays highlighted, 0 to 60 seconds.")
    toast_seconds: float = _setting(5.0, "How long a message stays on the screen, 1 to 60 seconds.")
    notify: Notify = _setting(
        Notify.OFF, "How the terminal tells that an agent waits, fails or is done: off, bell, osc9 or osc777."
    )
    openmetrics_port: int = _setting(
        0, "The port on 127.0.0.1 where a scraper may read the metrics, 0 for none, up to 65535."
    )
    alerts: AlertRules = _setting(
        DEFAULT_RULES, "What raises alerts: a rule, and `off` or its thresholds. See docs/alerts.md for the rules."
    )
    log_levels: Mapping[str, LogLevel] = _setting(
        {}, "How much of the program's own log is kept, by module: core.processes: debug. See docs/logs.md."
    )
    log_days: int = _setting(
        30, "For how many days the output of removed processes and ended runs stays, 0 to 3650; 0 for ever."
    )
    log_megabytes: int = _setting(
        2000, "How many megabytes of that stay at most, 0 to 1000000, the oldest going first; 0 for all of it."
    )
    trash_days: int = _setting(
        30, "For how many days what was replaced or set aside stays in the trash, 0 to 3650; 0 for ever."
    )
    trash_megabytes: int = _setting(
        2000, "How many megabytes of the trash stay at most, 0 to 1000000, the oldest going first; 0 for all of it."
    )
    filters: Mapping[str, str] = _setting({}, "Saved filters of the board: a name and what `/` would take.")
    keys: Mapping[str, str] = _setting({}, "Keys by action: board.lift: space,m. See docs/keys.md for the names.")


DEFAULTS: Final = Settings()
_RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "highlight_seconds": (0, 60), "toast_seconds": (1, 60), "openmetrics_port": (0, 65535),
    "log_days": (0, 3650), "log_megabytes": (0, 1_000_000), "trash_days": (0, 3650), "trash_megabytes": (0, 1_000_000),
}  # fmt: skip

_NEW_FILE: Final = """\
# Settings of wezterm-parallel. The settings screen (F3) writes here and keeps your comments.
# Every name and its meaning: docs/configuration.md
"""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings as read, and what was wrong with the file, one sentence each with line and column."""

    settings: Settings
    problems: tuple[str, ...] = ()


def help_of(name: str) -> str:
    """The sentence that explains a setting."""
    return str(next(each for each in fields(Settings) if each.name == name).metadata["help"])


def read_settings(path: Path) -> Loaded:
    """The settings in a file. What is missing or cannot be understood stands at its default; nothing is raised."""
    try:
        document = _parse(path)
    except InvalidData as error:
        return Loaded(DEFAULTS, (f"{error.message} The settings stand at their defaults; the file was left as it is.",))
    settings, problems = DEFAULTS, []
    for name, value in document.items():
        if name == "alerts":
            rules, wrong = read_rules(_plain(value))
            settings = replace(settings, alerts=rules)
            problems += [_problem_of_rule(path, document, each) for each in wrong]
            continue
        try:
            settings = replace(settings, **_checked(str(name), value))
        except InvalidData as error:
            line, column = document.lc.key(name)
            problems.append(f"{path.name}, line {line + 1}, column {column + 1}: {error.message} {error.hint}")
    return Loaded(settings, tuple(problems))


def _problem_of_rule(path: Path, document: CommentedMap, problem: RuleProblem) -> str:
    within, key = document, "alerts"
    for each in problem.path:
        inner = within[key]
        if not isinstance(inner, CommentedMap) or each not in inner:
            break
        within, key = inner, each
    line, column = within.lc.key(key)
    return f"{path.name}, line {line + 1}, column {column + 1}: {problem.message} {problem.hint}"


def write_settings(path: Path, changes: Mapping[str, Any]) -> Settings:
    """Change settings in a file, whose comments, order and unknown names stay. Gives the settings as they now are.

    Raises:
        InvalidData: a value is not acceptable, or the file is no valid YAML; it is left as it is.
        OSError: it cannot be written; it is as it was.
    """
    document = _parse(path)
    for name, value in changes.items():
        (checked,) = _checked(name, msgspec.to_builtins(value)).values()
        _put(document, name, msgspec.to_builtins(checked))
    text = StringIO()
    if not document.ca.comment and not path.exists():
        text.write(_NEW_FILE)
    _yaml().dump(document, text)
    write_atomically(path, text.getvalue().encode())
    return read_settings(path).settings


def _put(document: CommentedMap, name: str, value: Any) -> None:
    present = document.get(name)
    if isinstance(value, dict) and isinstance(present, CommentedMap):
        for key in [key for key in present if key not in value]:
            del present[key]
        for key, each in value.items():
            if present.get(key) != each:
                present[key] = each
    elif present != value or name not in document:
        document[name] = value


def _yaml() -> YAML:
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 120
    return yaml


def _parse(path: Path) -> CommentedMap:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return CommentedMap()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidData(f"{path} cannot be read: {error}.", "Mend it, or move it away.") from error
    try:
        document = _yaml().load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        raise InvalidData(f"{path.name}{place}: {error.problem or 'no valid YAML'}.", "Mend the file.") from error
    except YAMLError as error:
        raise InvalidData(f"{path.name} is no valid YAML: {error}.", "Mend the file.") from error
    if document is None:
        # A file of comments only: keep them at the top of what is written.
        document = CommentedMap()
        lines = [line.removeprefix("#").removeprefix(" ") for line in text.splitlines() if line.startswith("#")]
        if lines:
            document.yaml_set_start_comment("\n".join(lines))
    if not isinstance(document, CommentedMap):
        raise InvalidData(
            f"{path.name}, line 1, column 1: it is no list of settings.", "Write one a line, like `density: compact`."
        )
    return document


def _checked(name: str, value: Any) -> dict[str, Any]:
    """The setting as an argument of `Settings`.

    Raises:
        InvalidData: there is none of that name, or the value does not fit.
    """
    types = {each.name: each.type for each in fields(Settings)}
    if name not in types:
        near = difflib.get_close_matches(name, types, 1)
        raise InvalidData(
            f"There is no setting {name!r}.", f"Did you mean {near[0]}?" if near else "It is passed over."
        )
    if name == "keys" and isinstance(value, Mapping):
        value = {key: ",".join(map(str, each)) if isinstance(each, list) else str(each) for key, each in value.items()}
    try:
        converted = msgspec.convert(_plain(value), types[name])
    except msgspec.ValidationError as error:
        raise InvalidData(f"{name}: {error}.", help_of(name)) from None
    least, most = _RANGES.get(name, (None, None))
    if least is not None and most is not None and not least <= converted <= most:
        raise InvalidData(f"{name}: {converted:g} is out of range.", help_of(name))
    return {name: converted}


def _plain(value: Any) -> Any:
    """ruamel's values without what they know of their place in the file."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return int(value)
    return float(value) if isinstance(value, float) else str(value)
