"""The base of lists whose rows lie in boxes: a box shows some of them, `tab` turns to the next."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import ClassVar, Final, Generic, TypeVar

from textual import on
from textual.content import Content
from textual.events import ScreenResume

from tui.actions import Action
from tui.board_state import BoardChange
from tui.screens.list_detail import ListAndDetail, back_action, open_action, scroll_actions
from tui.translation import _

Box = TypeVar("Box", bound=StrEnum)

WIDE_FROM: Final = 110
"""From this width of the list on such a list has its further columns."""


def box_actions(place: str, group: str, *, opens: str, boxes: str, own: Sequence[Action]) -> tuple[Action, ...]:
    """The actions of a list in boxes.

    Args:
        opens: the sentence of the key that opens the details.
        boxes: the names of the boxes, as a sentence.
        own: what else there is to do, in the order of the footer.
    """
    return (
        open_action(place, group, opens),
        Action(f"{place}.next_box", "tab", "turn(1)", "Box", boxes, group, True, False),
        back_action(place, group),
        *own,
        Action(f"{place}.previous_box", "shift+tab", "turn(-1)", "Previous box", "The box before.", group,
               in_palette=False),
        *scroll_actions(place),
    )  # fmt: skip


class BoxedList(ListAndDetail, Generic[Box]):
    """Rows by id, a part of them at a time. Subclasses say what is in each box, and what a change concerns."""

    BOXES: ClassVar[Mapping[StrEnum, str]]
    """The boxes and their titles, in order; the first is shown first."""

    def __init__(self) -> None:
        super().__init__()
        self.box: Box = self._boxes[0]

    def on_mount(self) -> None:
        self.parallel.changed.subscribe(self, self._hear)
        self.renew()

    @property
    def _boxes(self) -> list[Box]:
        return list(self.BOXES)  # type: ignore[arg-type]

    # what subclasses say

    def list_title(self) -> str:
        """What stands before the boxes."""
        raise NotImplementedError

    def ids_in(self, box: Box) -> Sequence[str]:
        """The rows of a box, in order."""
        raise NotImplementedError

    def count_in(self, box: Box) -> int:
        """The number behind the title of a box; 0 shows none."""
        raise NotImplementedError

    def concerns(self, change: BoardChange) -> bool:
        """Whether a change may show on the screen."""
        raise NotImplementedError

    def remarks(self) -> Sequence[tuple[str, str]]:
        """What the heading says besides, in pieces with their styles."""
        return ()

    def read(self) -> None:
        """Read what the feed does not tell; then call `refill` or `show_detail`."""

    # drawing

    @on(ScreenResume)
    def renew(self) -> None:
        """Show the rows as they are now, and read what else is to be known of them."""
        self.refill()
        self.read()

    def refill(self) -> None:
        """Show the rows of the box as they are known."""
        self.fill(self.ids_in(self.box))

    def _hear(self, change: BoardChange) -> None:
        if self.is_on_stage and self.concerns(change):
            self.take_in(change)

    def take_in(self, change: BoardChange) -> None:  # noqa: ARG002
        """Show what has become different."""
        self.renew()

    def heading(self) -> Content:
        parts: list[tuple[str, str] | str] = [self.list_title() + "   "]
        for box, name in self.BOXES.items():
            count = self.count_in(box)  # type: ignore[arg-type]
            text = f"{_(name)} {count:,}" if count else _(name)
            look = "reverse" if box is self.box else ""
            parts += [(f" {text} ", f"{look} @click=screen.show_box('{box}')".strip()), " "]
        return Content.assemble(*parts, *self.remarks())

    async def show_waiting(self, subject: str) -> None:
        self.box = self._boxes[0]
        self.renew()
        self.select(subject)

    # going

    def action_turn(self, by: int) -> None:
        """Show another box."""
        boxes = self._boxes
        self.action_show_box(boxes[(boxes.index(self.box) + by) % len(boxes)])

    def action_show_box(self, box: str) -> None:
        """Show a box."""
        self.box = next(each for each in self._boxes if each == box)
        self.remove_class("-detail")
        self.renew()
