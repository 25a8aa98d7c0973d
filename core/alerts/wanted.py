"""What config.yaml says now, of rules and whatever is wrong in it, read again when it has changed. For any thread."""

from pathlib import Path
from typing import Final

from core.alerts.configuration import DEFAULT_RULES, AlertRules, Rule
from storage import Home

_Stamp = tuple[int, int, int]
_known: Final[dict[Path, tuple[_Stamp, AlertRules, tuple[str, ...]]]] = {}


def alert_rules(home: Home) -> AlertRules:
    """The rules of a home: one stat where nothing has changed."""
    return _read(home)[0]


def config_problems(home: Home) -> tuple[str, ...]:
    """What is wrong in config.yaml, a sentence each with line and column."""
    return _read(home)[1]


def rule_of(home: Home, name: str) -> Rule:
    """One rule; one that the settings do not know is on."""
    found: Rule = getattr(alert_rules(home), name, None) or Rule()
    return found


def _read(home: Home) -> tuple[AlertRules, tuple[str, ...]]:
    try:
        status = home.config.stat()
    except OSError:
        return DEFAULT_RULES, ()
    stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
    known = _known.get(home.config)
    if known is None or known[0] != stamp:
        from core.settings import read_settings  # ruamel, for those who have a file

        loaded = read_settings(home.config)
        known = _known[home.config] = (stamp, loaded.settings.alerts, loaded.problems)
    return known[1], known[2]
