"""What an agent reads of a result: brief where it is one of many, whole where it is the one asked for, never null.

It works on the wire shapes of core/shapes.py and on types alone: a record is shown by its own type wherever it stands,
a dataclass of records field by field.
"""

import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, Final

from core.agents.sessions import Secret
from core.doors.hints import hint_for, message_for
from core.doors.mcp.wording import TOOLS
from core.operation import bare_type
from storage import Agent, Comment, Event, Priority, Session, Task

Wire = dict[str, Any]

EVENTS_SHOWN: Final = 40
"""The newest of a history; older ones are counted."""
_LONGEST_VALUE: Final = 160

_NEVER: Final = frozenset({"room_id", "rank", "token_hash", "claimed_by", "created_by", "removed", "position"})
"""Fields that tell an agent nothing that it could use."""
_BRIEF_TASK: Final = ("number", "title", "status", "priority", "assignee", "labels", "waiting_on", "due",
                      "blocked_reason", "version")  # fmt: skip
_KNOWN_TO_ITS_CALLER: Final = ("description", "created_at", "status_changed_at")
"""What a task need not repeat to whoever has just changed it."""
_ENOUGH: Final[Mapping[Any, tuple[str, ...]]] = {
    Comment: ("id", "author", "body", "created_at"),
    Agent: ("name", "kind", "role", "description", "skills"),
    Session: ("id", "created_at"),
}
"""Of a record that has more to tell than an agent needs."""
_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})
_DEFAULTS: Final = {"priority": Priority.NORMAL.value}
"""What goes without saying in a list."""
_USUAL: Final[Mapping[str, object]] = {"command_approved": True, "attempts": 1}
"""What goes without saying anywhere, and is told wherever it is otherwise."""


def present(wire: Any, annotation: Any) -> Wire:
    """The result of an operation whose declared result is of the type `annotation`, as an object."""
    bare = bare_type(annotation)
    item = _item_of(bare)
    if item is not None:
        return {_plural(item): [_record(each, item, is_one_of_many=True) for each in wire], "count": len(wire)}
    if bare is Task:
        return {"task": {name: value for name, value in _named(wire).items() if name not in _KNOWN_TO_ITS_CALLER}}
    if _is_record(bare):
        return {_noun(bare): _record(wire, bare, is_one_of_many=False)}
    return _detail(wire, bare) if is_dataclass(bare) else {"result": wire}


def present_error(wire: Wire) -> Wire:
    """An error, from the wire value that core/shapes.py gives it. Its text alone says what to do."""
    error: Wire = {"code": wire["code"], "message": message_for(TOOLS, wire["message"])}
    if wire.get("hint"):
        error["hint"] = hint_for(TOOLS, wire["hint"])
    if wire.get("details"):
        error["details"] = wire["details"]
    if (current := wire.get("current")) is not None:
        error["present_version"] = current["version"]
        error["changes"] = [event_line(each) for each in wire["changes"]][-EVENTS_SHOWN:]
        error["current"] = _brief_or_whole(current)
        seen = "It has changed since you saw it. Look at the changes" if wire["changes"] else "Look at it"
        error["hint"] = f"{seen}; if yours still makes sense, call again with expected_version {current['version']}."
    return error


def event_line(event: Wire) -> str:
    """One event in a line: its number, when, who, about which task, what, why."""
    who = event.get("agent_name") or event["agent_id"]
    kind = "" if event["entity"] == "task" else f"{event['entity']} "
    task = f"#{event['task_number']} " if event.get("task_number") else ""
    why = f" (reason: {_short(event['reason'])})" if event.get("reason") else ""
    what = event["type"].replace("_", " ")
    return f"{event['sequence']} {_time(event['at'])} {who}: {task}{kind}{what}{_differences(event)}{why}"


def _differences(event: Wire) -> str:
    before, after, names = event["before"], event["after"], event.get("names", {})
    if before is None:
        name = after.get("title") or after.get("name") or after.get("summary") or after.get("body") or ""
        return f": {_short(name)}" if name else ""
    told = [
        f"{field} {_value(before.get(field), names)} → {_value(after[field], names)}"
        for field in after
        if field not in _NEVER and not field.endswith("_at")
    ]
    return f": {'; '.join(told)}" if told else ""


def _value(value: Any, names: Mapping[str, str]) -> str:
    if value in _EMPTY:
        return "none"
    if isinstance(value, Mapping):
        told = ((name, each) for name, each in value.items() if each not in _EMPTY and name not in ("agent", "at"))
        return _short(", ".join(f"{name}={_value(each, names)}" for name, each in told))
    if isinstance(value, list):
        return _short(", ".join(names.get(str(each), str(each)) for each in value))
    return _short(names.get(str(value), str(value)))


