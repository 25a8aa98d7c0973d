"""History: what has happened, undone and redone."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.agents import handoffs
from core.board import claims, commands, dependencies, family, review
from core.errors import NotFound, PermissionDenied, UndoRefused
from core.history import Board, board_at, effective_events, point
from core.operation import UNSET, Moment, OrUnset, operation
from core.work import Work
from storage import (
    RECORDS,
    Agent,
    AgentId,
    ChangeId,
    Comment,
    Entity,
    EntityKind,
    Event,
    Role,
    Room,
    Status,
    Task,
    TaskId,
    values_from_wire,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo or redo has reversed: the change, and the tasks that it touched as they are now."""

    change: ChangeId
    operation: str
    tasks: tuple[Task, ...]


@operation(role=Role.VIEWER, changes=False, command="history")
def list_events(
    work: Work,
    *,
    task: TaskId | None = None,
    agent: AgentId | OrUnset = UNSET,
    entity: EntityKind | None = None,
    after: int = 0,
    limit: int = 100,
) -> tuple[Event, ...]:
    """List what has happened in the room, newest first.

    Args:
        task: only what concerns this task.
        agent: only what this agent did.
        entity: only events of this kind of thing.
        after: only events after this sequence number.
        limit: at most so many.
    """
    who = None if agent is UNSET else agent
    return tuple(
        work.rows.events(
            room=work.room.id, subject=task, agent=who, entity=entity, after=after, limit=limit, newest_first=True
        )
    )  # fmt: skip


@operation(role=Role.VIEWER, changes=False, command="board")
def get_board(work: Work, *, at: Moment | None = None) -> Board:
    """Show the board, as it is or as it was.

    Args:
        at: as it was at this time, or after this event number.
    """
    return board_at(work.rows, work.room.id, point(work.rows, at) if at is not None else None)


@operation(role=Role.AGENT, changes=True, undoable=True, command="undo")
def undo(work: Work, change: ChangeId | None = None) -> Undone:
    """Undo a change; your own last one in this room if none is named.

    Args:
        change: the id of a change, as `wzp history` shows it.

    Raises:
        NotFound: the room has no such change.
        UndoRefused: somebody has since changed the same fields (says who and when), or there is nothing to undo.
        ClaimHeld: another agent has the task, and undoing would take it away.
        ReviewRequired: it would be done again without an approval.
        PermissionDenied: it is a change of the room or of an agent, which your role does not allow.
    """
    return _reverse(work, change if change is not None else _latest(work, undos=False))


@operation(role=Role.AGENT, changes=True, undoable=True, command="redo")
def redo(work: Work) -> Undone:
    """Redo what you undid last in this room.

    Raises:
        UndoRefused: somebody has since changed the same fields, or there is nothing to redo.
    """
    return _reverse(work, _latest(work, undos=True))


def _latest(work: Work, *, undos: bool) -> ChangeId:
    for change in work.rows.recent_changes(work.room.id, work.agent.id, undos=undos):
        is_redo = undos and _undoes_an_undo(work, change)
        if not is_redo and not _is_undone(work, change):
            if not undos:
                _tell_of_what_is_passed_over(work, change)
            return change
    raise UndoRefused(
        f"There is nothing of yours to {'redo' if undos else 'undo'} in room {work.room.name}.", "See `wzp history`."
    )


def _tell_of_what_is_passed_over(work: Work, change: ChangeId) -> None:
    """Warn where the caller has since done what no undo reverses: a handoff has been read perhaps."""
    for event in work.rows.events(room=work.room.id, agent=work.agent.id, limit=20, newest_first=True):
        if event.change == change:
            return
        if event.entity is EntityKind.HANDOFF and not event.undoable:
            work.warn(f"Your {event.operation} since cannot be undone and was passed over.")
            return


def _is_undone(work: Work, change: ChangeId) -> bool:
    undos = work.rows.undos_of(change)
    return bool(undos) and not _is_undone(work, undos[-1])


def _undoes_an_undo(work: Work, change: ChangeId) -> bool:
    target = work.rows.events(change=change, limit=1)[0].undoes
    return target is not None and work.rows.events(change=target, limit=1)[0].undoes is not None


