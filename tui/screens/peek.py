"""Peeking: the screen of a process, live in the app, at most ten pictures a second; nothing is typed into it."""

import asyncio
import logging
from contextlib import aclosing
from typing import ClassVar, Final

from rich.cells import cell_len
from rich.color import Color as RichColor
from rich.color import ColorParseError
from rich.segment import Segment
from rich.style import Style
from textual import work
from textual.app import ComposeResult
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Static

from core.processes.link import RunnerLink
from core.text import for_screen
from storage import ParallelError, Process, ProcessId
from tui.actions import Action, bindings_of
from tui.processes import doing
from tui.processes.picture import Line, Look, Picture
from tui.screens.place import Place
from tui.translation import _
from tui.widgets.footer import KeysFooter
from tui.wording import PROCESS_STATES

logger = logging.getLogger(__name__)

PICTURE_S: Final = 0.1
"""Between two pictures."""
BACKLOG: Final = 131_072
"""Bytes that have come since the last picture; where more comes, the next one begins with what the screen is then."""
RETRY_S: Final = 0.5
SIZE_S: Final = 1.0
"""How often the size of the process's terminal is looked at while nothing comes."""

PEEK_ACTIONS = (
    Action("peek.back", "escape,p", "back", "Back", "Back to where you came from.", "Peek", True, False),
    Action("peek.attach", "a", "attach", "Attach", "Hand the terminal to the process, until the detach key.", "Peek",
           True),
    Action("peek.send", "i", "send", "Send input", "Write a line to the process.", "Peek", True),
    Action("peek.log", "l", "log", "Log", "Read and search what the process has printed.", "Peek", True),
)  # fmt: skip

_NAMES: Final = {"brown": "yellow", "brightbrown": "bright_yellow"}


class PeekView(ScrollView, can_focus=True):
    """A picture, drawn by line: only lines that have changed are drawn again."""

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self._lines: tuple[Line, ...] = ()
        self._cursor: tuple[int, int] | None = None

    def show(self, lines: tuple[Line, ...], columns: int, cursor: tuple[int, int] | None) -> None:
        """Show another picture."""
        before, cursor_before = self._lines, self._cursor
        self._lines, self._cursor = lines, cursor
        size = Size(columns, len(lines))
        if size != self.virtual_size:
            self.virtual_size = size
            self.refresh()
            self._follow()
            return
        changed = {row for row, line in enumerate(lines) if row >= len(before) or before[row] is not line}
        if cursor != cursor_before:
            changed |= {place[0] for place in (cursor, cursor_before) if place is not None}
        for row in changed:
            self.refresh_line(row)
        if cursor is not None and cursor != cursor_before:
            self._follow()

    def _follow(self) -> None:
        """Keep the cursor in view, for a terminal that is larger than ours."""
        if self._cursor is not None:
            row, column = self._cursor
            self.scroll_to_region(Region(column, row, 1, 1), animate=False, force=True)

    def render_line(self, y: int) -> Strip:
        left, top = self.scroll_offset
        width = self.scrollable_content_region.width
        row = y + top
        if row >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        strip = Strip([Segment(text, _style(look)) for text, look in self._lines[row]])
        if self._cursor is not None and self._cursor[0] == row:
            strip = _with_cursor(strip, self._cursor[1])
        return strip.crop(left, left + width).adjust_cell_length(width, self.rich_style)


