"""Records to columns and to the wire, and back: derived from the records' types, so that no field is listed twice.

*Wire* values are what JSON can hold (str, int, float, bool, None, list, dict): events and every door carry them.
*Column* values are what SQLite can hold: the same, with lists and dicts as JSON text.
"""

import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, NewType, TypeVar, Union, get_args, get_origin

import msgspec

from storage.clock import format_time, parse_time

Convert = Callable[[Any], Any]
R = TypeVar("R")

encode_json: Final = msgspec.json.Encoder().encode
decode_json: Final = msgspec.json.Decoder().decode


class FieldCodec(typing.NamedTuple):
    """How one field of a record travels. A converter of None leaves the value as it is."""

    name: str
    own: bool
    to_wire: Convert | None
    from_wire: Convert | None
    to_column: Convert | None
    from_column: Convert | None


def _bare(hint: Any) -> Any:
    """`hint` without None and without NewType."""
    if get_origin(hint) in (Union, types.UnionType):
        (hint,) = [each for each in get_args(hint) if each is not type(None)]
    while isinstance(hint, NewType):
        hint = hint.__supertype__
    return hint


def _json_text(value: Any) -> str:
    return encode_json(value).decode()


def _enum_to_wire(value: StrEnum) -> str:
    return value.value


def _mapping_codec(hint: Any) -> tuple[Convert, Convert]:
    key = _bare(get_args(hint)[0])
    return (
        lambda value: {str(name): each for name, each in value.items()},
        lambda value: {key(name): each for name, each in value.items()},
    )


def _nested_codec(name: str, own: bool, record: Any) -> FieldCodec:
    return FieldCodec(
        name, own, to_wire, lambda wire: from_wire(record, wire),
        lambda value: _json_text(to_wire(value)), lambda text: from_wire(record, decode_json(text)),
    )  # fmt: skip


def _field_codec(name: str, own: bool, hint: Any) -> FieldCodec:
    bare = _bare(hint)
    origin = get_origin(bare)
    if origin is tuple:
        return FieldCodec(name, own, list, tuple, _json_text, lambda text: tuple(decode_json(text)))
    if origin in (Mapping, dict):
        to_wire, from_wire = _mapping_codec(bare)
        return FieldCodec(
            name,
            own,
            to_wire,
            from_wire,
            lambda value: _json_text(to_wire(value)),
            lambda text: from_wire(decode_json(text)),
        )
    if bare is datetime:
        return FieldCodec(name, own, format_time, parse_time, format_time, parse_time)
    if bare is date:
        return FieldCodec(name, own, date.isoformat, date.fromisoformat, date.isoformat, date.fromisoformat)
    if bare is bool:
        return FieldCodec(name, own, None, None, int, bool)
    if isinstance(bare, type) and issubclass(bare, StrEnum):
        members: dict[str, StrEnum] = {member.value: member for member in bare}
        # a look-up is five times as fast as a call of the enum, which is left to complain of what it does not know
        return FieldCodec(
            name, own, _enum_to_wire, lambda text: members.get(text) or bare(text),
            _enum_to_wire, lambda text: members.get(text) or bare(text),
        )  # fmt: skip
    if is_dataclass(bare):
        return _nested_codec(name, own, bare)
    return FieldCodec(name, own, None, None, None, None)


_FIELD_CODECS: Final[dict[type, tuple[FieldCodec, ...]]] = {}


def field_codecs(record: type) -> tuple[FieldCodec, ...]:
    """The codecs of a record's fields, in the order of their declaration."""
    known = _FIELD_CODECS.get(record)
    if known is None:
        hints = typing.get_type_hints(record)
        known = _FIELD_CODECS[record] = tuple(
            _field_codec(each.name, not each.metadata.get("derived", False), hints[each.name])
            for each in fields(record)
        )
    return known


