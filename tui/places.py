"""All places of the app and their actions, for help, key bindings and docs. Imports every screen: not for the start."""

from tui.actions import APP_ACTIONS, Action
from tui.screens.place import Place


def all_places() -> list[type[Place]]:
    """The screens, in the order in which help and the docs tell of them."""
    from tui.screens.agents import AgentsScreen
    from tui.screens.alerts import AlertsScreen
    from tui.screens.board import BoardScreen
    from tui.screens.handoffs import HandoffsScreen
    from tui.screens.help import HelpScreen
    from tui.screens.history import HistoryScreen
    from tui.screens.log import LogScreen
    from tui.screens.messages import MessagesScreen
    from tui.screens.metrics import MetricsScreen
    from tui.screens.peek import PeekScreen
    from tui.screens.processes import ProcessesScreen
    from tui.screens.queue import QueueScreen
    from tui.screens.settings import SettingsScreen
    from tui.screens.task import TaskScreen

    return [
        BoardScreen,
        TaskScreen,
        HistoryScreen,
        AgentsScreen,
        HandoffsScreen,
        ProcessesScreen,
        PeekScreen,
        QueueScreen,
        MetricsScreen,
        AlertsScreen,
        LogScreen,
        MessagesScreen,
        SettingsScreen,
        HelpScreen,
    ]


def all_actions() -> list[Action]:
    """Every action there is, those of the app first."""
    return [*APP_ACTIONS, *(action for place in all_places() for action in place.ACTIONS)]
