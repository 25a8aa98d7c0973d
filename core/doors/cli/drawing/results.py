"""The drawing of each type that an operation may give."""

import re
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from core.doors.cli.drawing import alerts, lists, measured, processes, runs, sentences, views
from core.doors.cli.drawing.values import Wire
from core.operation import Operation

SENTENCES: Final[Mapping[str, Callable[[Operation, Sequence[Wire]], str]]] = {
    "Task": sentences.tasks_changed,
    "Room": sentences.room_changed,
    "Agent": sentences.agent_changed,
    "Comment": sentences.commented,
    "Undone": sentences.undone,
    "Claim": sentences.claimed,
    "Handoff": sentences.handed_over,
    "HandoffDetail": sentences.handoff_answered,
    "Session": sentences.session_changed,
    "NewSession": sentences.session_created,
    "Briefing": sentences.briefed,
    "Run": runs.run_changed,
    "ProcessReport": processes.processes_changed,
    "Approval": processes.room_trusted,
    "Alert": alerts.alerts_changed,
}
LISTS: Final[Mapping[str, Callable[[Sequence[Wire]], str]]] = {
    "Task": lists.task_list,
    "Room": lists.room_list,
    "AgentReport": lists.agent_list,
    "Session": lists.session_list,
    "Handoff": lists.handoff_list,
    "Event": lists.event_list,
    "MetricSeries": measured.series_list,
    "FlowPoint": measured.flow_list,
    "Run": runs.run_list,
    "ProcessReport": processes.process_list,
    "Alert": alerts.alert_list,
}
VIEWS: Final[Mapping[str, Callable[[Wire], str]]] = {
    "TaskDetail": views.task_view,
    "Room": views.room_view,
    "AgentDetail": views.agent_view,
    "Session": views.session_view,
    "HandoffDetail": views.handoff_view,
    "Board": views.board_view,
    "Usage": measured.usage_view,
    "Run": runs.run_view,
    "ProcessDetail": processes.process_view,
}


def draw(operation: Operation, shaped: Any) -> str:
    """The text for what an operation gave: a sentence for a change, a view for a question."""
    returns = operation.returns
    is_several = typing.get_origin(returns) is tuple
    name = (typing.get_args(returns)[0] if is_several else returns).__name__
    if operation.changes:
        return SENTENCES[name](operation, shaped if is_several else [shaped])
    if is_several:
        return LISTS[name](shaped) if shaped else f"No {_plural(name)}."
    return VIEWS[name](shaped)


def _plural(name: str) -> str:
    """`Task` as `tasks`, and `AgentReport`, which is how an agent is listed, as `agents`."""
    noun = re.split(r"(?<=[a-z])(?=[A-Z])", name)[0].lower()
    return f"{noun}es" if noun.endswith("s") else f"{noun}s"