def to_wire(record: Any, names: typing.Collection[str] | None = None) -> dict[str, Any]:
    """The fields of `record` (those in `names`, if given) as wire values."""
    wire: dict[str, Any] = {}
    for codec in field_codecs(type(record)):
        if names is None or codec.name in names:
            value = getattr(record, codec.name)
            wire[codec.name] = value if value is None or codec.to_wire is None else codec.to_wire(value)
    return wire


def from_wire(record: type[R], wire: Mapping[str, Any]) -> R:
    """The record whose fields are in `wire`; unknown names are passed over, missing ones take their defaults."""
    names, converters = _wire_plan(record)
    values = dict(wire) if wire.keys() <= names else {name: wire[name] for name in names & wire.keys()}
    for name, convert in converters:
        value = values.get(name)
        if value is not None:
            values[name] = convert(value)
    return record(**values)


_WIRE_PLANS: Final[dict[type, tuple[frozenset[str], tuple[tuple[str, Convert], ...]]]] = {}


def _wire_plan(record: type) -> tuple[frozenset[str], tuple[tuple[str, Convert], ...]]:
    """A record's names, and those fields that need converting: a replay makes ten thousand records at once."""
    plan = _WIRE_PLANS.get(record)
    if plan is None:
        codecs = field_codecs(record)
        converting = tuple((codec.name, codec.from_wire) for codec in codecs if codec.from_wire is not None)
        plan = _WIRE_PLANS[record] = frozenset(codec.name for codec in codecs), converting
    return plan


def values_from_wire(record: type, wire: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `record` that `wire` names, as Python values: what `dataclasses.replace` takes."""
    return {
        codec.name: wire[codec.name]
        if wire[codec.name] is None or codec.from_wire is None
        else codec.from_wire(wire[codec.name])
        for codec in field_codecs(record)
        if codec.name in wire
    }


def changed_fields(before: Any, after: Any) -> tuple[FieldCodec, ...]:
    """The own fields in which two records of one type differ, without the version and its times."""
    return tuple(
        codec
        for codec in field_codecs(type(after))
        if codec.own and codec.name not in BOOKKEEPING and getattr(before, codec.name) != getattr(after, codec.name)
    )


BOOKKEEPING: Final = frozenset({"version", "created_at", "updated_at"})
"""Fields that the store sets itself with every change; events carry them in columns of their own."""


class UnreadableRow(Exception):
    """A row holds what we never write: the file is damaged, or was edited by hand."""


class RowCodec(typing.Generic[R]):
    """Turns table rows into records of one type, fast: only the fields that need converting are touched."""

    def __init__(self, record: type[R], stored: typing.Collection[str] | None = None) -> None:
        self.record = record
        codecs = [codec for codec in field_codecs(record) if stored is None or codec.name in stored]
        self.names: tuple[str, ...] = tuple(codec.name for codec in codecs)
        self.columns = ", ".join(f'"{name}"' for name in self.names)
        self._converters = tuple(
            (index, codec.from_column) for index, codec in enumerate(codecs) if codec.from_column is not None
        )
        self._encoders = tuple((codec.name, codec.to_column) for codec in codecs)

    def decode(self, row: typing.Sequence[Any], **derived: Any) -> R:
        """The record in a row whose columns are `self.columns`; `derived` are fields that are not stored.

        Raises:
            UnreadableRow: a column holds what we never write.
        """
        values = list(row)
        try:
            for index, convert in self._converters:
                if values[index] is not None:
                    values[index] = convert(values[index])
        except (ValueError, TypeError, AttributeError, msgspec.MsgspecError) as error:
            raise UnreadableRow(f"{self.names[index]} of {row[0]} holds {str(values[index])[:40]!r}") from error
        return self.record(**dict(zip(self.names, values, strict=True)), **derived)

    def encode(self, record: R) -> list[Any]:
        """The column values of `record`, in the order of `self.columns`."""
        return [
            value if (value := getattr(record, name)) is None or convert is None else convert(value)
            for name, convert in self._encoders
        ]
