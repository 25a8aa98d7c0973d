"""The app: its modes, the change feed behind it, and where every message to the person goes."""

import asyncio
import gc
import logging
import os
import signal
import sys
import termios
import threading
from collections import deque
from collections.abc import Awaitable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any, ClassVar, Final

from textual import on, work
from textual.app import SystemCommand
from textual.binding import Binding
from textual.screen import Screen
from textual.signal import Signal
from textual.worker import WorkerFailed

from core.services import HostLease, Service, ServiceHost, ServiceReport, ServiceState
from core.settings import DEFAULTS, Settings, read_settings, write_settings
from core.text import for_screen
from storage import ChangeFeed, Event, ParallelError, utc_now
from tui.actions import APP_ACTIONS, bindings_of
from tui.board_state import BoardChange, BoardState, read_all, read_fresh
from tui.desk import Desk
from tui.drafts import Drafts
from tui.guard import Guarded
from tui.messages import FeedFailed, FreshRows, Note, Severity
from tui.themes import DEFAULT_THEME, OUR_THEMES
from tui.translation import _, ngettext, set_language
from tui.turns import KeysInTurn

NOTES_KEPT: Final = 500
"""How many messages the messages panel remembers."""
RETRY_FIRST_S: Final = 0.5
RETRY_MOST_S: Final = 30.0
"""After a failure the board is read again, at first soon, then ever later."""
SAME_ERROR_S: Final = 10.0
"""The same unexpected error is shown once in so many seconds; one that comes with every frame would hide the app."""
WATCH_TERMINAL_S: Final = 1.0
WATCH_STORE_S: Final = 1.0
"""How often the app looks whether what it shows is still what is stored."""
GRACE_S: Final = 2.0
"""How long the app may take to end after its terminal has gone: writes to a dead terminal can block for ever."""
HUNG_UP: Final = 128 + signal.SIGHUP

logger = logging.getLogger(__name__)


def _board_screen() -> Any:
    from tui.screens.board import BoardScreen

    return BoardScreen()


def _history_screen() -> Any:
    from tui.screens.history import HistoryScreen

    return HistoryScreen()


