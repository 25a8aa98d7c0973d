"""`wzp attach` and `wzp send`: a process's terminal from this one, and a line of input without looking at it."""

import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core.doors.cli.context import Run, common_options, put_text, require_terminal
from core.doors.cli.words import STDIN, read_stdin
from core.errors import PermissionDenied, ProcessFailed
from core.operation import ProcessRef
from core.text import for_screen
from storage import Backend, Process, Role

if TYPE_CHECKING:
    from core.processes.attach import Attached


@click.command("attach", short_help="Type into a process and see its screen, until ctrl+\\.")
@click.argument("process")
@common_options
@click.pass_obj
def attach_command(run: Run, process: str) -> None:
    r"""Hand this terminal over to PROCESS until ctrl+\ (or until it ends); it runs on afterwards.

    The process gets this terminal's size. One that runs in a tmux pane is brought to the front there, where somebody
    looks at that tmux; else it is shown here.
    """
    require_terminal("wzp attach")
    found, folder = _living(run, process)
    name = for_screen(found.name)
    attached = asyncio.run(_attach(run, found, folder))
    wire = {"process": found.name, "detached": False, "exit_code": None, "exit_signal": None}
    if attached is None:
        run.put({**wire, "detached": True}, f"{name} is shown in its pane.")
    elif attached.detached:
        run.put({**wire, "detached": True}, f"Detached from {name}; it runs on.")
    else:
        code, by = attached.status.exit_code, attached.status.exit_signal
        how = f"by {by}" if by else f"with code {code}" if code is not None else "with its runner"
        run.put({**wire, "exit_code": code, "exit_signal": by}, f"{name} has ended {how}.")


@click.command("send", short_help="Type a line into a process.")
@click.argument("process")
@click.argument("text", nargs=-1, required=True)
@click.option("--enter/--no-enter", default=True, help="Press Enter at the end, or do not.")
@common_options
@click.pass_obj
def send_command(run: Run, process: str, text: Sequence[str], enter: bool) -> None:
    """Type TEXT into PROCESS, as if at its terminal, and press Enter. `-` takes what is piped in.

    A line break in the text is an Enter too.
    """
    found, folder = _living(run, process)
    typed = read_stdin() if tuple(text) == (STDIN,) else " ".join(text)
    typed = typed.replace("\r\n", "\n").removesuffix("\n" if enter else "").replace("\n", "\r")
    data = (typed + ("\r" if enter else "")).encode("utf-8", "surrogateescape")
    asyncio.run(_send(folder, data))
    run.put({"process": found.name, "sent": len(data)}, f"Sent to {for_screen(found.name)}.")


def _living(run: Run, reference: str) -> tuple[Process, Path]:
    """The process that is meant, and the folder of its runner.

    Raises:
        NotFound, InvalidData: none is meant, or several.
        PermissionDenied: an agent may not type into processes.
        ProcessFailed: it does not run.
    """
    from core.processes.link import is_runner_alive, processes_folder, read_status
    from core.processes.references import process_meant

    room = run.room
    role = run.actor(room).role
    if role < Role.OPERATOR:
        raise PermissionDenied(
            f"Typing into processes needs the role {Role.OPERATOR}; yours is {role}.", "Ask the person to do it."
        )
    with run.database.read() as rows:
        found = process_meant(rows, room, ProcessRef(reference))
    folder = processes_folder(run.home) / found.id / (found.runner or "none")
    status = read_status(folder)
    if status is None or status.state == "exited" or not is_runner_alive(folder):
        raise ProcessFailed(
            f"Process {for_screen(found.name)} does not run; it is {found.state}.",
            f"Start it with `wzp start {found.name}`.",
        )
    return found, folder


async def _attach(run: Run, found: Process, folder: Path) -> "Attached | None":
    """How it ended; None when the process is looked at in its pane."""
    from core.processes.attach import DETACH_KEY, attach
    from core.processes.backend import backend_for

    if found.spec.backend is not Backend.LOCAL and await backend_for(found.spec.backend, run.home).focus(folder):
        return None
    put_text(f"Attaching to {for_screen(found.name)}; {DETACH_KEY} detaches.", to=sys.stderr)
    task = asyncio.ensure_future(attach(folder, reading=sys.stdin.fileno(), writing=sys.stdout.fileno()))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)  # the terminal is put back
    try:
        return await task
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _send(folder: Path, data: bytes) -> None:
    from core.processes.link import RunnerLink

    link = await RunnerLink.connect(folder)
    try:
        await link.write(data)
    finally:
        link.close()
