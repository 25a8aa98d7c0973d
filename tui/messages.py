"""The messages that travel between threads, app and screens: what has become true, never what to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from textual.message import Message

from storage import Presence, SessionId
from tui.board_state import Fresh


@dataclass
class FreshRows(Message):
    """The change feed has read new rows (posted from the feed's thread)."""

    fresh: Fresh


@dataclass
class FreshPresences(Message):
    """Signs of life of agents have been read (posted from the feed's thread)."""

    presences: Mapping[SessionId, Presence]

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, FreshPresences)


@dataclass
class FeedFailed(Message):
    """A batch of changes could not be read (posted from the feed's thread); what is known here may be behind."""

    error: Exception

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, FeedFailed)


class Severity(StrEnum):
    """How loud a note is."""

    INFORMATION = "information"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Note:
    """One message to the person, kept for the messages panel. `hint` says what to do."""

    at: datetime
    severity: Severity
    text: str
    hint: str = ""
