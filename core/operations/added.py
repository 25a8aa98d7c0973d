"""Processes that room.yaml does not declare: add, edit, remove. Every rule of room.yaml holds for them too."""

from collections.abc import Iterable, Mapping
from typing import Any

from core.errors import InvalidData
from core.operation import UNSET, Item, Line, OnOff, OrUnset, ProcessRef, operation
from core.operations.process import ProcessReport, report_of, start_what_is_needed
from core.processes.references import process_meant
from core.processes.room_file import room_file
from core.work import Work
from storage import Backend, Desired, Process, ProcessKind, ProcessSpec, RestartPolicy, Role

_ROOT = Line(".")
_SIGTERM = Line("SIGTERM")


@operation(role=Role.OPERATOR, changes=True, settles=True, command="process add")
def add_process(
    work: Work,
    name: Line,
    command: tuple[Item, ...] = (),
    *,
    shell: Line | None = None,
    kind: ProcessKind = ProcessKind.SERVICE,
    agent: Line | None = None,
    cwd: Line = _ROOT,
    env: tuple[Item, ...] = (),
    env_file: Line | None = None,
    backend: Backend = Backend.LOCAL,
    autostart: OnOff = OnOff.ON,
    instances: int = 1,
    restart: RestartPolicy = RestartPolicy.ON_FAILURE,
    stop_signal: Line = _SIGTERM,
    stop_grace_seconds: int = 10,
    depends_on: tuple[Line, ...] = (),
    ready_http: Line | None = None,
    ready_tcp: Line | None = None,
    ready_log: Line | None = None,
    capacity: int = 1,
    labels: tuple[Line, ...] = (),
    restartable: OnOff = OnOff.OFF,
) -> tuple[ProcessReport, ...]:
    """Add a process that room.yaml does not declare, and start it.

    Args:
        name: unique in the room.
        command: the program and its arguments, each a word of its own.
        shell: a line for /bin/sh instead of a command.
        kind: a service, a worker that runs tasks' commands, or an agent's program.
        agent: the name of the agent whose program it is; the process's own if omitted.
        cwd: where it runs, relative to the room's root.
        env: variables as NAME=VALUE; secrets belong into an env file.
        env_file: a file of NAME=VALUE lines in the room, read at each start.
        backend: where it has its terminal.
        autostart: whether it starts now, and whenever all are started.
        instances: how many of it run.
        restart: when it is started again after it has ended by itself.
        stop_signal: how it is asked to stop.
        stop_grace_seconds: how long it may take to stop before it is ended by force.
        depends_on: what must run first, as NAME or NAME=CONDITION (started, healthy, completed, ...).
        ready_http: it is ready when this URL answers.
        ready_tcp: it is ready when this host:port accepts.
        ready_log: it is ready when a line of its output matches this regular expression.
        capacity: how many tasks a worker or an agent has at once.
        labels: words by which several are meant, as @label.
        restartable: whether agents may restart it.
    """
    from core.processes.declare import former_of, introduce
    from core.processes.entry import read_added

    present = work.rows.processes(work.room.id)
    if any(each.declared_name == name for each in present):
        raise InvalidData(
            f"There is a process {name!r} in room {work.room.name} already.",
            "Choose another name, or change it with `wzp process edit`.",
        )
    given: dict[str, Any] = {
        "command": _command(command, shell), "kind": kind, "agent": agent, "cwd": cwd, "env": _pairs(env),
        "env_file": env_file, "backend": backend, "autostart": autostart is OnOff.ON, "instances": instances,
        "restart": restart, "stop_signal": stop_signal, "stop_grace": stop_grace_seconds,
        "depends_on": _conditions(depends_on), "readiness": _readiness(ready_http, ready_tcp, ready_log),
        "labels": list(labels), "restartable": restartable is OnOff.ON,
    }  # fmt: skip
    if kind is not ProcessKind.SERVICE or capacity != 1:
        given["capacity"] = capacity
    entry = {key: value for key, value in given.items() if value not in (None, [], {})}
    declared = read_added(name, entry, work.room, _specs(present))
    desired = Desired.RUNNING if declared.spec.autostart else Desired.STOPPED
    former = former_of(work)
    added = [
        introduce(work, declared.name, number, declared.spec, desired, former, is_declared=False)
        for number in range(1, declared.instances + 1)
    ]
    if desired is Desired.RUNNING:
        start_what_is_needed(work, added)
    return tuple(report_of(each, work.room) for each in added)


