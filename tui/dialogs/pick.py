"""Pick: find one or several of many by typing a few letters."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from rapidfuzz import fuzz, process
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from core.text import for_screen
from tui.dialogs.base import Dialog
from tui.translation import _, mark

SHOWN: Final = 200
"""Most options listed at once: nobody reads further, and a longer list costs a frame (10,000 take 1.2 s)."""

LIKENESS: Final = 65
"""The least `partial_ratio` (0 to 100) at which an option still fits: it allows about one wrong letter in three."""

Picked = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to pick: `value` is given back, `label` and the quieter `hint` are shown and searched."""

    value: str
    label: str
    hint: str = ""


class Finder:
    """Finds choices by fuzzy search: those that contain what was typed first, then those that are like it."""

    def __init__(self, choices: Sequence[Choice]) -> None:
        self._choices = choices
        self._texts = [f"{each.label} {each.hint}".casefold() for each in choices]

    def find(self, typed: str) -> list[Choice]:
        """The choices that fit, best first, at most `SHOWN`; all in their order if nothing was typed."""
        needle = typed.strip().casefold()
        if not needle:
            return list(self._choices[:SHOWN])
        containing = [index for index, text in enumerate(self._texts) if needle in text]
        containing.sort(key=lambda index: (not self._texts[index].startswith(needle), index))
        found = containing[:SHOWN]
        if len(found) < SHOWN:
            known = set(found)
            similar = process.extract(
                needle, self._texts, scorer=fuzz.partial_ratio, score_cutoff=LIKENESS, limit=SHOWN
            )  # fmt: skip
            found += [index for _, _, index in similar if index not in known and len(self._texts[index]) >= len(needle)]
        return [self._choices[index] for index in found[:SHOWN]]


class Typed(Input):
    """Where one types to find. Where several can be marked, space marks and is no letter."""

    def __init__(self, *, gives_space: bool) -> None:
        super().__init__(placeholder=_("type to find"), select_on_focus=False, id="typed")
        self._gives_space = gives_space

    def check_consume_key(self, key: str, character: str | None) -> bool:
        if key == "space" and self._gives_space:
            return False
        return super().check_consume_key(key, character)


class Pick(Dialog[Picked | None]):
    """Pick one of `options`, or several with `multiple`. Gives the values, or None.

    Args:
        selected: the values that are picked from the start (with `multiple`), or where the cursor begins.
        allow_new: what was typed may be picked although no option has that label.
    """

    KEYS = mark("type to find · ↑ ↓ · enter confirms · esc cancels")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,ctrl+n", "move('down')", show=False, priority=True),
        Binding("up,ctrl+b", "move('up')", show=False, priority=True),
        Binding("pagedown", "move('page_down')", show=False, priority=True),
        Binding("pageup", "move('page_up')", show=False, priority=True),
        Binding("space", "mark", "Mark", priority=True),
        Binding("enter", "confirm", "Confirm", priority=True),
    ]

    def __init__(
        self,
        title: str,
        options: Sequence[Choice],
        *,
        multiple: bool = False,
        selected: Collection[str] = (),
        allow_new: bool = False,
    ) -> None:
        super().__init__(title)
        chosen = set(selected)
        self._choices = sorted(options, key=lambda each: each.value not in chosen) if multiple else list(options)
        self._finder = Finder(self._choices)
        self._multiple = multiple
        self._allow_new = allow_new
        self._initial = tuple(selected)
        self._picked: dict[str, None] = dict.fromkeys(selected)
        self._listed: list[Choice] = []
        if multiple:
            self.KEYS = mark("type to find · ↑ ↓ · space marks · enter confirms · esc cancels")  # type: ignore[misc]

    def body(self) -> ComposeResult:
        yield Typed(gives_space=self._multiple)
        yield OptionList(id="options", markup=False, compact=True)
        yield Static("", id="more", markup=False)

    def on_mount(self) -> None:
        self.query_one(OptionList).can_focus = False
        self._list("")
        if not self._multiple and self._initial:
            values = [each.value for each in self._listed]
            if self._initial[0] in values:
                self.query_one(OptionList).highlighted = values.index(self._initial[0])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        # Where only one can be picked, a space is a letter like any other.
        return self._multiple if action == "mark" else True

    @on(Input.Changed)
    def narrow(self, event: Input.Changed) -> None:
        self._list(event.value)

    @on(OptionList.OptionSelected)
    def clicked(self) -> None:
        if self._multiple:
            self.action_mark()
        else:
            self.action_confirm()

    def action_move(self, how: str) -> None:
        """Move the cursor in the list while the focus stays where one types."""
        getattr(self.query_one(OptionList), f"action_{'cursor_' if how in ('up', 'down') else ''}{how}")()

    def action_mark(self) -> None:
        """Mark or unmark the option under the cursor."""
        options = self.query_one(OptionList)
        if options.highlighted is None or not self._listed:
            return
        choice = self._listed[options.highlighted]
        if choice.value in self._picked:
            del self._picked[choice.value]
        else:
            self._picked[choice.value] = None
        options.replace_option_prompt_at_index(options.highlighted, self._prompt(choice))

    def action_confirm(self) -> None:
        """Give back what is marked, or the option under the cursor where only one can be picked."""
        if self._multiple:
            self.dismiss(tuple(self._picked))
            return
        highlighted = self.query_one(OptionList).highlighted
        if highlighted is not None and self._listed:
            self.dismiss((self._listed[highlighted].value,))

    def _list(self, typed: str) -> None:
        self._listed = self._finder.find(typed)
        new = typed.strip()
        if self._allow_new and new and all(each.label != new for each in self._listed):
            self._listed.append(Choice(new, new, _("new")))
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Option(self._prompt(each)) for each in self._listed])
        options.highlighted = 0 if self._listed else None
        more = self.query_one("#more", Static)
        hidden = len(self._choices) - SHOWN if not new else 0
        if not self._listed:
            nothing = _("There is nothing to pick from.")
            more.update(_("Nothing fits. Type less or something else.") if new else nothing)
        else:
            more.update(_("… and {count:,} more: type to find them.").format(count=hidden) if hidden > 0 else "")
        more.display = not self._listed or hidden > 0

    def _prompt(self, choice: Choice) -> Content:
        mark = ("[x] " if choice.value in self._picked else "[ ] ") if self._multiple else ""
        hint = f"  {for_screen(choice.hint)}" if choice.hint else ""
        return Content.assemble(mark, for_screen(choice.label), (hint, "dim"))
