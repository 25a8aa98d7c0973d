"""Rooms: create, look, edit, approve what their room.yaml declares."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from core.errors import InvalidData, NotApproved, NotFound
from core.operation import UNSET, Line, OnOff, OrUnset, operation
from core.operations.process import ProcessReport, report_of, start_what_is_needed
from core.places import present_directory
from core.processes.room_file import content_hash, read_room_file, room_file
from core.text import NAME_LIMIT, clean_name
from core.work import Work
from storage import COLUMNS, AgentCommands, Desired, LostClaims, Process, Role, Room, Status, WipMode, new_room_id

SHORTEST_LEASE_S = 10
LONGEST_LEASE_S = 86_400
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Approval:
    """An approved room.yaml, and what that has changed.

    Args:
        hash: of its content, SHA-256.
        added: the names of the processes that are new; so `changed`, `kept` as they were, and `removed`.
        processes: all that it declares.
    """

    hash: str
    added: tuple[str, ...]
    changed: tuple[str, ...]
    kept: tuple[str, ...]
    removed: tuple[str, ...]
    processes: tuple[ProcessReport, ...]


@operation(role=Role.OWNER, changes=True, needs_room=False)
def create_room(work: Work, name: Line, *, root: Path | None = None) -> Room:
    """Create a room for a project.

    Args:
        name: how you will call it, unique in this home.
        root: the project's directory; the present one if omitted.

    Raises:
        InvalidData: the name is taken, or the root is not a directory or belongs to another room.
    """
    room = Room(
        id=new_room_id(), name=_checked_name(name), root=_checked_root(root or present_directory()),
        created_at=work.now, updated_at=work.now,
    )  # fmt: skip
    _require_its_own(work, room)
    return work.add(room)


@operation(role=Role.VIEWER, changes=False, needs_room=False)
def list_rooms(work: Work) -> tuple[Room, ...]:
    """List the rooms of this home."""
    return tuple(work.rows.rooms())


@operation(role=Role.VIEWER, changes=False, command="room show")
def get_room(work: Work) -> Room:
    """Show the room and its settings."""
    return work.room


@operation(role=Role.OPERATOR, changes=True, undoable=True, command="room edit")
def update_room(
    work: Work,
    *,
    name: Line | OrUnset = UNSET,
    root: Path | OrUnset = UNSET,
    wip: dict[Status, int] | OrUnset = UNSET,
    wip_mode: WipMode | OrUnset = UNSET,
    review_gate: OnOff | OrUnset = UNSET,
    lost_claims: LostClaims | OrUnset = UNSET,
    lease_seconds: int | OrUnset = UNSET,
    handoff_alert_minutes: int | OrUnset = UNSET,
    agent_commands: AgentCommands | OrUnset = UNSET,
    quarantine_after: int | OrUnset = UNSET,
    expected_version: int | None = None,
) -> Room:
    """Edit the room's settings. What is omitted stays as it is.

    Args:
        wip: limits of work in progress as COLUMN=N; 0 takes the limit away. Columns not named keep theirs.
        wip_mode: whether a full column warns or refuses.
        review_gate: whether what an agent calls done waits in review for approval.
        lost_claims: whether the tasks of an agent that is gone return to the queue or stay with it.
        lease_seconds: how long an agent may be silent before its session is lost, 10 to 86,400.
        handoff_alert_minutes: after how many minutes a handoff that nobody has acknowledged alerts.
        agent_commands: whether a command that an agent has set for a task waits for approval or may run.
        quarantine_after: how many workers a task may lose before it is not tried again, 1 to 100.
        expected_version: refuse if the room has changed since this version.
    """
    current = work.get(Room, work.room.id, expected_version)
    limits = dict(current.wip_limits)
    for status, limit in (wip if wip is not UNSET else {}).items():
        if status not in COLUMNS or limit < 0:
            raise InvalidData(
                f"{status}={limit} is no limit.", "Give a column of the board and a number of tasks, 0 for none."
            )
        limits[status] = limit
    edited = replace(
        current,
        name=current.name if name is UNSET else _checked_name(name),
        root=current.root if root is UNSET else _checked_root(root),
        wip_limits={status: limits[status] for status in COLUMNS if limits.get(status)},
        wip_mode=current.wip_mode if wip_mode is UNSET else wip_mode,
        review_gate=current.review_gate if review_gate is UNSET else review_gate is OnOff.ON,
        lost_claims=current.lost_claims if lost_claims is UNSET else lost_claims,
        lease_seconds=current.lease_seconds
        if lease_seconds is UNSET
        else _within(lease_seconds, SHORTEST_LEASE_S, LONGEST_LEASE_S, "The seconds of a lease"),
        handoff_alert_minutes=current.handoff_alert_minutes
        if handoff_alert_minutes is UNSET
        else _within(handoff_alert_minutes, 1, 10_080, "The minutes before an alert"),
        agent_commands=current.agent_commands if agent_commands is UNSET else agent_commands,
        quarantine_after=current.quarantine_after
        if quarantine_after is UNSET
        else _within(quarantine_after, 1, 100, "The workers before quarantine"),
    )
    _require_its_own(work, edited)
    return work.save(edited, event="edited")


@operation(role=Role.OWNER, changes=True, settles=True, command="room trust")
def trust_room(work: Work, hash: Line) -> Approval:
    """Approve what the room's room.yaml declares, and start what it starts by itself.

    Processes that are declared as before are left alone; one whose program has to be started anew is restarted, also
    for another value in its env_file or of a secret; what is declared no longer is stopped.

    Args:
        hash: the SHA-256 of the content that you have seen.

    Raises:
        NotApproved: the content has changed since.
        InvalidData: the hash is none, or not whole; or the file cannot be understood: with line and column.
    """
    from core.processes.declaration import read_declarations
    from core.processes.declare import declare

    path = room_file(work.room)
    content = read_room_file(work.room)
    if content is None:
        raise NotFound(f"There is no {path}.", "Write it; docs/processes.md shows how.")
    present = content_hash(content)
    seen = hash.strip().lower().removeprefix("sha256:")
    if not _SHA256.fullmatch(seen):
        raise InvalidData(
            f"{hash.strip()!r} is no whole SHA-256, which has 64 digits from 0 to f.",
            "Take the one that `wzp room trust --show` prints.",
        )
    if seen != present:
        raise NotApproved(
            f"{path} has changed since you have seen it (it is {present[:12]}… now).",
            "Look at it again with `wzp room trust`.",
        )
    declarations = read_declarations(content, work.room.root)
    current = work.get(Room, work.room.id)
    if current.trusted_hash != present:
        work.save(replace(current, trusted_hash=present), event="trusted")
    difference = declare(work, declarations.processes)
    start_what_is_needed(work, [each for each in difference.anew if each.desired is Desired.RUNNING])
    declared = [each for each in work.rows.processes(work.room.id) if each.is_declared]
    return Approval(
        hash=present,
        added=_names(difference.added),
        changed=_names(difference.changed),
        kept=_names(difference.kept),
        removed=_names(difference.removed),
        processes=tuple(report_of(each, work.room) for each in (*declared, *difference.removed)),
    )


def _names(processes: Iterable[Process]) -> tuple[str, ...]:
    return tuple(each.name for each in processes)


def _within(value: int, least: int, most: int, what: str) -> int:
    if not least <= value <= most:
        raise InvalidData(f"{what} cannot be {value}.", f"Give a number from {least} to {most:,}.")
    return value


def _checked_name(name: str) -> str:
    name = clean_name(name, "room name", NAME_LIMIT)
    if "/" in name or name.startswith((".", "-", "rom_")):
        raise InvalidData(
            f"{name!r} is no room name.", "Use letters, digits, spaces, dashes; no slash, no leading dot or dash."
        )
    return name


def _require_its_own(work: Work, room: Room) -> None:
    for other in work.rows.rooms():
        if other.id == room.id:
            continue
        if other.name == room.name:
            raise InvalidData(
                f"There is a room {room.name!r} already, for {other.root}.",
                "Choose another name with `wzp room create NAME`.",
            )
        if other.root == room.root:
            from shlex import quote  # the error alone needs it

            raise InvalidData(
                f"{room.root} is the root of room {other.name!r} already.",
                f"Open it with `wzp --room {quote(other.name)}`.",
            )


def _checked_root(path: Path) -> str:
    directory = path.expanduser().resolve()
    if not directory.is_dir():
        raise InvalidData(f"{directory} is not a directory.", "Name the project's directory with --root.")
    return str(directory)
