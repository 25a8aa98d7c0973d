"""The queue: which tasks' commands wait, run and have ended, on which worker, and what they print."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Final

from textual import work
from textual.content import Content
from textual.timer import Timer

from core.dispatch.places import output_path
from core.text import for_screen
from storage import ProcessKind, ProcessState, Run, RunId, RunState, Task, utc_now
from tui import run_text, running
from tui.actions import Action, bindings_of
from tui.board_state import BoardChange
from tui.queue.order import RunOrder
from tui.screens.boxed_list import WIDE_FROM, BoxedList, box_actions
from tui.screens.list_detail import Column
from tui.translation import _, mark
from tui.widgets.line_list import Piece
from tui.wording import Names, age

QUEUE_ACTIONS = box_actions(
    "queue", "Queue", opens="Read the run with the end of its output.", boxes="All, unfinished, failed.",
    own=(
        Action("queue.cancel", "c", "cancel", "Cancel", "Take the run out of the queue, or end it.", "Queue", True),
        Action("queue.hold", "p", "hold", "Pause", "Hold the run, or let it go on.", "Queue", True),
        Action("queue.hold_queue", "P", "hold_queue", "Pause queue", "Let nothing more begin, or let the queue go on.",
               "Queue", True),
        Action("queue.retry", "r", "retry", "Retry", "Queue the task once more.", "Queue", True),
        Action("queue.approve", "a", "approve", "Approve", "Approve the command, which an agent has set.", "Queue",
               True),
        Action("queue.task", "t", "task", "Task", "Open its task.", "Queue", True),
    ),
)  # fmt: skip


class Box(StrEnum):
    """Which runs are shown."""

    ALL = "all"
    OPEN = "open"
    FAILED = "failed"


_MEMBERS: Final = {
    Box.ALL: frozenset(RunState),
    Box.OPEN: frozenset({RunState.QUEUED, RunState.RUNNING}),
    Box.FAILED: frozenset({RunState.FAILED, RunState.QUARANTINED}),
}
_UP: Final = frozenset({ProcessState.RUNNING, ProcessState.READY})


REFILL_S: Final = 0.1
"""Between two times that the rows are shown anew: a busy queue moves all of them with each run, and painting them is
what costs."""


class QueueScreen(BoxedList[Box]):
    """The runs of the room: those that run first, then those that wait, then those that are over."""

    ACTIONS = QUEUE_ACTIONS
    BINDINGS: ClassVar = bindings_of(QUEUE_ACTIONS)
    BOXES: ClassVar = {Box.ALL: mark("All"), Box.OPEN: mark("Unfinished"), Box.FAILED: mark("Failed")}

    def __init__(self) -> None:
        super().__init__()
        self._order = RunOrder()
        self._refilled_at = 0.0
        self._refilling: Timer | None = None
        self._output: tuple[RunId, str] | None = None
        self._is_reading = False

    def concerns(self, change: BoardChange) -> bool:
        return bool(change.runs or change.tasks or change.processes or change.room_changed or change.everything)

    def tick(self) -> None:
        """A second has passed: ages, whose time has come, and what the running command has printed."""
        super().tick()
        if self.is_current:
            if self._order.pass_time(self.state, utc_now()):
                self.refill()
            self.read()

    def renew(self) -> None:
        self._order.load(self.state, utc_now())
        super().renew()

    def take_in(self, change: BoardChange) -> None:
        has_lost = self._order.take_in(change, self.state, utc_now())
        wait_s = self._refilled_at + REFILL_S - time.monotonic()
        if has_lost or wait_s <= 0:
            self.refill()
        elif self._refilling is None:
            self._refilling = self.set_timer(wait_s, self.refill)

    def refill(self) -> None:
        if self._refilling is not None:
            self._refilling.stop()
            self._refilling = None
        self._refilled_at = time.monotonic()
        super().refill()

    # what is shown

    @property
    def run_at_cursor(self) -> Run | None:
        """The run under the cursor, as it is."""
        return self.state.runs.get(RunId(self.selected)) if self.selected is not None else None

    def current_task(self) -> Task | None:
        run = self.run_at_cursor
        return self.state.tasks.get(run.task_id) if run is not None else None

    def list_title(self) -> str:
        return _("Queue")

    def ids_in(self, box: Box) -> list[str]:
        return self._order.ids(_MEMBERS[box])

    def count_in(self, box: Box) -> int:
        return self._order.count(_MEMBERS[box]) if box is not Box.ALL else 0

    def remarks(self) -> list[tuple[str, str]]:
        workers = [each for each in self.state.processes.values() if each.spec.kind is ProcessKind.WORKER]
        up = [each for each in workers if each.state in _UP]
        busy = sum(self.state.runs[RunId(each)].stuck_since is None for each in self._order.ids({RunState.RUNNING}))
        places = sum(each.spec.capacity for each in up)
        if not workers:
            said = [("  " + _("no workers"), "$text-warning")]
        elif not up:
            said = [("  " + _("no worker runs: 5 starts one"), "$text-warning")]
        else:
            said = [("  " + _("{busy} of {places} places busy").format(busy=busy, places=places), "")]
        if self.state.room.queue_paused:
            said.append(("  " + _("PAUSED"), "bold $text-warning"))
        return said

    def nothing(self) -> str:
        if self.state.runs:
            return "\n\n".join([_("Nothing is in this box."), _("tab  shows the next box.")])
        lines = [_("Nothing has been queued yet.")]
        lines.append(_("Give a card a command (e on the board), then Q on the board queues it for a worker."))
        if not any(each.spec.kind is ProcessKind.WORKER for each in self.state.processes.values()):
            lines.append(_("A worker is a process of kind `worker`: add one to room.yaml, or with `wzp process add`."))
        return "\n\n".join(lines)

    def columns(self, width: int) -> Sequence[Column]:
        head, task, where = "   " + _("State"), _("Task"), _("Worker")
        if width < WIDE_FROM:
            return [(head, 15), (task, 0 if width < 60 else 32), ("×", 3), (where, 12), (_("What"), 0)]
        return [(head, 16), (task, 36), ("×", 4), (where, 18), (_("Age"), 9), (_("Took"), 9), (_("What"), 0)]

    def cells_of(self, subject: str) -> Sequence[Piece]:
        run, now = self.state.runs[RunId(subject)], utc_now()
        task = self.state.tasks.get(run.task_id)
        look = run_text.look_of(run)
        quiet = "plain" if run.state in _MEMBERS[Box.OPEN] else "dim"
        what = run_text.waits_for(run, task, self.state, now)
        if run.state is RunState.RUNNING:
            what = what or for_screen(run.command)
        elif run.ended_at is not None:
            what = run_text.ending(run)
        name = Names(self.state).task_with_title(run.task_id)
        first: list[Piece] = [
            (f" {run_text.state_text(run)}", look), (name, quiet), (str(run.attempt), "dim"),
            (run_text.worker_name(run, self.state), quiet),
        ]  # fmt: skip
        if self.list_width >= WIDE_FROM:
            first += [(age(run.created_at, now), "dim"), (run_text.took(run, now), quiet)]
        return [*first, (what, look if look == "error" else quiet)]

    def describe(self, subject: str) -> Content:
        run = self.state.runs[RunId(subject)]
        live = self._output[1] if self._output is not None and self._output[0] == run.id else None
        output = live if run.state is RunState.RUNNING else run.output
        lines = self.query_one("#detail").size.height
        if self.is_in_detail:
            return run_text.description(run, self.state, utc_now(), output, 0)
        if self.has_class("-beside"):
            return run_text.description(run, self.state, utc_now(), output, lines)
        return run_text.brief(run, self.state, utc_now(), output, lines=max(8, self.size.height * 45 // 100 - 2))

    def chosen(self) -> None:
        self.read()

    def read(self) -> None:
        """Read on in what a running command prints."""
        run = self.run_at_cursor
        if run is not None and run.state is RunState.RUNNING and not self._is_reading:
            self._is_reading = True
            self._read_output(run.id)

    @work(group="output", exit_on_error=False)
    async def _read_output(self, run: RunId) -> None:
        try:
            text = await asyncio.to_thread(_tail, output_path(self.desk.database.home, run))
        finally:
            self._is_reading = False
        if self._output != (run, text):
            self._output = run, text
            self.show_detail()

    # doing

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        run = self.run_at_cursor
        is_open = run is not None and run.state in _MEMBERS[Box.OPEN]
        if action in ("cancel", "hold"):
            return is_open and not (run is not None and run.cancelled_by is not None)
        if action == "retry":
            return run is not None and not is_open
        if action == "approve":
            task = self.current_task()
            return task is not None and not task.command_approved
        return super().check_action(action, parameters)

    def action_cancel(self) -> None:
        """Cancel the run under the cursor."""
        if (run := self.run_at_cursor) is not None:
            self.begin(running.cancel(self.parallel, run, Names(self.state).task_with_title(run.task_id)))

    def action_hold(self) -> None:
        """Hold the run under the cursor, or let it go on."""
        if (run := self.run_at_cursor) is not None:
            self.begin(running.hold(self.parallel, run))

    def action_hold_queue(self) -> None:
        """Hold the queue, or let it go on."""
        self.begin(running.hold_queue(self.parallel))

    def action_retry(self) -> None:
        """Queue the task of the run under the cursor once more."""
        if (run := self.run_at_cursor) is not None:
            self.begin(running.retry(self.parallel, run, Names(self.state).task(run.task_id)))

    def action_approve(self) -> None:
        """Approve the command of the task under the cursor."""
        if (task := self.current_task()) is not None:
            self.begin(running.approve_command(self.parallel, task))


def _tail(path: Path) -> str:
    """The end of a file; empty where there is none. Blocking."""
    with suppress(OSError), path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - running.TAIL_BYTES))
        return file.read().decode(errors="replace")
    return ""
