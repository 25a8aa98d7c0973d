"""The log of one process, or of all of the room merged by time: live, searched, filtered, at any moment."""

import asyncio
from dataclasses import replace
from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from core.errors import InvalidData
from core.logs.moments import moment_of
from core.logs.seeking import SeekingStopped, TooSlow
from core.logs.window import Place, Window, sources_of
from core.text import for_screen
from storage import ProcessId, utc_now
from tui.actions import Action, bindings_of
from tui.board_state import BoardChange
from tui.dialogs import AskLine
from tui.log.reading import Picture, Wanted
from tui.log.rows import Style
from tui.log.searching import Searching
from tui.log.view import LogView
from tui.translation import _, ngettext
from tui.widgets.footer import KeysFooter
from tui.wording import clock

PATIENT_S: Final = 0.3
"""What takes longer than this to be shown is told of."""
LOOK_S: Final = 0.1
"""The end of what is printed is shown so often; what comes faster is in the file, and not drawn."""
SIDEWAYS: Final = 16

LOG_ACTIONS = (
    Action("log.back", "escape", "back", "Back", "Leave the search, the filter, then the log.", "Log", True, False),
    Action("log.follow", "f,end,G", "follow", "Follow", "Show the end, and what comes.", "Log", True),
    Action("log.search", "slash", "search", "Search", "Find a regular expression, from here on.", "Log", True),
    Action("log.next", "n", "find(1)", "Next", "The next place where it is found.", "Log", True),
    Action("log.previous", "N", "find(-1)", "Previous", "The place before where it is found.", "Log"),
    Action("log.filter", "ampersand", "filter", "Filter", "Show only lines in which something is found.", "Log", True),
    Action("log.time", "t", "time", "Time", "Go to a moment: 10m ago, 14:03, a date.", "Log", True),
    Action("log.wrap", "w", "wrap", "Wrap", "Wrap long lines, or cut them.", "Log", True),
    Action("log.stamps", "s", "stamps", "Times", "Show the time of each line, or not.", "Log", True),
    Action("log.everything", "a", "everything", "All", "The output of all processes, or of this one.", "Log", True),
    Action("log.begin", "home,g", "begin", "Begin", "Show the oldest that is kept.", "Log"),
    Action("log.left", "left,h", "sideways(-1)", "Left", "Show what is further left.", "Log", in_palette=False),
    Action("log.right", "right,l", "sideways(1)", "Right", "Show what is further right.", "Log", in_palette=False),
    Action("log.far_left", "H", "far_left", "Far left", "Show the beginnings of the lines.", "Log",
           in_palette=False),
)  # fmt: skip


