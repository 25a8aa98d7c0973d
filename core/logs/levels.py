"""The program's own log with the levels that config.yaml gives its modules."""

import logging
from collections.abc import Callable
from pathlib import Path

from storage import Home, start_logging

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def start_own_log(home: Home, path: Path, *, level: int = logging.INFO) -> Callable[[], None]:
    """Write what is logged to `path`, at the levels of the home's settings; see storage's `start_logging`."""
    return start_logging(path, level=level, levels=_levels_of(home))


def _levels_of(home: Home) -> dict[str, int]:
    """The levels by module. Most have none, and are not to import YAML for that."""
    try:
        if b"log_levels" not in home.config.read_bytes():
            return {}
    except OSError:
        return {}
    from core.settings import read_settings

    return {name: _LEVELS[each.value] for name, each in read_settings(home.config).settings.log_levels.items()}
