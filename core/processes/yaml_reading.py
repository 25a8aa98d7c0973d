"""Strict reading of a YAML document that people write: every problem with its line and column, all of them at once.

Nodes rather than values are read, since a node knows its place, and a word stays what was written (`0080`, `1.10`).
"""

import difflib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

T = TypeVar("T")

NODE_LIMIT: Final = 50_000
"""Nodes that are looked at, aliases each time they are met: a document of few lines can stand for billions."""

_TAG: Final = "tag:yaml.org,2002:"
_MERGE: Final = f"{_TAG}merge"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with a document. Line and column count from 1."""

    line: int
    column: int
    message: str
    hint: str


class Invalid(Exception):
    """A node that does not fit; told by the one who reads it to the one who collects."""

    def __init__(self, node: Node, message: str, hint: str) -> None:
        super().__init__(message)
        self.node = node
        self.message = message
        self.hint = hint


class Problems:
    """What is wrong so far, and how much has been looked at."""

    def __init__(self) -> None:
        self.found: list[Problem] = []
        self._nodes = 0

    def note(self, node: Node, message: str, hint: str) -> None:
        """Note a problem at a node."""
        mark = node.start_mark
        self.found.append(Problem(mark.line + 1, mark.column + 1, message, hint))

    def count(self, node: Node, more: int = 1) -> None:
        """Note that nodes are looked at.

        Raises:
            Invalid: there are too many.
        """
        self._nodes += more
        if self._nodes > NODE_LIMIT:
            raise Invalid(
                node, f"The document stands for more than {NODE_LIMIT:,} values.", "Use fewer anchors and aliases."
            )

    def take(self, reader: Callable[[Node], T], node: Node, default: T) -> T:
        """What a reader makes of a node; the default, and the problem noted, where it does not fit."""
        try:
            self.count(node)
            return reader(node)
        except Invalid as error:
            self.note(error.node, error.message, error.hint)
            return default


def compose(text: str) -> Node | None:
    """The root node of a document; None if it is empty.

    Raises:
        YamlProblem: it is no valid YAML.
    """
    try:
        return YAML(typ="rt").compose(text)  # type: ignore[no-any-return]
    except MarkedYAMLError as error:
        begun = error.context_mark
        mark, said = error.problem_mark or begun, error.problem or error.context or "no valid YAML"
        if begun is not None and begun.line < mark.line:
            if "stream end" in said or "end of stream" in said:
                mark, said = begun, "what begins here is not closed"
            else:
                said += f", in what begins in line {begun.line + 1}"
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        raise YamlProblem(Problem(line, column, f"It is no valid YAML: {said}.", _remedy(text, line))) from error
    except YAMLError as error:
        raise YamlProblem(Problem(1, 1, f"It is no valid YAML: {error}.", "Mend the file.")) from error
    except RecursionError as error:
        raise YamlProblem(Problem(1, 1, "It is nested too deeply.", "Write it flatter.")) from error


class YamlProblem(Exception):
    """A document that is no YAML."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def _remedy(text: str, line: int) -> str:
    lines = text.splitlines()
    if 0 < line <= len(lines) and "\t" in lines[line - 1]:
        return "Indent with spaces; YAML allows no tabs there."
    return "Mend the line; a text with `:`, `#`, `{` or `[` in it needs quotes."


class Entries:
    """A mapping, read key by key. Unknown and repeated keys are noted as problems when it is made."""

    def __init__(self, node: Node, what: str, known: Collection[str], problems: Problems) -> None:
        """Args:
            what: what it is, for messages: `process`, `restart`.
            known: the keys that it may have; keys that begin with `x-` are passed over.

        Raises:
            Invalid: it is no mapping.
        """
        self.node = node
        self._problems = problems
        self._values: dict[str, tuple[Node, Node]] = {}
        for key, value in _pairs(node, what, problems):
            name = key.value if isinstance(key, ScalarNode) else ""
            if name in self._values:
                line = self._values[name][0].start_mark.line + 1
                problems.note(key, f"{name!r} stands twice (also in line {line}).", "Take one away.")
            elif name in known:
                self._values[name] = (key, value)
            elif not name.startswith("x-"):
                shown = f"no key {name!r}" if name else "no key that is no plain word"
                problems.note(key, f"A {what} has {shown}.", _meant(name, known))

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def names(self) -> list[str]:
        """The keys that are there, in order."""
        return list(self._values)

    def value(self, key: str) -> Node | None:
        """The node of a key's value."""
        pair = self._values.get(key)
        return pair[1] if pair else None

    def key(self, key: str) -> Node:
        """The node of the key itself; the whole mapping where it is not there."""
        pair = self._values.get(key)
        return pair[0] if pair else self.node

    def read(self, key: str, reader: Callable[[Node], T], default: T) -> T:
        """What a reader makes of a key's value; the default where it is missing, empty or does not fit."""
        node = self.value(key)
        if node is None or is_empty(node):
            return default
        return self._problems.take(reader, node, default)


