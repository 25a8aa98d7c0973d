"""The settings: looks and habits, written to config.yaml with its comments kept; the room's; and every key."""

from collections.abc import Mapping
from dataclasses import fields
from enum import StrEnum
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.widgets import Static

from core.settings import DEFAULTS, Settings, help_of
from core.text import for_screen
from tui import cells, room_settings
from tui.actions import Action, bindings_of
from tui.board_state import BoardChange
from tui.dialogs import AskLine, Choice, Pick
from tui.keymap import keys_of
from tui.places import all_actions
from tui.room_settings import ROOM_SETTINGS
from tui.screens.place import Place
from tui.translation import _
from tui.widgets.footer import KeysFooter
from tui.widgets.line_list import LineList, Piece

SETTINGS_ACTIONS = (
    Action("settings.back", "escape,backspace", "back", "Back", "Return to the place.", "Settings", True, False),
    Action("settings.change", "e", "change", "Change", "Change the setting or the keys.", "Settings", True),
    Action("settings.reset", "x", "reset", "Default", "Put it back to its default.", "Settings", True),
)  # fmt: skip

_NAME_CELLS = 28
_WRITTEN_BY_HAND = ("keys", "filters", "alerts", "log_levels")
"""Settings that are no line each: keys and filters are listed below, the others are explained in the docs."""
ROOM = "room "
"""How a row is called that is a setting of the room."""