def _reverse(work: Work, change: ChangeId) -> Undone:
    events = work.rows.events(change=change, room=work.room.id)
    if not events:
        raise NotFound(f"No change {change!r} in room {work.room.name}.", "See the ids with `wzp history --json`.")
    undoable = [event for event in events if event.undoable]
    if not undoable:
        raise UndoRefused(f"{events[0].operation} cannot be undone.", "Make the opposite change instead.")
    if _is_undone(work, change):
        raise UndoRefused(f"Change {change} is undone already.", "Redo it, or undo another.")
    _require_role(work, undoable)
    work.compensate(change)
    touched: dict[str, Any] = {}
    to_come = {TaskId(event.entity_id) for event in undoable if event.entity is EntityKind.TASK}
    for event in reversed(undoable):
        _refuse_if_overtaken(work, event)
        touched[event.entity_id] = _reverse_event(work, event, to_come)
        to_come.discard(TaskId(event.entity_id))
    tasks = tuple(each for each in touched.values() if isinstance(each, Task))
    return Undone(change, events[0].operation, tasks)


def _require_role(work: Work, events: Sequence[Event]) -> None:
    """Undoing gives nobody what its role does not: room and agents are an operator's to change."""
    for event in events:
        if event.entity not in (EntityKind.ROOM, EntityKind.AGENT):
            continue
        roles = [Role(values["role"]) for values in (event.before or {}, event.after) if "role" in values]
        needed = max([Role.OPERATOR, *roles])
        if work.actor.role < needed:
            raise PermissionDenied(
                f"{event.operation} needs the role {needed} to be undone; you are {work.actor.role}.",
                "Ask the owner of the room.",
            )


def _refuse_if_overtaken(work: Work, event: Event) -> None:
    fields = _reversible_fields(event)
    later = work.rows.events(entity_id=event.entity_id, after=event.sequence)
    for other in effective_events(later):
        shared = sorted(fields & set(other.after))
        if shared and other.change != event.change:
            agent = work.rows.get(Agent, other.agent_id)
            who = "you have" if other.agent_id == work.agent.id else f"{agent.name if agent else other.agent_id} has"
            raise UndoRefused(
                f"{who} changed {', '.join(shared)} since, at {other.at:%Y-%m-%d %H:%M:%S} UTC.",
                f"Undo that first ({other.change}), or edit by hand.",
                by=other.agent_id, at=other.at.isoformat(), fields=shared, change=other.change,
            )  # fmt: skip


def _reversible_fields(event: Event) -> set[str]:
    if event.before is not None:
        return set(event.after)
    return {"status", "archived_from"} if event.entity is EntityKind.TASK else {"removed"}


def _reverse_event(work: Work, event: Event, to_come: Collection[TaskId]) -> Entity:
    """The entity as it was before an event. `to_come` are this task and those that go back after it: they make way."""
    record = RECORDS[event.entity]
    current: Any = work.get(record, event.entity_id)  # type: ignore[type-var]
    if event.before is None:
        if isinstance(current, Task):
            if current.status is Status.ARCHIVED:  # imported so
                return current
            claims.require_free(work, current)
            gone = work.save(replace(current, status=Status.ARCHIVED, archived_from=current.status), event="undone")
            handoffs.close(work, gone)
            return gone
        if isinstance(current, Comment):
            return work.save(replace(current, removed=True), event="undone")
        raise UndoRefused(f"The creation of a {event.entity} cannot be undone.", "Edit it instead.")
    values = values_from_wire(record, event.before)
    if isinstance(current, Task):
        _require_allowed(work, event, current, values)
        values.pop("claim", None)  # a fence never goes back
        if {"command", "command_approved"} & values.keys() and not commands.needs_no_approval(work):
            values["command_approved"] = values.get("command", current.command) is None  # nor does an approval
        if "claimed_by" in values:
            values["claimed_by"] = None  # nor is a claim taken for somebody
        if "dependencies" in values:
            dependencies.check(work, current, values["dependencies"])
        if "parent" in values:
            family.check(work, current, values["parent"])
        rank, status = values.get("rank", current.rank), values.get("status", current.status)
        if "rank" in values or "status" in values:
            values["rank"] = work.tasks.free_rank(status, rank, to_come)
    if "name" in values and _is_taken(work, current, values["name"]):
        raise UndoRefused(f"The name {values['name']!r} has been taken since.", "Choose another name by hand.")
    return work.save(replace(current, **values), event="undone")  # type: ignore[no-any-return]


def _require_allowed(work: Work, event: Event, task: Task, values: Mapping[str, Any]) -> None:
    """Undoing leads not around a claim, nor an agent by another's change around the review gate."""
    if {"status", "assignee"} & values.keys():
        claims.require_free(work, task)
    is_anothers = event.agent_id != work.agent.id
    if is_anothers and values.get("status") is Status.DONE and review.gated(work, task, Status.DONE) is not Status.DONE:
        raise review.refusal(task)


def _is_taken(work: Work, current: Room | Agent, name: str) -> bool:
    rows = work.rows
    holder = rows.room_by_name(name) if isinstance(current, Room) else rows.agent_by_name(work.room.id, name)
    return holder is not None and holder.id != current.id
