"""Telling: where every message to the person goes, and what becomes of an error that nobody expected."""

import logging
from collections import deque
from collections.abc import Awaitable
from time import monotonic
from typing import Any, Final

from textual.worker import WorkerFailed

from core.doors.hints import COMMANDS, hint_for, message_for
from core.settings import DEFAULTS, Settings
from core.text import for_screen
from storage import ParallelError, utc_now
from tui.desk import Desk
from tui.guard import Guarded
from tui.messages import Note, Severity
from tui.terminal import InTerminal
from tui.translation import _

NOTES_KEPT: Final = 500
"""How many messages the messages panel remembers."""
SAME_ERROR_S: Final = 10.0
"""The same unexpected error is shown once in so many seconds; one that comes with every frame would hide the app."""

logger = logging.getLogger(__name__)


class Telling(Guarded, InTerminal):
    """Speaks to the person in toasts, and keeps what it has said in `notes`."""

    def __init__(self, desk: Desk, *, survives_errors: bool | None) -> None:
        super().__init__()
        self.desk = desk
        self.settings: Settings = DEFAULTS
        self.notes: deque[Note] = deque(maxlen=NOTES_KEPT)
        self._survives_errors = survives_errors
        self._errors_shown: dict[str, float] = {}
        self._told: dict[str, float] = {}
        """When each toast that may still be seen was shown last."""

    def tell(self, text: str, *, severity: Severity = Severity.INFORMATION, hint: str = "") -> None:
        """Show a toast, and keep the message for the messages panel. The same again takes its place, not stacked up."""
        note = self.keep(text, severity=severity, hint=hint)
        body = f"{note.text}\n{note.hint}" if note.hint else note.text
        now, shown_for = monotonic(), self.settings.toast_seconds
        self._told = {each: at for each, at in self._told.items() if now - at < shown_for}
        if now - self._told.get(body, -shown_for) < shown_for / 2:
            return
        self._told[body] = now
        for old in [each for each in self._notifications if each.message == body]:
            self._unnotify(old, refresh=False)
        self.notify(body, severity=severity.value, markup=False, timeout=shown_for)

    def keep(self, text: str, *, severity: Severity = Severity.INFORMATION, hint: str = "") -> Note:
        """Keep a message for the messages panel without a toast."""
        note = Note(utc_now(), severity, for_screen(text), for_screen(hint))
        self.notes.append(note)
        return note

    def tell_error(self, error: ParallelError) -> None:
        """Show a refusal or failure with what to do about it."""
        message, hint = message_for(COMMANDS, error.message), hint_for(COMMANDS, error.hint)
        self.tell(message, severity=Severity.ERROR, hint=hint)

    async def attempt(self, doing: Awaitable[Any]) -> Any:
        """What `doing` gives, or None after the person has been told why not."""
        try:
            return await doing
        except ParallelError as error:
            self.tell_error(error)
        except Exception as error:
            self._handle_exception(error)
        return None

    def _handle_exception(self, error: Exception) -> None:
        """Nothing unexpected takes the app down once it stands, and nothing vanishes."""
        survives = not self.is_headless if self._survives_errors is None else self._survives_errors
        if survives and self._running and self._dom_ready:
            self._report(error)
        else:
            logger.critical("the app could not go on", exc_info=error)
            super()._handle_exception(error)

    def _report(self, error: Exception) -> None:
        if isinstance(error, WorkerFailed) and isinstance(error.error, Exception):
            error = error.error
        logger.error("something failed unexpectedly", exc_info=error)
        text = f"{type(error).__name__}: {error}"
        now = monotonic()
        if now - self._errors_shown.get(text, -SAME_ERROR_S) >= SAME_ERROR_S:
            self._errors_shown[text] = now
            self.tell(
                _("Something failed unexpectedly: {error}").format(error=text),
                severity=Severity.ERROR,
                hint=_("The details are in {path}.").format(path=self.desk.database.home.logs / "app.log"),
            )
