"""The app: its places, its services and settings, and what one does everywhere."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from textual import work
from textual.app import SystemCommand
from textual.binding import Binding
from textual.screen import Screen
from textual.signal import Signal

from core.services import HostLease, Service, ServiceHost, ServiceReport, ServiceState
from core.settings import Settings, read_settings, write_settings
from storage import ParallelError
from tui.actions import APP_ACTIONS, bindings_of
from tui.attending import Attending
from tui.desk import Desk
from tui.drafts import Drafts
from tui.messages import Severity
from tui.themes import DEFAULT_THEME, OUR_THEMES
from tui.translation import _, ngettext, set_language


def _board_screen() -> Any:
    from tui.screens.board import BoardScreen

    return BoardScreen()


def _processes_screen() -> Any:
    from tui.screens.processes import ProcessesScreen

    return ProcessesScreen()


def _agents_screen() -> Any:
    from tui.screens.agents import AgentsScreen

    return AgentsScreen()


def _handoffs_screen() -> Any:
    from tui.screens.handoffs import HandoffsScreen

    return HandoffsScreen()


def _history_screen() -> Any:
    from tui.screens.history import HistoryScreen

    return HistoryScreen()


def _alerts_screen() -> Any:
    from tui.screens.alerts import AlertsScreen

    return AlertsScreen()


def _metrics_screen() -> Any:
    from tui.screens.metrics import MetricsScreen

    return MetricsScreen()


def _queue_screen() -> Any:
    from tui.screens.queue import QueueScreen

    return QueueScreen()


class ParallelApp(Attending, inherit_bindings=False):
    """wezterm-parallel on one room. `settings_changed` is published with the new `Settings`."""

    TITLE = "wezterm-parallel"
    CSS_PATH = Path(__file__).with_name("app.tcss")
    MODES: ClassVar[dict[str, Any]] = {
        "board": _board_screen,
        "history": _history_screen,
        "agents": _agents_screen,
        "handoffs": _handoffs_screen,
        "processes": _processes_screen,
        "queue": _queue_screen,
        "metrics": _metrics_screen,
        "alerts": _alerts_screen,
    }
    DEFAULT_MODE = "board"
    BINDINGS: ClassVar = [
        *bindings_of(APP_ACTIONS),
        Binding("ctrl+q", "app.ask_quit", "Quit", show=False, priority=True, system=True),
        Binding("ctrl+c", "app.interrupt", "Interrupt", show=False, system=True),
    ]
    ENABLE_COMMAND_PALETTE = True
    PAUSE_GC_ON_SCROLL = True

    @staticmethod
    def _palette() -> Any:
        from tui.palette import PlaceCommands

        return PlaceCommands

    COMMANDS: ClassVar[set[Any]] = {_palette}

    def __init__(
        self, desk: Desk, *, services: Sequence[Service] = (), lease: HostLease | None = None,
        survives_errors: bool | None = None,
    ) -> None:  # fmt: skip
        """Args:
        services: what runs behind the screens, each as a worker, while this process is the host of its home.
        lease: the one that the services know as theirs.
        survives_errors: whether unexpected errors are told and logged instead of ending the app. By default they
            are, save in a test, which is to hear of them.
        """
        super().__init__(desk, survives_errors=survives_errors)
        self.drafts = Drafts()
        self.settings_changed: Signal[Settings] = Signal(self, "settings_changed")
        self._host = ServiceHost(services, lease or HostLease(desk.database), self._hear_of_service)
        for theme in OUR_THEMES:
            self.register_theme(theme)
        self._problems = self._read_settings()
        set_language(self.settings.language)
        self._apply_settings()

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:  # noqa: ARG002
        """None of Textual's own: our palette lists what there is, in our words."""
        return ()

    def on_mount(self) -> None:
        for service in self._host.services:
            self.run_worker(self._host.supervise(service), group=f"service:{service.name}", exit_on_error=False)
        self.call_after_refresh(self._tell_problems)
        self.call_after_refresh(self._tell_what_waits)

    @work(group="trust", exit_on_error=False)
    async def _tell_what_waits(self) -> None:
        from tui.processes.trusting import tell_at_start

        await tell_at_start(self)

    async def on_unmount(self) -> None:
        self._host.close()

    def _hear_of_service(self, report: ServiceReport) -> None:
        if report.state is ServiceState.FAILED:
            self.tell(
                _("The service {service} failed: {failure}").format(service=report.service, failure=report.failure),
                severity=Severity.WARNING,
                hint=_("It starts again in {seconds:g} s.").format(seconds=report.delay_s),
            )

    # settings

    def reload_settings(self) -> None:
        """Take in what is in the file now, and tell what is wrong with it."""
        self._problems = self._read_settings()
        self._apply_settings()
        self._tell_problems()

    async def change_settings(self, **changes: Any) -> None:
        """Write settings to config.yaml, and live by them."""
        path = self.desk.database.home.config
        try:
            self.settings = await asyncio.to_thread(write_settings, path, changes)
        except ParallelError as error:
            self.tell_error(error)
        except OSError as error:
            failure = _("{path} cannot be written: {error}.").format(path=path, error=error.strerror)
            self.tell(failure, severity=Severity.ERROR, hint=_("Check the disk."))
        else:
            self._apply_settings()
            if "language" in changes:
                self.tell(_("The app speaks it from its next start."))

    def _read_settings(self) -> tuple[str, ...]:
        loaded = read_settings(self.desk.database.home.config)
        self.settings = loaded.settings
        return loaded.problems

    def _apply_settings(self) -> None:
        settings = self.settings
        self.animation_level = settings.animations.value
        if settings.theme in self.available_themes:
            self.theme = settings.theme
        else:
            self.theme = DEFAULT_THEME
            problem = _("There is no theme {name!r}; {shown} is shown.").format(
                name=settings.theme, shown=DEFAULT_THEME
            )
            self._problems = (*self._problems, problem)
        self.set_keymap(dict(settings.keys))
        self.settings_changed.publish(settings)

    def _tell_problems(self) -> None:
        problems = self._problems
        self._problems = ()
        if self.settings.keys:
            from tui.keymap import keymap_of
            from tui.places import all_actions

            keymap = keymap_of(self.settings.keys, all_actions())
            self.set_keymap(dict(keymap.keys))
            problems = (*problems, *keymap.problems)
        for problem in problems:
            self.tell(
                problem, severity=Severity.WARNING, hint=_("See {path}.").format(path=self.desk.database.home.config)
            )

    def get_key_display_of(self, key: str) -> str:
        """How a key is written on the screen: `?` for `question_mark`, `^p` for `ctrl+p`."""
        return self.get_key_display(Binding(key, ""))

    # actions of every place

    async def action_go(self, mode: str) -> None:
        """Switch to one of the main screens."""
        await self.go(mode)

    async def action_show_help(self) -> None:
        """Show the keys of the present place."""
        from tui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            await self.push_screen(HelpScreen(self.screen))

    def action_command_palette(self) -> None:
        """Find a command by name."""
        from textual.command import CommandPalette

        if not CommandPalette.is_open(self):
            self.push_screen(CommandPalette(placeholder=_("Search for commands…"), id="--command-palette"))

    async def action_show_messages(self) -> None:
        """Show past messages."""
        from tui.screens.messages import MessagesScreen

        if not isinstance(self.screen, MessagesScreen):
            await self.push_screen(MessagesScreen())

    async def action_show_log(self) -> None:
        """Show what all processes print."""
        from tui.screens.log import LogScreen

        if not isinstance(self.screen, LogScreen):
            await self.push_screen(LogScreen())

    async def action_show_settings(self) -> None:
        """Show the settings."""
        from tui.screens.settings import SettingsScreen

        if not isinstance(self.screen, SettingsScreen):
            await self.push_screen(SettingsScreen())

    def action_ask_quit(self) -> None:
        """Leave the app. All is stored; what would be lost is asked about: text that is being written, and whether
        the processes that run are to go on."""
        from tui.dialogs import Confirm, Dialog, QuitDialog

        if isinstance(self.screen, (Confirm, QuitDialog)):
            return
        if any(isinstance(screen, Dialog) and screen.has_unsaved for screen in self.screen_stack):
            question = Confirm(
                _("Quit without saving?"), _("What you are writing has not been saved."), yes=_("Quit"), no=_("Stay")
            )
            self.push_screen(question, self._quit_if_sure)
        else:
            self._quit()

    def _quit_if_sure(self, is_sure: bool | None) -> None:
        if is_sure:
            self._quit()

    @work(group="quit", exclusive=True, exit_on_error=False)
    async def _quit(self) -> None:
        from tui.processes.quitting import may_quit

        if await may_quit(self):
            self.exit(0)

    def action_interrupt(self) -> None:
        """Say how to leave: the key that ends most programs must neither end this one by a slip nor seem dead."""
        self.tell(_("Nothing was interrupted."), hint=_("q or ctrl+q leaves the app; all is stored."))

    async def action_quit(self) -> None:
        """Textual's own way to quit, the same as ours."""
        self.action_ask_quit()

    # In workers, since the store may keep a writer waiting for seconds, and the app must go on meanwhile.

    @work(group="send", exit_on_error=False)
    async def action_undo(self) -> None:
        """Undo the person's last change."""
        await self.reverse("undo")

    @work(group="send", exit_on_error=False)
    async def action_redo(self) -> None:
        """Redo what was undone last."""
        await self.reverse("redo")

    async def reverse(self, operation: str, **arguments: Any) -> None:
        """Undo or redo, and say what."""
        outcome = await self.attempt(self.desk.call(operation, **arguments))
        if outcome is None:
            return
        # What a redo reverses is an undo: what was done at first is what the redo itself has done.
        change = outcome.value.change if operation == "undo" else outcome.change
        events = await self.attempt(self.desk.read(lambda rows: rows.events(change=change)))
        if not events:
            return
        from tui.sentences import event_sentence
        from tui.wording import Names

        what = event_sentence(replace(events[0], undoes=None), Names(self.state))
        if more := len(events) - 1:
            what = ngettext("{change}, and {count} more", "{change}, and {count} more", more).format(
                change=what, count=more
            )
        self.tell((_("Undid: {change}.") if operation == "undo" else _("Redid: {change}.")).format(change=what))
