"""Raising and resolving alerts, inside the transaction of the operation that has found the matter."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from core.alerts.wanted import rule_of
from core.work import Work
from storage import Alert, AlertSeverity, new_alert_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that a person should see to, or, with `is_over`, that is right again."""

    rule: str
    subject: str = ""
    message: str = ""
    hint: str = ""
    severity: AlertSeverity = AlertSeverity.WARNING
    is_over: bool = False


def note_findings(work: Work, findings: Iterable[Finding]) -> tuple[Alert, ...]:
    """Raise an alert for what was found, and close those of what is over; gives those that were raised or seen."""
    noted = []
    for finding in findings:
        if finding.is_over:
            resolve_alert(work, finding.rule, finding.subject)
            continue
        raised = raise_alert(
            work, finding.rule, finding.message, subject=finding.subject, hint=finding.hint, severity=finding.severity
        )
        noted += [raised] if raised is not None else []
    return tuple(noted)


def raise_alert(
    work: Work, rule: str, message: str, *, subject: str = "", hint: str = "",
    severity: AlertSeverity = AlertSeverity.WARNING,
) -> Alert | None:  # fmt: skip
    """Raise an alert, or count once more the one that is open for the same rule and subject. A repetition that says
    nothing new makes no event. None where the settings have turned the rule off; their severity goes before `severity`.

    Args:
        rule: what found it, a word of the settings' `alerts`.
        subject: the id or name of what it is about; empty for the room as a whole.
    """
    wanted = rule_of(work.rows.home, rule)
    if not wanted.on:
        return None
    severity = wanted.severity or severity
    known = work.rows.open_alert(work.room.id, rule, subject)
    if known is None:
        return work.add(
            Alert(
                id=new_alert_id(), room_id=work.room.id, rule=rule, subject=subject, severity=severity,
                message=message, hint=hint, created_at=work.now, updated_at=work.now,
            ),
            event="raised",
        )  # fmt: skip
    work.writer.note_alert(known.id)
    current = work.get(Alert, known.id)
    return work.save(replace(current, severity=severity, message=message, hint=hint), event="changed")


def resolve_alert(work: Work, rule: str, subject: str = "") -> None:
    """Close the alert of a rule about a subject, where one is open: what it told of is over."""
    known = work.rows.open_alert(work.room.id, rule, subject)
    if known is not None:
        current = work.get(Alert, known.id)
        work.save(replace(current, resolved_at=work.now), event="resolved")
