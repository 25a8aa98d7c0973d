"""`wzp backup`: make, list, verify and restore backups of the whole home."""

import sys
from pathlib import Path
from typing import Any

import click

from core.doors.cli.context import Run, common_options
from core.errors import PermissionDenied
from core.text import for_screen
from storage import (
    Backup,
    Restored,
    Restorer,
    Role,
    create_backup,
    events_since,
    find_backup,
    list_backups,
    restore_backup,
    to_wire,
    verify_backup,
)  # fmt: skip


@click.group("backup")
@common_options
def command() -> None:
    """Back up the store of this home, with all its rooms, and bring a backup back."""


@command.command("create")
@click.option("--reason", default="by hand", metavar="TEXT", help="Why, for the list.")
@common_options
@click.pass_obj
def create(run: Run, reason: str) -> None:
    """Make a backup and prove that it restores. Nobody has to stop working."""
    backup = create_backup(run.home, reason)
    run.put(to_wire(backup), f"Backed up {_what(backup)} as {backup.id}; verified. It lies in {_path(backup.path)}.")


@command.command("list")
@common_options
@click.pass_obj
def show(run: Run) -> None:
    """List the backups, newest first."""
    backups = list_backups(run.home)
    run.put([to_wire(backup) for backup in backups], lambda: _table(backups))


@command.command("verify")
@click.argument("backup", default="latest")
@common_options
@click.pass_obj
def verify(run: Run, backup: str) -> None:
    """Restore BACKUP (an id, the end of one, or `latest`) into a scratch file and compare."""
    checked = verify_backup(run.home, find_backup(run.home, backup))
    run.put(to_wire(checked), f"{checked.id} is sound: it restores to {_what(checked)}.")


@command.command("restore")
@click.argument("backup")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@click.option("--reason", metavar="TEXT", help="Why, for the history.")
@common_options
@click.pass_obj
def restore(run: Run, backup: str, yes: bool, reason: str | None) -> None:
    """Make all rooms what they were at BACKUP (an id, the end of one, or `latest`).

    What there is now is backed up first, so that you can return. Programs that have the board open go on with what is
    restored. A person at a terminal is asked first; a script is taken at its word.
    """
    actor = run.actor()
    if actor.role < Role.OWNER:
        raise PermissionDenied(f"Restoring needs the role owner; you are {actor.role}.", "Ask the person.")
    chosen = find_backup(run.home, backup)
    if not yes and sys.stdin is not None and sys.stdin.isatty():
        _confirm(run, chosen)
    restored = restore_backup(
        run.home, chosen.id, Restorer(name=actor.name, door=actor.door, kind=actor.kind, reason=reason)
    )
    run.put(_wire(restored), lambda: _told(restored))


def _confirm(run: Run, backup: Backup) -> None:
    lost = events_since(run.home, backup)
    what = {
        None: "The present database cannot be read; it will be kept in the trash.",
        0: "Nothing has changed since it was made.",
        1: "1 change since then will be taken back.",
    }.get(lost, f"{lost} changes since then will be taken back.")
    click.echo(
        f"{backup.id} of {_when(backup)}: {_what(backup)}.\n{what} What there is now is backed up first.", err=True
    )
    click.confirm("Restore it?", abort=True, err=True)


def _told(restored: Restored) -> str:
    lines = [f"Restored {_what(restored.backup)} from {restored.backup.id}, made {_when(restored.backup)}."]
    if restored.safety is not None:
        lines.append(f"Taken back: {restored.events_lost} events. To return: wzp backup restore {restored.safety.id}")
    elif restored.trash is not None:
        lines.append(f"The damaged files are kept in {_path(restored.trash)}.")
        lines.append("Programs that had the damaged board open must be started again.")
    return "\n".join(lines)


def _wire(restored: Restored) -> dict[str, Any]:
    return {
        "backup": to_wire(restored.backup),
        "safety": None if restored.safety is None else to_wire(restored.safety),
        "trash": restored.trash,
        "events_lost": restored.events_lost,
        "last_sequence": restored.last_sequence,
    }


def _table(backups: list[Backup]) -> str:
    if not backups:
        return "No backups yet. Make one: wzp backup create."
    from core.doors.cli.table import GREEN, RED, Cell, table

    rows = [
        [
            Cell(backup.id),
            Cell(_when(backup)),
            Cell(str(backup.task_count)),
            Cell(_size(backup.size_bytes)),
            Cell("verified", GREEN) if backup.verified else Cell("DAMAGED", RED),
            Cell(for_screen(backup.reason)),
        ]
        for backup in backups
    ]
    return table(["BACKUP", "MADE", "TASKS", "SIZE", "STATE", "REASON"], rows, flexible=5)


def _what(backup: Backup) -> str:
    return f"{backup.task_count} {'task' if backup.task_count == 1 else 'tasks'} at event {backup.last_sequence}"


def _when(backup: Backup) -> str:
    return backup.created_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1024:.0f} kB" if size_bytes < 1024 * 1024 else f"{size_bytes / 1024 / 1024:.1f} MB"


def _path(path: str) -> str:
    return for_screen(str(Path(path)))
