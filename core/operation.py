"""The declaration of an operation: the one place from which every door derives its way in."""

import inspect
import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import cached_property
from typing import Any, Final, Literal, NewType

from storage import Role


class OnOff(StrEnum):
    """A setting that is on or off."""

    ON = "on"
    OFF = "off"


class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET
"""An edit's "leave as it is"; never None, which is a value."""

OrUnset = Literal[Unset.UNSET]
"""For signatures: `title: Line | OrUnset = UNSET`."""

Line = NewType("Line", str)
"""A text of one line: a title, a name, a label."""
Text = NewType("Text", str)
"""A text of several lines, in Markdown where it is shown."""
Item = NewType("Item", str)
"""One of several sentences: a line that is taken whole, commas and all."""
ProcessRef = NewType("ProcessRef", str)
"""Processes by a name, the declared name of all instances, a label as `@label`, or the unique end of an id."""
Moment = NewType("Moment", str)
"""A point in the history: the sequence number of an event, or an ISO 8601 time."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of an operation, as its signature and docstring declare it.

    `annotation` is the resolved type; `help` the docstring's line about it, or empty.
    """

    name: str
    annotation: Any
    default: Any
    is_required: bool
    is_positional: bool
    help: str


@dataclass(frozen=True)
class Operation:
    """A use case: the function, and all that a door needs to know to offer it."""

    name: str
    module: str
    function: Callable[..., Any]
    role: Role
    changes: bool
    undoable: bool
    needs_room: bool
    tool: str | None
    tool_name: str
    hidden_from_tool: tuple[str, ...]
    command: str
    not_at: Mapping[str, str]
    settles: bool

    @cached_property
    def summary(self) -> str:
        """The first sentence of the docstring."""
        return inspect.getdoc(self.function).split("\n\n")[0].replace("\n", " ")  # type: ignore[union-attr]

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """The arguments after the work, in the order of the signature."""
        hints = typing.get_type_hints(self.function)
        helps = _argument_helps(inspect.getdoc(self.function) or "")
        signature = list(inspect.signature(self.function).parameters.values())[1:]
        return tuple(
            Parameter(
                name=each.name,
                annotation=hints[each.name],
                default=None if each.default is each.empty else each.default,
                is_required=each.default is each.empty,
                is_positional=each.kind is each.POSITIONAL_OR_KEYWORD,
                help=helps.get(each.name, ""),
            )
            for each in signature
        )

    @cached_property
    def returns(self) -> Any:
        """The resolved type of the result."""
        return typing.get_type_hints(self.function)["return"]


REGISTRY: Final[dict[str, Operation]] = {}
"""Every operation whose module has been imported, by name; see `core.operations.load`."""


def operation(
    *,
    role: Role,
    changes: bool,
    undoable: bool = False,
    needs_room: bool = True,
    tool: str | None = None,
    tool_name: str | None = None,
    hidden_from_tool: tuple[str, ...] = (),
    command: str | None = None,
    not_at: Mapping[str, str] | None = None,
    settles: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare the function below as an operation.

    Args:
        role: the least role that may call it.
        changes: whether it writes; otherwise it runs in a read snapshot.
        undoable: whether its change can be undone.
        needs_room: whether it acts inside a room.
        tool: when an agent should use it; makes it an MCP tool.
        tool_name: the tool's name, where it is not the operation's.
        hidden_from_tool: parameters that the tool does not offer: they would cost every agent tokens and serve few.
        command: the words of the CLI command, where `move_task` in module `task` is not `task move`.
        not_at: doors where it is not offered, each with the reason.
        settles: whether it stores desired state that a host makes true: a door that can wait does, until it has.
    """

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        module = function.__module__.rpartition(".")[2]
        name = function.__name__
        REGISTRY[name] = Operation(
            name, module, function, role, changes, undoable, needs_room, tool, tool_name or name, hidden_from_tool,
            command or _command_of(module, name), not_at or {}, settles,
        )  # fmt: skip
        return function

    return declare


def _command_of(module: str, name: str) -> str:
    verb = re.sub(rf"_{module}s?$", "", name)
    return f"{module} {verb.replace('_', '-')}"


def _argument_helps(doc: str) -> dict[str, str]:
    _, _, section = doc.partition("Args:\n")
    section = re.split(r"\n\n|\n(?=\S)", section)[0]
    helps: dict[str, str] = {}
    name = ""
    for line in section.splitlines():
        if match := re.match(r" {4}(\w+): (.*)", line):
            name = match[1]
            helps[name] = match[2]
        elif name:
            helps[name] += " " + line.strip()
    return helps


def is_optional(annotation: Any) -> bool:
    """Whether None is among the values of a type."""
    return type(None) in typing.get_args(annotation)


def bare_type(annotation: Any) -> Any:
    """A type without None and UNSET: `AgentId` for `AgentId | None | OrUnset`. A NewType stays what it is."""
    options = [
        each for each in typing.get_args(annotation)
        if each is not type(None) and typing.get_origin(each) is not Literal
    ]  # fmt: skip
    is_union = isinstance(annotation, type(int | str)) or typing.get_origin(annotation) is typing.Union
    return options[0] if is_union else annotation
