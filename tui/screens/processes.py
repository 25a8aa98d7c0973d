"""The processes: what runs for the room, live, and what the person does to it."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.events import Click, ScreenResume
from textual.widgets import Static

from core.text import for_screen
from storage import EntityKind, Process, ProcessId, RunState, Task, utc_now
from tui import cells
from tui.actions import bindings_of
from tui.board_state import BoardChange
from tui.processes import doing
from tui.processes.actions import PROCESS_ACTIONS
from tui.processes.counting import counts, is_up
from tui.processes.details import Known, describe, describe_group, ends_of
from tui.processes.rows import Seen, TableColumn, columns_of, titles_of
from tui.processes.view import (
    HEADING,
    ORDER_WORDS,
    Order,
    ProcessView,
    heading_text,
    label_of,
    ordered,
    subjects,
)
from tui.processes.watch import Usage, Watch, last_lines, output_folder
from tui.screens.list_detail import Column, ListAndDetail
from tui.translation import _, ngettext
from tui.widgets.filter_bar import FilterBar
from tui.widgets.line_list import LineList, Piece
from tui.widgets.process_table import ProcessTable
from tui.wording import PROCESS_STATES

EVENTS_READ = 300
"""How many of a process's events are looked through for how it has ended."""
LINES_SHOWN = 8

_ALONE = frozenset({"peek", "attach", "log", "task"})
"""What works on the process under the cursor alone."""
_ABOUT_ONE = frozenset({"send", "edit", "remove", "scale", "kill"})


