"""All of an alert, as the details of the alerts' screen show it: what, since when, how often, who has seen it. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from textual.content import Content

from core.text import for_screen
from storage import Alert, AlertSeverity, ProcessId
from tui.alert_text import alert_hint, alert_message
from tui.board_state import BoardState
from tui.translation import _, ngettext
from tui.wording import ALERT_SEVERITIES, MUTED, Names, clock, full_time, rule_name

LOOKS: Final[Mapping[AlertSeverity, str]] = {
    AlertSeverity.CRITICAL: "error", AlertSeverity.WARNING: "warning", AlertSeverity.INFO: "accent",
}  # fmt: skip


def alert_details(alert: Alert, state: BoardState, now: datetime, *, is_roomy: bool) -> Content:
    """An alert in lines, with empty ones between its parts where there is room."""
    names = Names(state)
    sign, name = ALERT_SEVERITIES[alert.severity]
    parts = [
        [Content.styled(f"{sign} {_(name)} · {rule_name(alert.rule)}", f"bold $text-{LOOKS[alert.severity]}")],
        [Content(alert_message(alert))],
    ]
    if hint := alert_hint(alert):
        parts.append([Content.styled(hint, "$text-accent")])
    if about := _about(alert, state, names):
        parts.append([Content.assemble((_("About") + ": ", MUTED), about)])
    parts.append([Content.styled(each, MUTED) for each in _times(alert, names, now)])
    return Content("\n\n" if is_roomy else "\n").join(Content("\n").join(part) for part in parts)


def _times(alert: Alert, names: Names, now: datetime) -> list[str]:
    seen = ngettext("seen once", "seen {count} times", alert.seen_count).format(count=alert.seen_count)
    told = [
        _("First {first}, last {last}, {seen}.").format(
            first=full_time(alert.created_at), last=full_time(alert.last_seen_at), seen=seen
        )
    ]
    if alert.acknowledged_at is not None:
        by = names.agent(alert.acknowledged_by)
        told.append(_("Acknowledged {time} by {agent}.").format(time=full_time(alert.acknowledged_at), agent=by))
    if alert.muted_until is not None and alert.muted_until > now:
        told.append(_("Muted until {time}.").format(time=clock(alert.muted_until)))
    if alert.resolved_at is not None:
        told.append(_("Over since {time}.").format(time=full_time(alert.resolved_at)))
    return told


def _about(alert: Alert, state: BoardState, names: Names) -> str:
    subject = alert.subject
    if subject.startswith("prc_"):
        process = state.processes.get(ProcessId(subject))
        return for_screen(process.name) if process is not None else _("a process that is gone")
    if subject.startswith("tsk_"):
        return names.task_with_title(subject)
    if subject.startswith("agt_"):
        return names.agent(subject)
    return "" if subject.startswith("hnd_") else for_screen(subject)
