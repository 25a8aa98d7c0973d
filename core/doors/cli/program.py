"""The program: the tree of commands, grown as far as a call needs it, and the way through it to an exit code."""

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from itertools import takewhile
from typing import Any, Final

import click

from core.doors.cli.context import OpenApp, Run, common_parameters
from core.doors.cli.guard import run_guarded
from core.operation import Operation
from core.version import VERSION

DOOR: Final = "cli"

BY_HAND: Final = {
    "open": "core.doors.cli.launch",
    "watch": "core.doors.cli.watch",
    "mcp": "core.doors.cli.mcp",
    "import": "core.doors.cli.transfer",
    "export": "core.doors.cli.transfer",
    "backup": "core.doors.cli.backup",
    "serve": "core.doors.cli.serve",
    "demo": "core.doors.cli.demo",
    "agents": "core.doors.cli.agents",
    "top": "core.doors.cli.top",
    "logs": "core.doors.cli.logs",
    "attach": "core.doors.cli.attach",
    "send": "core.doors.cli.attach",
    "completion": "core.doors.cli.completion",
}
"""Commands that are not one operation: each module exports `command`, or `import_command` and `export_command`."""

NAMES: Final = ("wzp", "wezterm-parallel")


class Grown(click.Group):
    """A group whose commands are made when they are asked for."""

    def __init__(
        self, name: str, words: Callable[[], Sequence[str]], grow: Callable[[str], click.Command | None], **more: Any
    ) -> None:
        super().__init__(name, **more)
        self._words = words
        self._grow = grow

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The words, in the order in which help shows them."""
        return list(self._words())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of a word."""
        return self._grow(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first word names.

        Raises:
            click.UsageError: there is none; names the nearest.
        """
        if not ctx.resilient_parsing and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], self.list_commands(ctx), 1)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"There is no command {ctx.command_path} {args[0]!r}.{meant}", ctx)
        return super().resolve_command(ctx, args)


def run(arguments: Sequence[str], open_app: OpenApp | None = None) -> int:
    """Carry out one command line; the exit code. `open_app` opens the board for those who ask for it."""
    _stand_in_for_closed_streams()
    for name in NAMES:
        if instruction := os.environ.get(f"_{name.upper().replace('-', '_')}_COMPLETE"):
            from core.doors.cli.completion import complete

            return complete(root(), name, instruction)
    wants_json = "--json" in takewhile(lambda word: word != "--", arguments)
    return run_guarded(lambda run: _carry_out(run, list(arguments)), Run(wants_json=wants_json, open_app=open_app))


def _stand_in_for_closed_streams() -> None:
    """A stream that the caller has closed (`>&-`) takes what is written and gives nothing, and is no error."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull)  # noqa: PTH123, SIM115
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: PTH123, SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: PTH123, SIM115


def _carry_out(run: Run, arguments: list[str]) -> int:
    command = root()
    with command.make_context(NAMES[0], arguments, obj=run) as context:
        code = command.invoke(context)
    return code if isinstance(code, int) else 0


def root() -> click.Group:
    """The tree's root; alone, it opens the board."""

    def alone(version: bool) -> int | None:
        context = click.get_current_context()
        if version:
            context.ensure_object(Run).put({"version": VERSION}, f"wezterm-parallel {VERSION}")
            raise click.exceptions.Exit(0)
        if context.invoked_subcommand is not None:
            return None
        from core.doors.cli.launch import open_board

        return open_board(context.ensure_object(Run))

    return Grown(
        NAMES[0],
        _top_words,
        _top_command,
        callback=alone,
        invoke_without_command=True,
        params=[*common_parameters(), click.Option(["--version"], is_flag=True, help="Print the version.")],
        help="Mission control for parallel development in WezTerm.\n\n"
        "Alone, it opens the board of the current directory's room.",
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )


def _top_words() -> list[str]:
    from core.operations import load

    groups = dict.fromkeys(each.command.split()[0] for each in load().values() if DOOR not in each.not_at)
    return [*groups, *BY_HAND]


def _top_command(word: str) -> click.Command | None:
    if word in BY_HAND:
        module = import_module(BY_HAND[word])
        found: click.Command = getattr(module, f"{word}_command", None) or module.command
        return found
    operations = _operations_under(word)
    if not operations:
        return None
    if word in operations:
        return _command(operations[word])
    by_verb = {command.split(maxsplit=1)[1]: each for command, each in operations.items()}
    return Grown(
        word,
        lambda: tuple(by_verb),
        lambda verb: _command(by_verb[verb]) if verb in by_verb else None,
        params=common_parameters(),
        help=_summary_of(next(iter(operations.values())).module),
    )


def _operations_under(word: str) -> dict[str, Operation]:
    """The operations whose command is `word` or begins with it, by command. Imports no more modules than it must."""
    from core.operations import load, modules_under

    loaded = load(*modules_under(word))
    return {
        each.command: each for each in loaded.values() if DOOR not in each.not_at and each.command.split()[0] == word
    }


def _command(operation: Operation) -> click.Command:
    from core.doors.cli.commands import OperationCommand

    if operation.name == "trust_room":  # it shows what is approved
        from core.doors.cli.trust import TrustCommand

        return TrustCommand(operation)
    return OperationCommand(operation)


def _summary_of(module: str) -> str:
    document: str = import_module(f"core.operations.{module}").__doc__ or ""
    return document.partition("\n")[0]
