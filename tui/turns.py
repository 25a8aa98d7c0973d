"""Keys in turn: the next key is looked at when the last has done what it does.

Textual hands each key at once to what has the focus, so that in `n` `T` `h` `e`, typed or pasted quickly, the letters
reach the board before the line that `n` opens, and act as commands. Here a key waits until the one before has gone
all its way, and, if that opened something, until what it opened can take keys.
"""

import asyncio
from collections import deque
from typing import Any, Final

from textual import events
from textual.app import App
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.worker import Worker

PATIENCE_S: Final = 0.5
"""After so long the next key is looked at all the same: a widget may go while it has the key."""

LOOK_AGAIN_S: Final = 0.005


class KeysInTurn(App[Any]):
    """Looks at one key at a time."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._keys: deque[events.Key] = deque()
        self._turn = 0
        self._is_taken = False
        self._has_acted = False
        self._workers_before: set[Worker[Any]] = set()
        self._screen_before: Screen[Any] | None = None

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key) and not event.is_forwarded:
            self._keys.append(event)
            if not self._is_taken:
                await self._take_next()
        else:
            await super().on_event(event)

    async def _check_bindings(self, key: str, priority: bool = False) -> bool:
        found = await super()._check_bindings(key, priority)
        self._has_acted = self._has_acted or found
        return found

    async def _take_next(self) -> None:
        if not self._keys:
            self._is_taken = False
            return
        self._is_taken = True
        self._has_acted = False
        self._turn += 1
        turn = self._turn
        self._workers_before = set(self.workers)
        self._screen_before = self.screen
        asyncio.get_running_loop().call_later(PATIENCE_S, self._end_turn, turn)
        target = self.focused or self.screen
        try:
            await super().on_event(self._keys.popleft())
        finally:
            self._follow(target, turn)

    def _follow(self, pump: MessagePump, turn: int) -> None:
        """Go the way of a key that nobody takes, from what had the focus up to the app, always behind it."""
        pump.call_later(self._passed, pump, turn)

    def _passed(self, pump: MessagePump, turn: int) -> None:
        if pump is self:
            self._came_home(turn)
        else:
            self._follow(pump._parent or self, turn)

    def _came_home(self, turn: int) -> None:
        if not self._has_acted:
            self._end_turn(turn)
        elif self._is_opening():
            asyncio.get_running_loop().call_later(LOOK_AGAIN_S, self._came_home, turn)
        else:
            self.screen.call_after_refresh(self._end_turn, turn)

    def _is_opening(self) -> bool:
        """Whether the key has begun something that may yet open a dialog: a worker that runs, on the same screen."""
        started = set(self.workers) - self._workers_before
        return self.screen is self._screen_before and any(not worker.is_finished for worker in started)

    def _end_turn(self, turn: int) -> None:
        if turn == self._turn and self._is_taken:
            self._turn += 1
            self.call_next(self._take_next)