# by type


def _detail(wire: Wire, kind: Any, *, is_one_of_many: bool = False) -> Wire:
    """A dataclass of records, field by field. What it is about, its first field, stands in `wire` field by field."""
    hints = typing.get_type_hints(kind)
    shown: Wire = {}
    for index, name in enumerate(hints):
        bare = bare_type(hints[name])
        if bare is Secret:
            continue
        value: Any
        if index == 0 and name not in wire:
            value = {field: each for field, each in wire.items() if field not in hints}
        else:
            value = wire.get(_numbers_of(name)) or wire.get(name)
        told = _field(value, bare, is_one_of_many=is_one_of_many)
        if told not in _EMPTY and not (told == 0 and bare is int):
            shown[name] = told
            if _item_of(bare) is Event and len(value) > EVENTS_SHOWN:
                shown[f"earlier_{name}"] = len(value) - EVENTS_SHOWN
    return shown


def _field(value: Any, bare: Any, *, is_one_of_many: bool) -> Any:
    if value is None:
        return None
    item = _item_of(bare)
    if item is Event:
        return [event_line(each) for each in value[-EVENTS_SHOWN:]]
    if item is not None:
        return [_record(each, item, is_one_of_many=True) for each in value]
    if isinstance(value, dict):
        return _reference(value, bare) if is_one_of_many else _record(value, bare, is_one_of_many=False)
    return _readable("at", value) if bare is datetime else value


def _record(wire: Wire, kind: Any, *, is_one_of_many: bool) -> Any:
    if kind is Event:
        return event_line(wire)
    if not _is_record(kind):
        return _detail(wire, kind, is_one_of_many=is_one_of_many)
    shown = _named(wire)
    if kind is Task and is_one_of_many:
        return {name: shown[name] for name in _BRIEF_TASK if name in shown and shown[name] != _DEFAULTS.get(name)}
    if (wanted := _ENOUGH.get(kind)) is not None:
        return {name: shown[name] for name in wanted if name in shown}
    return shown


def _reference(wire: Wire, kind: Any) -> Any:
    """A record that hangs on one of many, by the word that leads to it."""
    if kind is Task:
        return f"#{wire['number']} {wire['title']}"
    return wire.get("name")


def _brief_or_whole(wire: Wire) -> Wire:
    shown = _named(wire)
    return {name: shown[name] for name in _BRIEF_TASK if name in shown} if "rank" in wire else shown


def _named(wire: Wire) -> Wire:
    """A record without what says nothing, and with names and numbers where it has ids."""
    shown: Wire = {}
    for name, value in wire.items():
        if name in _USUAL:
            if value != _USUAL[name]:
                shown[name] = value
            continue
        if name in _NEVER or value in _EMPTY or value == 0 or name.endswith(("_name", "_number", "_numbers")):
            continue
        shown[name] = _readable(name, wire.get(f"{name}_name") or wire.get(_numbers_of(name)) or value)
    for name, value in wire.items():
        if name.endswith("_number") and value is not None:
            stem = name.removesuffix("_number")
            shown.pop(f"{stem}_id", None)
            shown[stem] = value
    return shown


def _readable(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return _named(value)
    return _time(value) if isinstance(value, str) and (name.endswith("_at") or name == "at") else value


def _numbers_of(name: str) -> str:
    """What the numbers of a field's tasks stand under: `dependency_numbers` for `dependencies`."""
    singular = f"{name[:-3]}y" if name.endswith("ies") else name.removesuffix("s")
    return f"{singular}_numbers"


def _time(text: str) -> str:
    """A time to the second; more costs tokens and helps nobody."""
    return f"{text[:19]}Z" if len(text) > 20 else text


def _short(text: Any) -> str:
    line = " ".join(str(text).split())
    return line if len(line) <= _LONGEST_VALUE else line[: _LONGEST_VALUE - 1] + "…"


def _item_of(bare: Any) -> Any:
    """The type of a tuple's items, where they are dataclasses."""
    if typing.get_origin(bare) is not tuple:
        return None
    item = typing.get_args(bare)[0]
    return item if is_dataclass(item) else None


def _is_record(bare: Any) -> bool:
    return is_dataclass(bare) and any(each.name == "version" for each in fields(bare))


def _noun(kind: Any) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind.__name__).lstrip("_")


def _plural(kind: Any) -> str:
    return f"{_noun(kind)}s"
