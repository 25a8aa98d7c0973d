"""Around the whole program: every exception becomes a message and an exit code, never a traceback.

ParallelError its own code, click's usage errors 2, Ctrl+C 130, anything else 1 with its traceback in the log.
"""

import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, Final

import click

from core.doors.cli.context import Run, put_json, put_text
from core.text import for_screen
from storage import ParallelError, format_time, utc_now

USAGE: Final = 2
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141
"""128 + SIGPIPE: what a shell reports of a program whose reader has gone."""


def run_guarded(act: Callable[[Run], int | None], run: Run) -> int:
    """Call `act` with `run`; the exit code. Every exception becomes a message and a code, never a traceback."""
    try:
        code = act(run) or 0
        sys.stdout.flush()
    except ParallelError as error:
        return _report(run, error.exit_code, _in_commands(run.shape(error)))
    except click.exceptions.Exit as ending:
        return ending.exit_code
    except click.ClickException as error:
        return _report_usage(run, error)
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        _silence_stdout()
        return BROKEN_PIPE
    except Exception as error:
        return _report_unexpected(run, error)
    finally:
        _close_quietly(run)
    return code


def _in_commands(wire: dict[str, Any]) -> dict[str, Any]:
    from core.doors.hints import COMMANDS, hint_for, message_for

    return {**wire, "message": message_for(COMMANDS, wire["message"]), "hint": hint_for(COMMANDS, wire["hint"])}


def _report(run: Run, code: int, wire: dict[str, Any]) -> int:
    for name in ("message", "hint"):  # what was typed may be no Unicode at all
        wire[name] = wire[name].encode("utf-8", "backslashreplace").decode()
    try:
        if run.wants_json:
            put_json(wire, to=sys.stderr)
        else:
            hint = for_screen(wire["hint"])
            put_text(f"wzp: {for_screen(wire['message'])}" + (f"\n     {hint}" if hint else ""), to=sys.stderr)
    except BrokenPipeError:
        _silence_stdout()
    return code


def _report_usage(run: Run, error: click.ClickException) -> int:
    context = getattr(error, "ctx", None)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        if not run.wants_json:
            put_text(error.format_message(), to=sys.stderr)
            return USAGE
        message = "A command is missing."
    else:
        message = error.format_message()
    path = context.command_path if context is not None else "wzp"
    is_bad_value = isinstance(error, click.BadParameter) and not isinstance(error, click.MissingParameter)
    code = "invalid_data" if is_bad_value else "usage"
    shape = {"code": code, "message": message, "hint": f"See {path} --help."}
    return _report(run, USAGE, shape)


def _report_unexpected(run: Run, error: Exception) -> int:
    log = run.home.logs / "wzp.log"
    noted = f"The traceback is in {log}."
    try:
        run.home.create()
        with open(log, "a", encoding="utf-8", errors="backslashreplace", opener=_private) as file:
            file.write(f"{format_time(utc_now())} pid {os.getpid()}\n{''.join(traceback.format_exception(error))}\n")
    except OSError as refusal:
        noted = f"The traceback could not be written to {log}: {refusal.strerror}."
    message = f"Something unexpected happened: {type(error).__name__}: {error}"
    return _report(run, 1, {"code": "unexpected", "message": message, "hint": noted})


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _close_quietly(run: Run) -> None:
    try:
        run.close()
    except ParallelError as error:
        put_text(f"wzp: {for_screen(error.message)}", to=sys.stderr)


def _silence_stdout() -> None:
    """Let the interpreter's last flush go nowhere, instead of complaining about the reader that has gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
