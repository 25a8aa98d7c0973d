"""Raising and resolving alerts, inside the transaction of the operation that has found the matter."""

from collections.abc import Iterable
from dataclasses import replace

from core.alerts.findings import Finding
from core.alerts.wanted import rule_of
from core.work import Work
from storage import Alert, new_alert_id


def note_findings(work: Work, findings: Iterable[Finding]) -> tuple[Alert, ...]:
    """Raise an alert for what was found, and close those of what is over; gives those that were raised or seen."""
    noted = []
    for finding in findings:
        if finding.is_over:
            resolve_alert(work, finding.rule, finding.subject)
            continue
        raised = raise_alert(work, finding)
        noted += [raised] if raised is not None else []
    return tuple(noted)


def raise_alert(work: Work, finding: Finding) -> Alert | None:
    """Raise an alert, or count once more the one that is open for the same rule and subject. A repetition that says
    nothing new makes no event. None where the settings have turned the rule off; their severity goes before the
    finding's own.
    """
    wanted = rule_of(work.rows.home, finding.rule)
    if not wanted.on:
        return None
    severity = wanted.severity or finding.severity
    known = work.rows.open_alert(work.room.id, finding.rule, finding.subject)
    if known is None:
        return work.add(
            Alert(
                id=new_alert_id(), room_id=work.room.id, rule=finding.rule, subject=finding.subject, severity=severity,
                message=finding.message, hint=finding.hint, text=finding.text, details=finding.details,
                created_at=work.now, updated_at=work.now,
            ),
            event="raised",
        )  # fmt: skip
    work.writer.note_alert(known.id)
    current = work.get(Alert, known.id)
    said = replace(
        current, severity=severity, message=finding.message, hint=finding.hint, text=finding.text,
        details=finding.details,
    )  # fmt: skip
    return work.save(said, event="changed")


def resolve_alert(work: Work, rule: str, subject: str = "") -> None:
    """Close the alert of a rule about a subject, where one is open: what it told of is over."""
    known = work.rows.open_alert(work.room.id, rule, subject)
    if known is not None:
        current = work.get(Alert, known.id)
        work.save(replace(current, resolved_at=work.now), event="resolved")
