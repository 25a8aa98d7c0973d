"""Alerts: what a person should see to. List them, acknowledge, mute or resolve them."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from core.alerts.findings import Finding
from core.alerts.raising import note_findings
from core.errors import InvalidData
from core.operation import operation
from core.work import Work
from storage import Alert, AlertId, AlertSeverity, Role, utc_now

LONGEST_MUTE_MINUTES: Final = 366 * 24 * 60

_ON_SCREEN: Final = {"palette": "the alerts' screen offers it for the alert under the cursor, and for all"}
_NOT_AT: Final = dict.fromkeys(("cli", "palette", "mcp", "socket", "websocket"), "only the host's rules find alerts")


@operation(role=Role.VIEWER, changes=False, command="alerts list")
def list_alerts(
    work: Work, *, severity: tuple[AlertSeverity, ...] = (), quiet: bool = False, resolved: bool = False,
    limit: int = 100,
) -> tuple[Alert, ...]:  # fmt: skip
    """List what a person should see to, newest first.

    Args:
        severity: only those that are so bad.
        quiet: leave out what is acknowledged or muted.
        resolved: also those that are over.
        limit: at most so many.
    """
    now = utc_now()
    found = [
        each
        for each in work.rows.alerts(work.room.id, resolved=resolved)
        if (not severity or each.severity in severity)
        and not (quiet and (each.acknowledged_at is not None or is_muted(each, now)))
    ]
    return tuple(found[:limit])


@operation(role=Role.OPERATOR, changes=True, undoable=True, command="alerts acknowledge", not_at=_ON_SCREEN)
def acknowledge_alerts(work: Work, alerts: tuple[AlertId, ...] = (), *, all: bool = False) -> tuple[Alert, ...]:
    """Say that you have seen alerts, so that they no longer ask for you; they stay until what they tell of is over.

    Args:
        alerts: by their ids, or the unique ends of them.
        all: every one that is open.

    Raises:
        InvalidData: none is named, or one is over.
    """
    return tuple(
        work.save(
            replace(current, acknowledged_by=work.agent.id, acknowledged_at=work.now), event="acknowledged"
        ) if current.acknowledged_at is None else current
        for current in _meant(work, alerts, all=all)
    )  # fmt: skip


@operation(role=Role.OPERATOR, changes=True, undoable=True, command="alerts mute", not_at=_ON_SCREEN)
def mute_alerts(
    work: Work, alerts: tuple[AlertId, ...] = (), *, minutes: int = 60, all: bool = False
) -> tuple[Alert, ...]:
    """Let alerts tell nobody for a while, even if they are seen again.

    Args:
        alerts: by their ids, or the unique ends of them.
        minutes: for so long; 0 lets them tell again.
        all: every one that is open.

    Raises:
        InvalidData: none is named, one is over, or the time makes no sense.
    """
    if not 0 <= minutes <= LONGEST_MUTE_MINUTES:
        raise InvalidData(f"{minutes} minutes make no sense.", f"Give 0 to {LONGEST_MUTE_MINUTES:,}.")
    until = work.now + timedelta(minutes=minutes) if minutes else None
    return tuple(
        work.save(replace(current, muted_until=until), event="muted" if minutes else "unmuted")
        for current in _meant(work, alerts, all=all)
    )


@operation(role=Role.OPERATOR, changes=True, undoable=True, command="alerts resolve", not_at=_ON_SCREEN)
def resolve_alerts(work: Work, alerts: tuple[AlertId, ...] = (), *, all: bool = False) -> tuple[Alert, ...]:
    """Close alerts by hand; they come back only if what they tell of is found anew.

    Args:
        alerts: by their ids, or the unique ends of them.
        all: every one that is open.

    Raises:
        InvalidData: none is named, or one is over.
    """
    return tuple(
        work.save(replace(current, resolved_at=work.now), event="resolved") for current in _meant(work, alerts, all=all)
    )


@operation(role=Role.SYSTEM, changes=True, not_at=_NOT_AT)
def note_alerts(work: Work, findings: tuple[Finding, ...]) -> tuple[Alert, ...]:
    """Raise and resolve alerts as the host's rules have found."""
    return note_findings(work, findings)


def is_muted(alert: Alert, now: datetime) -> bool:
    """Whether an alert tells nobody at a moment."""
    return alert.muted_until is not None and alert.muted_until > now


def _meant(work: Work, alerts: Iterable[AlertId], *, all: bool) -> list[Alert]:
    named = tuple(alerts)
    if all and not named:
        named = tuple(each.id for each in work.rows.alerts(work.room.id))
    elif not named:
        raise InvalidData("No alert is named.", "Name some as `wzp alerts list` shows them, or give --all.")
    found = [work.get(Alert, each) for each in dict.fromkeys(named)]
    for each in found:
        if each.resolved_at is not None:
            raise InvalidData(f"The alert {each.id} is over: {each.message}", "See the open ones: `wzp alerts list`.")
    return found
