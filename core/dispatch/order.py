"""The order in which queued runs begin: by urgency that grows with waiting, and the rooms in turn. Pure."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from storage import Priority, RoomId, Run, Task

STEP_S: Final = 900.0
"""A run that has waited so long counts as one step more urgent, so that nothing waits for ever behind what is newer."""

_RANK: Final = {priority: rank for rank, priority in enumerate(Priority)}


@dataclass(frozen=True, slots=True)
class Queued:
    """A run that is ready, with its task."""

    run: Run
    task: Task


def precedence(queued: Queued) -> float:
    """Where a run stands among others; the lower is the more urgent: its task's priority as 0 to 3, and one more for
    each step that it has waited. The same at every moment, since all wait equally fast."""
    return queued.run.created_at.timestamp() / STEP_S - _RANK[queued.task.priority]


def in_order(ready: Iterable[Queued], served: Mapping[RoomId, int]) -> Iterator[Queued]:
    """The ready runs in the order in which they are to begin.

    Within a room the most urgent first, ties by age. Between rooms one from each in turn, and first from the room
    that was served longest ago.

    Args:
        served: when each room was served last, as a number that grows; rooms that are not named were never.
    """
    rooms: dict[RoomId, list[Queued]] = {}
    for each in ready:
        rooms.setdefault(each.run.room_id, []).append(each)
    turns = deque(
        iter(sorted(found, key=lambda each: (precedence(each), each.run.created_at, each.run.id)))
        for _, found in sorted(rooms.items(), key=lambda item: (served.get(item[0], -1), item[0]))
    )
    while turns:
        queue = turns.popleft()
        head = next(queue, None)
        if head is not None:
            yield head
            turns.append(queue)
