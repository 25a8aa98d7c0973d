"""How a lane is painted: the strips of its header and of the cards in view, kept as long as they say the same."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from storage import Status, Task, TaskId
from tui import cells
from tui.board.view import Heading, Row
from tui.translation import _
from tui.widgets.card import Face, Ground, Mark, Part, Styles, paint_card
from tui.widgets.lane_look import Ghost, Head, Look
from tui.widgets.stack import Stack
from tui.wording import status_name

if TYPE_CHECKING:
    from tui.widgets.lane import Lane

Line = tuple[Strip, bool]
"""A line of the viewport, and whether the scrollbar's thumb stands beside it."""

MOST_KEPT: Final = 2000
"""Painted cards are kept up to so many, then begun anew."""


@dataclass(slots=True)
class _Painted:
    task: Task
    face: Face
    strips: list[Strip] = field(default_factory=list)


class LanePainter:
    """Paints one lane, in the styles of its parts; `face` gives the words of a card that comes into view."""

    def __init__(self, lane: "Lane", face: Callable[[Task], Face]) -> None:
        self._lane = lane
        self._face = face
        self._painted: dict[tuple[TaskId, Mark, int], _Painted] = {}
        self._styles: Styles | None = None
        self._named_styles: dict[str, Style] = {}

    def forget_cards(self) -> None:
        """Paint all cards anew: their width or density is another."""
        self._painted.clear()

    def forget_styles(self) -> None:
        """Paint everything anew, in other styles."""
        self._styles = None
        self._named_styles.clear()
        self._painted.clear()

    def picture(self, stack: Stack, status: Status, head: Head, look: Look, notice: tuple[str, ...]) -> list[Line]:
        """The lines of the lane; `notice` is said where there is no row."""
        strips = self._body(stack, look, notice)
        total, page = stack.tops[-1], self._lane.page
        first_thumb = last_thumb = -1
        if total > page:
            size = max(1, page * page // total)
            first_thumb = (page - size) * stack.offset // (total - page)
            last_thumb = first_thumb + size - 1
        return [
            *((strip, False) for strip in self._header(status, head, is_current=look.is_current)),
            *((strip, first_thumb <= y <= last_thumb) for y, strip in enumerate(strips)),
        ]

    def with_scrollbar(self, line: Line) -> Strip:
        """A line as wide as the lane, with the gap or the thumb at its end."""
        strip, has_thumb = line
        width = self._lane.size.width
        gap = Segment("▕", self._style("thumb")) if has_thumb else Segment(" ", self._style("ground"))
        return Strip([*strip, gap], strip.cell_length + 1).adjust_cell_length(width, self._style("ground"))

    def blank(self) -> Strip:
        """An empty line as wide as the lane."""
        return Strip.blank(self._lane.size.width, self._style("ground"))

    def _body(self, stack: Stack, look: Look, notice: tuple[str, ...]) -> list[Strip]:
        width, page = self._lane.card_width, self._lane.page
        blank = Strip([Segment(" " * width, self._style("ground"))], width)
        strips: list[Strip] = []
        index = max(0, bisect_right(stack.tops, stack.offset) - 1)
        skip = stack.offset - stack.tops[min(index, len(stack.tops) - 1)]
        while len(strips) < page and index < len(stack.items):
            height = stack.tops[index + 1] - stack.tops[index]
            lines = self._lines_of(stack.items[index], stack, look)[:height]
            lines = [*lines, *([blank] * (height - len(lines)))]
            strips.extend(lines[skip:])
            skip = 0
            index += 1
        if not stack.items and notice:
            style = self._style("notice")
            strips.extend(
                Strip([Segment(cells.fit(f" {line}", width), style)], width)
                for text in notice
                for line in (cells.wrap(text, width - 2, 3) if text else [""])
            )
        strips.extend([blank] * (page - len(strips)))
        return strips[:page]

    def _lines_of(self, item: Row | Ghost, stack: Stack, look: Look) -> list[Strip]:
        if isinstance(item, Ghost):
            return self._paint(item.task, stack, Mark.GHOST, item.more)
        if isinstance(item, Task):
            return self._paint(item, stack, look.marks(item.id))
        if isinstance(item, Heading):
            width = self._lane.card_width
            count = f" {item.count} " if item.count else " "
            text = f"╌╌ {cells.truncate(item.text, width - 6 - len(count))}{count}"
            line = text + "╌" * max(0, width - cells.width(text))
            return [Strip([Segment(line, self._style("heading"))], width)]
        return []

    def _paint(self, task: Task, stack: Stack, marks: Mark, more: int = 0) -> list[Strip]:
        face = self._face(task)
        key = (task.id, marks, more)
        known = self._painted.get(key)
        if known is not None and known.task is task and known.face == face:
            return known.strips
        if len(self._painted) > MOST_KEPT:
            self._painted.clear()
        strips = paint_card(task, face, marks, self._lane.card_width, stack.density, self._card_styles(), more)
        self._painted[key] = _Painted(task, face, strips)
        return strips

    def _header(self, status: Status, head: Head, *, is_current: bool) -> list[Strip]:
        width = self._lane.card_width
        count = str(head.total)
        if head.shown != head.total:
            count = _("{shown} of {total}").format(shown=head.shown, total=head.total)
        if head.limit is not None:
            count += f"/{head.limit}"
        if head.is_over:
            count = f" {count}! "
        name = cells.truncate(status_name(status), width - cells.width(count) - 2)
        filling = " " * max(0, width - 1 - cells.width(name) - cells.width(count))
        first = Strip(
            [
                Segment(("▌" if is_current else " ") + name, self._style("name-current" if is_current else "name")),
                Segment(filling, self._style("ground")),
                Segment(count, self._style("over" if head.is_over else "count")),
            ]
        )
        rule = Segment(("━" if is_current else "─") * width, self._style("rule-current" if is_current else "rule"))
        return [first.adjust_cell_length(width, self._style("ground")), Strip([rule], width)]

    def _style(self, name: str) -> Style:
        """The style of a part of the lane itself. Kept, since Textual works it out from all ancestors each time."""
        style = self._named_styles.get(name)
        if style is None:
            style = self._lane.rich_style if name == "ground" else self._lane.get_component_rich_style(f"lane--{name}")
            self._named_styles[name] = style
        return style

    def _card_styles(self) -> Styles:
        if self._styles is None:
            self._styles = {
                (ground, part): self._blended(ground, part) for ground in Ground for part in Part
            }  # fmt: skip
        return self._styles

    def _blended(self, ground: Ground, part: Part) -> Style:
        below = self._lane.get_component_styles(f"lane--on-{ground}")
        above = self._lane.get_component_styles(f"lane--{part}")
        background = self._lane.background_colors[1] + below.background
        # What is carried is drawn in the one colour of its ground, so that it stands out from what stays.
        foreground = below.color if ground in (Ground.SOURCE, Ground.GHOST) else above.color
        style = Style.from_color((background + foreground).rich_color, background.rich_color)
        return style + above.text_style + below.text_style
