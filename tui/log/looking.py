"""Looking into the log for the screen: in a thread, or, where there is an expression of the person's, in processes that
can be ended; one for the pictures, which go on while the other searches."""

import asyncio

from core.logs.expressions import Expression
from core.logs.seeking import Seeker
from core.logs.window import Entry, Window
from tui.log.reading import Picture, Wanted, found_next, picture_of


class Looking:
    """Where pictures and found lines come from. What takes too long raises `TooSlow`."""

    def __init__(self) -> None:
        self._drawing, self._searching = Seeker(), Seeker()

    async def prepare(self) -> None:
        """Have the processes ready when the person has written what to look for."""
        await asyncio.to_thread(self._drawing.begin)
        await asyncio.to_thread(self._searching.begin)

    async def picture(self, window: Window, wanted: Wanted, last: Picture) -> Picture:
        """What is to be seen."""
        if not wanted.has_expressions:
            return await asyncio.to_thread(picture_of, window, wanted, last)
        return await asyncio.to_thread(self._drawing.call, picture_of, window, wanted, last)

    async def find(
        self, window: Window, expression: Expression, last: Entry | None, wanted: Wanted, *, forward: bool
    ) -> tuple[Picture | None, Entry | None]:
        """The line where an expression is found next, and the picture around it."""
        return await asyncio.to_thread(
            self._searching.call, found_next, window, expression, last, wanted, forward=forward
        )

    def stop(self) -> None:
        """End what goes on, which then raises `SeekingStopped`."""
        self._drawing.stop()
        self._searching.stop()

    async def close(self) -> None:
        """End the processes."""
        self.stop()
        await asyncio.to_thread(self._drawing.close)
        await asyncio.to_thread(self._searching.close)
