"""The person's own keys: config.yaml's `keys`, checked against the actions that there are."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from textual.keys import _character_to_key

from tui.actions import Action
from tui.translation import _


@dataclass(frozen=True, slots=True)
class Keymap:
    """The keys to set, by action id, and what is wrong with the others."""

    keys: Mapping[str, str]
    problems: tuple[str, ...]


def keymap_of(wanted: Mapping[str, str], actions: Iterable[Action]) -> Keymap:
    """The keymap that `wanted` describes. Unknown names are left out; keys that are taken twice are told."""
    known = {action.id: action for action in actions}
    problems = []
    keys: dict[str, str] = {}
    for name, value in wanted.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            problem = _("keys: there is no action {name!r}.").format(name=name)
            likely = _("Did you mean {name}?").format(name=near[0]) if near else ""
            problems.append(f"{problem} {likely}".strip())
            continue
        keys[name] = ",".join(normal(key) for key in _split(value))
    problems.extend(_clashes(keys, known))
    return Keymap(keys, tuple(problems))


def keys_of(action: Action, keys: Mapping[str, str]) -> list[str]:
    """The keys of an action as they are, rebound or not."""
    return _split(keys.get(action.id, action.keys))


def normal(key: str) -> str:
    """Textual's name of a key that may be written as its character: `?` is `question_mark`."""
    key = key.strip()
    return _character_to_key(key) if len(key) == 1 else key


def _split(keys: str) -> list[str]:
    return [key.strip() for key in keys.split(",") if key.strip()]


def _clashes(keys: Mapping[str, str], known: Mapping[str, Action]) -> list[str]:
    """One sentence for each key that the person has given to an action although another of that place has it."""
    problems: list[str] = []
    for name, value in keys.items():
        mine = set(_split(value))
        for other in known.values():
            shares_place = other.place == known[name].place or "app" in (other.place, known[name].place)
            if other.id == name or not shares_place or (other.id in keys and other.id < name):
                continue
            shared = mine & {normal(key) for key in keys_of(other, keys)}
            clash = _("keys: {key} is bound to {action} and to {other}.")
            problems.extend(clash.format(key=key, action=name, other=other.id) for key in sorted(shared))
    return problems
