"""News: what others have just done that the person should hear of, in a sentence each. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from core.agents import AgentReport
from core.agents.handoffs import is_for
from core.text import for_screen, shortened
from storage import Agent, AgentId, AgentState, AlertId, AlertSeverity, EntityKind, Event, Handoff, HandoffId
from tui.alert_text import alert_hint, alert_message
from tui.board_state import BoardState
from tui.messages import Severity
from tui.translation import _
from tui.wording import Names

GATHERED_LENGTH: Final = 100
"""Of each of several pieces of news so much is told at once; F2 has the whole of it."""


@dataclass(frozen=True, slots=True)
class News:
    """One piece of news; `hint` says more of it, or what to do."""

    text: str
    hint: str = ""
    severity: Severity = Severity.INFORMATION


def of_agents(before: Mapping[AgentId, AgentReport], after: Mapping[AgentId, AgentReport]) -> list[News]:
    """Who has come to wait for an answer."""
    found = []
    for key, report in after.items():
        known = before.get(key)
        asks_anew = known is None or known.state is not AgentState.WAITING or known.message != report.message
        if report.state is AgentState.WAITING and asks_anew:
            text = _("{agent} waits for you.").format(agent=for_screen(report.agent.name))
            found.append(News(text, for_screen(report.message or ""), Severity.WARNING))
    return found


def of_events(events: Sequence[Event], state: BoardState, me: Agent) -> list[News]:
    """What others have finished, failed at, left or handed to the person; nothing of what the person did."""
    names = Names(state)
    left: dict[str, list[str]] = {}
    for event in events:
        if event.type == "abandoned":
            left.setdefault(event.change, []).append(names.task(event.entity_id))
    found = []
    for event in events:
        if event.agent_id != me.id:
            news = _of_event(event, state, me, names, ", ".join(left.get(event.change, ())))
            found += [news] if news is not None else []
    return found


def of_overdue(overdue: Collection[HandoffId], state: BoardState) -> list[News]:
    """Handoffs that nobody has answered in time."""
    return [_overdue(state.handoffs[each], Names(state)) for each in overdue]


def _overdue(handoff: Handoff, names: Names) -> News:
    text = _("Nobody has answered the handoff of {task} to {agent}.")
    to = names.receiver(handoff.to_agent, handoff.to_role)
    return News(text.format(task=names.task(handoff.task_id), agent=to), severity=Severity.WARNING)


def _of_event(event: Event, state: BoardState, me: Agent, names: Names, left: str) -> News | None:
    agent = names.agent(event.agent_id)
    if event.entity is EntityKind.TASK and event.type in ("finished", "failed") and event.undoes is None:
        is_done = event.type == "finished"
        text = _("{agent} reported {task} as done.") if is_done else _("{agent} failed at {task}.")
        if event.operation == "settle_runs":  # the program has told it: its name says nothing
            text = _("The command of {task} succeeded.") if is_done else _("The command of {task} failed.")
        severity = Severity.INFORMATION if event.type == "finished" else Severity.WARNING
        summary = str((event.after.get("result") or {}).get("summary", "")).partition("\n")[0]
        return News(text.format(agent=agent, task=names.task_with_title(event.entity_id)), summary, severity)
    if event.entity is EntityKind.ALERT and event.type == "raised":
        return _of_alert(event, state)
    if event.entity is EntityKind.SESSION and event.type in ("lost", "ended"):
        return _of_end(event, names, left)
    if event.entity is EntityKind.HANDOFF and event.type in ("created", "redirected"):
        handoff = state.handoffs.get(HandoffId(event.entity_id))
        if handoff is not None and is_for(handoff, me):
            text = _("{agent} hands {task} to you.")
            task = names.task_with_title(handoff.task_id)
            return News(text.format(agent=agent, task=task), handoff.summary.partition("\n")[0], Severity.WARNING)
    return None


def _of_alert(event: Event, state: BoardState) -> News | None:
    """An alert that is new; one of a handoff is told when the handoff is overdue."""
    alert = state.alerts.get(AlertId(event.entity_id))
    if alert is None or alert.rule == "handoff_overdue":
        return None
    severity = {AlertSeverity.INFO: Severity.INFORMATION, AlertSeverity.CRITICAL: Severity.ERROR}.get(
        alert.severity, Severity.WARNING
    )
    return News(alert_message(alert), alert_hint(alert), severity)


def _of_end(event: Event, names: Names, left: str) -> News | None:
    who = names.session(event.entity_id)
    why = str(event.after.get("end_reason") or "")
    if left:
        text = _("{agent} stopped without reporting on {tasks}.")
        return News(text.format(agent=who, tasks=left), why, Severity.WARNING)
    if event.type == "lost":
        return News(_("{agent} is lost.").format(agent=who), why, Severity.WARNING)
    return None


def gathered(news: Sequence[News]) -> News:
    """Many pieces of news as one."""
    if len(news) == 1:
        return news[0]
    most = max(news, key=lambda each: list(Severity).index(each.severity)).severity
    shown = " ".join(shortened(each.text, GATHERED_LENGTH) for each in news[:4])
    more = _("… and {count} more: F2 lists them.").format(count=len(news) - 4) if len(news) > 4 else ""
    return News(_("{count} things have happened.").format(count=len(news)), f"{shown} {more}".strip(), most)
