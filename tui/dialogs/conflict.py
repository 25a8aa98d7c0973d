"""The version conflict: what somebody else has changed meanwhile, beside mine, to be chosen field by field."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from core.text import for_screen
from storage import Event, Task
from tui import cells
from tui.dialogs.base import Dialog
from tui.sentences import event_sentence
from tui.translation import _, mark, ngettext
from tui.wording import MUTED, Names, clock, field_name, field_value

LINES_SHOWN: Final = 6
"""Most lines of one long value (a description) shown on each side."""


@dataclass(frozen=True, slots=True)
class Sides:
    """One field in conflict, in words: as I knew it, as it stands now, as I want it."""

    field: str
    base: str
    theirs: str
    mine: str


class FieldRow(Static, can_focus=True):
    """One field with its three values; the person chooses theirs or mine."""

    class Chosen(Message):
        """The person has chosen a side for this field."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "switch", "Choose"),
        Binding("left,h", "choose(False)", "Theirs", show=False),
        Binding("right,l", "choose(True)", "Mine", show=False),
    ]

    def __init__(self, sides: Sides, by: str) -> None:
        super().__init__(markup=False)
        self.sides = sides
        self._by = by
        self.takes_mine: bool | None = None

    def on_mount(self) -> None:
        self.show()

    def action_switch(self) -> None:
        """Take the other side; mine first."""
        self.action_choose(not self.takes_mine)

    def action_choose(self, mine: bool) -> None:
        """Take my side or theirs."""
        self.choose(mine)
        self.post_message(self.Chosen())

    def choose(self, mine: bool) -> None:
        """Set the side, and show it."""
        self.takes_mine = mine
        self.show()

    def on_click(self) -> None:
        self.action_switch()

    def show(self) -> None:
        """Draw the row anew."""
        parts: list[Content] = [Content.styled(field_name(self.sides.field), "bold")]
        parts.append(self._side(_("base"), self.sides.base, None, ""))
        parts.append(self._side(_("theirs"), self.sides.theirs, self._is(False), self._by))
        parts.append(self._side(_("mine"), self.sides.mine, self._is(True), ""))
        self.update(Content("\n").join(parts))

    def _is(self, mine: bool) -> bool:
        return self.takes_mine is mine

    def _side(self, name: str, value: str, is_chosen: bool | None, note: str) -> Content:
        sign = "    " if is_chosen is None else "(x) " if is_chosen else "( ) "
        lines = value.splitlines() or [""]
        shown = lines[:LINES_SHOWN]
        if len(lines) > LINES_SHOWN:
            hidden = len(lines) - LINES_SHOWN
            shown.append(ngettext("… {count} more line", "… {count} more lines", hidden).format(count=hidden))
        text = ("\n" + " " * 12).join(shown)
        style = MUTED if is_chosen is None else "bold" if is_chosen else ""
        return Content.assemble((f"{sign}{cells.fit(name, 8)}{text}", style), (f"  {note}" if note else "", MUTED))


class ConflictDialog(Dialog[dict[str, Any] | None]):
    """Show base, theirs and mine of each field that both have changed; give back mine where mine is chosen.

    Nothing is written here. An empty answer means theirs in every field; None that the question was left.

    Args:
        base: the task as the person knew it.
        theirs: the task as it stands.
        mine: what the person wanted, by field.
        changes: the events since `base`, oldest first.
        names: how agents and tasks are called.
        sides: the fields in words, where `mine` alone does not tell (a place in a column).
        also: the fields of mine that nobody else has changed: they are saved whatever is chosen here.
    """

    KEYS = mark("↑ ↓ field · space, ← → choose · t all theirs · m all mine · enter saves · esc leaves theirs")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "take(False)", "Theirs"),
        Binding("m", "take(True)", "Mine"),
        Binding("down,j", "app.focus_next", show=False),
        Binding("up,k", "app.focus_previous", show=False),
        Binding("enter", "save", "Save", priority=True),
    ]

    def __init__(
        self,
        base: Task,
        theirs: Task,
        mine: Mapping[str, Any],
        changes: Sequence[Event],
        names: Names,
        *,
        sides: Sequence[Sides] | None = None,
        also: Sequence[str] = (),
    ) -> None:
        heading = _("#{number} {title}: changed by somebody else meanwhile")
        super().__init__(heading.format(number=base.number, title=theirs.title))
        self._mine = dict(mine)
        self._also = tuple(also)
        self._changes = changes
        self._names = names
        self._sides = sides if sides is not None else sides_of(base, theirs, mine, names)

    def body(self) -> ComposeResult:
        names = self._names
        with VerticalScroll(id="changes", can_focus=False):
            for event in self._changes:
                sentence = (
                    f"{clock(event.at)} {names.agent(event.agent_id)} ({event.door}) {event_sentence(event, names)}"
                )
                yield Static(sentence, markup=False)
        with VerticalScroll(id="rows", can_focus=False):
            for sides in self._sides:
                yield FieldRow(sides, self._author_of(sides.field))
        yield Static(_("Nothing is saved yet: choose a side for each field."), id="verdict", markup=False)

    def on_mount(self) -> None:
        self.query(FieldRow).first().focus()

    def on_field_row_chosen(self) -> None:
        self._show_verdict()

    def action_take(self, mine: bool) -> None:
        """Take one side for all fields."""
        for row in self.query(FieldRow):
            row.choose(mine)
        self._show_verdict()

    def action_save(self) -> None:
        """Close with the choices; does nothing while a field is open."""
        rows = list(self.query(FieldRow))
        undecided = [row for row in rows if row.takes_mine is None]
        if undecided:
            undecided[0].focus()
            self._show_verdict()
            return
        chosen = {row.sides.field for row in rows if row.takes_mine}
        self.dismiss({field: value for field, value in self._mine.items() if field in chosen})

    def _show_verdict(self) -> None:
        rows = list(self.query(FieldRow))
        open_fields = [field_name(row.sides.field) for row in rows if row.takes_mine is None]
        mine = [field_name(row.sides.field) for row in rows if row.takes_mine]
        mine += [field_name(field) for field in self._also]
        if open_fields:
            text = _("Still to choose: {fields}.").format(fields=", ".join(open_fields))
        elif mine:
            text = _("enter saves mine: {fields}.").format(fields=", ".join(mine))
        else:
            text = _("enter leaves theirs as it is; nothing is written.")
        self.query_one("#verdict", Static).update(text)

    def _author_of(self, field: str) -> str:
        for event in reversed(self._changes):
            if field in event.after:
                why = f": {for_screen(event.reason)}" if event.reason else ""
                return f"{self._names.agent(event.agent_id)}, {clock(event.at)}{why}"
        return ""


def sides_of(base: Task, theirs: Task, mine: Mapping[str, Any], names: Names) -> list[Sides]:
    """The three values of each field of `mine`, in words."""
    return [
        Sides(
            field,
            field_value(field, getattr(base, field), names),
            field_value(field, getattr(theirs, field), names),
            field_value(field, value, names),
        )
        for field, value in mine.items()
    ]