class ProcessesScreen(ListAndDetail):
    """The processes of the room."""

    ACTIONS = PROCESS_ACTIONS
    BINDINGS: ClassVar = bindings_of(PROCESS_ACTIONS)
    CSS_PATH: ClassVar[Any] = ["list_detail.tcss", "processes.tcss"]
    BESIDE_FROM: ClassVar[int] = 170

    def __init__(self) -> None:
        super().__init__()
        self.view = ProcessView()
        self.marked: set[ProcessId] = set()
        self.asked: dict[ProcessId, str] = {}
        self.sight: Watch | None = None
        self._last_marked: str | None = None
        self._shown: list[Process] = []
        self._at_work: dict[ProcessId, list[Task]] = {}
        self._known: dict[ProcessId, Known] = {}
        self._heading: Content | None = None
        self._is_looking = False

    def compose(self) -> ComposeResult:
        yield Static("", id="trust", markup=False)
        yield from super().compose()
        yield FilterBar(hint=_("words of name, state or command, @label"))

    def list_widget(self) -> LineList:
        return ProcessTable(self._paint, self._is_marked, id="rows")

    def on_mount(self) -> None:
        self.sight = Watch(self.desk.database.home)
        self.parallel.changed.subscribe(self, self._hear)
        self.refill()

    def on_unmount(self) -> None:
        if self.sight is not None:
            self.sight.close()

    # what is known

    @on(ScreenResume)
    def refill(self) -> None:
        """Show the processes as they are now."""
        self._find_tasks()
        self.show_rows()
        self.chosen()
        self.look()

    def _hear(self, change: BoardChange) -> None:
        if not self.is_on_stage:
            return
        if change.runs or change.tasks or change.work_changed or change.everything:
            self._find_tasks()
        self.marked &= self.state.processes.keys()
        self.show_rows()
        if any(event.entity is EntityKind.PROCESS and event.entity_id == self.selected for event in change.events):
            self.chosen()

    def _find_tasks(self) -> None:
        """Which process works on which tasks: a worker by its runs, an agent's program by the agent's task."""
        running: dict[ProcessId, list[Task]] = {}
        for run in self.state.runs.values():
            task = self.state.tasks.get(run.task_id)
            if run.state is RunState.RUNNING and run.process_id is not None and task is not None:
                running.setdefault(run.process_id, []).append(task)
        by_name = {report.agent.name: report.task for report in self.parallel.reports.values()}
        for process in self.state.processes.values():
            task = by_name.get(process.spec.agent) if process.spec.agent is not None else None
            if task is not None:
                running.setdefault(process.id, []).append(task)
        self._at_work = running

    def tick(self) -> None:
        if self.is_current:
            self.look()

    @work(group="look", exit_on_error=False)
    async def look(self) -> None:
        """Read what the trees use and what was printed, then draw what differs."""
        if self.sight is None or self._is_looking:
            return
        self._is_looking = True
        try:
            processes = list(self.state.processes.values())
            seen = await asyncio.to_thread(self.sight.look, self.state.room, processes, self.process)
        finally:
            self._is_looking = False
        self.sight.take(seen)
        if self.process is not None and self.process.id in seen.lines:
            await self._read_lines(self.process.id)
        if self.is_mounted:
            self.show_rows()

    def seen(self, process: Process) -> Seen:
        """A process with all that is known of it."""
        watch = self.sight
        return Seen(
            process,
            (watch.usage.get(process.id) if watch is not None and is_up(process) else None) or Usage(),
            watch.lines.get(process.id, "") if watch is not None else "",
            tuple(self._at_work.get(process.id, ())),
            self.state.room.name,
            self.asked.get(process.id, ""),
            process.id in self.marked,
        )

    @property
    def process(self) -> Process | None:
        """The process under the cursor."""
        return self._now(self.selected) if self.selected is not None else None

    def _now(self, process: str) -> Process | None:
        """A process as it is, as far as anybody knows: where no host acts, not all that is stored is true."""
        known = self.state.processes.get(ProcessId(process))
        if known is None or self.sight is None:
            return known
        other = self.sight.seen_as.get(known.id)
        return other if other is not None and other.version == known.version else known

    def meant(self) -> list[Process]:
        """The processes that the next action is for: the selected ones, a group, or the one under the cursor."""
        if self.marked:
            return [each for each in self._all() if each.id in self.marked]
        if self.selected is not None and self.selected.startswith(HEADING):
            return self._members(self.selected)
        return [self.process] if self.process is not None else []

    def current_task(self) -> Task | None:
        """The task of the process under the cursor, for the palette."""
        tasks = self._at_work.get(self.process.id) if self.process is not None else None
        return tasks[0] if tasks else None

    def _all(self) -> list[Process]:
        return [found for each in self.state.processes if (found := self._now(each)) is not None]

    def _members(self, heading: str) -> list[Process]:
        return [each for each in self._shown if HEADING + label_of(each) == heading]

    # drawing

    def show_rows(self) -> None:
        """Draw what differs; the cursor stays on its process wherever that has come to stand."""
        self._shown = ordered(self._all(), self.view, self.sight.usage if self.sight is not None else {})
        rows = subjects(self._shown, self.view)
        lines = self.query_one(LineList)
        if rows != self.ids or lines.count != len(rows) or (not rows and not self.has_class("-empty")):
            self._heading = self.heading()
            self.fill(rows)
        else:
            lines.refresh_changed()
            self.show_detail()
            self._show_heading()
        self._show_trust()

    def _show_heading(self) -> None:
        heading = self.heading()
        if heading != self._heading:
            self._heading = heading
            self.query_one("#heading", Static).update(heading)

    def _show_trust(self) -> None:
        """Say above the table what keeps it from being the whole truth: a room.yaml that waits, or that nobody acts."""
        said = []
        if self.sight is not None and not self.sight.is_watched:
            said.append(_("No host watches the processes: this may be old, and nothing is started or stopped."))
        room_file = self.sight.room_file if self.sight is not None else None
        waits = room_file is not None and room_file.waits_for(self.state.room)
        if waits and room_file is not None:
            said.append(
                room_file.problem
                or (
                    _("room.yaml has changed since you approved it: T shows it.")
                    if self.state.room.trusted_hash
                    else _("room.yaml is not approved, and nothing of it runs: T shows what it would run.")
                )
            )
        if waits != self.has_class("-untrusted"):
            self.set_class(waits, "-untrusted")
            if not self.ids:
                self.query_one("#empty", Static).update(self.nothing())
        static, text = self.query_one("#trust", Static), "\n".join(said)
        if static.content != text:
            static.update(text)
            static.display = bool(text)

    def heading(self) -> Content:
        parts: list[tuple[str, str]] = [(_("Processes"), "")]
        styles = {"failed": "$text-error", "unhealthy": "$text-warning", "unknown": "$text-warning"}
        for state, count in counts(self._all()).items():
            sign, word = PROCESS_STATES[state]
            parts.append((f"{sign} {count} {_(word)}", styles.get(state.value, "")))
        if query := self.view.query.strip():
            found = _("filter “{query}”: {count:,}")
            parts.append((found.format(query=for_screen(query), count=len(self._shown)), ""))
        if self.view.order is not Order.NAME or self.view.is_reversed:
            parts.append((_("by {order}").format(order=_(ORDER_WORDS[self.view.order])), ""))
        if self.marked:
            parts.append((_("{count} selected").format(count=len(self.marked)), "$text-accent"))
        return Content("  ").join([Content.styled(text, style) if style else Content(text) for text, style in parts])

    def columns(self, width: int) -> Sequence[Column]:
        shown = columns_of(width)
        return [
            (cells.fit(" " * (each.size - 1 - cells.width(title)) + title, each.size - 1) if each.is_number else title,
             each.size)
            for each, title in zip(shown, titles_of(shown, self.view), strict=True)
        ]  # fmt: skip

    def cells_of(self, subject: str) -> Sequence[Piece]:
        now = utc_now()
        seen = self.seen(self.state.processes[ProcessId(subject)])
        return [each.cell(seen, now) for each in columns_of(self.query_one("#rows").size.width)]

    def _paint(self, row: int) -> list[Piece]:
        subject = self.ids[row]
        if subject.startswith(HEADING):
            return self._heading_row(subject)
        process = self._now(subject)
        if process is None:
            return [("", "plain")]
        now, seen = utc_now(), self.seen(process)
        return [_laid(each, *each.cell(seen, now)) for each in columns_of(self.query_one("#rows").size.width)]

    def _heading_row(self, subject: str) -> list[Piece]:
        members = self._members(subject)
        told = "  ".join(
            f"{PROCESS_STATES[state][0]} {count} {_(PROCESS_STATES[state][1])}"
            for state, count in counts(members).items()
        )
        count = ngettext("{count} process", "{count} processes", len(members)).format(count=len(members))
        return [(f" ▾ {heading_text(subject)}  ", "accent"), (f"{count}   {told}", "dim")]

    def describe(self, subject: str) -> Content:
        if subject.startswith(HEADING):
            return describe_group(heading_text(subject), [self.seen(each) for each in self._members(subject)])
        process = self._now(subject)
        if process is None:
            return Content("")
        tree = self.sight.tree if self.sight is not None else None
        rows = tree[1] if tree is not None and tree[0] == process.id else ()
        known = self._known.get(process.id, Known())
        return describe(self.seen(process), known, rows, list(self._all()), utc_now())

    def nothing(self) -> str:
        if self.state.processes:
            query = for_screen(self.view.query.strip())
            return _("No process fits “{query}”.").format(query=query) + "\n\n" + _("esc  shows all processes")
        if self.has_class("-untrusted"):
            first = _("T  shows what room.yaml would run, and approves it.")
        else:
            first = _("Declare them in {path}, and approve that with T:").format(
                path=f"{for_screen(self.state.room.root)}/room.yaml"
            )
            first += "\n\n" + EXAMPLE
        return "\n\n".join([_("Nothing runs for this room yet."), first, _("n  adds one without a file.")])

    def chosen(self) -> None:
        if self.is_mounted and self.process is not None:
            self.read_more(self.process.id)

    @work(group="read", exclusive=True, exit_on_error=False)
    async def read_more(self, process: ProcessId) -> None:
        """Read how a process has ended, and its last lines."""
        events = await self.parallel.attempt(
            self.desk.read(lambda rows: rows.events(entity_id=process, limit=EVENTS_READ, newest_first=True))
        )
        known = self._known.get(process, Known())
        self._known[process] = replace(known, exits=ends_of(events or ()))
        await self._read_lines(process)
        self.look()

    async def _read_lines(self, process: ProcessId) -> None:
        folder = output_folder(self.desk.database.home, process)
        lines = await asyncio.to_thread(last_lines, folder, LINES_SHOWN)
        self._known[process] = replace(self._known.get(process, Known()), lines=tuple(lines))
        if self.is_mounted:
            self.show_detail()

    async def show_waiting(self, subject: str) -> None:
        """Put the cursor on a process, though the filter hides it."""
        self.refill()
        if subject not in self.ids:
            self.look_at(ProcessView())
        self.select(subject)

    # looking

    def look_at(self, view: ProcessView) -> None:
        """Show them otherwise."""
        self.view = view
        self.show_rows()
        self._show_heading()
        self.show_columns()
        self.refresh_bindings()

    def action_sort(self) -> None:
        """Sort by the next order."""
        self.look_at(self.view.next_order())

    def action_reverse(self) -> None:
        """Turn the order round."""
        self.look_at(replace(self.view, is_reversed=not self.view.is_reversed))

    def action_group(self) -> None:
        """Group by label, or no longer."""
        self.look_at(replace(self.view, by_label=not self.view.by_label))

    def action_filter(self) -> None:
        """Type a filter."""
        self.query_one(FilterBar).open(self.view.query)
        self._tell_filter()
        self.refresh_bindings()

    @on(FilterBar.Changed)
    def _filter_typed(self, message: FilterBar.Changed) -> None:
        if message.query != self.view.query:
            self.look_at(replace(self.view, query=message.query))
            self._tell_filter()

    @on(FilterBar.Left)
    def _filter_left(self, message: FilterBar.Left) -> None:
        self.query_one(FilterBar).close()
        self.query_one(LineList).focus()
        if not message.keeps:
            self.look_at(replace(self.view, query=""))
        self.refresh_bindings()

    def _tell_filter(self) -> None:
        shown = _("{shown:,} of {total:,}").format(shown=len(self._shown), total=len(self.state.processes))
        self.query_one(FilterBar).tell(shown)

    def on_click(self, event: Click) -> None:
        """A click on the title of a column sorts by it, a second one the other way."""
        if event.widget is not self.query_one("#columns"):
            return
        place = event.x
        for column in columns_of(self.query_one("#rows").size.width):
            if place < column.size and column.order is not None:
                is_same = column.order is self.view.order
                turned = is_same and not self.view.is_reversed
                self.look_at(replace(self.view, order=column.order, is_reversed=turned))
                return
            place -= column.size

    # selecting

    def _is_marked(self, row: int) -> bool:
        return self.ids[row] in self.marked

    def _mark(self, ids: Collection[ProcessId], *, is_marked: bool) -> None:
        self.marked = self.marked | set(ids) if is_marked else self.marked - set(ids)
        self.query_one(LineList).refresh_changed()
        self._show_heading()
        self.refresh_bindings()

    @on(ProcessTable.Toggled)
    def _toggled(self, message: ProcessTable.Toggled) -> None:
        self._toggle(self.ids[message.row])

    def _toggle(self, subject: str) -> None:
        group = self._members(subject) if subject.startswith(HEADING) else [self.state.processes[ProcessId(subject)]]
        ids = {each.id for each in group}
        self._mark(ids, is_marked=not ids <= self.marked)
        self._last_marked = subject

    def action_select(self) -> None:
        """Select what is under the cursor, or no longer, and go on to the next."""
        if self.selected is not None:
            self._toggle(self.selected)
            self.query_one(LineList).action_move(1)

    def action_select_range(self) -> None:
        """Select all from the last selected one to the one under the cursor."""
        if self.selected is None:
            return
        here = self.ids.index(self.selected)
        there = self.ids.index(self._last_marked) if self._last_marked in self.ids else here
        span = self.ids[min(here, there) : max(here, there) + 1]
        self._mark([ProcessId(each) for each in span if not each.startswith(HEADING)], is_marked=True)

    def action_select_all(self) -> None:
        """Select all that are shown, or none."""
        ids = {each.id for each in self._shown}
        self._mark(ids, is_marked=not ids <= self.marked)

    async def action_back(self) -> None:
        if not self.is_in_detail and self.marked:
            self._mark(set(self.marked), is_marked=False)
        elif not self.is_in_detail and self.view.query:
            self.look_at(replace(self.view, query=""))
        else:
            await super().action_back()

    # doing

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in _OWN and self.query(FilterBar) and self.query_one(FilterBar).is_open:
            return False
        if action == "scroll":
            return self.is_in_detail
        if action == "open":
            return self.selected is not None and not self.is_in_detail
        if action in _ALONE:
            return self.process is not None and (action != "task" or self.current_task() is not None)
        if action == "change":
            return bool(self.meant())
        if action == "ask" and parameters and parameters[0] in _ABOUT_ONE:
            return bool(self.meant())
        return True

    def action_change(self, how: str) -> None:
        """Start, stop or restart what is meant; what was asked for shows until it is observed."""
        self._send(doing.change(self, how, self.meant()))

    def action_ask(self, what: str) -> None:
        """Ask what is to become of what is meant; see `tui.processes.doing`."""
        question: Callable[..., Awaitable[None]] = getattr(doing, what)
        self._send(question(self, self.meant()))

    def action_peek(self) -> None:
        """See the screen of the process."""
        if self.process is not None:
            self._send(doing.peek(self, self.process))

    def action_attach(self) -> None:
        """Hand the terminal over."""
        if self.process is not None:
            self._send(doing.attach(self, self.process))

    def action_log(self) -> None:
        """Read the log."""
        if self.process is not None:
            doing.open_log(self.parallel, self.process.id)

    def action_log_all(self) -> None:
        """Search all logs."""
        doing.open_log(self.parallel, None)

    def action_task(self) -> None:
        """Open the task."""
        task = self.current_task()
        if task is not None:
            from tui.screens.task import TaskScreen

            self.app.push_screen(TaskScreen(task.id))

    def ask_for(self, processes: Collection[Process], word: str) -> None:
        """Show that something was asked of them."""
        self.asked |= dict.fromkeys((each.id for each in processes), word)
        self.show_rows()

    def asked_for(self, processes: Collection[Process]) -> None:
        """It is stored, or refused."""
        for each in processes:
            self.asked.pop(each.id, None)
        self.show_rows()

    def _send(self, what: Awaitable[Any]) -> None:
        self.run_worker(self.parallel.attempt(what), group="send", exit_on_error=False)


def _laid(column: TableColumn, text: str, part: str) -> Piece:
    if not column.size:
        return text, part
    size = column.size - 1
    if column.is_number:
        text = cells.truncate(text, size)
        return " " * (size - cells.width(text)) + text + " ", part
    return cells.fit(text, size) + " ", part


EXAMPLE = """\
    processes:
      - name: web
        command: npm run dev
        readiness: {http: "http://127.0.0.1:3000/"}
      - name: tests
        command: pytest -q --looponfail
        depends_on: [web]"""

_OWN = frozenset(each.action.partition("(")[0] for each in PROCESS_ACTIONS)
