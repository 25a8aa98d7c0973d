"""`wzp room trust`: shows what a room.yaml says and what approving it would change, asks, approves what was shown."""

import sys
from collections.abc import Mapping
from typing import Any

import click

from core.doors.cli.commands import OperationCommand
from core.doors.cli.context import Run, put_text
from core.doors.cli.table import BOLD, DIM, GREEN, RED, YELLOW, styled
from core.errors import NotFound, PermissionDenied
from core.operation import Operation
from core.processes.room_file import content_hash, read_room_file, room_file
from core.text import block_for_screen, for_screen
from storage import Role


class TrustCommand(OperationCommand):
    """The command of the operation that approves a room.yaml; its hash may be left to what it shows."""

    def __init__(self, operation: Operation) -> None:
        super().__init__(operation)
        for parameter in self.params:
            if parameter.name == "hash":
                parameter.required = False
                parameter.metavar = "[HASH]"
        show = click.Option(["--show"], is_flag=True, help="Show the content and what would change; approve nothing.")
        self.params.insert(1, show)
        self.help = (
            "Approve what the room's room.yaml declares, and start what it starts by itself.\n\n"
            "Shows the file and asks, where there is a terminal; a script is taken at its word, and pins what it means "
            "with HASH, the SHA-256 of the content. Only the person approves, no agent."
        )

    def _call(self, **told: Any) -> None:
        run = click.get_current_context().ensure_object(Run)
        if told.pop("show"):
            _show(run)
            return
        super()._call(**told)

    def _arguments(self, context: click.Context, told: Mapping[str, Any]) -> dict[str, Any]:
        return {"hash": told["hash"] or _seen(context.ensure_object(Run))}

    def _lines_from_stdin(self, arguments: Mapping[str, Any]) -> None:  # noqa: ARG002  a hash is no list
        return None


def _seen(run: Run) -> str:
    """The hash of the present content, which the person has seen and agreed to where there is one to ask."""
    if run.actor(run.room).role < Role.OWNER:
        raise PermissionDenied("A room.yaml is approved by the person; you are an agent.", "Ask the person.")
    content = _content(run)
    is_known = content_hash(content) == run.room.trusted_hash
    is_asked = not is_known and sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()
    if is_asked:
        put_text(_described(run, content), to=sys.stderr)
    from core.processes.declaration import read_declarations

    # what is broken is not asked about; and no writer has to wait while it is read, since it is known afterwards
    read_declarations(content, run.room.root)
    if is_asked:
        click.confirm("Approve it?", default=False, abort=True, err=True)
    return content_hash(content)


def _content(run: Run) -> bytes:
    content = read_room_file(run.room)
    if content is None:
        raise NotFound(f"There is no {room_file(run.room)}.", "Write it; docs/processes.md shows how.")
    return content


def _show(run: Run) -> None:
    content = _content(run)
    run.put(
        {
            "path": str(room_file(run.room)), "hash": content_hash(content),
            "approved": run.room.trusted_hash == content_hash(content),
            "content": content.decode("utf-8", "replace"), "problems": _problems(run, content),
        },
        lambda: _described(run, content),
    )  # fmt: skip


def _problems(run: Run, content: bytes) -> list[dict[str, Any]]:
    from core.processes.declaration import BrokenDeclarations, read_declarations

    try:
        read_declarations(content, run.room.root)
    except BrokenDeclarations as error:
        return list(error.details["problems"])
    return []


def _described(run: Run, content: bytes) -> str:
    """The content, escaped, and below it what is wrong with it or what approving it would do."""
    present = content_hash(content)
    approved = run.room.trusted_hash == present
    state = styled("approved", GREEN) if approved else styled("not approved", YELLOW)
    # whole, since it is what `wzp room trust HASH` takes: a person approves in a script what was looked at here
    head = f"{styled(for_screen(str(room_file(run.room))), BOLD)}  {state}\n{styled(f'sha256 {present}', DIM)}"
    body = block_for_screen(content.decode("utf-8", "replace")).rstrip("\n")
    if problems := _problems(run, content):
        told = [
            f"{styled('line {line}, column {column}'.format(**each), RED)}: "
            f"{for_screen(each['message'])} {for_screen(each['hint'])}"
            for each in problems
        ]
        return "\n".join([head, "", body, "", *told])
    return "\n".join([head, "", body, "", *_changes(run, content)])


def _changes(run: Run, content: bytes) -> list[str]:
    """What approving would do, a line a process."""
    from core.processes.declaration import read_declarations
    from core.processes.declare import starts_anew

    with run.database.read() as rows:
        present = {each.name: each for each in rows.processes(run.room.id)}
    lines, declared = [], set()
    from core.processes.declare import instance_name

    for each in read_declarations(content, run.room.root).processes:
        names = [instance_name(each.name, number) for number in range(1, each.instances + 1)]
        declared.update(names)
        new = [name for name in names if name not in present]
        changed = [name for name in names if name in present and present[name].spec != each.spec]
        if new:
            starts = "starts" if each.spec.autostart else "does not start by itself"
            lines.append(f"{styled('new', GREEN)}      {', '.join(new)}  {starts}")
        if changed:
            anew = any(starts_anew(run.home, present[name], run.room, each) for name in changed)
            lines.append(
                f"{styled('changed', YELLOW)}  {', '.join(changed)}  {'restarts' if anew else 'without a restart'}"
            )
        alike = (present[name] for name in names if name in present and present[name].spec == each.spec)
        if other := [one.name for one in alike if starts_anew(run.home, one, run.room, each)]:
            lines.append(f"{styled('changed', YELLOW)}  {', '.join(other)}  restarts, for its env_file or secrets")
    gone = [each.name for each in present.values() if each.is_declared and each.name not in declared]
    if gone:
        lines.append(f"{styled('gone', RED)}     {', '.join(gone)}  stops")
    return lines or ["It changes nothing."]
