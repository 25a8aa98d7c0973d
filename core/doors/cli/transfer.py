"""`wzp import` and `wzp export`: boards from elsewhere, and boards to take away."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from core.doors.cli.context import Run, common_options, put_text
from core.doors.cli.words import STDIN, read_stdin
from core.errors import InvalidData
from core.text import for_screen

FORMATS: Final = ("taskmaster", "backlog", "csv", "json")
EXPORTS: Final = ("json", "csv", "md")
SHOWN: Final = 20
"""Lines of what could not be mapped that a person is shown; `--json` tells all."""


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--from", "source", type=click.Choice(FORMATS), help="What it is; found out if omitted.")
@click.option("--dry-run", is_flag=True, help="Only say what would come, and what has no place here.")
@click.option("--yes", is_flag=True, help="Do not ask first; without a terminal nobody is asked.")
@click.option("--reason", metavar="TEXT", help="Why, for the history.")
@click.option("--key", metavar="KEY", help="Idempotency key: the same call twice imports once.")
@common_options
@click.pass_obj
def import_command(
    run: Run, file: Path, source: str | None, dry_run: bool, yes: bool, reason: str | None, key: str | None
) -> None:
    """Import the board in FILE: a tasks.json of Task Master, a Backlog.md folder, a CSV, our own JSON.

    A summary comes first. All is imported or nothing, as one change: `wzp undo` archives it again.
    """
    from core.transfer import SourceFormat, read_board

    chosen = SourceFormat(source) if source else None
    text = read_stdin() if str(file) == STDIN else None
    board = read_board(Path("stdin") if text is not None else file, chosen, text=text)
    arguments = {"board": board}
    asks = not yes and sys.stdin.isatty()
    if dry_run or asks:
        planned = run.call("preview_import", arguments).shaped
        if dry_run:
            run.put({**planned, "dry_run": True}, lambda: _told(planned, "Would import") + "\nNothing was changed.")
            return
        put_text(_told(planned, "Will import"), to=sys.stderr)
        click.confirm(f"Import into room {for_screen(run.room.name)}?", abort=True, err=True)
    outcome = run.call("import_board", arguments, reason=reason, key=key)
    for warning in outcome.warnings:
        run.warn(warning)
    done = {**outcome.shaped, "dry_run": False, "change": outcome.change}
    run.put(done, lambda: _told(outcome.shaped, "Imported") + "\nTo take it back: wzp undo")


@click.command("export")
@click.option("--format", "format", type=click.Choice(EXPORTS), help="As what; told by FILE's ending if omitted.")
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Where to; stdout if omitted.")
@click.option("--all", "archived", is_flag=True, help="Tell the archive in Markdown too; JSON and CSV always do.")
@common_options
@click.pass_obj
def export_command(run: Run, format: str | None, output: Path | None, archived: bool) -> None:
    """Write the board down. JSON and CSV are complete: `wzp import` makes an equal board of them."""
    from core.transfer import ExportFormat
    from storage import write_atomically

    ending = output.suffix.lower().lstrip(".") if output else ""
    kind = ExportFormat(format or (ending if ending in EXPORTS else "json"))
    text = run.call("export_board", {"format": kind, "archived": archived}).value.text
    if output is None or str(output) == STDIN:
        put_text(text)
        return
    try:
        write_atomically(output, text.encode(), mode=0o644)
    except OSError as error:
        raise InvalidData(f"{output} cannot be written: {error.strerror}.", "Name another file with -o.") from error
    run.put({"path": str(output), "format": kind.value}, f"Wrote the board to {for_screen(str(output))}.")


def _told(summary: Mapping[str, Any], verb: str) -> str:
    columns = ", ".join(f"{count} {status}" for status, count in summary["columns"].items())
    lines = [
        f"{verb} {_count(summary['tasks'], 'task')} and {_count(summary['comments'], 'comment')} "
        f"from {for_screen(summary['source'])} ({summary['format']})" + (f": {columns}." if columns else ".")
    ]
    if summary["new_agents"]:
        lines.append(f"New agents: {', '.join(map(for_screen, summary['new_agents']))}.")
    if numbers := summary["numbers"]:
        shown = [f"{for_screen(key)} as #{number}" for key, number in list(numbers.items())[:SHOWN]]
        lines.append(f"New numbers: {', '.join(shown)}{_rest(len(numbers))}.")
    lines += _gaps(summary["unmapped"])
    return "\n".join(lines)


def _gaps(unmapped: Sequence[Mapping[str, Any]]) -> list[str]:
    if not unmapped:
        return ["Everything found its place."]
    counts = Counter((each["field"], each["why"]) for each in unmapped)
    lines = [f"Without a place here ({len(unmapped)}; all of them with --json):"]
    told: Counter[tuple[str, str]] = Counter()
    for each in unmapped[:]:
        kind = (each["field"], each["why"])
        told[kind] += 1
        if told[kind] > 3 or len(lines) > SHOWN:
            continue
        more = f" (and {counts[kind] - 3} more)" if told[kind] == 3 and counts[kind] > 3 else ""
        value = for_screen(each["value"])[:60]
        what = f"{each['field']} {value!r}" if value else each["field"]
        lines.append(f"  {for_screen(each['item'])}: {for_screen(what)}: {for_screen(each['why'])}{more}")
    return lines


def _rest(count: int) -> str:
    return f" and {count - SHOWN} more" if count > SHOWN else ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
