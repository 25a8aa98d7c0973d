"""How things read: who and what is meant, the names of fields, their values.

All that comes from tasks, agents and events leaves this module safe for the screen; none of it is markup. The words of
closed vocabularies are in tui/vocabulary.py, times in tui/times.py; both are had from here.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from core.text import for_screen
from storage import Agent, AgentId, Alert, AlertId, Ending, Priority, ProcessId, Result, SessionId, Task, TaskId
from tui.alert_text import alert_message
from tui.board_state import BoardState
from tui.times import age as age
from tui.times import clock as clock
from tui.times import due_text as due_text
from tui.times import duration as duration
from tui.times import full_time as full_time
from tui.translation import _
from tui.vocabulary import AGENT_FIELDS as AGENT_FIELDS
from tui.vocabulary import AGENT_STATES as AGENT_STATES
from tui.vocabulary import ALERT_SEVERITIES as ALERT_SEVERITIES
from tui.vocabulary import ENDING_NAMES as ENDING_NAMES
from tui.vocabulary import FIELD_NAMES as FIELD_NAMES
from tui.vocabulary import HANDOFF_STATES as HANDOFF_STATES
from tui.vocabulary import HIDDEN_FIELDS as HIDDEN_FIELDS
from tui.vocabulary import KIND_NAMES as KIND_NAMES
from tui.vocabulary import PRIORITY_NAMES as PRIORITY_NAMES
from tui.vocabulary import PROCESS_STATES as PROCESS_STATES
from tui.vocabulary import RULE_NAMES as RULE_NAMES
from tui.vocabulary import RUN_STATES as RUN_STATES
from tui.vocabulary import SESSION_STATES as SESSION_STATES
from tui.vocabulary import SOURCE_NAMES as SOURCE_NAMES
from tui.vocabulary import STATUS_NAMES as STATUS_NAMES

MUTED: Final = "$foreground 60%"
"""The look of what is said by the way; `$text-muted` is an automatic colour, which a part of a text cannot have."""


class Names:
    """Looks up how agents and tasks are called in the room as it is now."""

    def __init__(self, state: BoardState) -> None:
        self._state = state
        self._learned: dict[AlertId, Alert] = {}

    def learn(self, alerts: Iterable[Alert]) -> None:
        """Remember alerts: those that are over are not part of the room's state."""
        self._learned |= {each.id: each for each in alerts}

    def knows_alert(self, alert: str) -> bool:
        """Whether an alert is known."""
        return alert in self._learned or alert in self._state.alerts

    def alert(self, alert: str) -> str:
        """What an alert says; `an alert` for one that is not known."""
        known = self._state.alerts.get(AlertId(alert)) or self._learned.get(AlertId(alert))
        return alert_message(known) if known is not None else _("an alert")

    def agent(self, agent: str | None) -> str:
        """The agent's name; `nobody` for None, `somebody` for one that is not known (yet)."""
        if agent is None:
            return _("nobody")
        known: Agent | None = self._state.agents.get(AgentId(agent))
        if known is None:
            return _("somebody") if agent.startswith("agt_") else for_screen(agent)
        return for_screen(known.name)

    def receiver(self, agent: str | None, role: str | None) -> str:
        """To whom a handoff goes: an agent by name, or whoever has a role."""
        return self.agent(agent) if agent else _("any {role}").format(role=for_screen(role or ""))

    def session(self, session: str) -> str:
        """The agent of a session."""
        known = self._state.sessions.get(SessionId(session))
        return self.agent(known.agent_id) if known else _("somebody")

    def process(self, process: str) -> str:
        """The process's name; `a process` for one that is gone."""
        known = self._state.processes.get(ProcessId(process))
        return for_screen(known.name) if known else _("a process")

    def task(self, task: str | None) -> str:
        """The task's number with its sign."""
        known: Task | None = self._state.tasks.get(TaskId(task)) if task else None
        if known is None:
            return for_screen(task) if task and not task.startswith("tsk_") else _("a task")
        return f"#{known.number}"

    def number(self, task: str | None) -> int | None:
        """The task's number."""
        known: Task | None = self._state.tasks.get(TaskId(task)) if task else None
        return known.number if known else None

    def task_with_title(self, task: str | None) -> str:
        """Number and title."""
        known: Task | None = self._state.tasks.get(TaskId(task)) if task else None
        return f"#{known.number} {for_screen(known.title)}" if known else _("a task")


def status_name(status: str) -> str:
    """`In progress`."""
    return _(STATUS_NAMES.get(status, "")) or str(status).replace("_", " ").capitalize()


def priority_name(priority: Priority) -> str:
    """`high`."""
    return _(PRIORITY_NAMES[priority])


def rule_name(rule: str) -> str:
    """How the rule of an alert is called."""
    return _(RULE_NAMES.get(rule, "")) or for_screen(rule.replace("_", " "))


def field_name(field: str) -> str:
    """How a field is called."""
    return _(FIELD_NAMES.get(field, "")) or field.replace("_", " ").capitalize()


def field_value(field: str, value: Any, names: Names) -> str:
    """A value of a field, as on the wire or as in the record, in words; may have several lines."""
    if field in AGENT_FIELDS:
        return names.agent(value) if value or field == "assignee" else _("none")
    if field == "parent":
        return names.task(value) if value else _("none")
    if field == "dependencies":
        return ", ".join(names.task(each) for each in value or ()) or _("nothing")
    if value is None or value == "" or value == () or value == []:
        return _("none")
    if field in ("status", "archived_from"):
        return status_name(value)
    if field == "priority":
        return priority_name(Priority(value))
    if field == "estimate_minutes":
        return duration(int(value))
    if field == "lease_seconds":
        return _("{seconds} s").format(seconds=value)
    if field == "handoff_alert_minutes":
        return duration(int(value))
    if field == "result":
        return result_line(value)
    if field == "wip_limits":
        return ", ".join(f"{status_name(status)} {limit}" for status, limit in value.items()) or _("none")
    if isinstance(value, (list, tuple)):
        return ", ".join(for_screen(str(each)) for each in value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return "\n".join(for_screen(line) for line in str(value).splitlines())


def result_line(result: Result | Mapping[str, Any]) -> str:
    """A result in a line: how the work ended, and the first line of what was said of it."""
    if isinstance(result, Result):
        ending, summary = result.ending, result.summary
    else:
        ending, summary = Ending(result["ending"]), str(result["summary"])
    first_line = summary.partition("\n")[0]
    return f"{_(ENDING_NAMES[ending])}: {for_screen(first_line)}"