@operation(role=Role.OPERATOR, changes=True, settles=True, command="process edit")
def edit_process(
    work: Work,
    process: ProcessRef,
    *,
    command: tuple[Item, ...] | OrUnset = UNSET,
    shell: Line | OrUnset = UNSET,
    cwd: Line | OrUnset = UNSET,
    env: tuple[Item, ...] | OrUnset = UNSET,
    env_file: Line | OrUnset | None = UNSET,
    backend: Backend | OrUnset = UNSET,
    autostart: OnOff | OrUnset = UNSET,
    restart: RestartPolicy | OrUnset = UNSET,
    stop_signal: Line | OrUnset = UNSET,
    stop_grace_seconds: int | OrUnset = UNSET,
    depends_on: tuple[Line, ...] | OrUnset = UNSET,
    ready_http: Line | OrUnset | None = UNSET,
    ready_tcp: Line | OrUnset | None = UNSET,
    ready_log: Line | OrUnset | None = UNSET,
    capacity: int | OrUnset = UNSET,
    labels: tuple[Line, ...] | OrUnset = UNSET,
    restartable: OnOff | OrUnset = UNSET,
    expected_version: int | None = None,
) -> tuple[ProcessReport, ...]:
    """Edit a process that was added by command, in all its instances. What is omitted stays as it is.

    It is restarted where its program has to be started anew. What room.yaml declares is edited there.

    Args:
        command: the program and its arguments, each a word of its own.
        shell: a line for /bin/sh instead of a command.
        cwd: where it runs, relative to the room's root.
        env: all variables, as NAME=VALUE; secrets belong into an env file.
        env_file: a file of NAME=VALUE lines in the room, read at each start.
        backend: where it has its terminal.
        autostart: whether it starts whenever all are started.
        restart: when it is started again after it has ended by itself.
        stop_signal: how it is asked to stop.
        stop_grace_seconds: how long it may take to stop before it is ended by force.
        depends_on: what must run first, as NAME or NAME=CONDITION (started, healthy, completed, ...).
        ready_http: it is ready when this URL answers.
        ready_tcp: it is ready when this host:port accepts.
        ready_log: it is ready when a line of its output matches this regular expression.
        capacity: how many tasks a worker or an agent has at once.
        labels: words by which several are meant, as @label.
        restartable: whether agents may restart it.
        expected_version: refuse if the process has changed since this version.
    """
    from core.processes.declare import respecify
    from core.processes.entry import entry_of, read_added

    found = process_meant(work.rows, work.room, process)
    work.expect(found, expected_version)
    if found.is_declared:
        raise InvalidData(
            f"{found.name} is declared in {room_file(work.room)}.",
            "Edit it there, then approve it with `wzp room trust`.",
        )
    entry = entry_of(found.spec)
    if command is not UNSET or shell is not UNSET:
        entry["command"] = _command(() if command is UNSET else command, None if shell is UNSET else shell)
    changes: Mapping[str, Any] = {
        "cwd": cwd, "env": env if env is UNSET else _pairs(env), "env_file": env_file, "backend": backend,
        "autostart": autostart if autostart is UNSET else autostart is OnOff.ON, "stop_signal": stop_signal,
        "stop_grace": stop_grace_seconds, "depends_on": depends_on if depends_on is UNSET else _conditions(depends_on),
        "capacity": capacity, "labels": labels if labels is UNSET else list(labels),
        "restartable": restartable if restartable is UNSET else restartable is OnOff.ON,
    }  # fmt: skip
    entry.update({key: value for key, value in changes.items() if value is not UNSET})
    if restart is not UNSET:
        entry["restart"] = {**entry.get("restart", {}), "policy": restart}
    if any(each is not UNSET for each in (ready_http, ready_tcp, ready_log)):
        asked = (None if each is UNSET else each for each in (ready_http, ready_tcp, ready_log))
        entry["readiness"] = _readiness(*asked)
    present = work.rows.processes(work.room.id)
    others = [each for each in present if each.declared_name != found.declared_name]
    kept = {key: value for key, value in entry.items() if value not in (None, [], {})}
    spec = read_added(found.declared_name, kept, work.room, _specs(others)).spec
    instances = [each for each in present if each.declared_name == found.declared_name]
    return tuple(report_of(respecify(work, each, spec), work.room) for each in instances)


@operation(role=Role.OPERATOR, changes=True, settles=True, command="process remove")
def remove_process(
    work: Work, process: ProcessRef, *, expected_version: int | None = None
) -> tuple[ProcessReport, ...]:
    """Stop a process that was added by command, in all its instances, and show it no more. Its log is kept.

    Args:
        expected_version: refuse if the process has changed since this version.
    """
    from core.processes.declare import remove

    found = process_meant(work.rows, work.room, process)
    work.expect(found, expected_version)
    if found.is_declared and _is_declared_still(work):
        raise InvalidData(
            f"{found.name} is declared in {room_file(work.room)}.",
            "Take it out there and approve that with `wzp room trust`, or stop it with `wzp stop`.",
        )
    present = work.rows.processes(work.room.id)
    needing = sorted({each.name for each in present if found.declared_name in each.spec.depends_on})
    if needing:
        raise InvalidData(f"{', '.join(needing)} depends on {found.declared_name}.", "Remove or edit that first.")
    instances = [each for each in present if each.declared_name == found.declared_name]
    return tuple(report_of(remove(work, each), work.room) for each in instances)


def _is_declared_still(work: Work) -> bool:
    return room_file(work.room).exists()


def _specs(present: Iterable[Process]) -> dict[str, ProcessSpec]:
    return {each.declared_name: each.spec for each in present}


def _command(command: tuple[str, ...], shell: str | None) -> list[str] | str | None:
    if command and shell is not None:
        raise InvalidData("A command and a shell line were given.", "Give one of them.")
    return shell if shell is not None else list(command) or None


def _pairs(env: Iterable[str]) -> dict[str, str]:
    pairs = {}
    for each in env:
        name, equals, value = each.partition("=")
        if not equals:
            raise InvalidData(f"{each!r} is no NAME=VALUE.", "Write a variable's name, =, and its value.")
        pairs[name.strip()] = value
    return pairs


def _conditions(depends_on: Iterable[str]) -> dict[str, str]:
    return {name: condition or "started" for name, _, condition in (each.partition("=") for each in depends_on)}


def _readiness(http: str | None, tcp: str | None, log: str | None) -> dict[str, str] | None:
    given = {"http": http, "tcp": tcp, "log_line": log}
    return {key: value for key, value in given.items() if value is not None} or None
