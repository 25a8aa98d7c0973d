"""The cumulative flow of a board: how many tasks stood in each column over time, from the events alone.

What stands now is known; going back through the events of the time, each move is taken back. So nothing older is read.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.metrics.series import Span
from storage import COLUMNS, Reader, RoomId, Status, counts_by_status, format_time, status_moves


@dataclass(frozen=True, slots=True)
class FlowPoint:
    """How many tasks stood in each column at a moment, archived ones left out."""

    at: datetime
    backlog: int
    todo: int
    in_progress: int
    blocked: int
    review: int
    done: int

    def count(self, status: Status) -> int:
        """How many stood in a column."""
        return int(getattr(self, status.value))


def cumulative_flow(rows: Reader, room: RoomId, span: Span, points: int, now: datetime) -> tuple[FlowPoint, ...]:
    """The flow over the last `span` in so many points at equal distances, the oldest first; the last one is `now`."""
    since = now - timedelta(seconds=span.seconds)
    counts: Counter[str | None] = Counter(counts_by_status(rows, room).get(room, {}))
    moves = status_moves(rows, room, since)
    step = timedelta(seconds=span.seconds / max(1, points - 1))
    found: list[FlowPoint] = []
    at = now
    for _ in range(points):
        limit = format_time(at)
        while moves and moves[-1][0] > limit:
            _, before, after = moves.pop()
            counts[after] -= 1
            if before is not None:
                counts[before] += 1
        found.append(_point(at, counts))
        at -= step
    return tuple(reversed(found))


def _point(at: datetime, counts: Counter[str | None]) -> FlowPoint:
    return FlowPoint(at.astimezone(UTC), **{status.value: max(0, counts[status]) for status in COLUMNS})
