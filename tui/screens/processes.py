"""The processes: what runs for the room, live, and what the person does to it."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.events import Resize, ScreenResume
from textual.widgets import Static

from core.logs.window import output_folder
from storage import EntityKind, Process, ProcessId, Task, utc_now
from tui.actions import bindings_of
from tui.board_state import BoardChange
from tui.processes import doing, surroundings
from tui.processes.actions import PROCESS_ACTIONS
from tui.processes.arranged import Arranged
from tui.processes.details import ages_of, describe, describe_group
from tui.processes.knowledge import Knowledge
from tui.processes.painting import Painter
from tui.processes.view import HEADING, ProcessView, heading_text, ordered, subjects
from tui.processes.watch import last_lines
from tui.widgets.filter_bar import FilterBar
from tui.widgets.line_list import Piece

EVENTS_READ = 300
"""How many of a process's events are looked through for how it has ended."""
LINES_SHOWN = 8

_WITH_THE_LIST = frozenset({"select", "select_range", "select_all", "filter", "sort", "reverse", "group"})
"""What says nothing where the details have the place of the list."""


class ProcessesScreen(Arranged):
    """The processes of the room."""

    ACTIONS = PROCESS_ACTIONS
    BINDINGS: ClassVar = bindings_of(PROCESS_ACTIONS)
    CSS_PATH: ClassVar[Any] = ["list_detail.tcss", "processes.tcss"]
    BESIDE_FROM: ClassVar[int] = 270

    known: Knowledge

    def __init__(self) -> None:
        super().__init__()
        self._heading: Content | None = None
        self._painter = Painter()
        self._described: tuple[tuple[Any, ...], Content] | None = None
        self._is_looking = False
        self._going_to: str | None = None

    def compose(self) -> ComposeResult:
        self.known = Knowledge(self.desk.database.home, lambda: self.state)
        yield Static("", id="notice", markup=False)
        yield from super().compose()

    def on_mount(self) -> None:
        self.parallel.changed.subscribe(self, self._hear)
        self.refill()

    def on_resize(self, event: Resize) -> None:  # noqa: ARG002  Textual calls the base's too
        self.call_after_refresh(self.show_heading)

    def on_unmount(self) -> None:
        self.known.close()

    # what is known

    @on(ScreenResume)
    def refill(self) -> None:
        """Show the processes as they are now."""
        self.known.find_tasks(self.parallel.reports.values())
        self.show_rows()
        self.chosen()
        self.look()

    def _hear(self, change: BoardChange) -> None:
        if not self.is_on_stage:
            return
        if change.runs or change.tasks or change.work_changed or change.everything:
            self.known.find_tasks(self.parallel.reports.values())
        self.marked &= self.state.processes.keys()
        self.show_rows()
        if any(event.entity is EntityKind.PROCESS and event.entity_id == self.selected for event in change.events):
            self.chosen()

    async def tick(self) -> None:
        if self.is_current:
            await self._look()

    @work(group="look", exit_on_error=False)
    async def look(self) -> None:
        """Look now, without waiting for the next second."""
        await self._look()

    async def _look(self) -> None:
        """Read what the trees use and what was printed, then draw what differs."""
        if self._is_looking:
            return
        self._is_looking = True
        try:
            processes = list(self.state.processes.values())
            seen = await asyncio.to_thread(self.known.watch.look, self.state.room, processes, self.process)
        finally:
            self._is_looking = False
        is_news = self.known.watch.take(seen)
        if self.process is not None and self.process.id in seen.lines:
            await self._read_lines(self.process.id)
        if self.is_mounted:
            self.show_rows() if is_news else self.show_ages()

    def chosen(self) -> None:
        if self.is_mounted and self.process is not None:
            self.read_more(self.process.id)

    @work(group="read", exclusive=True, exit_on_error=False)
    async def read_more(self, process: ProcessId) -> None:
        """Read how a process has ended, and its last lines."""
        events = await self.parallel.attempt(
            self.desk.read(lambda rows: rows.events(entity_id=process, limit=EVENTS_READ, newest_first=True))
        )
        self.known.take_events(process, events or ())
        await self._read_lines(process)
        self.look()

    async def _read_lines(self, process: ProcessId) -> None:
        folder = output_folder(self.desk.database.home, process)
        self.known.take_lines(process, await asyncio.to_thread(last_lines, folder, LINES_SHOWN))
        if self.is_mounted:
            self.show_detail()

    @property
    def process(self) -> Process | None:
        """The process under the cursor."""
        return self.known.now(self.selected) if self.selected is not None else None

    def meant(self) -> list[Process]:
        """The processes that the next action is for: the selected ones, a group, or the one under the cursor."""
        if self.marked:
            return [each for each in self.known.all() if each.id in self.marked]
        if self.selected is not None and self.selected.startswith(HEADING):
            return self.members(self.selected)
        return [self.process] if self.process is not None else []

    def current_task(self) -> Task | None:
        """The task of the process under the cursor, for the palette."""
        return self.known.task_of(self.process) if self.process is not None else None

    def count_all(self) -> int:
        return len(self.state.processes)

    async def show_waiting(self, subject: str) -> None:
        """Put the cursor on a process, though the filter hides it."""
        self.refill()
        if subject not in self.ids:
            self.look_at(ProcessView())
        self.select(subject)

    def go_to(self, process: ProcessId) -> None:
        """Put the cursor on a process as soon as it is there."""
        self._going_to = process
        self.look_at(replace(self.view, query=""))

    # drawing

    def show_rows(self) -> None:
        self.shown = ordered(self.known.all(), self.view, self.known.watch.usage)
        rows = subjects(self.shown, self.view)
        lines = self.lines
        if rows != self.ids or lines.count != len(rows) or (not rows and not self.has_class("-empty")):
            self._heading = self.heading()
            self.fill(rows)
        else:
            lines.refresh_changed()
            self.show_detail()
            self.show_heading()
        self._show_notice()
        if self._going_to in self.ids:
            self.select(self._going_to or "")
            self._going_to = None

    def show_heading(self) -> None:
        heading = self.heading()
        if heading != self._heading:
            self._heading = heading
            self.query_one("#heading", Static).update(heading)

    def _show_notice(self) -> None:
        waits = self._waits_for_approval
        if waits != self.has_class("-untrusted"):
            self.set_class(waits, "-untrusted")
            if not self.ids:
                self.query_one("#empty", Static).update(self.nothing())
        static = self.query_one("#notice", Static)
        text = "\n".join(surroundings.notices(self.known.watch, self.state.room))
        if static.content != text:
            static.update(text)
            static.display = bool(text)

    @property
    def _waits_for_approval(self) -> bool:
        return self.known.watch.room_file.waits_for(self.state.room)

    def heading(self) -> Content:
        width = self.size.width - 2  # a cell is free on either side
        return surroundings.heading(
            self.known.all(), self.view, shown=len(self.shown), selected=len(self.marked), width=width
        )

    def nothing(self) -> str:
        has_any = bool(self.state.processes)
        return surroundings.nothing(self.view, self.state.room, has_any=has_any, waits=self._waits_for_approval)

    def _paint(self, row: int) -> list[Piece]:
        subject = self.ids[row]
        if subject.startswith(HEADING):
            return surroundings.group_row(subject, self.members(subject))
        process = self.known.now(subject)
        if process is None:
            return [("", "plain")]
        seen = self.known.seen(process, is_selected=process.id in self.marked)
        return self._painter.row(seen, self.list_width, utc_now())

    def describe(self, subject: str) -> Content:
        if subject.startswith(HEADING):
            return describe_group(heading_text(subject), [self.known.seen(each) for each in self.members(subject)])
        process = self.known.now(subject)
        if process is None:
            return Content("")
        known, now = self.known, utc_now()
        of = known.seen(process), known.read_of(process), known.tree_of(process), known.all(), ages_of(process, now)
        if self._described is None or self._described[0] != of:  # else it reads as it did: putting it together is slow
            self._described = of, describe(*of[:4], now)
        return self._described[1]

    # doing

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in _OWN and self.query(FilterBar) and self.query_one(FilterBar).is_open:
            return False
        if action in ("alone", "log"):
            return self.process is not None
        if action in _WITH_THE_LIST:
            return not self.is_in_detail
        return bool(self.meant()) if action in ("change", "ask") else super().check_action(action, parameters)

    def action_change(self, how: str) -> None:
        """Start, stop or restart what is meant; what was asked for shows until it is observed."""
        self.begin(doing.change(self, how, self.meant()))

    def action_ask(self, what: str) -> None:
        """Ask what is to become of what is meant; see `tui.processes.doing`."""
        question: Callable[..., Awaitable[None]] = getattr(doing, what)
        self.begin(question(self, self.meant()))

    def action_alone(self, what: str) -> None:
        """Do something with the process under the cursor alone, whatever is selected; see `tui.processes.doing`."""
        deed: Callable[..., Awaitable[None]] = getattr(doing, what)
        if self.process is not None:
            self.begin(deed(self, self.process))

    def action_add(self) -> None:
        """Add one that room.yaml does not declare."""
        self.begin(doing.add(self))

    def action_trust(self) -> None:
        """Show room.yaml, and approve it."""
        self.begin(doing.trust(self))

    def action_log(self) -> None:
        """Read the log."""
        if self.process is not None:
            doing.open_log(self.parallel, self.process.id)

    def action_log_all(self) -> None:
        """Search all logs."""
        doing.open_log(self.parallel, None)

    def ask_for(self, processes: Collection[Process], word: str) -> None:
        """Show that something was asked of them."""
        self.known.asked |= dict.fromkeys((each.id for each in processes), word)
        self.show_rows()

    def asked_for(self, processes: Collection[Process]) -> None:
        """It is stored, or refused."""
        for each in processes:
            self.known.asked.pop(each.id, None)
        self.show_rows()


_OWN = frozenset(each.action.partition("(")[0] for each in PROCESS_ACTIONS)
