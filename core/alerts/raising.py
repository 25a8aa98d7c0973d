"""Raising and resolving alerts, inside the transaction of the operation that has found the matter."""

from dataclasses import replace

from core.work import Work
from storage import Alert, AlertSeverity, new_alert_id


def raise_alert(
    work: Work, rule: str, message: str, *, subject: str = "", hint: str = "",
    severity: AlertSeverity = AlertSeverity.WARNING,
) -> Alert:  # fmt: skip
    """Raise an alert, or count once more the one that is open for the same rule and subject.

    Args:
        rule: what found it, a word of the settings' `alerts`.
        subject: the id or name of what it is about; empty for the room as a whole.
    """
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
