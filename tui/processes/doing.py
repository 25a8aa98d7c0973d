"""What the person does with processes: starts, stops, adds and edits them, writes to them, looks at their screens.

Each function asks in a dialog where it must, then calls the operation. All run in workers, so they may wait for
dialogs. Nothing is told where the table itself shows that it has come true.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.text import for_screen
from storage import Backend, Home, Process, ProcessId
from tui.dialogs import AskLine, Confirm
from tui.messages import Severity
from tui.processes.counting import is_up
from tui.processes.view import natural
from tui.translation import _, mark

if TYPE_CHECKING:
    from tui.app import ParallelApp
    from tui.screens.place import Place
    from tui.screens.processes import ProcessesScreen

OPERATIONS: Final[Mapping[str, tuple[str, str]]] = {
    "start": ("start_processes", mark("start asked")),
    "stop": ("stop_processes", mark("stop asked")),
    "restart": ("restart_processes", mark("restart asked")),
    "kill": ("kill_processes", mark("kill asked")),
}
"""For each thing to ask for: the operation, and what stands in the row until it is stored."""

NAMES_SHOWN: Final = 8


def named(processes: Sequence[Process]) -> str:
    """The names of some, and how many more."""
    names = [for_screen(each.name) for each in sorted(processes, key=lambda each: natural(each.name))]
    if len(names) <= NAMES_SHOWN:
        return ", ".join(names)
    shown = ", ".join(names[:NAMES_SHOWN])
    return _("{names} and {count} more").format(names=shown, count=len(names) - NAMES_SHOWN)


async def change(screen: "ProcessesScreen", how: str, processes: Sequence[Process]) -> None:
    """Start, stop, restart or kill some; the rows show what was asked for until it is observed."""
    if not processes:
        return
    app = screen.parallel
    operation, word = OPERATIONS[how]
    screen.ask_for(processes, _(word))
    try:
        asked = tuple(each.id for each in processes)
        outcome = await app.attempt(app.desk.call(operation, processes=asked))
    finally:
        screen.asked_for(processes)
    if outcome is not None:
        tell_warnings(app, outcome.warnings)


async def kill(screen: "ProcessesScreen", processes: Sequence[Process]) -> None:
    """End some by force, after asking."""
    if not processes:
        return
    question = Confirm(
        _("Kill {names}?").format(names=named(processes)),
        _("It ends at once with all its children, and can save nothing; x asks it to stop."),
        yes=_("Kill"),
    )
    if await screen.parallel.push_screen_wait(question):
        await change(screen, "kill", processes)


async def scale(screen: "ProcessesScreen", process: Process) -> None:
    """Ask in how many instances a process is to run."""
    app = screen.parallel
    name = process.declared_name
    present = sum(each.declared_name == name for each in app.state.processes.values())
    title = _("How many instances of {name}?").format(name=name)
    typed = await app.push_screen_wait(AskLine(title, initial=str(present), is_replaced=True))
    if not typed or typed == str(present):
        return
    if not (typed.isascii() and typed.isdigit()):
        app.tell(_("{typed!r} is no number.").format(typed=for_screen(typed)), severity=Severity.ERROR,
                 hint=_("Write how many are to run, such as 3."))  # fmt: skip
        return
    outcome = await app.attempt(app.desk.call("scale_process", process=process.id, instances=int(typed)))
    if outcome is not None:
        tell_warnings(app, outcome.warnings)


async def add(screen: "ProcessesScreen") -> None:
    """Add a process by hand, and go to it."""
    from tui.dialogs import ProcessForm

    app = screen.parallel
    fields = await app.push_screen_wait(ProcessForm(None))
    if not fields:
        return
    outcome = await app.attempt(app.desk.call("add_process", **fields))
    if outcome is not None:
        app.tell(_("Added {name}.").format(name=fields["name"]))
        tell_warnings(app, outcome.warnings)
        screen.go_to(outcome.value[0].process.id)


async def edit(screen: "ProcessesScreen", process: Process) -> None:
    """Edit a process that was added by hand; what room.yaml declares is edited there."""
    from tui.dialogs import ProcessForm

    app = screen.parallel
    if process.is_declared:
        _tell_declared(app, process, _("Edit it there; T approves the change."))
        return
    fields = await app.push_screen_wait(ProcessForm(process))
    if fields:
        calling = app.desk.call("edit_process", process=process.id, expected_version=process.version, **fields)
        outcome = await app.attempt(calling)
        if outcome is not None:
            tell_warnings(app, outcome.warnings)


async def remove(screen: "ProcessesScreen", processes: Sequence[Process]) -> None:
    """Stop processes that were added by hand, and show them no more."""
    if not processes:
        return
    app = screen.parallel
    declared = next((each for each in processes if each.is_declared), None)
    if declared is not None and screen.known.watch.room_file.exists:
        _tell_declared(app, declared, _("Take it out there; T approves the change."))
        return
    by_name = {each.declared_name: each for each in processes}
    question = Confirm(
        _("Remove {names}?").format(names=named(list(by_name.values()))),
        _("All instances are stopped and shown no more. What they have printed is kept."),
        yes=_("Remove"),
    )
    if await app.push_screen_wait(question):
        for each in by_name.values():
            outcome = await app.attempt(app.desk.call("remove_process", process=each.id))
            if outcome is None:
                return
            tell_warnings(app, outcome.warnings)


async def send(screen: "Place", processes: Sequence[Process]) -> None:
    """Write a line to what runs."""
    from core.processes.link import RunnerLink

    app = screen.parallel
    running = [each for each in processes if is_up(each) and each.runner]
    if not running:
        if processes:
            _tell_down(app, processes[0])
        return
    line = await app.push_screen_wait(AskLine(_("Write a line to {names}").format(names=named(running))))
    if line is None:
        return
    for each in running:
        folder = runner_folder(app.desk.database.home, each)
        link = await app.attempt(RunnerLink.connect(folder)) if folder is not None else None
        if link is not None:
            try:
                await app.attempt(link.write(f"{line}\r".encode()))
            finally:
                link.close()


async def trust(screen: "ProcessesScreen") -> None:
    """Show what room.yaml would run, and approve it."""
    from tui.processes.trusting import ask_trust

    await ask_trust(screen.parallel)
    screen.look()


async def peek(screen: "ProcessesScreen", process: Process) -> None:
    """Show the screen of a process, live."""
    from tui.screens.peek import PeekScreen

    app = screen.parallel
    if runner_folder(app.desk.database.home, process) is None or not is_up(process):
        _tell_down(app, process)
        return
    await app.push_screen(PeekScreen(process.id))


async def attach(screen: "Place", process: Process) -> None:
    """Hand the terminal to a process until the detach key; for one in a pane, go there if somebody looks at it."""
    from core.processes.backend import backend_for
    from tui.processes.attaching import attach_to

    app = screen.parallel
    home = app.desk.database.home
    folder = runner_folder(home, process)
    if folder is None or not is_up(process):
        _tell_down(app, process)
        return
    if process.spec.backend is not Backend.LOCAL and await backend_for(process.spec.backend, home).focus(folder):
        return
    await attach_to(app, process, folder)


def open_log(app: "ParallelApp", process: ProcessId | None) -> None:
    """Open the log of a process, or of all."""
    from tui.screens.log import LogScreen

    app.push_screen(LogScreen(process))


def runner_folder(home: Home, process: Process) -> Path | None:
    """Where the runner of a process keeps its socket; None where it has none."""
    return home.run / "processes" / process.id / process.runner if process.runner else None


def tell_warnings(app: "ParallelApp", warnings: Iterable[str]) -> None:
    """Tell what an operation has warned of."""
    for each in warnings:
        app.tell(each, severity=Severity.WARNING)


def _tell_down(app: "ParallelApp", process: Process) -> None:
    app.tell(
        _("{name} does not run.").format(name=for_screen(process.name)),
        severity=Severity.WARNING,
        hint=_("s starts it; l shows what it has printed."),
    )


def _tell_declared(app: "ParallelApp", process: Process, hint: str) -> None:
    app.tell(
        _("{name} is declared in {path}.").format(
            name=for_screen(process.name), path=f"{for_screen(app.state.room.root)}/room.yaml"
        ),
        severity=Severity.WARNING,
        hint=hint,
    )