class PeekScreen(Place):
    """One process's screen."""

    ACTIONS = PEEK_ACTIONS
    BINDINGS: ClassVar = bindings_of(PEEK_ACTIONS)
    CSS_PATH = "peek.tcss"

    def __init__(self, process: ProcessId) -> None:
        super().__init__()
        self._process_id = process
        self._backlog = bytearray()
        self._has_overflown = False
        self._arrived = asyncio.Event()
        self._said = ""

    def compose(self) -> ComposeResult:
        yield Static("", id="peek-heading", markup=False)
        yield PeekView()
        yield KeysFooter(id="keys")

    def on_mount(self) -> None:
        self.query_one(PeekView).focus()
        self.follow()
        self.show_heading()
        self.set_interval(1.0, self.show_heading)

    @property
    def process(self) -> Process | None:
        """The process, as it is."""
        return self.state.processes.get(self._process_id)

    def show_heading(self) -> None:
        """Say whose screen it is, and how it is."""
        process = self.process
        if process is None:
            text = _("The process is gone.")
        else:
            sign, word = PROCESS_STATES[process.state]
            text = f"{for_screen(process.name)}  {sign} {_(word)}  {self._said}"
        heading = self.query_one("#peek-heading", Static)
        if heading.content != text:
            heading.update(text)

    def say(self, said: str) -> None:
        """Say it beside the name, until something else is to be said."""
        self._said = said
        if self.is_mounted:
            self.show_heading()

    @work(group="peek", exit_on_error=False)
    async def follow(self) -> None:
        """Draw what the process prints, over restarts too, until the screen is left."""
        while (process := self.process) is not None:
            folder = doing.runner_folder(self.desk.database.home, process)
            link = None
            if folder is not None:
                try:
                    link = await RunnerLink.connect(folder)
                    await self._follow(link)
                except ParallelError as error:
                    logger.info("the screen of %s cannot be followed: %s", process.name, error)
                finally:
                    if link is not None:
                        link.close()
            self.say(_("does not run; waiting for it"))
            await asyncio.sleep(RETRY_S)

    async def _follow(self, link: RunnerLink) -> None:
        """Draw until the runner is gone. Where too much has come, or the size is another, the picture begins anew."""
        while not link.is_gone:
            self._backlog.clear()
            self._has_overflown = False
            collecting = asyncio.create_task(self._collect(link))
            try:
                await self._draw_what_comes(link, collecting)
            finally:
                collecting.cancel()
                ended = await asyncio.gather(collecting, return_exceptions=True)
            if isinstance(ended[0], ParallelError):
                raise ended[0]

    async def _collect(self, link: RunnerLink) -> None:
        """Take what comes as fast as it comes, the screen as it is first; nobody waits for the drawing."""
        async with aclosing(link.output(replay=True)) as chunks:
            async for chunk in chunks:
                self._has_overflown = self._has_overflown or len(self._backlog) > BACKLOG
                if not self._has_overflown:
                    self._backlog += chunk
                self._arrived.set()

    async def _draw_what_comes(self, link: RunnerLink, collecting: "asyncio.Task[None]") -> None:
        size = link.status.rows, link.status.columns
        picture = Picture(*size)
        is_drawn = False
        while not (collecting.done() and not self._backlog):
            arriving = asyncio.create_task(self._arrived.wait())
            pause = SIZE_S if is_drawn else PICTURE_S
            await asyncio.wait({arriving, collecting}, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
            arriving.cancel()
            self._arrived.clear()
            if self._backlog or not is_drawn:
                is_drawn = True
                data = bytes(self._backlog)
                self._backlog.clear()
                lines = await asyncio.to_thread(_fed, picture, data)  # of a large screen, some 20 ms in all
                self._draw(picture, lines)
                await asyncio.sleep(PICTURE_S)
            if self._has_overflown or (link.status.rows, link.status.columns) != size:
                return

    def _draw(self, picture: Picture, lines: tuple[Line, ...]) -> None:
        if not self.is_mounted:
            return
        view = self.query_one(PeekView)
        view.show(lines, picture.columns, picture.cursor)
        is_larger = picture.columns > view.size.width or picture.rows > view.size.height
        self.say(f"{picture.columns}×{picture.rows}" + ("  " + _("↑ ↓ ← → scroll") if is_larger else ""))

    def action_back(self) -> None:
        """Leave."""
        self.dismiss(None)

    def action_attach(self) -> None:
        """Hand the terminal over."""
        if self.process is not None:
            self.run_worker(self.parallel.attempt(doing.attach(self, self.process)), group="send", exit_on_error=False)

    def action_send(self) -> None:
        """Write a line."""
        if self.process is not None:
            self.run_worker(self.parallel.attempt(doing.send(self, [self.process])), group="send", exit_on_error=False)

    def action_log(self) -> None:
        """Read the log."""
        doing.open_log(self.parallel, self._process_id)


def _fed(picture: Picture, data: bytes) -> tuple[Line, ...]:
    picture.feed(data)
    return picture.lines()


def _with_cursor(strip: Strip, column: int) -> Strip:
    """A line with its cell at a column, or both of a wide character, as the cursor shows it."""
    size = 2 if cell_len(strip.crop(column, column + 2).text[:1]) == 2 else 1
    under = Strip(
        Segment(text, (style or Style()) + Style(reverse=not (style and style.reverse)))
        for text, style, _control in strip.crop(column, column + size)
    )
    return Strip.join([strip.crop(0, column), under, strip.crop(column + size)])


def _style(look: Look) -> Style:
    return Style(
        color=_colour(look.foreground, "white"), bgcolor=_colour(look.background, "black"), bold=look.is_bold,
        italic=look.is_italic, underline=look.is_underlined, strike=look.is_struck, reverse=look.is_reversed,
    )  # fmt: skip


def _colour(name: str, default: str) -> RichColor:
    if name == "default":
        name = default
    elif len(name) == 6 and all(each in "0123456789abcdefABCDEF" for each in name):
        name = f"#{name}"
    elif name.startswith("bright"):
        name = _NAMES.get(name, f"bright_{name.removeprefix('bright')}")
    try:
        return RichColor.parse(_NAMES.get(name, name))
    except ColorParseError:
        return RichColor.parse(default)
