"""What is known of a room's processes: how they are, what they use, print and work on, and how they have ended."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from core.agents.report import AgentReport
from core.metrics.proctable import ProcessRow
from storage import Event, Home, Process, ProcessId, RunState, Task
from tui.board_state import BoardState
from tui.processes.counting import is_up
from tui.processes.details import Known, ends_of
from tui.processes.rows import Seen
from tui.processes.watch import Usage, Watch


class Knowledge:
    """All that is known, brought together from the store, the watch and what was read.

    Args:
        state: gives the room as it is stored, at any moment.
    """

    def __init__(self, home: Home, state: Callable[[], BoardState]) -> None:
        self.watch = Watch(home)
        self.asked: dict[ProcessId, str] = {}
        """What the person has asked of which, until it is stored or refused."""
        self._state = state
        self._tasks: dict[ProcessId, list[Task]] = {}
        self._read: dict[ProcessId, Known] = {}

    def close(self) -> None:
        """Let go of what is open."""
        self.watch.close()

    # the processes

    def now(self, process: str) -> Process | None:
        """A process as it is, as far as anybody knows: where no host acts, not all that is stored is true."""
        stored = self._state().processes.get(ProcessId(process))
        if stored is None:
            return None
        other = self.watch.seen_as.get(stored.id)
        return other if other is not None and other.version == stored.version else stored

    def all(self) -> list[Process]:
        """All of them so."""
        return [found for each in self._state().processes if (found := self.now(each)) is not None]

    def seen(self, process: Process, *, is_selected: bool = False) -> Seen:
        """A process with all that a row tells of it."""
        usage = self.watch.usage.get(process.id) if is_up(process) else None
        return Seen(
            process, usage or Usage(), self.watch.lines.get(process.id, ""), tuple(self._tasks.get(process.id, ())),
            self._state().room.name, self.asked.get(process.id, ""), is_selected,
        )  # fmt: skip

    def tree_of(self, process: Process) -> Sequence[ProcessRow]:
        """The process and its descendants, if the last look was at it."""
        tree = self.watch.tree
        return tree[1] if tree is not None and tree[0] == process.id else ()

    # what they work on

    def find_tasks(self, reports: Iterable[AgentReport]) -> None:
        """Find out which works on which tasks: a worker by its runs, an agent's program by the agent's task."""
        state = self._state()
        found: dict[ProcessId, list[Task]] = {}
        for run in state.runs.values():
            task = state.tasks.get(run.task_id)
            if run.state is RunState.RUNNING and run.process_id is not None and task is not None:
                found.setdefault(run.process_id, []).append(task)
        by_name = {report.agent.name: report.task for report in reports}
        for process in state.processes.values():
            task = by_name.get(process.spec.agent) if process.spec.agent is not None else None
            if task is not None:
                found.setdefault(process.id, []).append(task)
        self._tasks = found

    def task_of(self, process: Process) -> Task | None:
        """The first task on which it works."""
        return next(iter(self._tasks.get(process.id, ())), None)

    # what was read

    def read_of(self, process: Process) -> Known:
        """How it has ended and what it printed last, as far as it was read."""
        return self._read.get(process.id, Known())

    def take_events(self, process: ProcessId, events: Iterable[Event]) -> None:
        """Its events were read."""
        self._read[process] = replace(self._read.get(process, Known()), exits=ends_of(events))

    def take_lines(self, process: ProcessId, lines: Sequence[str]) -> None:
        """Its last lines were read."""
        self._read[process] = replace(self._read.get(process, Known()), lines=tuple(lines))
