"""The one way to call an operation: resolves what the caller names, opens the transaction, keeps idempotency."""

import hashlib
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, TypeVar

from core.agents.sessions import checked
from core.errors import HostLost, InvalidData, NotFound, PermissionDenied
from core.operation import Operation, bare_type, is_optional
from core.shapes import Shaper
from core.text import TITLE_LIMIT, clean_line
from core.work import LEAST_DIGITS_OF_SUFFIX, LEAST_SUFFIX, Actor, Work
from storage import (
    AgentId,
    Alert,
    AlertId,
    ChangeId,
    Database,
    Handoff,
    HandoffId,
    Process,
    ProcessId,
    Reader,
    Room,
    RoomId,
    Run,
    RunId,
    Session,
    SessionId,
    TaskId,
    Writer,
    decode_json,
    encode_json,
)  # fmt: skip

KEY_LIFETIME: Final = timedelta(days=7)
"""How long the result of a call with an idempotency key is kept."""

H = TypeVar("H", Handoff, Session, Process, Run, Alert)
_BY_ID: Final[Mapping[Any, Any]] = {
    HandoffId: Handoff, SessionId: Session, ProcessId: Process, RunId: Run, AlertId: Alert
}  # fmt: skip

NOBODY: Final = "nobody"
"""What stands for no agent, where an agent may be left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of an operation, as a door received it.

    Args:
        arguments: by parameter name; tasks as any reference (`12`, `#12`, id, suffix), agents as name, id, `me` or
            `nobody`, everything else in its declared type.
        room: the room's id or name; None for operations that need none.
        presumed: arguments that the door fills in for the caller, where the caller named none. They take no part in
            what an idempotency key stands for, so that a repetition may presume otherwise.
        wants_shape: whether `Outcome.shaped` is wanted.
        part: what of the result to shape, where not the whole is shown; a repetition by key shapes the whole.
    """

    operation: Operation
    arguments: Mapping[str, Any]
    actor: Actor
    room: str | None = None
    presumed: Mapping[str, Any] = field(default_factory=dict)
    reason: str | None = None
    idempotency_key: str | None = None
    wants_shape: bool = False
    part: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call gave.

    Args:
        value: the operation's result; None where the result of an earlier call with the same key stands for it.
        shaped: the result as wire value, where the call wanted it or carried a key.
        change: the id that the events of this call share; None where nothing was written.
        last_sequence: the newest event of this call: who draws up to it draws this change.
        warnings: sentences to show that did not stop the change.
        versions: of each entity that the call has changed or made, its version before (0 for none) and after.
    """

    value: Any
    shaped: Any = None
    change: ChangeId | None = None
    last_sequence: int | None = None
    warnings: tuple[str, ...] = field(default=())
    versions: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def execute(database: Database, call: Call) -> Outcome:
    """Carry out one call in one transaction. What it returns has been stored durably.

    Raises:
        ParallelError: as the operation declares; also PermissionDenied, NotFound for what is named, and the
            storage errors. Nothing has been changed then.
    """
    operation = call.operation
    if call.actor.session_id is None:
        _require_role(operation, call.actor)
    if not operation.changes:
        with database.read() as rows:
            return _carry_out(rows, call)
    with database.write(operation.name) as writer:
        return _carry_out(writer, call)


def _carry_out(rows: Reader, call: Call) -> Outcome:
    operation = call.operation
    room = find_room(rows, call.room) if call.room is not None else None
    actor = call.actor
    if actor.host_token is not None and actor.host_token != rows.host_token():
        raise HostLost(
            f"Another host of services has taken over (token {rows.host_token()}; yours is {actor.host_token}).",
            "Stop acting; take the lease again.",
        )
    if actor.session_id is not None:
        actor = checked(rows, actor, room)
        _require_role(operation, actor)
    reason = clean_line(call.reason, "reason", TITLE_LIMIT) if call.reason and call.reason.strip() else None
    work = Work(rows, actor, room, operation=operation.name, undoable=operation.undoable, reason=reason)
    arguments = _resolved(work, call)
    if call.idempotency_key is None or not isinstance(rows, Writer):
        value = operation.function(work, **{**call.presumed, **arguments})
        shown = call.part(value) if call.part is not None else value
        shaped = Shaper(rows, shows_secrets=True).shape(shown) if call.wants_shape else None
        return _outcome(rows, work, value, shaped)
    digest = hashlib.sha256(encode_json(_plain(arguments))).hexdigest()
    agent = work.agent.id if room is not None else AgentId(actor.name)
    room_id = room.id if room is not None else None
    stored = rows.stored_result(room_id, agent, operation.name, call.idempotency_key)
    if stored is not None:
        if stored.arguments_hash != digest:
            raise InvalidData(
                f"The idempotency key {call.idempotency_key!r} was used for {operation.name} with other arguments.",
                "Take a new key for a new call.",
            )
        kept = decode_json(stored.result)
        return Outcome(None, kept["shaped"], warnings=tuple(kept["warnings"]))
    value = operation.function(work, **{**call.presumed, **arguments})
    shaped = Shaper(rows).shape(value)
    kept = encode_json({"shaped": shaped, "warnings": work.warnings}).decode()
    rows.store_result(room_id, agent, operation.name, call.idempotency_key, digest, kept)
    rows.forget_results_before(rows.now - KEY_LIFETIME)
    return _outcome(rows, work, value, Shaper(rows, shows_secrets=True).shape(value))


def _require_role(operation: Operation, actor: Actor) -> None:
    if actor.role < operation.role:
        raise PermissionDenied(
            f"{operation.name} needs the role {operation.role}; you are {actor.role}.", "Ask the owner of the room."
        )


def _outcome(rows: Reader, work: Work, value: Any, shaped: Any) -> Outcome:
    warnings = tuple(work.warnings)
    if isinstance(rows, Writer) and rows.last_written is not None:
        return Outcome(value, shaped, rows.change, rows.last_written, warnings, rows.versions)
    return Outcome(value, shaped, warnings=warnings)


def find_room(rows: Reader, name: str) -> Room:
    """The room of that name or id.

    Raises:
        NotFound: there is none; names those there are.
    """
    found = rows.get(Room, RoomId(name)) if name.startswith("rom_") else None
    found = found or rows.room_by_name(name)
    if found is None:
        from shlex import quote  # the error alone needs it

        names = ", ".join(room.name for room in rows.rooms()) or "none yet"
        raise NotFound(f"No room {name!r} (there are: {names}).", f"Create it with `wzp room create {quote(name)}`.")
    return found


def _resolved(work: Work, call: Call) -> dict[str, Any]:
    known = {parameter.name: parameter for parameter in call.operation.parameters}
    unknown = sorted(set(call.arguments) - set(known))
    missing = [name for name, each in known.items() if each.is_required and name not in call.arguments]
    if unknown or missing:
        what = f"unknown argument {unknown[0]!r}" if unknown else f"argument {missing[0]!r} is missing"
        raise InvalidData(f"{call.operation.name}: {what}.", f"It takes: {', '.join(known) or 'no arguments'}.")
    return {name: _resolve(work, known[name].annotation, value) for name, value in call.arguments.items()}


def _resolve(work: Work, annotation: Any, value: Any) -> Any:
    bare = bare_type(annotation)
    if not isinstance(value, (str, tuple, list)) or value is None:
        return value
    if bare is TaskId:
        return work.tasks.resolve(value)  # type: ignore[arg-type]
    if bare is AgentId:
        if value == NOBODY and not is_optional(annotation):
            raise NotFound("Nobody is no agent.", "Name one, such as `wzp agent list` shows.")
        return _agent(work, value)  # type: ignore[arg-type]
    if bare in _BY_ID:
        return _entity(work, _BY_ID[bare], value)  # type: ignore[arg-type]
    if typing.get_origin(bare) is tuple and typing.get_args(bare)[0] is TaskId:
        return tuple(work.tasks.resolve(each) for each in value)
    if typing.get_origin(bare) is tuple and typing.get_args(bare)[0] in _BY_ID:
        return tuple(_entity(work, _BY_ID[typing.get_args(bare)[0]], each) for each in value)
    return value


def _entity(work: Work, record: type[H], reference: str) -> str:
    """The id of an entity of the room, by itself or its unique end."""
    found = work.rows.get(record, reference)
    if found is not None and found.room_id == work.room.id:
        return found.id
    if record is Run and (latest := _latest_run(work, reference)) is not None:
        return latest
    fits = work.rows.by_suffix(record, work.room.id, reference) if len(reference) >= LEAST_SUFFIX else []
    if len(fits) == 1:
        return fits[0].id
    noun = record.__name__.lower()
    what = f"More than one {noun} ends in" if fits else f"No {noun}"
    raise NotFound(
        f"{what} {reference!r} in room {work.room.name}.",
        f"See what there is with list_{noun}{'es' if noun.endswith('s') else 's'}.",
    )


def _latest_run(work: Work, reference: str) -> str | None:
    """The last run of the task whose number somebody gives for it."""
    number = reference.removeprefix("#")
    if not (number.isascii() and number.isdigit() and len(number) < LEAST_DIGITS_OF_SUFFIX):
        return None
    task = work.rows.task_by_number(work.room.id, int(number))
    runs = work.rows.runs(work.room.id, task=task.id, limit=1) if task is not None else []
    if task is not None and not runs:
        raise NotFound(f"#{task.number} has no runs.", f"Queue it with `wzp task queue {task.number}`.")
    return runs[0].id if runs else None


def _agent(work: Work, name: str) -> AgentId | None:
    if name == NOBODY:
        return None
    if name == "me":
        return work.agent.id if isinstance(work.rows, Writer) else _known_agent(work)
    return work.agent_named(name).id


def _known_agent(work: Work) -> AgentId:
    """The caller's agent, not made here: a question changes nothing. Who is new has an id that nothing bears."""
    known = work.rows.agent_by_name(work.room.id, work.actor.name)
    return known.id if known is not None else AgentId("agt_unknown")


def _plain(value: Any) -> Any:
    """Arguments in a form that encodes the same for the same call."""
    if isinstance(value, Mapping):
        return {str(name): _plain(value[name]) for name in sorted(value)}
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    return value if isinstance(value, (bool, int, float, type(None))) else str(value)
