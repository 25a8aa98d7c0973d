"""What the person types to filter the history, and the search for it, a page at a time, where the store is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.text import for_screen
from storage import Alert, EntityKind, Event, Reader, RoomId
from tui.sentences import event_sentence
from tui.wording import Names

PAGE: Final = 200
"""How many events are read for the screen at once."""
BATCH: Final = 1000
"""How many are looked at in one reading while searching."""
MOST_LOOKED_AT: Final = 20_000
"""After so many that do not fit, the search pauses with what it has; scrolling on continues it."""


@dataclass(frozen=True, slots=True)
class EventQuery:
    """`#12 @bob type:edited door:cli word`: all of it must hold.

    Args:
        numbers: the tasks that it may concern; any if empty.
        agents: how the name of who did it may begin, in lower case.
        types: how the event's type or operation may begin.
        words: what the sentence, the reason or the door must contain.
    """

    numbers: frozenset[int] = frozenset()
    agents: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "EventQuery":
        """Read what was typed. Nothing is wrong; what is no sign of ours is a word."""
        numbers: set[int] = set()
        agents: list[str] = []
        types: list[str] = []
        words: list[str] = []
        for word in text.casefold().split():
            number = word.removeprefix("#")
            if word.startswith("#") and number.isascii() and number.isdigit():
                numbers.add(int(number))
            elif word.startswith("@") and len(word) > 1:
                agents.append(word[1:])
            elif word.startswith("type:") and len(word) > 5:
                types.append(word.removeprefix("type:"))
            else:
                words.append(word)
        return cls(frozenset(numbers), tuple(agents), tuple(types), tuple(words))

    @property
    def is_empty(self) -> bool:
        """Whether everything fits."""
        return self == EventQuery()

    def fits(self, event: Event, names: Names) -> bool:
        """Whether an event is among those wanted."""
        if self.numbers and names.number(event.subject_id) not in self.numbers:
            return False
        if self.agents and not names.agent(event.agent_id).casefold().startswith(self.agents):
            return False
        if self.types and not (event.type.startswith(self.types) or event.operation.startswith(self.types)):
            return False
        if not self.words:
            return True
        who = names.agent(event.agent_id)
        reason = for_screen(event.reason or "")
        text = f"{who} {event_sentence(event, names)} {event.door} {event.type} {reason}".casefold()
        return all(word in text for word in self.words)


@dataclass(frozen=True, slots=True)
class Found:
    """A page of events, newest first; the search goes on before `before`, or is at its end for None."""

    events: Sequence[Event]
    before: int | None


def search(
    rows: Reader, room: RoomId, query: EventQuery, names: Names, *, until: int | None, limit: int = PAGE
) -> Found:
    """The newest `limit` events that fit, up to event `until`."""
    found: list[Event] = []
    looked_at = 0
    while looked_at < MOST_LOOKED_AT:
        size = limit if query.is_empty else BATCH
        batch = rows.events(room=room, until=until, limit=size, newest_first=True)
        names.learn(_unknown_alerts(rows, batch, names))
        for event in batch:
            until = event.sequence - 1
            if query.fits(event, names):
                found.append(event)
                if len(found) == limit:
                    return Found(found, until)
        looked_at += len(batch)
        if len(batch) < size:
            return Found(found, None)
    return Found(found, until)


def _unknown_alerts(rows: Reader, events: Sequence[Event], names: Names) -> list[Alert]:
    """The alerts of which events tell and that are over since."""
    ids = {each.entity_id for each in events if each.entity is EntityKind.ALERT}
    alerts = (rows.get(Alert, each) for each in ids if not names.knows_alert(each))
    return [each for each in alerts if each is not None]
