"""A card: how a task is painted as lines of a lane. Pure: the same task, face and marks give the same strips."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Flag, StrEnum, auto
from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from core.settings import Density
from core.text import for_screen
from storage import Priority, Task
from tui import cells
from tui.translation import _

WIDE_CARD: Final = 46
"""From this width on the labels stand beside the other facts instead of below them."""


class Mark(Flag):
    """What is the matter with a card just now; each shows by a character or its place, never by colour alone."""

    NONE = 0
    CURSOR = auto()
    SELECTED = auto()
    SOURCE = auto()
    """It is being carried; this is where it came from."""
    GHOST = auto()
    """It is being carried; this is where it would come to stand."""
    PENDING = auto()
    """Its change is on its way to the store."""
    FLASH = auto()
    """Somebody else has just changed it."""


class Ground(StrEnum):
    """What a card stands on: one background each."""

    CARD = "card"
    CURSOR = "cursor"
    SELECTED = "selected"
    SOURCE = "source"
    GHOST = "ghost"
    FLASH = "flash"


class Part(StrEnum):
    """The parts of a card that have a colour of their own."""

    EDGE = "edge"
    TITLE = "title"
    FACT = "fact"
    URGENT = "urgent"
    HIGH = "high"
    LOW = "low"
    ASSIGNEE = "assignee"
    LABEL = "label"
    WAITING = "waiting"
    OVERDUE = "overdue"
    NOTE = "note"


PRIORITY_MARKS: Final = {Priority.URGENT: "!!", Priority.HIGH: "!", Priority.NORMAL: "", Priority.LOW: "⇣"}
_PRIORITY_PARTS: Final = {
    Priority.URGENT: Part.URGENT, Priority.HIGH: Part.HIGH, Priority.NORMAL: Part.EDGE, Priority.LOW: Part.LOW,
}  # fmt: skip
_EDGES: Final = {Priority.URGENT: "┃", Priority.HIGH: "┃", Priority.NORMAL: "│", Priority.LOW: "┆"}


@dataclass(frozen=True, slots=True)
class Face:
    """What a card shows beyond the task's own fields, in the words of the moment."""

    assignee: str = ""
    age: str = ""
    due: str = ""
    is_overdue: bool = False
    badges: tuple["Piece", ...] = ()
    """What goes on with the card's agent and handoff: a sign each, and a word where it asks for somebody."""


Styles = Mapping[tuple[Ground, Part], Style]
"""The Rich style of every part on every ground."""

Piece = tuple[str, Part]


def card_height(task: Task, width: int, density: Density) -> int:
    """How many lines the card takes, the gap below it included."""
    if density is Density.COMPACT:
        return 1
    title, room = task.title, width - 3
    is_short = len(title) <= room and title.isascii()
    lines = 1 if is_short or cells.width(_shown_title(title, room)) <= room else 2
    lines += 2 + (task.blocked_reason is not None)
    if task.labels and (width < WIDE_CARD or density is Density.COMFORTABLE):
        lines += 1
    if density is Density.COMFORTABLE and task.description:
        lines += 1
    return lines


def paint_card(
    task: Task, face: Face, marks: Mark, width: int, density: Density, styles: Styles, more: int = 0
) -> list[Strip]:
    """The lines of a card, each exactly `width` cells; as many as `card_height` says, less the gap.

    Args:
        more: how many other cards are carried with this one.
    """
    ground = _ground(marks)
    is_marked = bool(marks & (Mark.CURSOR | Mark.GHOST)) and Mark.SOURCE not in marks
    edge = "▌" if is_marked else _EDGES[task.priority]
    edge_part = _PRIORITY_PARTS[task.priority] if ground in (Ground.CARD, Ground.FLASH) else Part.EDGE
    room = width - 3
    if density is Density.COMPACT:
        rows = [_compact(task, face, marks, room, more)]
    else:
        rows = _full(task, face, marks, room, density, width >= WIDE_CARD, more)
    flag = "✓" if Mark.SELECTED in marks else "*" if Mark.FLASH in marks else " "
    strips = []
    for left, right in rows:
        strips.append(_strip([(edge, edge_part), (flag, Part.TITLE), *left], right, width - 1, ground, styles))
        flag = " "
    return strips


def _full(
    task: Task, face: Face, marks: Mark, room: int, density: Density, is_wide: bool, more: int
) -> list[tuple[list[Piece], list[Piece]]]:
    rows: list[tuple[list[Piece], list[Piece]]] = [
        ([(line, Part.TITLE)], []) for line in _title_lines(task.title, room)
    ]
    if density is Density.COMFORTABLE and task.description:
        first_line = task.description.lstrip().partition("\n")[0]
        rows.append(([(cells.truncate(for_screen(first_line[: room * 4]), room), Part.NOTE)], []))
    if task.blocked_reason is not None:
        reason = for_screen(task.blocked_reason[: room * 4])
        rows.append(([(cells.truncate(f"⊘ {reason}", room), Part.OVERDUE)], []))
    beside = is_wide and density is not Density.COMFORTABLE
    right = _right_facts(face, marks, more)
    rows.append((_facts(task, face, room - _width(right) - 1, with_labels=beside), right))
    if task.labels and not beside:
        rows.append((_within(_label_pieces(task), room), []))
    return rows