class SettingsScreen(Place):
    """Every setting, those of the room, every action with its keys; enter changes what is under the cursor."""

    ACTIONS = SETTINGS_ACTIONS
    BINDINGS: ClassVar = bindings_of(SETTINGS_ACTIONS)
    CSS_PATH = "settings.tcss"

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[str | Action] = []

    def compose(self) -> ComposeResult:
        yield Static(_("Settings"), id="heading", markup=False)
        yield LineList(self._paint, id="rows")
        yield Static("", id="detail", markup=False)
        yield KeysFooter(id="keys")

    def on_mount(self) -> None:
        self.parallel.reload_settings()
        self.parallel.settings_changed.subscribe(self, self._changed)
        names = [each.name for each in fields(Settings) if each.name not in _WRITTEN_BY_HAND]
        filters = [f"filter {name}" for name in self.parallel.settings.filters]
        self._rows = [*names, *(f"{ROOM}{name}" for name in ROOM_SETTINGS), *filters, *all_actions()]
        self.parallel.changed.subscribe(self, self._take_in)
        self.query_one(LineList).show(len(self._rows), cursor=0)
        self.query_one(LineList).focus()
        self._show_detail()

    def on_line_list_moved(self) -> None:
        self._show_detail()

    def on_line_list_opened(self) -> None:
        self.action_change()

    def action_back(self) -> None:
        """Go back."""
        self.dismiss()

    def action_change(self) -> None:
        """Change what is under the cursor."""
        row = self._current()
        doing = self._change_keys(row) if isinstance(row, Action) else self._change(row)
        self.run_worker(self.parallel.attempt(doing), group="ask", exit_on_error=False)

    def action_reset(self) -> None:
        """Put what is under the cursor back to its default."""
        row = self._current()
        if isinstance(row, str) and row.startswith(ROOM):
            self.parallel.tell(_("The room's settings have no default here; e changes them, u undoes that."))
            return
        if isinstance(row, Action):
            changes: dict[str, Any] = {"keys": _without(self.parallel.settings.keys, row.id)}
        elif row.startswith("filter "):
            changes = {"filters": _without(self.parallel.settings.filters, row.removeprefix("filter "))}
        else:
            changes = {row: getattr(DEFAULTS, row)}
        doing = self.parallel.change_settings(**changes)
        self.run_worker(self.parallel.attempt(doing), group="ask", exit_on_error=False)

    async def _change(self, name: str) -> None:
        app = self.parallel
        if name.startswith(ROOM):
            await room_settings.change(app, name.removeprefix(ROOM))
            return
        if name.startswith("filter "):
            key = name.removeprefix("filter ")
            text = await app.push_screen_wait(
                AskLine(_("Filter {name}").format(name=key), initial=app.settings.filters[key])
            )
            if text:
                await app.change_settings(filters={**app.settings.filters, key: text})
            return
        present = getattr(app.settings, name)
        if name == "theme":
            options = [Choice(theme, theme) for theme in sorted(app.available_themes)]
        elif isinstance(present, StrEnum):
            options = [Choice(value.value, value.value) for value in type(present)]
        else:
            text = await app.push_screen_wait(AskLine(_(help_of(name)), initial=f"{present:g}", is_replaced=True))
            if text:
                await app.change_settings(**{name: _number(text)})
            return
        picked = await app.push_screen_wait(Pick(_(help_of(name)), options, selected=[str(present)]))
        if picked:
            await app.change_settings(**{name: picked[0]})

    async def _change_keys(self, action: Action) -> None:
        app = self.parallel
        present = ",".join(keys_of(action, app.settings.keys))
        title = _("Keys of {action}, parted by commas").format(action=action.id)
        question = AskLine(title, initial=present, placeholder="space,m,ctrl+k,f5")
        keys = await app.push_screen_wait(question)
        if keys and keys != present:
            await app.change_settings(keys={**app.settings.keys, action.id: keys})
            app.reload_settings()

    def _changed(self, settings: Settings) -> None:
        del settings
        self.query_one(LineList).refresh()
        self._show_detail()

    def _take_in(self, change: BoardChange) -> None:
        if change.room_changed:
            self.query_one(LineList).refresh_changed()
            self._show_detail()

    def _current(self) -> str | Action:
        return self._rows[self.query_one(LineList).cursor]

    def _show_detail(self) -> None:
        row = self._current()
        kept = _("Kept in config.yaml; your comments there stay.")
        if isinstance(row, Action):
            line = f"keys: {{{row.id}: {','.join(keys_of(row, self.parallel.settings.keys))}}}"
            text = "\n".join([_(row.help), _("In the file: {line}").format(line=line)])
        elif row.startswith(ROOM):
            text = _(ROOM_SETTINGS[row.removeprefix(ROOM)])
            kept = _("Stored in the room, for everybody; the history tells who has changed it.")
        elif row.startswith("filter "):
            text = _("A saved filter of the board. x takes it away.")
        else:
            default = getattr(DEFAULTS, row)
            shown = f"{default:g}" if isinstance(default, float) else str(default)
            text = _("{help} Default: {value}.").format(help=_(help_of(row)), value=shown)
        self.query_one("#detail", Static).update(f"{text}\n{kept}")

    def _paint(self, index: int) -> list[Piece]:
        row = self._rows[index]
        settings = self.parallel.settings
        if isinstance(row, Action):
            keys = "  ".join(self.parallel.get_key_display_of(key) for key in keys_of(row, settings.keys))
            is_own = row.id in settings.keys
            name = cells.fit(f" {row.id}", _NAME_CELLS)
            return [(name, "dim"), (cells.fit(keys, 24), "strong" if is_own else "accent"), (_(row.title), "plain")]
        if row.startswith(ROOM):
            value = room_settings.value_of(self.state.room, row.removeprefix(ROOM)) or _("none")
            name = cells.fit(f" {row.replace('_', ' ')}", _NAME_CELLS)
            return [(name, "strong"), (for_screen(value), "accent")]
        if row.startswith("filter "):
            key = row.removeprefix("filter ")
            return [
                (cells.fit(f" {for_screen(row)}", _NAME_CELLS), "plain"),
                (for_screen(settings.filters.get(key, "")), "accent"),
            ]
        value = getattr(settings, row)
        shown = f"{value:g}" if isinstance(value, float) else str(value)
        is_own = value != getattr(DEFAULTS, row)
        return [
            (cells.fit(f" {row.replace('_', ' ')}", _NAME_CELLS), "strong"),
            (for_screen(shown), "strong" if is_own else "accent"),
        ]


def _without(mapping: Mapping[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in mapping.items() if key != name}


def _number(text: str) -> Any:
    try:
        return int(text) if text.strip().isdecimal() else float(text)
    except ValueError:
        return text  # the schema says what is wrong with it
