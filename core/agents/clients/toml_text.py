"""Editing TOML: a table is put at the end or cut out, a value in it replaced, and every other byte stays as it was.

tomlkit replaces values without touching the comments about them; tables are added and cut as text, since it moves
blank lines about where it does that.
"""

import re
from collections.abc import Sequence
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from core.errors import InvalidData


def parse(text: str, name: str) -> dict[str, Any]:
    """The value of a TOML text. `name` is the file's, for the message.

    Raises:
        InvalidData: it is not TOML; tells where.
    """
    try:
        return tomlkit.parse(text).unwrap()
    except TOMLKitError as error:
        raise InvalidData(f"{name} is not TOML: {str(error).rstrip('.')}.", "Repair it; nothing was written.") from None


def put(text: str, path: Sequence[str], value: Any) -> str:
    """`text` with `value` at `path`, whose last key is replaced or added, in a table that is added if need be.

    Raises:
        InvalidData: the table above it is written inline, where none can be added.
    """
    *tables, key = path
    document = tomlkit.parse(text)
    holder: Any = document
    for table in tables:
        holder = holder.get(table) if holder is not None else None
    if holder is not None:
        holder[key] = value
        return tomlkit.dumps(document)
    gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
    added = f"{text}{gap}[{'.'.join(tables)}]\n{tomlkit.dumps({key: value})}"
    try:
        tomlkit.parse(added)
    except TOMLKitError:
        raise InvalidData(
            f"{tables[0]} is written inline, so that nothing can be added.", f"Make it [{tables[0]}.NAME] tables first."
        ) from None
    return added


def take_out(text: str, path: Sequence[str]) -> str:
    """`text` without the table at `path`, those below it, and the blank line before it.

    Raises:
        InvalidData: it does not stand there as a table of its own.
    """
    named = r"\.".join(rf"\s*(?:{re.escape(key)}|\"{re.escape(key)}\"|'{re.escape(key)}')\s*" for key in path)
    ours = re.compile(rf"\s*\[{named}(?:\.[^\]]*)?\]\s*(?:#.*)?")
    kept: list[str] = []
    held: list[str] = []  # blank lines and comments of ours so far: they belong to what follows, if that is not ours
    inside, found = False, False
    for line in text.splitlines(keepends=True):
        if line.lstrip().startswith("["):
            inside = ours.fullmatch(line) is not None
            if inside and not found and kept and not kept[-1].strip():
                kept.pop()
            found |= inside
        if not inside:
            kept += [*held, line]
            held = []
        elif line.strip() and not line.lstrip().startswith("#"):
            held = []
        else:
            held.append(line)
    rest = "".join(kept + held)
    expected = tomlkit.parse(text).unwrap()
    holder = expected
    for key in path[:-1]:
        holder = holder[key]
    del holder[path[-1]]
    if not found or _bare(tomlkit.parse(rest).unwrap()) != _bare(expected):
        raise InvalidData(
            f"{'.'.join(path)} is no table of its own there.", "Take it out by hand; nothing was written."
        )
    return rest


def _bare(value: dict[str, Any]) -> dict[str, Any]:
    """A value without the tables that are empty on its first level."""
    return {key: each for key, each in value.items() if each != {}}
