"""Processes: what runs for the room; look, start, stop, kill, restart, scale."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from core.errors import InvalidData, NotApproved, NotFound, PermissionDenied
from core.operation import ProcessRef, operation
from core.processes.references import process_meant, processes_meant
from core.processes.room_file import is_approved, read_room_file, room_file
from core.processes.watched import LIVING, as_told, is_watched
from core.work import Work
from storage import (
    Backend,
    Condition,
    Desired,
    Event,
    Process,
    ProcessState,
    Role,
    Room,
)  # fmt: skip

MOST_INSTANCES = 64
RECENT_EVENTS = 20


@dataclass(frozen=True, slots=True)
class ProcessReport:
    """A process as it is listed. Where no host watches, what is told of it is what was last known."""

    process: Process
    backend: Backend
    room_name: str
    watched: bool = True


@dataclass(frozen=True, slots=True)
class ProcessDetail:
    """A process with what needs it and what has happened to it lately, newest first."""

    process: Process
    backend: Backend
    room_name: str
    watched: bool
    needed_by: tuple[str, ...]
    recent: tuple[Event, ...]


def report_of(process: Process, room: Room, *, watched: bool = True) -> ProcessReport:
    """A process of a room as it is listed."""
    return ProcessReport(as_told(process, watched=watched), process.spec.backend, room.name, watched)


@operation(role=Role.VIEWER, changes=False, command="ps")
def list_processes(work: Work, processes: tuple[ProcessRef, ...] = ()) -> tuple[ProcessReport, ...]:
    """List the processes of the room, each with its state and why.

    Args:
        processes: only these, by name, @label or the end of an id.
    """
    _tell_what_waits_for_approval(work)
    found = processes_meant(work.rows, work.room, processes) if processes else work.rows.processes(work.room.id)
    watched = is_watched(work.rows.home)
    if not watched and any(each.desired is Desired.RUNNING or each.state in LIVING for each in found):
        work.warn("No host watches the processes; this is what was last known. Start one with `wzp start`.")
    return tuple(report_of(each, work.room, watched=watched) for each in found)


@operation(role=Role.VIEWER, changes=False, command="process show")
def get_process(work: Work, process: ProcessRef) -> ProcessDetail:
    """Show a process: how it is declared, how it is, and what has happened to it."""
    found = process_meant(work.rows, work.room, process)
    needing = (each.name for each in work.rows.processes(work.room.id) if found.declared_name in each.spec.depends_on)
    recent = work.rows.events(entity_id=found.id, limit=RECENT_EVENTS, newest_first=True)
    watched = is_watched(work.rows.home)
    seen = as_told(found, watched=watched)
    return ProcessDetail(seen, found.spec.backend, work.room.name, watched, tuple(needing), tuple(recent))


@operation(role=Role.OPERATOR, changes=True, settles=True, command="start")
def start_processes(
    work: Work, processes: tuple[ProcessRef, ...] = (), *, all: bool = False
) -> tuple[ProcessReport, ...]:
    """Start processes and what they depend on; without a name, all that are declared with autostart.

    Args:
        processes: by name, @label or the end of an id.
        all: every process of the room, also those without autostart.

    Raises:
        NotApproved: room.yaml is there, and nobody has approved it yet.
    """
    present = work.rows.processes(work.room.id)
    waits = _tell_what_waits_for_approval(work)
    if not present:
        raise _nothing_there(work, waits)
    if processes:
        chosen = processes_meant(work.rows, work.room, processes)
    else:
        chosen = [each for each in present if all or each.spec.autostart]
    if not chosen:
        raise InvalidData("No process of this room starts by itself.", "Name those to start, or give `--all`.")
    needed = start_what_is_needed(work, chosen)
    wanted = [*needed, *(started(work, each) for each in chosen)]
    _tell_who_has_another_environment(work, wanted)
    return tuple(report_of(each, work.room) for each in wanted)


@operation(role=Role.OPERATOR, changes=True, settles=True, command="stop")
def stop_processes(
    work: Work, processes: tuple[ProcessRef, ...] = (), *, all: bool = False
) -> tuple[ProcessReport, ...]:
    """Stop processes: a signal, its grace, then an end by force, until nothing of them is left.

    What depends on them is stopped first, and returns when they do.

    Args:
        processes: by name, @label or the end of an id; all of the room if none is named.
        all: every process of the room, said aloud.
    """
    return _each(work, processes, all or not processes, lambda each: _wanted(work, each, Desired.STOPPED, "stop_asked"))


@operation(role=Role.OPERATOR, changes=True, settles=True, command="kill")
def kill_processes(
    work: Work, processes: tuple[ProcessRef, ...] = (), *, all: bool = False
) -> tuple[ProcessReport, ...]:
    """End processes by force, without grace, with all their descendants.

    Args:
        processes: by name, @label or the end of an id.
        all: every process of the room.
    """
    return _each(work, processes, all, lambda each: _wanted(work, each, Desired.KILLED, "kill_asked"))


@operation(role=Role.AGENT, changes=True, settles=True, command="restart")
def restart_processes(
    work: Work, processes: tuple[ProcessRef, ...] = (), *, all: bool = False
) -> tuple[ProcessReport, ...]:
    """Stop processes where they run, and start them again. An agent may, where they are declared restartable.

    Args:
        processes: by name, @label or the end of an id; all that shall run if none is named.
        all: every process of the room, also those that are stopped.

    Raises:
        PermissionDenied: you are an agent, and one of them is not restartable or was stopped by somebody.
    """
    from core.processes.declare import want

    _tell_what_waits_for_approval(work)
    chosen = _chosen(work, processes, all or not processes)
    if not processes and not all:
        chosen = [each for each in chosen if each.desired is Desired.RUNNING]
    if work.actor.role < Role.OPERATOR:
        _require_restartable(work, chosen)
    start_what_is_needed(work, chosen)
    done = (want(work, each, Desired.RUNNING, "restart_asked") for each in chosen)
    return tuple(report_of(each, work.room) for each in done)


@operation(role=Role.OPERATOR, changes=True, settles=True, command="scale")
def scale_process(work: Work, process: ProcessRef, instances: int) -> tuple[ProcessReport, ...]:
    """Let a process run in so many instances: `web`, `web.2`, … Those that stay are left alone.

    Those that go are given too, as removed. The next approval of room.yaml sets the number that is declared there.

    Args:
        instances: how many, 1 to 64.
    """
    from core.processes.declare import former_of, introduce, remove

    if not 1 <= instances <= MOST_INSTANCES:
        raise InvalidData(
            f"{instances} instances cannot be.", f"Give 1 to {MOST_INSTANCES}; to have none run, use `wzp stop`."
        )
    name = process_meant(work.rows, work.room, process).declared_name
    present = [each for each in work.rows.processes(work.room.id) if each.declared_name == name]
    first = present[0]
    leaving = [remove(work, each) for each in present if each.instance > instances]
    former = former_of(work)
    is_wanted = any(each.desired is Desired.RUNNING for each in present)
    desired = Desired.RUNNING if is_wanted else Desired.STOPPED
    for number in sorted(set(range(1, instances + 1)) - {each.instance for each in present}):
        introduce(work, name, number, first.spec, desired, former, is_declared=first.is_declared)
    now = (each for each in work.rows.processes(work.room.id) if each.declared_name == name)
    return tuple(report_of(each, work.room) for each in (*now, *leaving))


def start_what_is_needed(work: Work, chosen: Collection[Process]) -> list[Process]:
    """Let run what some processes depend on, directly or not, but not themselves; gives these as they are then.

    What has ended well is not begun again, unless somebody waits until it is healthy: its end is what is waited for.
    """
    present = work.rows.processes(work.room.id)
    ids = {each.id for each in chosen}
    around = with_dependencies(chosen, present)
    awaited = {
        name for each in around for name, condition in each.spec.depends_on.items() if condition == Condition.HEALTHY
    }
    return [
        each
        if each.desired is Desired.RUNNING and each.state is ProcessState.EXITED and each.declared_name not in awaited
        else started(work, each)
        for each in around
        if each.id not in ids
    ]


def with_dependencies(chosen: Iterable[Process], present: Iterable[Process]) -> list[Process]:
    """Some processes and all that they depend on, directly or not, what is needed before what needs it."""
    by_name: dict[str, list[Process]] = {}
    for each in present:
        by_name.setdefault(each.declared_name, []).append(each)
    found: dict[str, Process] = {}
    seen: set[str] = set()

    def visit(process: Process) -> None:
        if process.id in seen:
            return
        seen.add(process.id)
        for need in process.spec.depends_on:
            for each in by_name.get(need, ()):
                visit(each)
        found[process.id] = process

    for process in chosen:
        visit(process)
    return list(found.values())


def _each(
    work: Work, processes: tuple[ProcessRef, ...], all: bool, change: Callable[[Process], Process]
) -> tuple[ProcessReport, ...]:
    return tuple(report_of(change(each), work.room) for each in _chosen(work, processes, all))


def _chosen(work: Work, processes: tuple[ProcessRef, ...], all: bool) -> list[Process]:
    if processes and all:
        raise InvalidData("Processes were named, and all of them too.", "Give names, or `--all`.")
    if processes:
        return processes_meant(work.rows, work.room, processes)
    if not all:
        raise InvalidData("No process was named.", "Name one, such as `wzp ps` shows, or give `--all` for every one.")
    return work.rows.processes(work.room.id)


def started(work: Work, process: Process) -> Process:
    """Let a process run. One that already shall is left alone, unless it has ended or failed meanwhile."""
    from core.processes.declare import want

    has_ended = process.state in (ProcessState.EXITED, ProcessState.FAILED)
    is_acted_upon = process.observed_generation >= process.generation
    if process.desired is Desired.RUNNING and not (has_ended and is_acted_upon):
        return process
    return want(work, process, Desired.RUNNING, "start_asked")


def _wanted(work: Work, process: Process, desired: Desired, event: str) -> Process:
    """Let a process be down. Who is stopping is left alone, but may still be killed."""
    from core.processes.declare import want

    is_down = process.state in (ProcessState.STOPPED, ProcessState.EXITED, ProcessState.FAILED)
    is_settled = is_down and process.observed_generation >= process.generation
    if process.desired in (desired, Desired.KILLED) or (is_settled and process.desired is not Desired.RUNNING):
        return process
    return want(work, process, desired, event)


def _tell_who_has_another_environment(work: Work, wanted: Iterable[Process]) -> None:
    """Warn of those that run on and would get other variables if they were started anew."""
    if not any(each.spec.env_file is not None for each in wanted):
        return
    from core.processes.fingerprint import has_other_environment  # reads files, for those alone

    for each in wanted:
        if has_other_environment(work.rows.home, each, work.room):
            work.warn(f"{each.name} runs on with its variables of before: `wzp restart {each.name}` takes in the new.")


def _require_restartable(work: Work, chosen: Collection[Process]) -> None:
    for each in chosen:
        if not each.spec.is_restartable:
            raise PermissionDenied(
                f"{each.name} may not be restarted by agents; you are {work.actor.role}.",
                "Ask the person, or one who declares it with `restartable: true`.",
            )
        if each.desired is not Desired.RUNNING:
            raise PermissionDenied(
                f"{each.name} was stopped by somebody, or never started; an agent restarts only what shall run.",
                "Ask the person to start it.",
            )
    ids = {each.id for each in chosen}
    for each in with_dependencies(chosen, work.rows.processes(work.room.id)):
        is_to_start = each.desired is not Desired.RUNNING or each.state is ProcessState.FAILED
        if each.id not in ids and is_to_start and not (each.spec.is_restartable and each.desired is Desired.RUNNING):
            raise PermissionDenied(
                f"That needs {each.name}, which is {each.state} and may not be started by agents.",
                f"Ask the person to start {each.name}.",
            )


def _tell_what_waits_for_approval(work: Work) -> bool:
    """Warn where room.yaml is not what was approved; whether it is so."""
    try:
        waits = not is_approved(work.room)
    except InvalidData as error:
        work.warn(f"{error.message} {error.hint}")
        return False
    if waits and (broken := _what_is_broken(work.room)) is not None:
        goes_on = "What runs goes on as it was approved last." if work.room.trusted_hash else ""
        work.warn(f"{broken.message} {broken.hint} {goes_on}".rstrip())
    elif waits:
        what = "has changed since it was approved" if work.room.trusted_hash else "has not been approved"
        work.warn(f"{room_file(work.room)} {what}. Look at it and approve it with `wzp room trust`.")
    return waits


def _what_is_broken(room: Room) -> InvalidData | None:
    """The first mistake in a room.yaml that differs from what was approved."""
    from core.processes.declaration import read_declarations  # a YAML reader, for this rare case alone

    content = read_room_file(room)
    try:
        read_declarations(content or b"", room.root)
    except InvalidData as error:
        return error
    return None


def _nothing_there(work: Work, waits_for_approval: bool) -> Exception:
    path = room_file(work.room)
    if waits_for_approval:
        work.warnings.clear()
        if (broken := _what_is_broken(work.room)) is not None:
            return broken
        return NotApproved(
            f"{path} has not been approved, so nothing of it is started.",
            "Look at it and approve it with `wzp room trust`.",
        )
    return NotFound(
        f"Room {work.room.name} has no processes.",
        f"Declare them in {path} and approve that with `wzp room trust`, or add one with `wzp process add`.",
    )
