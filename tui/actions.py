"""Every action that a key, the palette or the footer offers: declared once, in the place where it works.

Users rebind by `id` in config.yaml (`keys: {board.lift: "space,m"}`).
"""

from dataclasses import dataclass
from typing import Final

from textual.binding import Binding, BindingType


@dataclass(frozen=True, slots=True)
class Action:
    """One action.

    Args:
        id: `place.name`; the place is `app` or a screen's name. What config.yaml names.
        keys: Textual's key names, comma-separated, the first is the one shown.
        action: the action method on the screen or app, with its arguments.
        title: for the footer and help: a word or two, imperative.
        help: one sentence for help and palette.
        group: the heading under which help lists it.
        is_shown: whether the footer shows it where there is room.
        in_palette: whether the palette offers it.
    """

    id: str
    keys: str
    action: str
    title: str
    help: str = ""
    group: str = ""
    is_shown: bool = False
    in_palette: bool = True

    @property
    def place(self) -> str:
        """Where it works: `app` or a screen's name."""
        return self.id.partition(".")[0]


WAITING_ACTION: Final = Action(
    "app.next_waiting", "exclamation_mark", "app.next_waiting", "Waiting",
    "Go to the next thing that waits for you, from anywhere.", "Screens",
)  # fmt: skip

APP_ACTIONS: Final = (
    Action("app.help", "question_mark,f1", "app.show_help", "Help", "Show the keys of this place.", "General", True),
    Action(
        "app.palette", "ctrl+p", "app.command_palette", "Palette", "Find any command by name.", "General", True, False
    ),
    Action("app.board", "1", "app.go('board')", "Board", "Go to the board.", "Screens"),
    Action("app.history", "2", "app.go('history')", "History", "Go to the history.", "Screens"),
    Action("app.agents", "3", "app.go('agents')", "Agents", "Go to the agents.", "Screens"),
    Action("app.handoffs", "4", "app.go('handoffs')", "Handoffs", "Go to the handoffs.", "Screens"),
    Action("app.processes", "5", "app.go('processes')", "Processes", "Go to the processes.", "Screens"),
    Action("app.queue", "6", "app.go('queue')", "Queue", "Go to the queue of runs.", "Screens"),
    Action("app.metrics", "7", "app.go('metrics')", "Metrics", "Go to the metrics.", "Screens"),
    Action("app.alerts", "8", "app.go('alerts')", "Alerts", "Go to the alerts.", "Screens"),
    Action(
        "app.next_waiting",
        "exclamation_mark",
        "app.next_waiting",
        "Waiting",
        "Go to the next thing that waits for you, from anywhere.",
        "Screens",
    ),
    Action("app.messages", "f2", "app.show_messages", "Messages", "Read past messages and errors again.", "General"),
    Action("app.log", "f4", "app.show_log", "Log", "Read what all processes print, merged by time.", "General"),
    Action("app.settings", "f3,comma", "app.show_settings", "Settings", "Change settings and keys.", "General"),
    Action("app.undo", "u", "app.undo", "Undo", "Undo your last change.", "General", True),
    Action("app.redo", "U,ctrl+r", "app.redo", "Redo", "Redo what you undid last.", "General"),
    Action(
        "app.quit",
        "q",
        "app.ask_quit",
        "Quit",
        "Leave the app; all is stored already. ctrl+q works everywhere.",
        "General",
        True,
    ),
)


def bindings_of(actions: tuple[Action, ...]) -> list[BindingType]:
    """The Textual bindings of actions."""
    return [
        Binding(each.keys, each.action, each.title, show=each.is_shown, id=each.id, tooltip=each.help)
        for each in actions
    ]  # fmt: skip
