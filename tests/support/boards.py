"""The real app on a real room, with its board open, for tests that work it by keys and mouse."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, Final

from textual.pilot import Pilot

from storage import Status, Task, TaskId
from tests.support.dialogs import caught_up, screen_text, settled
from tests.support.users import User
from tui.app import ParallelApp
from tui.desk import Desk
from tui.screens.board import BoardScreen
from tui.widgets.lane import Lane

PATIENCE_S: Final = 8.0


class Hands:
    """Somebody's hands on the board: keys and mouse, and eyes for what it shows."""

    def __init__(self, pilot: Pilot[Any], board: BoardScreen) -> None:
        self.pilot = pilot
        self.board = board

    @property
    def app(self) -> ParallelApp:
        """The app."""
        assert isinstance(self.pilot.app, ParallelApp)
        return self.pilot.app

    @property
    def cursor(self) -> str | None:
        """The title of the card under the cursor."""
        task = self.board.at_cursor
        return task.title if task else None

    @property
    def text(self) -> str:
        """What stands on the screen."""
        return screen_text(self.pilot)

    def lane(self, status: str) -> Lane:
        """A lane."""
        return self.board.deck.lanes[Status(status)]

    def titles(self, status: str) -> list[str]:
        """The titles that a lane shows, from top to bottom, out of view too."""
        return [row.title for row in self.lane(status).rows if isinstance(row, Task)]

    async def press(self, *keys: str) -> None:
        """Press keys, and wait until what they began has ended or asks something."""
        await self.pilot.press(*keys)
        await self.rest()

    async def type(self, text: str) -> None:
        """Type a text."""
        await self.pilot.press(*("space" if letter == " " else letter for letter in text))
        await self.until(lambda: not self.app._is_taken)

    async def rest(self) -> None:
        """Wait until the app knows all that is stored and nothing of its own is on its way, or a dialog asks."""
        await self.until(lambda: not self.app._is_taken)
        await self.until(lambda: not self.board.outbox.pending or self.app.screen.is_modal)
        if self.app.screen.is_modal:
            await self.until(lambda: self.app.screen.focused is not None)
        await caught_up(self.pilot)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something is so; it must become so within a few seconds."""
        deadline = monotonic() + PATIENCE_S
        while not condition():
            assert monotonic() < deadline, f"it has not come to be:\n{self.text}"
            await self.pilot.pause(0.005)
        await self.pilot.pause()

    def place(self, task: "Task | TaskId", *, below: int = 0) -> tuple[int, int]:
        """The point of the screen in the middle of a card's first line, or `below` it."""
        task_id = task.id if isinstance(task, Task) else task
        lane = next(each for each in self.board.deck.lanes.values() if each.stack.index_of(task_id) is not None)
        line = lane.stack.screen_line_of(task_id)
        assert line is not None
        return lane.region.x + lane.size.width // 2, lane.region.y + 2 + line + below

    async def hold(self, point: tuple[int, int]) -> None:
        """Press the mouse at a point of the screen."""
        await self.pilot.mouse_down(offset=point)
        await self.pilot.pause()

    async def drag_to(self, point: tuple[int, int]) -> None:
        """Move the mouse to a point of the screen."""
        await self.pilot.hover(offset=point)
        await self.pilot.pause()

    async def let_go(self, point: tuple[int, int]) -> None:
        """Release the mouse at a point of the screen."""
        await self.pilot.mouse_up(offset=point)
        await self.rest()


@asynccontextmanager
async def open_board(user: User, *, size: tuple[int, int] = (160, 45)) -> AsyncIterator[Hands]:
    """The board of `user`, with its room loaded."""
    desk = Desk.open(user.database.home, user.room or "", user.actor)
    try:
        app = ParallelApp(desk)
        async with app.run_test(size=size) as pilot:
            await settled(pilot)
            await caught_up(pilot)
            board = app.screen
            assert isinstance(board, BoardScreen)
            yield Hands(pilot, board)
    finally:
        desk.close()
