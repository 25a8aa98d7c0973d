"""A tool's arguments: how each is called, its JSON schema, and how a value is read. All of it hangs on types."""

import json
import re
import typing
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Any, Final, NewType

from core.errors import InvalidData
from core.operation import UNSET, Moment, Operation, Parameter, Text, bare_type, is_optional
from storage import AgentId, HandoffId, SessionId, TaskId

REASON: Final = "reason"
KEY: Final = "idempotency_key"
VERSION: Final = "expected_version"

_NOUNS: Final[Mapping[Any, str]] = {TaskId: "task", AgentId: "agent", HandoffId: "handoff", SessionId: "session"}
"""Identities, by the word with which a parameter for one ends: `to_agent` is offered as `to_agent_id`."""

_LARGEST: Final = 2**53
"""Beyond this, JSON readers round."""
_LONGEST_KEY: Final = 200
_LONGEST_SHOWN: Final = 80

NONE: Final = "none"
"""The word that takes a value away, beside null."""


class Arguments:
    """The arguments of one operation's tool."""

    def __init__(self, operation: Operation) -> None:
        offered = [each for each in operation.parameters if each.name not in operation.hidden_from_tool]
        self._parameters = {offered_name(each): each for each in offered}
        if len(self._parameters) != len(offered):
            raise AssertionError(f"two arguments of {operation.tool_name} would have one name")
        self._own = {each.name: name for name, each in self._parameters.items()}
        self._changes = operation.changes
        self.subject = next(
            (each for each in offered if bare_type(each.annotation) in _NOUNS and each.is_required), None
        )
        """The parameter that names what the operation is about, where it names an entity."""
        self._gives_subject = self.subject is not None and _gives(operation.returns, bare_type(self.subject.annotation))

    @property
    def presumes_version_of(self) -> str | None:
        """The operation's parameter of which a call without a version stands for the last version shown.

        There is one where the operation changes what it names, not where it only adds to it (a comment, a handoff):
        that disturbs nobody's change.
        """
        is_change = VERSION in self._own and self._gives_subject
        return self.subject.name if is_change and self.subject is not None else None

    def schema(self) -> dict[str, Any]:
        """The JSON schema."""
        properties = {name: _schema_of(each) for name, each in self._parameters.items()}
        if self._changes:
            properties |= {REASON: {"type": "string"}, KEY: {"type": "string"}}
        schema: dict[str, Any] = {"type": "object", "properties": properties}
        if required := [name for name, each in self._parameters.items() if each.is_required]:
            schema["required"] = required
        return schema

    def read(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The values by the operation's own parameter names, reason and key too.

        Raises:
            InvalidData: an argument is unknown, missing, or not of its type; says which, and what is accepted.
        """
        values: dict[str, Any] = {}
        for name, value in given.items():
            if self._changes and name in (REASON, KEY):
                if value is not None:
                    values[name] = _read_text(name, value)
                continue
            offered = name if name in self._parameters else self._own.get(name)
            if offered is None:
                raise InvalidData(f"There is no argument {name[:60]!r}.", f"There are: {', '.join(self._names())}.")
            parameter = self._parameters[offered]
            if parameter.name in values:
                raise InvalidData(f"{offered} was given twice, as {name!r} too.", f"Give {offered} alone.")
            if value is None and not (is_optional(parameter.annotation) and parameter.default is not None):
                if self.presumes_version_of and parameter.default is UNSET:
                    raise _no_null(offered, bare_type(parameter.annotation))
                continue  # null leaves out what may be left out; only an edit can mean it as a value
            values[parameter.name] = _read(offered, parameter.annotation, value)
        missing = [name for name, each in self._parameters.items() if each.is_required and each.name not in values]
        if missing:
            raise InvalidData(f"{missing[0]} is missing.", f"Give at least: {', '.join(missing)}.")
        if len(values.get(KEY, "")) > _LONGEST_KEY:
            raise InvalidData(f"{KEY} has more than {_LONGEST_KEY} characters.", "Take a shorter one, such as a UUID.")
        return values

    def _names(self) -> list[str]:
        return [*self._parameters, *((REASON, KEY) if self._changes else ())]


def _gives(returns: Any, subject: Any) -> bool:
    """Whether a result is the entity that an id of type `subject` names, or begins with it."""
    first = returns if hasattr(returns, "version") else next(iter(typing.get_type_hints(returns).values()), None)
    return first is not None and getattr(first, "__name__", "") == subject.__name__.removesuffix("Id")


def offered_name(parameter: Parameter) -> str:
    """What an agent calls a parameter: `task` is `task_id`, `to_agent` is `to_agent_id`, `to: Status` is `status`."""
    bare = bare_type(parameter.annotation)
    noun = _NOUNS.get(bare)
    if noun is not None and (parameter.name == noun or parameter.name.endswith(f"_{noun}")):
        return f"{parameter.name}_id"
    if parameter.name == "to" and _is_vocabulary(bare):
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", bare.__name__).lower()
    return parameter.name


def _schema_of(parameter: Parameter) -> dict[str, Any]:
    bare = bare_type(parameter.annotation)
    schema = _type_schema(bare)
    told = [schema.pop("description", ""), parameter.help.rstrip(".") if parameter.name != VERSION else ""]
    if is_optional(parameter.annotation) and parameter.default is not None and bare is not AgentId:
        told.append(f"`{NONE if schema['type'] == 'string' else 'null'}` clears")
    if described := "; ".join(filter(None, told)):
        schema["description"] = described
    return schema


def _type_schema(bare: Any) -> dict[str, Any]:
    if typing.get_origin(bare) is tuple:
        return {"type": "array", "items": _type_schema(typing.get_args(bare)[0])}
    if _is_vocabulary(bare):
        return {"type": "string", "enum": [each.value for each in bare]}
    if bare is bool:
        return {"type": "boolean"}
    if bare is int:
        return {"type": "integer"}
    if bare is date:
        return {"type": "string", "description": "YYYY-MM-DD"}
    if _plain(bare) is str:
        return {"type": "string"}
    raise AssertionError(f"no JSON schema for {bare!r}")


def _no_null(name: str, bare: Any) -> InvalidData:
    """The refusal of null for a field that always has a value: some clients send it for what they leave out."""
    empty = "Give [] to empty it" if typing.get_origin(bare) is tuple else 'Give "" to empty it' if bare is Text else ""
    keep = "leave the argument out to keep the present value."
    return InvalidData(f"{name} is null.", f"{empty}, or {keep}" if empty else keep.capitalize())


def _read(name: str, annotation: Any, value: Any) -> Any:
    bare = bare_type(annotation)
    if is_optional(annotation) and (value is None or (value in ("", NONE) and bare is not AgentId)):
        return None
    if typing.get_origin(bare) is tuple:
        if not isinstance(value, list):
            raise _wrong(name, value, "a list")
        item = typing.get_args(bare)[0]
        return tuple(_read_one(f"{name}[{index}]", item, each) for index, each in enumerate(value))
    return _read_one(name, bare, value)


def _read_one(name: str, bare: Any, value: Any) -> Any:
    if bare is TaskId and isinstance(value, int) and not isinstance(value, bool):
        return _task_number(name, value)
    if bare is Moment and isinstance(value, int) and not isinstance(value, bool):
        return str(_task_number(name, value))
    if _is_vocabulary(bare):
        try:
            return bare(_read_text(name, value).strip().lower().replace("-", "_"))
        except ValueError:
            raise _wrong(name, value, f"one of: {', '.join(bare)}") from None
    if bare is bool:
        if isinstance(value, bool):
            return value
        raise _wrong(name, value, "true or false")
    if bare is int:
        return _read_number(name, value)
    if bare is date:
        try:
            return date.fromisoformat(_read_text(name, value))
        except ValueError:
            raise _wrong(name, value, "a date, YYYY-MM-DD") from None
    return _read_text(name, value)


def _task_number(name: str, value: int) -> str:
    if not 0 <= value <= _LARGEST:
        raise _wrong(name, value, "a number such as 12, or an id")
    return str(value)


def _read_number(name: str, value: Any) -> int:
    is_whole = isinstance(value, float) and value.is_integer()
    if isinstance(value, bool) or not (isinstance(value, int) or is_whole) or not abs(value) <= _LARGEST:
        raise _wrong(name, value, "a whole number")
    return int(value)


def _read_text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    raise _wrong(name, value, "a string")


def _wrong(name: str, value: Any, accepted: str) -> InvalidData:
    return InvalidData(f"{name} is {_shown(value)}.", f"Give {accepted}.")


def _shown(value: Any) -> str:
    """A value as JSON has it, if that is short."""
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and abs(value) > _LARGEST:
        return "a number too large"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _is_vocabulary(bare: Any) -> bool:
    return isinstance(bare, type) and issubclass(bare, StrEnum)


def _plain(bare: Any) -> Any:
    while isinstance(bare, NewType):
        bare = bare.__supertype__
    return bare