def _compact(task: Task, face: Face, marks: Mark, room: int, more: int) -> tuple[list[Piece], list[Piece]]:
    right: list[Piece] = [(text.partition(" ")[0], part) for text, part in face.badges]
    if task.waiting_on:
        right.append((f"⧗{task.waiting_on}", Part.WAITING))
    if mark := PRIORITY_MARKS[task.priority]:
        right.append((mark, _PRIORITY_PARTS[task.priority]))
    if face.assignee and room >= 34:
        right.append((f"@{cells.truncate(for_screen(face.assignee), 10)}", Part.ASSIGNEE))
    right.append((f"#{task.number}", Part.FACT))
    if Mark.PENDING in marks:
        right.append(("⟳", Part.FACT))
    if more:
        right.append((f"+{more}", Part.TITLE))
    right = _spaced(right)
    title = cells.truncate(_shown_title(task.title, room), room - _width(right) - 1)
    return [(title, Part.TITLE)], right


def _facts(task: Task, face: Face, room: int, *, with_labels: bool) -> list[Piece]:
    pieces: list[Piece] = [(f"#{task.number}", Part.FACT), *face.badges]
    if mark := PRIORITY_MARKS[task.priority]:
        pieces.append((mark, _PRIORITY_PARTS[task.priority]))
    if task.waiting_on:
        pieces.append((f"⧗{task.waiting_on}", Part.WAITING))
    if task.comment_count:
        pieces.append((f"❝{task.comment_count}", Part.FACT))
    if face.due:
        pieces.append((face.due, Part.OVERDUE if face.is_overdue else Part.FACT))
    if face.assignee:
        left = room - _width(_spaced(pieces)) - 1
        if left >= 3:
            pieces.append((cells.truncate(f"@{for_screen(face.assignee)}", left), Part.ASSIGNEE))
    if with_labels:
        pieces.extend(_label_pieces(task)[::2])
    return _within(_spaced(pieces), room)


def _right_facts(face: Face, marks: Mark, more: int) -> list[Piece]:
    pieces: list[Piece] = []
    if more:
        pieces.append((_("+{count} more").format(count=more), Part.TITLE))
    if Mark.PENDING in marks:
        pieces.append(("⟳", Part.FACT))
    if face.age:
        pieces.append((face.age, Part.FACT))
    return _spaced(pieces)


def _label_pieces(task: Task) -> list[Piece]:
    return _spaced([(f"‹{for_screen(label)}›", Part.LABEL) for label in task.labels])


def _spaced(pieces: list[Piece]) -> list[Piece]:
    result: list[Piece] = []
    for piece in pieces:
        if result:
            result.append((" ", Part.FACT))
        result.append(piece)
    return result


def _within(pieces: list[Piece], room: int) -> list[Piece]:
    """As many of the pieces as fit, the last one cut."""
    result: list[Piece] = []
    for text, part in pieces:
        size = cells.width(text)
        if size > room:
            if room >= 3:
                result.append((cells.truncate(text, room), part))
            return result
        result.append((text, part))
        room -= size
    return result


def _strip(left: list[Piece], right: list[Piece], width: int, ground: Ground, styles: Styles) -> Strip:
    filling = width - _width(left) - _width(right)
    pieces = [*left, (" " * max(0, filling), Part.FACT), *right, (" ", Part.FACT)]
    segments = [Segment(text, styles[ground, part]) for text, part in pieces if text]
    return Strip(segments).adjust_cell_length(width + 1, styles[ground, Part.FACT])


def _width(pieces: list[Piece]) -> int:
    return sum(cells.width(text) for text, _ in pieces)


def _shown_title(title: str, room: int) -> str:
    # A title may have 10,000 characters; no card shows more than the first few hundred.
    return for_screen(title[: room * 4 + 16]).strip()


def _title_lines(title: str, room: int) -> list[str]:
    shown = _shown_title(title, room)
    if len(shown) <= room and shown.isascii():
        return [shown]
    return cells.wrap(shown, room, 2)


def _ground(marks: Mark) -> Ground:
    if Mark.GHOST in marks:
        return Ground.GHOST
    if Mark.SOURCE in marks:
        return Ground.SOURCE
    if Mark.CURSOR in marks:
        return Ground.CURSOR
    if Mark.SELECTED in marks:
        return Ground.SELECTED
    if Mark.FLASH in marks:
        return Ground.FLASH
    return Ground.CARD
