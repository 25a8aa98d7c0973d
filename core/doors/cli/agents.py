"""`wzp agents`: connect agents' clients to the board, and check that the connection works."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import click

from core.agents.clients import Change, Check, Client, Place, Scope, Verdict, changes, examine, is_installed, write
from core.doors.cli.context import Run, common_options
from core.errors import PermissionDenied
from core.places import present_directory
from core.rooms import project_of
from core.text import block_for_screen, for_screen
from storage import Role, Room


@click.group("agents")
@common_options
def command() -> None:
    """Connect the clients of agents (Claude Code, Codex, Cursor) to the board."""


@command.command("install")
@click.option(
    "--client",
    "clients",
    type=click.Choice([each.value for each in Client]),
    multiple=True,
    required=True,
    help="Which; again for several.",
)
@click.option(
    "--scope",
    type=click.Choice([each.value for each in Scope]),
    default=Scope.PROJECT.value,
    show_default=True,
    help="For this project, or for all that you work on.",
)
@click.option("--dry-run", is_flag=True, help="Show what would change, and write nothing.")
@click.option("--uninstall", is_flag=True, help="Take out what was put in.")
@common_options
@click.pass_obj
def install(run: Run, clients: Sequence[str], scope: str, dry_run: bool, uninstall: bool) -> None:
    """Write our MCP server and hooks into a client's configuration.

    What else stands there stays. Files that change are kept in the home's trash first. No file ever names an agent or
    a token: set WZP_AGENT where you start the client.
    """  # fmt: skip
    if run.actor().role < Role.OWNER:
        raise PermissionDenied("Clients are connected by the person; you are an agent.", "Ask the person.")
    project = project_of(present_directory())
    planned = [
        change
        for client in dict.fromkeys(clients)
        for change in changes(Place(Client(client), Scope(scope), project), remove=uninstall)
    ]
    planned = [change for change in planned if change.is_change]
    kept = None
    if not dry_run:
        if not uninstall:
            run.home.create()  # hooks write into no home that is not there
        kept = write(run.home, planned)
    run.put(
        {
            "written": not dry_run, "kept": str(kept) if kept else None,
            "changes": [{"path": str(each.path), "difference": each.difference} for each in planned],
        },
        lambda: _told(planned, kept, dry_run=dry_run),
    )  # fmt: skip
    if not dry_run and not uninstall:
        for path in _to_be_committed(project, planned):
            run.warn(
                f"{path} names this machine's Python, and git would commit it. To keep it out: "
                f"echo /{path.relative_to(project)} >> {project / '.git/info/exclude'}"
            )


@command.command("doctor")
@click.option(
    "--client",
    "clients",
    type=click.Choice([each.value for each in Client]),
    multiple=True,
    help="Which; all if omitted.",
)
@common_options
@click.pass_obj
def doctor(run: Run, clients: Sequence[str]) -> int:
    """Check that clients reach us: configuration, server, hooks, last sign of life. Exits 1 where something fails.

    The server and the hook are started just as the client would, in a home of their own.
    """
    project = project_of(present_directory())
    checks = examine(run.home, project, [Client(client) for client in clients] or _connected(project))
    room = run.find_room() if run.home.database.exists() else None
    fails = any(check.verdict is Verdict.FAIL for check in checks)
    run.put(
        {
            "ok": not fails, "room": room.name if room else None,
            "checks": [
                {"client": each.client, "subject": each.subject, "verdict": each.verdict, "message": each.message,
                 "hint": each.hint}
                for each in checks
            ],
        },
        lambda: "\n".join(
            [
                _told_room(project, room),
                *(map(_line, checks) if checks else ["fail  No client is connected. See wzp agents install --help."]),
            ]
        ),
    )  # fmt: skip
    return int(fails or not checks)


def _connected(project: Path) -> list[Client]:
    """The clients in whose configuration we stand, in either scope."""
    return [each for each in Client if any(is_installed(Place(each, scope, project)) for scope in Scope)]


def _told(planned: Sequence[Change], kept: Path | None, *, dry_run: bool) -> str:
    if not planned:
        return "Nothing to change."
    if dry_run:
        return block_for_screen("".join(change.difference for change in planned))
    lines = [f"{'Removed' if change.removes else 'Wrote'} {for_screen(str(change.path))}" for change in planned]
    if kept:
        lines.append(f"What they were before lies in {for_screen(str(kept))}")
    return "\n".join(lines)


def _told_room(project: Path, room: Room | None) -> str:
    where = for_screen(str(project))
    if room is not None:
        return f"ok    room: {for_screen(room.name)} stands for {where}"
    return f"warn  room: none stands for {where}; agents there find none\n      → Create one: wzp room create NAME"


def _line(check: Check) -> str:
    told = f"{check.verdict:<4}  {check.client:<6}  {check.subject}: {for_screen(check.message)}"
    return f"{told}\n      → {for_screen(check.hint)}" if check.hint else told


def _to_be_committed(project: Path, planned: Sequence[Change]) -> list[Path]:
    """Those of the changed files that lie in the project and that git would take into a commit."""
    inside = [change.path for change in planned if change.path.is_relative_to(project)]
    if not inside or not (project / ".git").exists():
        return []
    ignored = subprocess.run(
        ["git", "-C", str(project), "check-ignore", "--", *map(str, inside)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.splitlines()
    return [path for path in inside if str(path) not in ignored]
