"""What alerts say on the screens: their sentences in the person's language, filled with what they tell.

An alert that has no text (an older version raised it), or one that this version does not know, is told in the English
that is stored with it. Safe for the screen.
"""

from typing import Final

from core.alerts.findings import TEXTS, filled, moment_of, span_parts
from core.text import block_for_screen, for_screen
from storage import Alert
from tui.reasons import reason_text
from tui.times import full_time
from tui.translation import _, mark

_UNITS: Final = {
    "d": mark("{days} d"), "h": mark("{hours} h"), "min": mark("{minutes} min"), "s": mark("{seconds} s"),
}  # fmt: skip


def alert_message(alert: Alert) -> str:
    """What is wrong, as one line."""
    known = TEXTS.get(alert.text)
    return for_screen(alert.message if known is None else _said(known.message, alert, alert.message))


def alert_hint(alert: Alert) -> str:
    """What to do, as lines."""
    known = TEXTS.get(alert.text)
    return block_for_screen(alert.hint if known is None else _said(known.hint, alert, alert.hint))


def _said(sentence: str, alert: Alert, english: str) -> str:
    try:
        told = alert.details
        if "reason" in told:
            told = {**told, "reason": reason_text(told["reason"])}
        if "since" in told:
            told = {**told, "since": full_time(moment_of(told["since"]))}
        return filled(_(sentence), told, _span)
    except (KeyError, ValueError):  # another version tells other things of it
        return english


def _span(seconds: int) -> str:
    number, unit = span_parts(seconds)
    return _(_UNITS[unit]).format(days=number, hours=number, minutes=number, seconds=number)
