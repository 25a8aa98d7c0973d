"""The little that the runner needs of json, signal and prctl, from their C halves: the whole costs 15 ms and 2 MB."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

signals: Any = _signal
"""What `signal` wraps in enums, which costs 3 ms more."""

__all__ = ["become_subreaper", "decode", "encode", "signal_name", "signal_number", "signals"]

_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


class _Context:
    """What the scanner in C asks for."""

    strict = False
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float
    memo: dict[str, str] = {}  # noqa: RUF012


try:
    import _json

    scanner: Any = _json.make_scanner
    _scan: Any = scanner(_Context())
    _quote = _json.encode_basestring_ascii
except (ImportError, AttributeError, TypeError):  # another Python than CPython as we know it
    import json

    decoder: Any = json.JSONDecoder(strict=False)
    _scan = decoder.scan_once
    _quote = json.dumps


def decode(text: str) -> Any:
    """The value that a JSON text stands for.

    Raises:
        ValueError: it is none.
    """
    try:
        return _scan(text.strip(), 0)[0]
    except (StopIteration, RecursionError) as error:
        raise ValueError("not JSON") from error


def encode(value: Any) -> str:
    """A value of dicts, lists, texts, numbers, booleans and None as JSON in one line, in ASCII."""
    if isinstance(value, str):
        return str(_quote(value))
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quote(key)}: {encode(each)}" for key, each in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(encode(each) for each in value) + "]"
    return repr(value)


def signal_number(name: str) -> int | None:
    """The number of a signal by its name, with or without `SIG`; None if there is none."""
    name = name.upper()
    name = name if name.startswith("SIG") else "SIG" + name
    number = getattr(signals, name, None)
    return number if isinstance(number, int) and not name.startswith("SIG_") else None


def signal_name(number: int) -> str:
    """`SIGTERM` for 15."""
    for name, value in vars(signals).items():
        if name.startswith("SIG") and not name.startswith("SIG_") and value == number:
            return str(name)
    return f"SIG{number}"


def become_subreaper() -> bool:
    """Make orphaned descendants ours instead of init's; whether the system can (Linux)."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        import _ctypes  # ctypes itself costs 4 ms more

        dlopen: Any = _ctypes.dlopen
        prctl = _ctypes.dlsym(dlopen(None, 0), "prctl")
        return bool(_ctypes.call_function(prctl, (_SET_CHILD_SUBREAPER, 1, 0, 0, 0)) == 0)
    except (ImportError, AttributeError, OSError, TypeError):
        pass
    try:
        import ctypes

        return bool(ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    except (ImportError, OSError, AttributeError):
        return False
