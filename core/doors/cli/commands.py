"""A click command from an operation's declaration: its words and options from the signature, its help from the docs."""

import re
import sys
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Final

import click
from click.core import ParameterSource

from core.doors.cli import words
from core.doors.cli.context import Run, common_parameters, put_json
from core.operation import Item, Line, Operation, Parameter, Text, bare_type, is_optional

_TOLD: Final = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)

_SPELT: Final = {"expected_version": "if-version", "expected_versions": "if-version"}
"""Options whose name says more to a person than the parameter's."""


class OperationCommand(click.Command):
    """The command that calls one operation."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        own = [_parameter_for(operation, each) for each in operation.parameters]
        more = [*(_call_options() if operation.changes else []), *common_parameters()]
        if operation.settles:
            from core.doors.cli import settling

            more = [*settling.options(), *more]
        super().__init__(
            operation.command.split()[-1],
            params=[*own, *more],
            callback=self._call,
            help=_help_of(operation),
            short_help=operation.summary.partition(". ")[0].rstrip(".") + ".",
        )

    def _call(self, **told: Any) -> None:
        context = click.get_current_context()
        run = context.ensure_object(Run)
        reason, key = told.pop("reason", None), told.pop("idempotency_key", None)
        self._waits, self._timeout_s = not told.pop("no_wait", False), told.pop("timeout", 0)
        arguments = self._arguments(context, told)
        lines = self._lines_from_stdin(arguments)
        if lines is None:
            self._call_once(run, arguments, reason, key)
            return
        name, texts = lines
        for number, text in enumerate(texts, start=1):
            self._call_once(run, {**arguments, name: text}, reason, f"{key}:{number}" if key else None)

    def _call_once(self, run: Run, arguments: Mapping[str, Any], reason: str | None, key: str | None) -> None:
        outcome = run.call(self.operation, arguments, reason=reason, key=key)
        shaped = outcome.shaped
        for warning in outcome.warnings:
            run.warn(warning)
        if self.operation.settles:
            from core.doors.cli.settling import settled

            shaped = settled(run, shaped, waits=self._waits, timeout_s=self._timeout_s)
        elif self.operation.module == "run" and self.operation.changes:
            from core.doors.cli.queueing import see_to_host

            see_to_host(run)
        if run.wants_json:
            put_json(shaped)
        else:
            from core.doors.cli.drawing import draw

            run.put(None, draw(self.operation, shaped))

    def _arguments(self, context: click.Context, told: Mapping[str, Any]) -> dict[str, Any]:
        """What was given on the command line, and nothing else: an operation's defaults are its own."""
        arguments: dict[str, Any] = {}
        for parameter in self.operation.parameters:
            value = told[parameter.name]
            if context.get_parameter_source(parameter.name) in _TOLD:
                if words.is_repeated(parameter.annotation):
                    value = words.joined(parameter.annotation, value)
                arguments[parameter.name] = None if value is words.CLEARED else value
            elif parameter.is_required:  # a text that was not given as a word
                arguments[parameter.name] = self._piped(context, parameter)
        return arguments

    def _piped(self, context: click.Context, parameter: Parameter) -> str:
        if sys.stdin is None or sys.stdin.isatty():
            own = next(each for each in self.params if each.name == parameter.name)
            raise click.MissingParameter(ctx=context, param=own)
        return words.read_stdin()

    def _lines_from_stdin(self, arguments: Mapping[str, Any]) -> tuple[str, Sequence[str]] | None:
        """The parameter that takes a call a line, and the lines, where its word is `-`."""
        taker = _line_parameter(self.operation)
        if taker is None or arguments.get(taker.name) != words.STDIN:
            return None
        return taker.name, [line for line in words.read_stdin().splitlines() if line.strip()]


def _line_parameter(operation: Operation) -> Parameter | None:
    """What a change is made of line by line: its first argument, if that is a line."""
    first = operation.parameters[0] if operation.parameters else None
    takes_lines = operation.changes and first is not None and first.is_required and first.annotation is Line
    return first if takes_lines else None


