"""Replay: the state of every entity as it was after a given event, from the event log alone."""

from collections.abc import Iterable
from typing import Any, Final

from storage.codec import decode_json, from_wire
from storage.collecting import collecting_paused
from storage.reader import Reader
from storage.records import RECORDS
from storage.vocabulary import EntityKind, RoomId

Wire = dict[str, Any]

_SQL: Final = "SELECT entity, entity_id, version, after, at FROM event WHERE sequence <= ?{more} ORDER BY sequence"


def replay(
    rows: Reader,
    until: int,
    *,
    room: RoomId | None = None,
    entity_id: str | None = None,
    kinds: Iterable[EntityKind] = EntityKind,
) -> dict[EntityKind, dict[str, Any]]:
    """The entities as they were after event `until`, as records by kind and id.

    Args:
        room: only the entities of this room.
        entity_id: only this entity.
        kinds: only these kinds.

    Marks that the database derives (open dependencies, comment counts) are not in the log and stand at their defaults.
    """
    with collecting_paused():
        states = replay_wire(rows, until, room=room, entity_id=entity_id, kinds=kinds)
        return {
            kind: {key: from_wire(RECORDS[kind], state) for key, state in of_kind.items()}
            for kind, of_kind in states.items()
        }


def replay_wire(
    rows: Reader,
    until: int,
    *,
    room: RoomId | None = None,
    entity_id: str | None = None,
    kinds: Iterable[EntityKind] = EntityKind,
) -> dict[EntityKind, dict[str, Wire]]:
    """The same as wire values, for those who have something to add before they make records of them."""
    kinds = tuple(kinds)
    more = ""
    values: list[Any] = [until]
    if room is not None:
        # the plus keeps SQLite from an index that would have it sort all events again
        more += " AND +room_id = ?" if entity_id is None else " AND room_id = ?"
        values.append(room)
    if entity_id is not None:
        more += " AND entity_id = ?"
        values.append(entity_id)
    if len(kinds) < len(EntityKind):
        more += f" AND entity IN ({', '.join('?' * len(kinds))})"
        values.extend(kind.value for kind in kinds)
    states: dict[str, dict[str, Wire]] = {kind.value: {} for kind in kinds}
    found: dict[str, Wire] = {}
    for kind, key, version, after, at in rows.stream(_SQL.format(more=more), values):
        fields = decode_json(after)
        state = found.get(key)
        if state is None:
            found[key] = states[kind][key] = state = fields
            state["id"] = key
            state["created_at"] = at
        else:
            state.update(fields)
        if "status" in fields:
            state["status_changed_at"] = at
        state["version"] = version
        state["updated_at"] = at
    return {kind: states[kind.value] for kind in kinds}
