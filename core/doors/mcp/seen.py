"""The versions that a connection has been shown, so that a change without one is refused where it would overwrite."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

MOST: Final = 4000
"""Entities remembered; of those last shown so long ago, a change is let pass as if the agent knew it."""


class Seen:
    """What was last shown of each entity: its version, and which task has which number."""

    def __init__(self) -> None:
        self._shown: OrderedDict[str, tuple[int, int | None]] = OrderedDict()
        self._by_number: dict[int, str] = {}

    def note(self, wire: Any) -> None:
        """Remember every entity in a result's wire value."""
        pending = [wire]
        while pending:
            value = pending.pop()
            if isinstance(value, list):
                pending.extend(reversed(value))
            elif isinstance(value, Mapping) and "entity" not in value:  # of events, versions are past
                self._note_one(value)
                pending.extend(each for each in value.values() if isinstance(each, (list, Mapping)))

    def follow(self, versions: Mapping[str, tuple[int, int]]) -> None:
        """Remember what the agent's own call has changed beside what it was shown: nobody's unseen change is passed."""
        for entity, (before, after) in versions.items():
            known, number = self._shown.get(entity, (0, None))
            if known and known == before:
                self._shown[entity] = after, number

    def version_of(self, reference: str) -> int | None:
        """The version shown of what goes by an id, the end of one, or a task's number."""
        number = reference.removeprefix("#")
        if number.isascii() and number.isdigit() and len(number) < 12 and int(number) in self._by_number:
            reference = self._by_number[int(number)]
        if reference in self._shown:
            return self._shown[reference][0]
        fits = [known for known in self._shown if len(reference) >= 4 and known.endswith(reference)]
        return self._shown[fits[0]][0] if len(fits) == 1 else None

    def _note_one(self, value: Mapping[str, Any]) -> None:
        entity, version, number = value.get("id"), value.get("version"), value.get("number")
        if not isinstance(entity, str) or not isinstance(version, int):
            return
        known = self._shown.get(entity, (0, None))[0]
        self._shown[entity] = max(known, version), number  # what was shown of the past tells of no present
        self._shown.move_to_end(entity)
        if number is not None:
            self._by_number[number] = entity
        if len(self._shown) > MOST:
            _, (_, forgotten) = self._shown.popitem(last=False)
            self._by_number.pop(forgotten, None)  # type: ignore[arg-type]