def _pairs(node: Node, what: str, problems: Problems) -> list[tuple[Node, Node]]:
    """The pairs of a mapping; what `<<` merges comes in where the mapping itself has no such key."""
    if not isinstance(node, MappingNode):
        raise Invalid(node, f"A {what} is a mapping, not {kind_of(node)}.", "Write it as lines of `key: value`.")
    own: list[tuple[Node, Node]] = []
    merged: list[tuple[Node, Node]] = []
    for key, value in node.value:
        problems.count(key)
        if key.tag == _MERGE:
            for each in value.value if isinstance(value, SequenceNode) else [value]:
                merged += _pairs(each, "merged value", problems)
        else:
            own.append((key, value))
    names = {key.value for key, _ in own if isinstance(key, ScalarNode)}
    for key, value in merged:
        if isinstance(key, ScalarNode) and key.value not in names:
            names.add(key.value)
            own.append((key, value))
    return own


def _meant(word: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(word.lower(), names, 1)
    return f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(names)}."


def is_empty(node: Node) -> bool:
    """Whether nothing stands there: `key:` alone, or null."""
    return isinstance(node, ScalarNode) and node.tag == f"{_TAG}null"


def kind_of(node: Node) -> str:
    """What a node is, in words."""
    if isinstance(node, MappingNode):
        return "a mapping"
    if isinstance(node, SequenceNode):
        return "a list"
    return "empty" if is_empty(node) else repr(_shown(node.value))


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


# readers: each takes a node and gives a value, or raises Invalid


def text(node: Node) -> str:
    """A scalar as it was written."""
    if not isinstance(node, ScalarNode) or is_empty(node):
        raise Invalid(node, f"A text is needed, not {kind_of(node)}.", "Write one text.")
    if "\0" in node.value:
        raise Invalid(node, "A text cannot hold a NUL character.", "Take it out.")
    return str(node.value)


def flag(node: Node) -> bool:
    """True or false."""
    if isinstance(node, ScalarNode) and node.tag == f"{_TAG}bool":
        return str(node.value).lower() == "true"
    raise Invalid(node, f"true or false is needed, not {kind_of(node)}.", "Write true or false.")


def number(least: float, most: float, unit: str = "") -> Callable[[Node], float]:
    """Reads a number within bounds."""
    wanted = f"from {least:g} to {most:,.12g}{f' {unit}' if unit else ''}"

    def read(node: Node) -> float:
        value = _number(node)
        if value is None or not least <= value <= most:
            raise Invalid(node, f"A number {wanted} is needed, not {kind_of(node)}.", f"Write a number {wanted}.")
        return value

    return read


def whole(least: int, most: int) -> Callable[[Node], int]:
    """Reads a whole number within bounds."""

    def read(node: Node) -> int:
        value = _number(node)
        if value is None or value != int(value) or not least <= value <= most:
            raise Invalid(
                node, f"A whole number from {least:,} to {most:,} is needed, not {kind_of(node)}.",
                f"Write a whole number from {least:,} to {most:,}.",
            )  # fmt: skip
        return int(value)

    return read


def _number(node: Node) -> float | None:
    if not isinstance(node, ScalarNode) or node.tag not in (f"{_TAG}int", f"{_TAG}float"):
        return None
    written = str(node.value).replace("_", "")
    try:
        value = float(int(written, 0)) if node.tag == f"{_TAG}int" else float(written)
    except (ValueError, OverflowError):
        try:
            value = float(written)  # a whole number with leading zeros
        except (ValueError, OverflowError):
            return None
    return value if abs(value) < 1e18 else None  # infinities and no-numbers are none


def one_of(words: Iterable[str], *, what: str) -> Callable[[Node], str]:
    """Reads one of some words."""
    known = [str(word) for word in words]

    def read(node: Node) -> str:
        word = text(node)
        if word not in known:
            raise Invalid(node, f"{_shown(word)!r} is no {what}.", _meant(word.replace("_", "-"), known))
        return word

    return read


def several(reader: Callable[[Node], T], *, most: int, what: str) -> Callable[[Node], tuple[T, ...]]:
    """Reads a list, or one value alone."""

    def read(node: Node) -> tuple[T, ...]:
        nodes = node.value if isinstance(node, SequenceNode) else [node]
        if len(nodes) > most:
            raise Invalid(node, f"There are {len(nodes):,} {what}; at most {most:,} are allowed.", "Write fewer.")
        return tuple(reader(each) for each in nodes)

    return read


def items(node: Node, problems: Problems) -> list[tuple[str, Node, Node]]:
    """The pairs of a mapping of free names: name, its node, and the value's node.

    Raises:
        Invalid: it is no mapping.
    """
    found: dict[str, tuple[str, Node, Node]] = {}
    for key, value in _pairs(node, "mapping of names", problems):
        name = str(key.value) if isinstance(key, ScalarNode) else ""
        if not name:
            problems.note(key, "A name is a plain word.", "Write `name: value`.")
        elif name in found:
            problems.note(key, f"{name!r} stands twice.", "Take one away.")
        else:
            found[name] = (name, key, value)
    return list(found.values())
