"""Help: the keys of the place from which it was opened, as they really are, and what the marks on a card mean."""

from typing import Any, ClassVar, Final

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.screen import Screen
from textual.widgets import Static

from storage import COLUMNS
from tui import cells
from tui.actions import APP_ACTIONS, Action, bindings_of
from tui.graph import MARKS
from tui.keymap import keys_of
from tui.screens.place import Place
from tui.translation import _, mark
from tui.widgets.footer import KeysFooter
from tui.wording import MUTED, status_name

HELP_ACTIONS = (
    Action("help.back", "escape,question_mark,backspace", "back", "Back", "Return to the place.", "Help", True,
           False),
    Action("help.down", "j,down", "scroll(2)", "Down", "Scroll down.", "Help", in_palette=False),
    Action("help.up", "k,up", "scroll(-2)", "Up", "Scroll up.", "Help", in_palette=False),
    Action("help.page_down", "pagedown,space,ctrl+f", "scroll(15)", "Page down", "Scroll down a page.", "Help",
           in_palette=False),
    Action("help.page_up", "pageup,ctrl+b", "scroll(-15)", "Page up", "Scroll up a page.", "Help", in_palette=False),
)  # fmt: skip

_KEY_CELLS: Final = 20

_PLACES: Final = {
    "BoardScreen": mark("board"),
    "TaskScreen": mark("task"),
    "HistoryScreen": mark("history"),
    "AgentsScreen": mark("agents"),
    "HandoffsScreen": mark("handoffs"),
    "ProcessesScreen": mark("processes"),
    "PeekScreen": mark("peek"),
    "LogScreen": mark("log"),
    "QueueScreen": mark("queue"),
    "MetricsScreen": mark("metrics"),
    "AlertsScreen": mark("alerts"),
    "MessagesScreen": mark("messages"),
    "SettingsScreen": mark("settings"),
}

CARD_MARKS: Final = (
    ("!!  !  ⇣", mark("urgent, high, low priority; normal has no mark")),
    ("⧗2", mark("waits for two tasks that are not closed yet")),
    ("⊘ why", mark("blocked, and what it waits for")),
    ("❝3", mark("three comments")),
    ("»  ►  ✗", mark("its command is queued, is running, has failed")),
    ("@bob", mark("bob is to do it")),
    ("●", mark("its agent is working")),
    (mark("◆ waits"), mark("its agent waits for an answer")),
    (mark("× no report"), mark("its agent has stopped without reporting")),
    ("⇄  ⇄!", mark("it is being handed over; with ! nobody has answered in time")),
    ("‹bug›", mark("a label")),
    (mark("due 3 Dec!"), mark("the due date; with ! it has passed")),
    ("5d", mark("so long in this column")),
    ("⟳", mark("your change is being saved")),
    ("*", mark("somebody else has just changed it")),
    ("✓", mark("selected")),
)
"""What stands on a card, beside words."""


def place_name(place: type[Screen[Any]]) -> str:
    """What a place is called in its help, untranslated."""
    return _PLACES.get(place.__name__, place.__name__)


class HelpScreen(Place):
    """The keys of `place`, grouped."""

    ACTIONS = HELP_ACTIONS
    BINDINGS: ClassVar = bindings_of(HELP_ACTIONS)
    CSS_PATH = "help.tcss"
    AUTO_FOCUS = ""

    def __init__(self, place: Screen[Any]) -> None:
        super().__init__()
        self._place = place
        self._room = 50

    def compose(self) -> ComposeResult:
        name = _(place_name(type(self._place)))
        yield Static(_("Help: the keys of the {place}").format(place=name), id="heading", markup=False)
        with VerticalScroll(id="page", can_focus=False):
            yield Static("", id="text", markup=False)
        yield KeysFooter(id="keys")

    def on_mount(self) -> None:
        self._show(self.size.width)

    def on_resize(self, event: Resize) -> None:
        self._show(event.size.width)

    def _show(self, width: int) -> None:
        self._room = max(20, width - _KEY_CELLS - 10)
        self.query_one("#text", Static).update(self._text())

    def action_back(self) -> None:
        """Go back."""
        self.dismiss()

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        self.query_one("#page").scroll_relative(y=lines, animate=False)

    def _text(self) -> Content:
        actions = [*getattr(self._place, "ACTIONS", ()), *APP_ACTIONS]
        groups: dict[str, list[Action]] = {}
        for action in actions:
            groups.setdefault(action.group or mark("More"), []).append(action)
        lines: list[Content] = []
        for group, members in groups.items():
            lines += [
                Content.styled(_(group), "bold $text-primary"),
                *(self._line(action) for action in members),
                Content(""),
            ]
        lines += [Content.styled(_("On a card"), "bold $text-primary")]
        lines += [self._row(_(sign), _(meaning)) for sign, meaning in CARD_MARKS]
        lines += [Content(""), Content.styled(_("Columns, and their marks in the dependencies"), "bold $text-primary")]
        lines += [self._row(MARKS[status], status_name(status)) for status in COLUMNS]
        lines += [
            Content(""),
            Content.styled(_("Keys can be changed: press F3, or edit `keys:` in config.yaml."), MUTED),
        ]
        return Content("\n").join(lines)

    def _line(self, action: Action) -> Content:
        keys = [self.parallel.get_key_display_of(key) for key in keys_of(action, self.parallel.settings.keys)]
        return self._row("  ".join(dict.fromkeys(keys)), _(action.help or action.title))

    def _row(self, key: str, meaning: str) -> Content:
        indent = "\n" + " " * (_KEY_CELLS + 4)
        text = indent.join(cells.wrap(meaning, self._room, 4))
        return Content.assemble((f"  {cells.fit(key, _KEY_CELLS)}  ", "$text-accent"), text)
