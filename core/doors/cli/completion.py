"""`wzp completion`: the shell's own script for completing our commands, and the answers that it asks us for."""

from typing import Any, Final

import click
from click.shell_completion import get_completion_class

from core.doors.cli.context import Run, common_options

SHELLS: Final = ("bash", "zsh", "fish")


@click.command("completion", short_help="Print the script that completes commands in a shell.")
@click.argument("shell", type=click.Choice(SHELLS))
@common_options
@click.pass_obj
def command(run: Run, shell: str) -> None:
    """Print the script that completes wzp and wezterm-parallel in a shell.

    \b
    bash:  eval "$(wzp completion bash)"            in ~/.bashrc
    zsh:   eval "$(wzp completion zsh)"             in ~/.zshrc, after compinit
    fish:  wzp completion fish > ~/.config/fish/completions/wzp.fish
    """
    from core.doors.cli.program import NAMES

    script = "\n".join(_completer(click.Command(name), name, shell).source() for name in NAMES)
    run.put({"shell": shell, "script": script}, script)


def complete(root: click.Command, name: str, instruction: str) -> int:
    """Answer a shell's question; the exit code. `instruction` is click's: `bash_complete`, …"""
    shell = instruction.partition("_")[0]
    if shell not in SHELLS:
        return 1
    run = Run()
    try:
        click.echo(_completer(root, name, shell, run).complete())
    finally:
        run.close()
    return 0


def _completer(root: click.Command, name: str, shell: str, run: Run | None = None) -> Any:
    kind = get_completion_class(shell)
    if kind is None:
        raise AssertionError(f"click completes no {shell}")
    variable = f"_{name.upper().replace('-', '_')}_COMPLETE"
    return kind(root, {"obj": run}, name, variable)
