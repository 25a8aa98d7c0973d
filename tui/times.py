"""Times as they read on the screen: local, how long ago, how long, when due."""

from datetime import UTC, date, datetime, timedelta

from tui.translation import _, ngettext


def duration(minutes: int) -> str:
    """`1 h 30 min`."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return _("{minutes} min").format(minutes=rest)
    if not rest:
        return _("{hours} h").format(hours=hours)
    return _("{hours} h {minutes} min").format(hours=hours, minutes=rest)


def clock(moment: datetime, now: datetime | None = None) -> str:
    """Local time: `14:03` today, `12 Nov 14:03` this year, else with the year."""
    local = moment.astimezone()
    today = (now or datetime.now(UTC)).astimezone()
    if local.date() == today.date():
        return f"{local:%H:%M}"
    return f"{local.day} {local:%b %H:%M}" if local.year == today.year else f"{local.day} {local:%b %Y %H:%M}"


def full_time(moment: datetime) -> str:
    """Local date and time to the second."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


def age(since: datetime, now: datetime | None = None) -> str:
    """How long ago: `12 s`, `5 min`, `3 h`, `12 d`."""
    passed = max((now or datetime.now(UTC)) - since, timedelta())
    seconds = int(passed.total_seconds())
    if seconds >= 86_400:
        return _("{days} d").format(days=seconds // 86_400)
    if seconds >= 3_600:
        return _("{hours} h").format(hours=seconds // 3_600)
    if seconds >= 60:
        return _("{minutes} min").format(minutes=seconds // 60)
    return _("{seconds} s").format(seconds=seconds)


def due_text(due: date, today: date | None = None) -> str:
    """`2026-12-01 (in 11 days)`."""
    days = (due - (today or datetime.now().astimezone().date())).days
    if days == 0:
        when = _("today")
    elif days > 0:
        when = _("tomorrow") if days == 1 else ngettext("in {days} day", "in {days} days", days).format(days=days)
    else:
        when = _("yesterday") if days == -1 else (
            ngettext("{days} day ago", "{days} days ago", -days).format(days=-days)
        )  # fmt: skip
    return f"{due.isoformat()} ({when})"