class LogScreen(Searching):
    """What a process prints, or, of None, what all of the room's print."""

    ACTIONS = LOG_ACTIONS
    BINDINGS: ClassVar = bindings_of(LOG_ACTIONS)
    CSS_PATH = "log.tcss"

    def __init__(self, process: ProcessId | None = None) -> None:
        super().__init__()
        self.process = process
        self._own = process
        self._stamps: tuple[tuple[int, int], ...] = ()
        self._wanted = Wanted()
        self._picture = Picture((), None)
        self._lines = 0
        self._is_stale = True
        self._woken = asyncio.Event()
        self._is_reading = False
        self._wraps = False
        self._has_stamps = True
        self._shift = 0

    def compose(self) -> ComposeResult:
        yield Static("", id="heading", markup=False)
        yield LogView(id="log")
        yield Static("", id="empty", markup=False)
        yield KeysFooter(id="keys")

    def on_mount(self) -> None:
        self.parallel.changed.subscribe(self, self._take_in)
        self._choose()
        self.query_one(LogView).focus()
        self._keep_up()

    # what is read

    def _take_in(self, change: BoardChange) -> None:
        if change.processes or change.everything:
            self._choose()

    def _choose(self) -> None:
        """Open the outputs of what is shown; the place stays where it is."""
        rows = [each for each in self.state.processes.values() if self.process in (None, each.id)]
        sources = sources_of(self.desk.database.home, sorted(rows, key=lambda each: each.name))
        before = self._window.sources
        if sources == before:
            self._describe()
            return
        self._window = Window(sources)
        if self._wanted.place is not None:
            known = {each.process: mark for each, mark in zip(before, self._wanted.place, strict=True)}
            self._go(tuple(known.get(each.process, 0) for each in sources))
        self._found = None
        self._wake()

    def _go(self, place: Place | None) -> None:
        self._wanted = replace(self._wanted, place=place)
        self._lines = 0
        self._wake()

    def _wake(self) -> None:
        self._is_stale = True
        self._woken.set()

    @work(group="log", exit_on_error=False)
    async def _keep_up(self) -> None:
        """Show what is wanted, and what comes, as long as it is on the screen."""
        while True:
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._woken.wait()
            except TimeoutError:
                if not self.is_current:
                    continue
            self._woken.clear()
            stamps = tuple(each.stamp for each in self._window.sources)
            has_more = stamps != self._stamps and self._wanted.place is None
            if not (self._is_stale or has_more) or not self.size.height:
                continue
            self._stamps, self._is_stale = stamps, False
            lines, self._lines = self._lines, 0
            window, wanted = self._window, replace(self._as_wanted(), lines=lines)
            picture = await self._read(window, wanted)
            if picture is not None and window is self._window and wanted.place == self._wanted.place:
                self._show(picture)

    async def _read(self, window: Window, wanted: Wanted) -> Picture | None:
        """The picture of what is wanted; None where that has taken too long, or is not wanted any more."""
        reading = asyncio.ensure_future(self._looking.picture(window, wanted, self._picture))
        try:
            done, _pending = await asyncio.wait((reading,), timeout=PATIENT_S)
            self._is_reading = not done
            if not done:
                self._describe()
            return await reading
        except SeekingStopped:
            return None
        except (TooSlow, OSError) as error:
            self._give_up(error, wanted)
            return None
        finally:
            self._is_reading = False

    def _as_wanted(self) -> Wanted:
        view = self.query_one(LogView)
        sources = self._window.sources
        names = tuple(for_screen(each.name) for each in sources) if len(sources) > 1 else ()
        width, height = view.size if view.size.height else (self.size.width, self.size.height - 2)  # hidden while empty
        found = (self._found.source, self._found.line.offset) if self._found is not None else None
        marked = self._sought if self._is_marked else None  # not before it was found in good time: pictures go on
        style = Style(self._has_stamps, names, marked, self._wraps, width, found)
        return replace(self._wanted, height=max(1, height), style=style, filter=self._filter)

    def _show(self, picture: Picture) -> None:
        self._picture = picture
        self._wanted = replace(self._wanted, place=picture.place)
        self.query_one(LogView).show(picture.rows, self._shift)
        self._describe()

    def _show_found(self, picture: Picture) -> None:
        self._lines = 0
        self._show(picture)

    # what is told

    def _describe(self) -> None:
        sources = self._window.sources
        if not sources:
            self.query_one("#heading", Static).update(_("Log"))
            self.add_class("-empty")
            self.query_one("#empty", Static).update(self._nothing())
            return
        parts: list[tuple[str, str] | str] = [_("Log of {name}").format(name=self._whose()), "   "]
        if self._is_searching or self._is_reading:
            parts.append((_("searching…  esc stops it"), "$text-warning"))
        elif self._wanted.place is None:
            parts.append((_("following"), "$text-success"))
        elif self._picture.top is not None:
            parts.append((_("from {time}; f follows").format(time=clock(self._picture.top)), "$text-warning"))
        for sign, expression in (("/", self._sought), ("&", self._filter)):
            if expression is not None:
                parts.append(f"   {sign}{for_screen(expression.text)}")
        self.query_one("#heading", Static).update(Content.assemble(*parts))
        self.set_class(not self._picture.rows, "-empty")
        if self._picture.rows and self.focused is None:  # it was hidden
            self.call_after_refresh(self.query_one(LogView).focus)
        if not self._picture.rows:
            self.query_one("#empty", Static).update(self._nothing())

    def _whose(self) -> str:
        """Whose log it is."""
        sources = self._window.sources
        if len(sources) == 1:
            return for_screen(sources[0].name)
        return ngettext("{count} process", "{count} processes", len(sources)).format(count=len(sources))

    def _nothing(self) -> str:
        if not self._window.sources:
            return _("There are no processes. 5 shows them; room.yaml declares them, `wzp process add` adds one.")
        if self._filter is not None:
            return _("No line fits the filter. esc takes it away.")
        return _("Nothing has been printed yet. What is printed comes here.")

    # doing

    @on(LogView.Scrolled)
    def _scrolled(self, event: LogView.Scrolled) -> None:
        self._lines += event.lines
        self._wake()

    @on(LogView.Fitted)
    def _fitted(self) -> None:
        self._wake()

    def action_follow(self) -> None:
        """Show the end, and follow it."""
        self._go(None)

    def action_begin(self) -> None:
        """Show the oldest lines."""
        self._go(tuple(0 for _each in self._window.sources))

    def action_wrap(self) -> None:
        """Wrap lines or cut them."""
        self._wraps = not self._wraps
        self._shift = 0
        self._wake()

    def action_stamps(self) -> None:
        """Show times or not."""
        self._has_stamps = not self._has_stamps
        self._wake()

    def action_sideways(self, way: int) -> None:
        """Show what is further left or right."""
        if not self._wraps:
            self._shift = max(0, self._shift + way * SIDEWAYS)
            self.query_one(LogView).show(self._picture.rows, self._shift)

    def action_far_left(self) -> None:
        """Show the beginnings of the lines."""
        self._shift = 0
        self.query_one(LogView).show(self._picture.rows, 0)

    def action_everything(self) -> None:
        """Show all processes, or this one again."""
        self.process = None if self.process is not None else self._own
        self._choose()

    def action_back(self) -> None:
        """Leave the search, the filter, then the log."""
        if not self._leave_off():
            self.dismiss()

    def action_time(self) -> None:
        """Ask for a moment."""
        self.begin(self._ask_time())

    async def _ask_time(self) -> None:
        question = AskLine(_("Go to the time"), placeholder="10m   14:03   2026-11-21T14:03")
        text = await self.app.push_screen_wait(question)
        if not text:
            return
        try:
            moment = moment_of(text, utc_now())
        except InvalidData as error:
            self.parallel.tell_error(error)
            return
        self._go(await asyncio.to_thread(self._window.at, moment))
