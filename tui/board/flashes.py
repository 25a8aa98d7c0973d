"""Flashes: the cards that somebody else has just changed, each for as long as the person's settings say."""

from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any

from textual.screen import Screen
from textual.timer import Timer

from storage import TaskId


class Flashes:
    """Which cards flash now; `fade` is called when some no longer do."""

    def __init__(self, screen: Screen[Any], fade: Callable[[], None]) -> None:
        self._screen = screen
        self._fade = fade
        self._until: dict[TaskId, float] = {}
        self._timer: Timer | None = None

    @property
    def tasks(self) -> frozenset[TaskId]:
        """Those that flash."""
        return frozenset(self._until)

    def add(self, tasks: Iterable[TaskId], seconds: float) -> None:
        """Let these flash for so long."""
        if not tasks or seconds <= 0:
            return
        self._until.update(dict.fromkeys(tasks, monotonic() + seconds))
        if self._timer is None:
            self._timer = self._screen.set_timer(seconds, self.end)

    def end(self) -> None:
        """Let those end whose time is over."""
        now = monotonic()
        self._timer = None
        self._until = {task: until for task, until in self._until.items() if until > now + 0.01}
        if self._until:
            self._timer = self._screen.set_timer(min(self._until.values()) - now, self.end)
        self._fade()
