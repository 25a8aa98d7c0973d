"""What errors and warnings call the operations and their arguments, in the words of the door that shows them.

The core writes a command in backticks (`wzp task list`), an operation by its name (claim_next) and an argument as its
option (--reason TEXT). A door tells what it has for each, from the declarations; what it has nothing for is left out.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from core.operation import Operation
from core.operations import load

ASK: Final = "Ask the person for it."
"""What there is to do where a hint names only commands that the reader does not have."""

_NAMED: Final = re.compile(
    r"(?<!\w)'[^']*'(?!\w)|\"[^\"]*\""  # what somebody has typed: not ours to translate
    r"|`wzp (?P<command>[^`]*)`"
    r"|(?<![\w./-])(?P<tick>`?)(?P<operation>[a-z]+(?:_[a-z]+)+)(?P=tick)(?![\w/-]|\.\w)"
    r"|(?<![\w-])--(?P<option>[a-z][a-z-]*(?: [A-Z]+\b)?)"
)
_NOTHING: Final = "\0"
"""Stands where the door has nothing; no text has it."""
_CONJUNCTION: Final = re.compile(r"^(?:or|and|then) ")


@dataclass(frozen=True, slots=True)
class Wording:
    """What a door shows for the words of a command, for an operation, and for an option (`reason TEXT`).

    None where it has nothing for it.
    """

    command: Callable[[str], str | None]
    operation: Callable[[Operation], str | None]
    option: Callable[[str], str | None]


COMMANDS: Final = Wording(
    command=lambda words: f"`wzp {words}`",
    operation=lambda operation: f"`wzp {operation.command}`",
    option=lambda option: f"--{option}",
)
"""The words of the command line, and of the app, whose person has a command line too."""


def message_for(wording: Wording, text: str) -> str:
    """A sentence that says what is the case. Nothing of it is left out."""
    return _NAMED.sub(lambda found: _said(wording, found) or found[0], text)


def hint_for(wording: Wording, text: str) -> str:
    """A text that says what to do: without the parts that need what the door does not have."""
    said = _NAMED.sub(lambda found: _said(wording, found) or _NOTHING, text)
    if _NOTHING not in said:
        return said
    sentences = [_what_can_be_done(each) for each in re.split(r"(?<=[.!?]) ", said)]
    return " ".join(each for each in sentences if each) or ASK


def operation_of(command: str) -> Operation | None:
    """The operation that a command's words begin with."""
    by_command = {each.command: each for each in load().values()}
    words = command.split()
    begun = (" ".join(words[:length]) for length in range(len(words), 0, -1))
    return next((by_command[each] for each in begun if each in by_command), None)


def _said(wording: Wording, found: re.Match[str]) -> str | None:
    if found["command"] is not None:
        return wording.command(found["command"])
    if found["operation"] is not None:
        known = {alias: each for each in load().values() for alias in (each.name, each.tool_name)}
        operation = known.get(found["operation"])
        return found[0] if operation is None else wording.operation(operation)
    return found[0] if found["option"] is None else wording.option(found["option"])


def _what_can_be_done(sentence: str) -> str:
    """A sentence without its clauses that need what is not there."""
    if _NOTHING not in sentence:
        return sentence
    kept = ""
    for separator, clause in re.findall(r"(^|[;,] )((?:(?![;,] ).)+)", sentence.rstrip("."), re.DOTALL):
        if _NOTHING not in clause:
            kept += separator + clause if kept else _CONJUNCTION.sub("", clause, count=1)
    return f"{kept[0].upper()}{kept[1:]}." if kept else ""
