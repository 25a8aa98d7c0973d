"""Editing JSON as text: one member or element is put in or taken out, and every other byte stays as it was.

A parsed and rewritten file would lose the user's own layout. So the text is looked through for where values stand, and
only what changes is cut and pasted, in the indentation that the file uses. What is no strict JSON is refused.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from core.errors import InvalidData

Key = str | int
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_SCALAR: Final = re.compile(r"[^\s,\]}]+")


@dataclass(slots=True)
class _Node:
    """Where a value stands in the text, from `start` to before `end`; the members or elements of a container."""

    start: int
    end: int = 0
    children: dict[Key, "_Node"] = field(default_factory=dict)
    label_start: int = 0
    """Where its key begins, or it itself in an array."""


def parse(text: str, name: str) -> Any:
    """The value of a JSON text; an empty one is an empty object. `name` is the file's, for the message.

    Raises:
        InvalidData: it is not strict JSON; tells where.
    """
    if not text.strip():
        return {}
    try:
        return json.loads(text, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        where = f"line {error.lineno}, column {error.colno}: " if isinstance(error, json.JSONDecodeError) else ""
        raise InvalidData(
            f"{name} is not JSON that can be changed safely: {where}{getattr(error, 'msg', error)}.",
            "Repair it (comments and trailing commas are not JSON either); nothing was written.",
        ) from None


def put(text: str, path: Sequence[Key], value: Any) -> str:
    """`text` with `value` at `path`, whose last key is replaced or added; objects on the way are made.

    An index just behind the end of an array adds an element.
    """
    if not text.strip():
        text = "{}\n"
    node, known = _root(text), 0
    for key in path:
        if key not in node.children:
            break
        node, known = node.children[key], known + 1
    unit = _indent_unit(text)
    rest = list(path[known:])
    if not rest:
        return text[: node.start] + _dumped(value, unit, known) + text[node.end :]
    for key in reversed(rest[1:]):
        value = {key: value} if isinstance(key, str) else [value]
    label = f"{json.dumps(rest[0], ensure_ascii=False)}: " if isinstance(rest[0], str) else ""
    addition = f"\n{unit * (known + 1)}{label}{_dumped(value, unit, known + 1)}"
    if node.children:
        last = list(node.children.values())[-1].end
        return f"{text[:last]},{addition}{text[last:]}"
    opening, closing = text[node.start], text[node.end - 1]
    return f"{text[: node.start]}{opening}{addition}\n{unit * known}{closing}{text[node.end :]}"


def take_out(text: str, path: Sequence[Key]) -> str:
    """`text` without the member or element at `path`, and without the containers that thereby become empty."""
    nodes = [_root(text)]
    for key in path:
        nodes.append(nodes[-1].children[key])
    depth = len(path)
    while depth > 1 and len(nodes[depth - 1].children) == 1:
        depth -= 1
    holder, gone = nodes[depth - 1], nodes[depth]
    siblings = list(holder.children.values())
    if len(siblings) == 1:
        return f"{text[: holder.start + 1]}{text[holder.end - 1 :]}"
    at = siblings.index(gone)
    if at:
        return text[: siblings[at - 1].end] + text[gone.end :]
    return text[: gone.label_start] + text[siblings[1].label_start :]


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        double = next(key for at, (key, _) in enumerate(pairs) if key in dict(pairs[:at]))
        raise ValueError(f"the key {double!r} stands there twice")
    return found


def _root(text: str) -> _Node:
    return _node(text, _blank(text, 0))


def _blank(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    assert found is not None
    return found.end()


def _node(text: str, start: int) -> _Node:
    """The value that begins at `start`, in a text that is known to be JSON."""
    node, opening = _Node(start, label_start=start), text[start]
    if opening == '"':
        node.end = _string_end(text, start)
    elif opening not in "{[":
        scalar = _SCALAR.match(text, start)
        assert scalar is not None
        node.end = scalar.end()
    else:
        at, index = _blank(text, start + 1), 0
        while text[at] not in "]}":
            label = at
            key: Key = index
            if opening == "{":
                after = _string_end(text, at)
                key = json.loads(text[at:after])
                at = _blank(text, _blank(text, after) + 1)  # behind the colon
            child = _node(text, at)
            child.label_start = label
            node.children[key] = child
            index += 1
            at = _blank(text, child.end)
            if text[at] == ",":
                at = _blank(text, at + 1)
        node.end = at + 1
    return node


def _string_end(text: str, start: int) -> int:
    at = start + 1
    while text[at] != '"':
        at += 2 if text[at] == "\\" else 1
    return at + 1


def _indent_unit(text: str) -> str:
    """What one level of the file is indented by."""
    found = re.search(r"\n([ \t]+)\S", text)
    return found[1] if found else "  "


def _dumped(value: Any, unit: str, depth: int) -> str:
    return json.dumps(value, indent=unit, ensure_ascii=False).replace("\n", "\n" + unit * depth)