class ParallelApp(Guarded, KeysInTurn, inherit_bindings=False):
    """wezterm-parallel on one room.

    `changed` is published on the event loop with each `BoardChange`, after `state` has taken it in;
    `settings_changed` with the new `Settings`. `is_cut_off` while the store cannot be followed: what is shown may be
    old.
    """

    TITLE = "wezterm-parallel"
    CSS_PATH = Path(__file__).with_name("app.tcss")
    MODES: ClassVar[dict[str, Any]] = {"board": _board_screen, "history": _history_screen}
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

    def __init__(self, desk: Desk, *, services: Sequence[Service] = (), survives_errors: bool | None = None) -> None:
        """Args:
        services: what runs behind the screens, each as a worker, while this process is the host of its home.
        survives_errors: whether unexpected errors are told and logged instead of ending the app. By default they
            are, save in a test, which is to hear of them.
        """
        super().__init__()
        self.desk = desk
        self.state = BoardState(desk.room)
        self.drafts = Drafts()
        self.settings: Settings = DEFAULTS
        self.notes: deque[Note] = deque(maxlen=NOTES_KEPT)
        self.changed: Signal[BoardChange] = Signal(self, "changed")
        self.settings_changed: Signal[Settings] = Signal(self, "settings_changed")
        self._survives_errors = survives_errors
        self._host = ServiceHost(services, HostLease(desk.database.home), self._hear_of_service)
        self.is_cut_off = False
        self._feed: ChangeFeed | None = None
        self._errors_shown: dict[str, float] = {}
        for theme in OUR_THEMES:
            self.register_theme(theme)
        self._problems = self._read_settings()
        set_language(self.settings.language)
        self._apply_settings()

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:  # noqa: ARG002
        """None of Textual's own: our palette lists what there is, in our words."""
        return ()

    async def on_mount(self) -> None:
        if not self.is_headless:
            self._listen_to_signals()
        self.load_board()
        self.set_interval(WATCH_STORE_S, self._watch_store)
        for service in self._host.services:
            self.run_worker(self._host.supervise(service), group=f"service:{service.name}", exit_on_error=False)
        self.call_after_refresh(self._tell_problems)

    def _hear_of_service(self, report: ServiceReport) -> None:
        if report.state is ServiceState.FAILED:
            self.tell(
                _("The service {service} failed: {failure}").format(service=report.service, failure=report.failure),
                severity=Severity.WARNING,
                hint=_("It starts again in {seconds:g} s.").format(seconds=report.delay_s),
            )

    # the board as it is stored

    @work(group="load", exclusive=True, exit_on_error=False)
    async def load_board(self) -> None:
        """Read the room, then follow the change feed from there; begin again after a failure, ever later."""
        await self._stop_feed()
        room = self.desk.room.id
        delay_s = RETRY_FIRST_S
        while True:
            try:
                fresh = await self.desk.read(lambda rows: read_all(rows, room))
                break
            except ParallelError as error:
                again = _("Trying again in {seconds:g} s.").format(seconds=delay_s)
                self.tell(error.message, severity=Severity.ERROR, hint=f"{error.hint} {again}")
            except Exception as error:
                self._report(error)
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, RETRY_MOST_S)
        self.changed.publish(self.state.apply(fresh))
        self._feed = ChangeFeed(self.desk.database, self._deliver, after=fresh.sequence)
        self._feed.start()
        self.call_after_refresh(_freeze_garbage)

    def _watch_store(self) -> None:
        feed = self._feed
        if feed is None:
            return
        failure = feed.failure
        try:
            self.desk.database.require_same_file()
        except ParallelError as error:
            failure = error
        if self.is_cut_off == (failure is not None):
            return
        self.is_cut_off = failure is not None
        if failure is None:
            self.tell(_("The board follows the store again."))
        elif isinstance(failure, ParallelError):
            self.tell_error(failure)
        else:
            self._report(failure)
        self.changed.publish(BoardChange())

    async def on_unmount(self) -> None:
        await self._stop_feed()
        self._host.close()

    async def _stop_feed(self) -> None:
        feed, self._feed = self._feed, None
        if feed is not None:
            await asyncio.to_thread(feed.stop)

    def _deliver(self, events: Sequence[Event]) -> None:
        # On the feed's thread: read what the events name, and hand it to the loop.
        try:
            with self.desk.database.read() as rows:
                self.post_message(FreshRows(read_fresh(rows, self.desk.room.id, events)))
        except Exception as error:
            self.post_message(FeedFailed(error))

    @on(FreshRows)
    def take_in(self, message: FreshRows) -> None:
        """New rows are stored: the state takes them in, and the screens hear what differs."""
        fresh = message.fresh
        if fresh.sequence <= self.state.sequence and not fresh.everything:
            return  # read before the whole board was read anew: older than what is known
        try:
            change = self.state.apply(fresh)
        except Exception as error:
            self._handle_exception(error)
            self.load_board()
            return
        self.changed.publish(change)

    @on(FeedFailed)
    def start_again(self, message: FeedFailed) -> None:
        """A batch of changes was lost on its way here: read everything anew."""
        logger.error("the board could not follow the store", exc_info=message.error)
        self.load_board()

    # messages to the person

    def tell(self, text: str, *, severity: Severity = Severity.INFORMATION, hint: str = "") -> None:
        """Show a toast, and keep the message for the messages panel. The same again is kept, not stacked up."""
        text, hint = for_screen(text), for_screen(hint)
        note = Note(utc_now(), severity, text, hint)
        still_shown = timedelta(seconds=self.settings.toast_seconds)
        is_shown = any((old.text, old.hint) == (text, hint) and note.at - old.at < still_shown for old in self.notes)
        self.notes.append(note)
        if not is_shown:
            body = f"{text}\n{hint}" if hint else text
            self.notify(body, severity=severity.value, markup=False, timeout=self.settings.toast_seconds)

    def tell_error(self, error: ParallelError) -> None:
        """Show a refusal or failure with what to do about it."""
        self.tell(error.message, severity=Severity.ERROR, hint=error.hint)

    async def attempt(self, doing: Awaitable[Any]) -> Any:
        """What `doing` gives, or None after the person has been told why not."""
        try:
            return await doing
        except ParallelError as error:
            self.tell_error(error)
        except Exception as error:
            self._handle_exception(error)
        return None

    def _handle_exception(self, error: Exception) -> None:
        """Nothing unexpected takes the app down once it stands, and nothing vanishes."""
        survives = not self.is_headless if self._survives_errors is None else self._survives_errors
        if survives and self._running and self._dom_ready:
            self._report(error)
        else:
            logger.critical("the app could not go on", exc_info=error)
            super()._handle_exception(error)

    def _report(self, error: Exception) -> None:
        if isinstance(error, WorkerFailed) and isinstance(error.error, Exception):
            error = error.error
        logger.error("something failed unexpectedly", exc_info=error)
        text = f"{type(error).__name__}: {error}"
        now = monotonic()
        if now - self._errors_shown.get(text, -SAME_ERROR_S) >= SAME_ERROR_S:
            self._errors_shown[text] = now
            self.tell(
                _("Something failed unexpectedly: {error}").format(error=text),
                severity=Severity.ERROR,
                hint=_("The details are in {path}.").format(path=self.desk.database.home.logs / "app.log"),
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

    # the terminal

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGHUP, signal.SIGTERM):
            # A signal that the caller wants ignored (nohup) stays ignored.
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._end, 128 + number)
        threading.Thread(target=self._watch_terminal, args=[loop], name="terminal-watch", daemon=True).start()

    def _watch_terminal(self, loop: asyncio.AbstractEventLoop) -> None:
        # A terminal that went without SIGHUP (nohup, a dead ssh) reads as empty for ever: Textual's input thread would
        # spin on it, and the app would stay as an orphan.
        while _has_terminal():
            sleep(WATCH_TERMINAL_S)
        _end_within_grace(HUNG_UP)
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(self._end, HUNG_UP)

    def _end(self, code: int) -> None:
        """End from outside. Everything is stored already; only the terminal is to be left, if it is still there."""
        _end_within_grace(code)
        self.exit(code)

    def panic(self, *renderables: Any) -> None:
        """Textual's way out: also taken when the terminal has gone without a signal, and then it may not come to an
        end, since nobody takes what it writes."""
        if not self.is_headless:
            _end_within_grace(1 if _has_terminal() else HUNG_UP)
        super().panic(*renderables)

    # actions of every place

    async def action_go(self, mode: str) -> None:
        """Switch to one of the main screens, closing what lies on it."""
        if self.current_mode != mode:
            await self.switch_mode(mode)
        while len(self.screen_stack) > 1 and not self.screen.is_modal:
            await self.pop_screen()

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

    async def action_show_settings(self) -> None:
        """Show the settings."""
        from tui.screens.settings import SettingsScreen

        if not isinstance(self.screen, SettingsScreen):
            await self.push_screen(SettingsScreen())

    def action_ask_quit(self) -> None:
        """Leave the app. All is stored, and nothing runs that would have to be stopped; only text that is being
        written would be lost, and that is asked about."""
        from tui.dialogs import Confirm, Dialog

        if isinstance(self.screen, Confirm):
            return
        if any(isinstance(screen, Dialog) and screen.has_unsaved for screen in self.screen_stack):
            question = Confirm(
                _("Quit without saving?"), _("What you are writing has not been saved."), yes=_("Quit"), no=_("Stay")
            )
            self.push_screen(question, lambda is_sure: self.exit(0) if is_sure else None)
        else:
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
        from tui.wording import Names, event_sentence

        what = event_sentence(replace(events[0], undoes=None), Names(self.state))
        if more := len(events) - 1:
            what = ngettext("{change}, and {count} more", "{change}, and {count} more", more).format(
                change=what, count=more
            )
        self.tell((_("Undid: {change}.") if operation == "undo" else _("Redid: {change}.")).format(change=what))


def _freeze_garbage() -> None:
    """Everything made at start lives as long as the app: a full collection would walk it for tens of ms each time."""
    gc.collect()
    gc.freeze()


def _end_within_grace(code: int) -> None:
    timer = threading.Timer(GRACE_S, os._exit, [code])
    timer.daemon = True
    timer.start()


def _has_terminal() -> bool:
    with suppress(termios.error, OSError, ValueError):
        termios.tcgetattr(sys.__stdin__.fileno() if sys.__stdin__ is not None else 0)
        return True
    return False
