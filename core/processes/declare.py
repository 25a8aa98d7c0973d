"""From declarations to stored processes: what is new, what has changed, what is gone. Desired state only.

The one who calls stores; here it is decided what. A process is never started twice for one name: whoever returns under
a name that was removed is that process again, with its id, log and history.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.processes.fingerprint import has_other_environment, reads_more
from core.processes.unit import launch_digest
from core.work import Work
from storage import Desired, Home, Process, ProcessSpec, ProcessState, Room, new_process_id

if TYPE_CHECKING:
    from core.processes.declaration import Declared


@dataclass(frozen=True, slots=True)
class Difference:
    """What storing some declarations has changed; `kept` has stayed as it was."""

    added: tuple[Process, ...] = ()
    changed: tuple[Process, ...] = ()
    kept: tuple[Process, ...] = ()
    removed: tuple[Process, ...] = ()

    @property
    def anew(self) -> tuple[Process, ...]:
        """Those that are declared otherwise than before."""
        return (*self.added, *self.changed)


def declare(work: Work, declarations: "Iterable[Declared]") -> Difference:
    """Store what a room.yaml declares: new processes, new specs, fewer processes. What has not changed stays alone."""
    present = work.rows.processes(work.room.id)
    by_place = {(each.declared_name, each.instance): each for each in present}
    former = former_of(work)
    added, changed, kept = [], [], []
    places = set()
    for each in declarations:
        for instance in range(1, each.instances + 1):
            place = (each.name, instance)
            places.add(place)
            if (process := by_place.get(place)) is None:
                desired = Desired.RUNNING if each.spec.autostart else Desired.STOPPED
                added.append(introduce(work, each.name, instance, each.spec, desired, former, is_declared=True))
            elif process.spec == each.spec and process.is_declared:
                if is_to_be_started_anew(work.rows.home, process, work.room, each.secrets):
                    changed.append(want(work, process, Desired.RUNNING, "restart_asked"))
                else:
                    kept.append(process)
            else:
                changed.append(respecify(work, replace(process, is_declared=True), each.spec))
    gone = [each for each in present if each.is_declared and (each.declared_name, each.instance) not in places]
    return Difference(tuple(added), tuple(changed), tuple(kept), tuple(remove(work, each) for each in gone))


def former_of(work: Work) -> Mapping[tuple[str, int], Process]:
    """The room's removed processes by declared name and instance, of several the newest."""
    removed = (each for each in work.rows.every(Process) if each.removed and each.room_id == work.room.id)
    return {(each.declared_name, each.instance): each for each in sorted(removed, key=lambda each: each.id)}


def introduce(
    work: Work, declared_name: str, instance: int, spec: ProcessSpec, desired: Desired,
    former: Mapping[tuple[str, int], Process], *, is_declared: bool,
) -> Process:  # fmt: skip
    """Store a process that is not there yet, or not any more."""
    generation = 1 if desired is Desired.RUNNING else 0
    if (known := former.get((declared_name, instance))) is not None:
        return work.save(
            replace(
                work.get(Process, known.id), removed=False, spec=spec, desired=desired, is_declared=is_declared,
                generation=known.generation + 1,
            ),
            event="returned",
        )  # fmt: skip
    return work.add(
        Process(
            id=new_process_id(), room_id=work.room.id, name=instance_name(declared_name, instance),
            declared_name=declared_name, instance=instance, is_declared=is_declared, spec=spec, desired=desired,
            generation=generation, state_at=work.now, created_at=work.now, updated_at=work.now,
        )
    )  # fmt: skip


def instance_name(declared_name: str, instance: int) -> str:
    """`web` for the first, then `web.2`, so that one that becomes several is not another one."""
    return declared_name if instance == 1 else f"{declared_name}.{instance}"


def respecify(work: Work, process: Process, spec: ProcessSpec) -> Process:
    """Store another spec; a new generation where its program has to be started anew and shall run."""
    anew = takes_restart(process.spec, spec) and process.desired is Desired.RUNNING
    work.get(Process, process.id)
    return work.save(
        replace(process, spec=spec, generation=process.generation + 1 if anew else process.generation), event="edited"
    )


def is_to_be_started_anew(home: Home, process: Process, room: Room, secrets: Mapping[str, str]) -> bool:
    """Whether a process whose declaration in the store stays as it is reads other values by now: of its env_file or
    its secrets. One that has failed may have failed for them, and is given another try."""
    if process.desired is not Desired.RUNNING or not reads_more(process):
        return False
    return process.state is ProcessState.FAILED or has_other_environment(home, process, room, secrets)


def starts_anew(home: Home, process: Process, room: Room, declared: "Declared") -> bool:
    """Whether approving a declaration starts a process anew that there is: to tell it before. Reads files."""
    if process.spec == declared.spec:
        return is_to_be_started_anew(home, process, room, declared.secrets)
    return process.desired is Desired.RUNNING and takes_restart(process.spec, declared.spec)


def takes_restart(before: ProcessSpec, after: ProcessSpec) -> bool:
    """Whether a program that runs by one spec has to be started anew to run by another."""
    return launch_digest(before) != launch_digest(after)


def remove(work: Work, process: Process) -> Process:
    """Store that a process is no longer wanted, nor shown once it is down."""
    current = work.get(Process, process.id)
    return work.save(
        replace(current, removed=True, desired=Desired.STOPPED, generation=current.generation + 1), event="removed"
    )


def want(work: Work, process: Process, desired: Desired, event: str) -> Process:
    """Store what is desired of a process, as a new generation."""
    current = work.get(Process, process.id)
    return work.save(replace(current, desired=desired, generation=current.generation + 1), event=event)
