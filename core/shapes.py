"""What results look like outside: the stable JSON shapes, documented in docs/json.md. They hang on types alone."""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, Final

from core.agents.handoffs import is_overdue
from core.agents.sessions import Secret
from core.errors import VersionConflict
from storage import (
    Agent,
    Alert,
    EntityKind,
    Event,
    Handoff,
    ParallelError,
    Process,
    ProcessKind,
    Reader,
    Room,
    Run,
    RunState,
    Task,
    TaskId,
    format_time,
    to_wire,
    utc_now,
)  # fmt: skip

_AGENT_FIELDS: Final = (
    "author", "agent_id", "from_agent", "to_agent", "taken_by", "queued_by", "cancelled_by",
    "acknowledged_by",
)  # fmt: skip


class Shaper:
    """Turns results into wire values within one snapshot: it looks up the names that ids stand for."""

    def __init__(self, rows: Reader, *, shows_secrets: bool = False) -> None:
        self._rows = rows
        self._shows_secrets = shows_secrets
        self._names: dict[str, str | None] = {}
        self._numbers: dict[str, int] = {}

    def shape(self, value: Any) -> Any:
        """The wire value of an operation's result: a record, a dataclass of records, or a sequence of them."""
        if isinstance(value, Task):
            return self._tasks([value])[0]
        if isinstance(value, Event):
            return self._event(value)
        if isinstance(value, (tuple, list)):
            if value and all(isinstance(each, Task) for each in value):
                return self._tasks(value)
            return [self.shape(each) for each in value]
        if isinstance(value, datetime):
            return format_time(value)
        if not is_dataclass(value) or isinstance(value, type):
            return value
        if isinstance(value, Secret):
            return value.value if self._shows_secrets else None
        if hasattr(value, "version"):
            return self._entity(value)
        shaped = {each.name: self.shape(getattr(value, each.name)) for each in fields(value)}
        if "dependants" in shaped:
            shaped["dependant_numbers"] = [self._number(each) for each in shaped["dependants"]]
        main = next(iter(shaped))
        if isinstance(shaped[main], dict):  # what it is about; the rest hangs on that
            return {**shaped.pop(main), **shaped}
        return shaped

    def _entity(self, entity: Any) -> dict[str, Any]:
        wire = to_wire(entity)
        wire.pop("token_hash", None)
        for name in _AGENT_FIELDS:
            if name in wire:
                wire[f"{name.removesuffix('_id')}_name"] = self._name(wire[name])
        if "task_id" in wire:
            wire["task_number"] = self._number(wire["task_id"])
        if isinstance(entity, Run):
            process = self._rows.get(Process, entity.process_id) if entity.process_id is not None else None
            wire["process_name"] = process.name if process is not None else None
            wire["waits_for"] = self._waits_for(entity)
        if isinstance(entity, Handoff):
            room = self._rows.get(Room, entity.room_id)
            wire["overdue"] = room is not None and is_overdue(entity, room, utc_now())
        return wire

    def _waits_for(self, run: Run) -> str | None:
        """What a queued run waits for, if only for who is to take it."""
        from core.dispatch.ready import why_not_ready  # for those who ask for runs

        task, room = self._rows.get(Task, run.task_id), self._rows.get(Room, run.room_id)
        if run.state is not RunState.QUEUED or task is None or room is None:
            return None
        taker = "an agent" if task.command is None or self._is_of_agent_process(task) else "a worker"
        return str(why_not_ready(run, task, room, utc_now()) or taker)

    def _is_of_agent_process(self, task: Task) -> bool:
        agent = self._rows.get(Agent, task.assignee or "")
        return agent is not None and any(
            each.spec.kind is ProcessKind.AGENT and each.spec.agent == agent.name
            for each in self._rows.processes(task.room_id)
        )

    def _tasks(self, tasks: Sequence[Task]) -> list[dict[str, Any]]:
        placed = [task if task.position is not None else None for task in tasks]
        missing = iter(self._rows.with_positions([task for task in tasks if task.position is None]))
        named = {
            *(need for task in tasks for need in task.dependencies),
            *(task.parent for task in tasks if task.parent),
        }
        needs = named.difference(self._numbers)
        self._numbers.update((task.id, task.number) for task in self._rows.tasks_by_id(needs))
        shaped = []
        for known in placed:
            task = known or next(missing)
            wire = to_wire(task)
            wire["assignee_name"] = self._name(task.assignee)
            if wire["result"] is not None:
                wire["result"]["agent_name"] = self._name(wire["result"]["agent"])
            wire["dependency_numbers"] = [self._numbers[need] for need in task.dependencies if need in self._numbers]
            wire["parent_number"] = self._numbers.get(task.parent or "")
            shaped.append(wire)
        return shaped

    def _event(self, event: Event) -> dict[str, Any]:
        wire = to_wire(event)
        wire["agent_name"] = self._name(event.agent_id)
        for side in (wire["before"], wire["after"]):
            (side or {}).pop("token_hash", None)
        if event.subject_id is not None:
            wire["task_number"] = self._number(event.subject_id)
        wire["names"] = self._names_in(event)
        return wire

    def _names_in(self, event: Event) -> dict[str, str]:
        """What the ids of an event are called: agents and processes by name, alerts by message, tasks as `#12`."""
        names: dict[str, str] = {}
        if event.entity is EntityKind.PROCESS and (process := self._rows.get(Process, event.entity_id)) is not None:
            names[process.id] = process.name
        if event.entity is EntityKind.ALERT and (alert := self._rows.get(Alert, event.entity_id)) is not None:
            names[alert.id] = alert.message
        for value in (*(event.before or {}).values(), *event.after.values()):
            for each in value if isinstance(value, list) else (value,):
                if isinstance(each, str) and each.startswith("agt_") and (name := self._name(each)):
                    names[each] = name
                elif isinstance(each, str) and each.startswith("tsk_") and (number := self._number(each)):
                    names[each] = f"#{number}"
        return names

    def _number(self, task: str) -> int | None:
        if task not in self._numbers and (found := self._rows.get(Task, TaskId(task))) is not None:
            self._numbers[task] = found.number
        return self._numbers.get(task)

    def _name(self, agent: str | None) -> str | None:
        if agent is None:
            return None
        if agent not in self._names:
            found = self._rows.get(Agent, agent)
            self._names[agent] = found.name if found else None
        return self._names[agent]


def shape_error(error: ParallelError, rows: Reader | None = None) -> dict[str, Any]:
    """The wire value of an error: `code`, `message`, `hint`, and what else it carries.

    Args:
        rows: a snapshot for the names in a conflict's rows; without it they stay ids.
    """
    wire: dict[str, Any] = {"code": error.code, "message": error.message, "hint": error.hint}
    if error.details:
        wire["details"] = dict(error.details)
    if isinstance(error, VersionConflict):
        shape = Shaper(rows).shape if rows is not None else to_wire
        wire["current"] = shape(error.current)
        wire["changes"] = [shape(each) for each in error.changes]
    return wire
