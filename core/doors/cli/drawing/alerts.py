"""Alerts: what a change has done to them, and a table."""

from collections.abc import Sequence
from typing import Final

from core.doors.cli.drawing.values import Wire, age_of, local_time, short_id
from core.doors.cli.table import BOLD, CYAN, DIM, RED, YELLOW, Cell, table
from core.operation import Operation
from core.text import for_screen
from storage import parse_time, utc_now

SEVERITY_STYLES: Final = {"info": CYAN, "warning": YELLOW, "critical": RED}
_DONE: Final = {"acknowledge_alerts": "Acknowledged", "resolve_alerts": "Resolved", "mute_alerts": "Muted"}


def alerts_changed(operation: Operation, alerts: Sequence[Wire]) -> str:
    """Alerts that were acknowledged, muted or resolved."""
    if not alerts:
        return "There are no open alerts."
    what = _DONE[operation.name]
    until = alerts[0]["muted_until"]
    when = f" until {local_time(until)}" if until and operation.name == "mute_alerts" else ""
    if operation.name == "mute_alerts" and not until:
        what = "No longer muted:"
    if len(alerts) > 1:
        return f"{what} {len(alerts)} alerts{when}."
    return f"{what} {short_id(alerts[0])}{when}: {for_screen(alerts[0]['message'])}"


def alert_list(alerts: Sequence[Wire]) -> str:
    """Alerts, a row each."""
    headers = ("ALERT", "SEVERITY", "RULE", "STATE", "SEEN", "FIRST", "LAST", "WHAT")
    rows = [
        [
            Cell(short_id(each), BOLD), Cell(each["severity"], SEVERITY_STYLES.get(each["severity"], "")),
            Cell(each["rule"]), Cell(state_of(each), DIM), Cell(f"{each['seen_count']}×", DIM),
            Cell(age_of(each["created_at"]), DIM), Cell(age_of(each["last_seen_at"]), DIM),
            Cell(for_screen(each["message"])),
        ]
        for each in alerts
    ]  # fmt: skip
    return table(headers, rows, flexible=7)


def state_of(alert: Wire) -> str:
    """Where an alert stands."""
    if alert["resolved_at"]:
        return "resolved"
    if alert["muted_until"] and parse_time(alert["muted_until"]) > utc_now():
        return "muted"
    return "acknowledged" if alert["acknowledged_at"] else "open"
