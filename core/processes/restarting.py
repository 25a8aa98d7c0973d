"""When a process that has ended is started again: growing delays with jitter, and a limit per window of time."""

from collections import deque
from collections.abc import Callable

from storage import Restart, RestartPolicy

JITTER = 0.25
"""A delay is shortened by up to so much of it, so that what fell together does not rise together."""


class Restarts:
    """The restarts of one process. `count` is how many since somebody last asked for a start."""

    def __init__(self, count: int = 0) -> None:
        self.count = count
        self._in_a_row = 0
        self._recent: deque[float] = deque()

    def begin_anew(self) -> None:
        """Somebody has asked for a start: nothing of before counts."""
        self.count = 0
        self._in_a_row = 0
        self._recent.clear()

    def recover(self) -> None:
        """It has run steadily: the next delay is the first again."""
        self._in_a_row = 0

    def next_delay_s(self, restart: Restart, now: float, random: Callable[[], float]) -> float | None:
        """How long to wait until the next start; None where the limit is passed."""
        while self._recent and self._recent[0] <= now - restart.window_seconds:
            self._recent.popleft()
        if len(self._recent) >= restart.limit:
            return None
        self._recent.append(now)
        delay_s = min(restart.longest_delay_seconds, restart.first_delay_seconds * 2.0 ** min(self._in_a_row, 60))
        self._in_a_row += 1
        self.count += 1
        return delay_s * (1 - JITTER * random())


def is_restarted(policy: RestartPolicy, *, succeeded: bool) -> bool:
    """Whether a policy starts again what has ended by itself."""
    return policy is RestartPolicy.ALWAYS or (policy is RestartPolicy.ON_FAILURE and not succeeded)