def _parameter_for(operation: Operation, parameter: Parameter) -> click.Parameter:
    if bare_type(parameter.annotation) is bool:
        flag = [f"--{_dashed(parameter.name)}", parameter.name]
        return click.Option(flag, is_flag=True, help=_option_help(parameter))
    word = _word_for(parameter)
    is_several = words.is_repeated(parameter.annotation)
    if parameter.is_positional:
        reads_stdin = bare_type(parameter.annotation) is Text
        return click.Argument(
            [parameter.name], type=word, nargs=-1 if is_several else 1,
            required=parameter.is_required and not reads_stdin,
            metavar=_metavar(operation, parameter, word, is_several),
        )  # fmt: skip
    return click.Option(
        [*_spellings(parameter, is_several), parameter.name], type=word, multiple=is_several,
        metavar=word.name, help=_option_help(parameter),
    )  # fmt: skip


def _word_for(parameter: Parameter) -> words.Word:
    # an empty word takes a field's value away, but `--if-version "$UNSET"` must not mean that nothing is checked
    can_be_cleared = parameter.is_required or parameter.default is not None
    if parameter.is_positional and typing.get_args(parameter.annotation)[:1] == (Item,):
        return words.ARGUMENT
    return words.word_for(parameter.annotation if can_be_cleared else bare_type(parameter.annotation))


def _metavar(operation: Operation, parameter: Parameter, word: words.Word, is_several: bool) -> str:
    types = [bare_type(each.annotation) for each in operation.parameters if each.is_positional]
    is_plain = bare_type(parameter.annotation) in (Line, Text) or types.count(types[0]) > 1 or word is words.ARGUMENT
    name = parameter.name.upper() if is_plain else word.noun
    name = f"{name}..." if is_several else name
    is_needed = parameter.is_required and bare_type(parameter.annotation) is not Text
    return name if is_needed else f"[{name}]"


def _spellings(parameter: Parameter, is_several: bool) -> list[str]:
    """The names of an option: `--label` and `--labels` for `labels`, `--estimate` too for `estimate_minutes`."""
    name = _SPELT.get(parameter.name, _dashed(parameter.name))
    names = [_singular(name), name] if is_several else [name]
    if name.endswith("-minutes"):
        names.append(name.removesuffix("-minutes"))
    return [f"--{each}" for each in dict.fromkeys(names)]


def _singular(name: str) -> str:
    if name.endswith("ies"):
        return name[:-3] + "y"
    if name.endswith("ches"):
        return name[:-2]
    return name.removesuffix("s") if not name.endswith(("ss", "us")) else name


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def _option_help(parameter: Parameter) -> str:
    text = parameter.help.rstrip(".")
    if is_optional(parameter.annotation) and parameter.default is not None:
        text = f"{text}; clear it with none" if text else "clear it with none"
    if words.is_repeated(parameter.annotation):
        is_whole = isinstance(words.word_for(parameter.annotation), words.Whole)
        several = "repeatable" if is_whole else "repeatable, or separated by commas"
        text = f"{text}; {several}" if text else several
    if type(parameter.default) is int and parameter.default and "omitted" not in text:
        text = f"{text}; {parameter.default} if omitted" if text else f"{parameter.default} if omitted"
    return text[:1].upper() + text[1:] + "." if text else ""


def _help_of(operation: Operation) -> str:
    """The docstring up to its arguments, the positional arguments' own lines, and the errors left out."""
    import inspect

    document = inspect.getdoc(operation.function) or ""
    paragraphs = [re.split(r"(?:^|\n)(?:Args|Raises|Returns):\n", document)[0].strip()]
    lines = [f"{each.name.upper()}: {each.help}" for each in operation.parameters if each.is_positional and each.help]
    choices = [words.word_for(each.annotation) for each in operation.parameters if each.is_positional]
    lines += [f"{each.noun}: {each.name.strip('[]').replace('|', ', ')}." for each in choices if each.noun != each.name]
    if (taker := _line_parameter(operation)) is not None:
        lines.append(f"{taker.name.upper()}: with - each line of stdin makes one, in order, until one is refused.")
    if any(each.is_positional and bare_type(each.annotation) is Text for each in operation.parameters):
        lines.append("What is not given as an argument, or given as -, is read from stdin.")
    if lines:
        paragraphs.append("\b\n" + "\n".join(lines))
    return "\n\n".join(paragraphs)


def _call_options() -> list[click.Parameter]:
    return [
        click.Option(["--reason"], type=words.word_for(Line), metavar="TEXT", help="Why; it stands in the history."),
        click.Option(
            ["--key", "idempotency_key"], type=words.word_for(Line), metavar="KEY",
            help="A repeated call with this key changes nothing and gives the first one's result. Kept 7 days.",
        ),
    ]  # fmt: skip
