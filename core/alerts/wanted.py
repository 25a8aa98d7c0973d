"""The rules as config.yaml has them now, read again when the file has changed. For any thread."""

from pathlib import Path
from typing import Final

from core.alerts.configuration import DEFAULT_RULES, AlertRules, Rule
from storage import Home

_Stamp = tuple[int, int, int]
_known: Final[dict[Path, tuple[_Stamp, AlertRules]]] = {}


def alert_rules(home: Home) -> AlertRules:
    """The rules of a home: one stat where nothing has changed."""
    try:
        status = home.config.stat()
    except OSError:
        return DEFAULT_RULES
    stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
    known = _known.get(home.config)
    if known is None or known[0] != stamp:
        from core.settings import read_settings  # ruamel, for those who have a file

        known = (stamp, read_settings(home.config).settings.alerts)
        _known[home.config] = known
    return known[1]


def rule_of(home: Home, name: str) -> Rule:
    """One rule; one that the settings do not know is on."""
    found: Rule = getattr(alert_rules(home), name, None) or Rule()
    return found
