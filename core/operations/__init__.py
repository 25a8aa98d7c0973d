"""The use cases, a module a noun: the only things that change state. Doors find them here, by name."""

from importlib import import_module
from typing import Final

from core.operation import REGISTRY, Operation

MODULES: Final = (
    "task", "placing", "tasks", "run", "claim", "review", "handoff", "session", "room", "agent", "history", "transfer",
    "settled", "metrics", "process", "added", "observed", "alert",
)  # fmt: skip
"""The modules of this package, in the order in which help shows them."""

_ELSEWHERE: Final[dict[str, tuple[str, ...]]] = {
    "task": ("placing", "run"),
    "queue": ("run",),
    "alerts": ("alert",),
    "process": ("added",),
    **dict.fromkeys(("metrics", "flow", "top"), ("metrics",)),
    **dict.fromkeys(("ps", "start", "stop", "restart", "kill", "scale"), ("process",)),
}
"""Modules with commands under words that are not their own."""


def load(*modules: str) -> dict[str, Operation]:
    """The operations of the named modules (of all, if none is named), by name. Imports only those."""
    wanted = modules or MODULES
    for module in wanted:
        import_module(f"{__name__}.{module}")
    return {name: each for name, each in REGISTRY.items() if each.module in wanted}


def modules_under(word: str) -> tuple[str, ...]:
    """The modules whose operations' commands begin with a word: `task` for its own, and `tasks`."""
    own = tuple(module for module in MODULES if module in (word, f"{word}s"))
    return tuple(dict.fromkeys((*own, *(each for each in _ELSEWHERE.get(word, ()) if each in MODULES))))


def find(name: str) -> Operation:
    """The operation of that name.

    Raises:
        KeyError: there is none.
    """
    if name not in REGISTRY:
        load()
    return REGISTRY[name]
