"""The rows of the process table: which columns there are at a width, and what stands in each. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from core.text import for_screen
from storage import Desired, Process, ProcessId, ProcessState, Task
from tui import cells
from tui.processes.counting import is_up
from tui.processes.view import GREATEST_FIRST, Order, ProcessView
from tui.processes.watch import KEPT_S, Usage
from tui.reasons import reason_text
from tui.translation import _, mark
from tui.widgets.line_list import Piece
from tui.widgets.sparkline import sparkline
from tui.wording import PROCESS_STATES, age

LEAST_CPU_SCALE: Final = 20.0
"""A CPU sparkline is full at so many percent at least: the noise of an idle process is not to look like work."""
YOUNG_FROM_S: Final = 10
YOUNG_TO_S: Final = 60
YOUNG_STEP_S: Final = 5
"""The seconds of a process go by in such steps then: a table full of clocks is what an idle screen would cost most."""
CELLS: Final = 12
"""Of a sparkline: five seconds each."""
MEMORY_SCALE: Final = 1.4
"""A memory sparkline is full at so many times the most of its minute: what stays the same runs in mid-height."""

_PARTS: Final[Mapping[ProcessState, str]] = {
    ProcessState.FAILED: "error", ProcessState.UNHEALTHY: "warning", ProcessState.UNKNOWN: "warning",
    ProcessState.PENDING: "warning", ProcessState.STARTING: "accent", ProcessState.STOPPING: "accent",
    ProcessState.RUNNING: "good", ProcessState.READY: "good", ProcessState.EXITED: "dim", ProcessState.STOPPED: "dim",
}  # fmt: skip

_ASKED: Final[Mapping[Desired, str]] = {
    Desired.RUNNING: mark("start asked"), Desired.STOPPED: mark("stop asked"), Desired.KILLED: mark("kill asked"),
}  # fmt: skip

_TELLING: Final = frozenset({ProcessState.RUNNING, ProcessState.READY, ProcessState.STARTING})
"""The states in which the last line of output says more than the reason."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A process with all that is known of it at this moment.

    Args:
        tasks: those on which it works.
        asked: a word for what the person has just asked for, before it is stored.
        is_selected: whether what the person does next is done to it.
    """

    process: Process
    usage: Usage = field(default_factory=Usage)
    line: str = ""
    tasks: tuple[Task, ...] = ()
    room: str = ""
    asked: str = ""
    is_selected: bool = False


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column: its title, its cells, from which width of the list it is shown, and how a cell of it reads.

    `size` 0 takes what is left. Numbers stand at the right. What `is_timed` reads otherwise when time alone has passed.
    What `keeps_end` is cut in its middle.
    """

    title: str
    size: int
    cell: Callable[[Seen, datetime], Piece]
    shown_from: int = 0
    order: Order | None = None
    is_number: bool = False
    is_timed: bool = False
    keeps_end: bool = False


def state_word(seen: Seen) -> str:
    """What was observed of a process, or what is asked of it and not observed yet."""
    process = seen.process
    if seen.asked:
        return f"… {seen.asked}"
    sign, word = PROCESS_STATES[process.state]
    if process.generation <= process.observed_generation:
        return f"{sign} {_(word)}"
    asked = _("restart asked") if process.desired is Desired.RUNNING and is_up(process) else _(_ASKED[process.desired])
    return f"… {asked}"


def state_part(seen: Seen) -> str:
    """The look of that."""
    process = seen.process
    is_asked = seen.asked or process.generation > process.observed_generation
    return "accent" if is_asked else _PARTS[process.state]


def memory_text(size: int) -> str:
    """`812 K`, `64 M`, `1.5 G`: bytes in four to six cells."""
    if size < 1_048_576:
        return f"{size // 1024} K"
    if size < 1_073_741_824:
        return f"{size / 1_048_576:.0f} M"
    return f"{size / 1_073_741_824:.1f} G"


def cpu_text(percent: float | None) -> str:
    """`0.4`, `37`, `212`: percent of one core."""
    if percent is None:
        return ""
    return f"{percent:.1f}" if percent < 10 else f"{percent:.0f}"


def _state(seen: Seen, now: datetime) -> Piece:
    del now
    box = "▌" if seen.is_selected else " "
    return f"{box}{state_word(seen)}", state_part(seen)


def _name(seen: Seen, now: datetime) -> Piece:
    del now
    is_calm = seen.process.state in (ProcessState.STOPPED, ProcessState.EXITED)
    return for_screen(seen.process.name), "plain" if is_calm else "strong"


def _cpu(seen: Seen, now: datetime) -> Piece:
    del now
    return cpu_text(seen.usage.cpu_percent), "plain" if (seen.usage.cpu_percent or 0) >= 1 else "dim"


def _memory(seen: Seen, now: datetime) -> Piece:
    del now
    return memory_text(seen.usage.memory_bytes) if seen.usage.memory_bytes else "", "plain"


def _cpu_line(seen: Seen, now: datetime) -> Piece:
    del now
    return _drawn(seen.usage.cpu, least=LEAST_CPU_SCALE), "cpu"


def _memory_line(seen: Seen, now: datetime) -> Piece:
    del now
    return _drawn(seen.usage.memory, scale=MEMORY_SCALE), "memory"


def _drawn(values: Sequence[float | None], *, least: float = 1.0, scale: float = 1.0) -> str:
    """A sparkline of the last minute, whatever of it is known: a cell is always the same length of time."""
    top = max(max((each for each in values if each is not None), default=0.0) * scale, least)
    levels = tuple(None if each is None else round(each * 8 / top) for each in values)
    return _drawn_levels((None,) * (KEPT_S - len(levels)) + levels)


@lru_cache(maxsize=1024)
def _drawn_levels(levels: tuple[int | None, ...]) -> str:
    """A sparkline of eighths; of a quiet process they are the same each second."""
    return sparkline(levels, CELLS, high=8.0)


def _restarts(seen: Seen, now: datetime) -> Piece:
    del now
    count = seen.process.restarts
    return (f"↻{count}" if count else ""), "warning"


def _uptime(seen: Seen, now: datetime) -> Piece:
    started = seen.process.started_at
    if not is_up(seen.process) or started is None:
        return "", "dim"
    passed_s = (now - started).total_seconds()
    is_young = YOUNG_FROM_S <= passed_s < YOUNG_TO_S
    return age(started, now - timedelta(seconds=passed_s % YOUNG_STEP_S) if is_young else now), "dim"


def _pid(seen: Seen, now: datetime) -> Piece:
    del now
    return (str(seen.process.pid) if is_up(seen.process) and seen.process.pid else ""), "dim"


def _threads(seen: Seen, now: datetime) -> Piece:
    del now
    return (str(seen.usage.threads) if seen.usage.threads else ""), "dim"


def _task(seen: Seen, now: datetime) -> Piece:
    del now
    return ", ".join(f"#{task.number} {for_screen(task.title)}" for task in seen.tasks), "plain"


def _agent(seen: Seen, now: datetime) -> Piece:
    del now
    return for_screen(seen.process.spec.agent or ""), "plain"


def _backend(seen: Seen, now: datetime) -> Piece:
    del now
    return seen.process.spec.backend.value, "dim"


def _room(seen: Seen, now: datetime) -> Piece:
    del now
    return for_screen(seen.room), "dim"


def _reason(seen: Seen, now: datetime) -> Piece:
    del now
    part = _PARTS[seen.process.state]
    return reason_of(seen.process), part if part in ("error", "warning") else "dim"


def _says(seen: Seen, now: datetime) -> Piece:
    """Why it is as it is, where that is the matter; else what it printed last."""
    reason = reason_of(seen.process)
    if reason and seen.process.state not in _TELLING:
        return _reason(seen, now)
    return seen.line, "dim"


def _line(seen: Seen, now: datetime) -> Piece:
    del now
    return seen.line, "dim"


def reason_of(process: Process) -> str:
    """Why a process is as it is, in a line."""
    if process.reason:
        return reason_text(process.reason)
    if process.state is ProcessState.EXITED and process.exit_code is not None:
        return _("exited with {code}").format(code=process.exit_code)
    return ""


def _all_columns() -> tuple[TableColumn, ...]:
    return (
        TableColumn("  " + _("State"), 16, _state, order=Order.STATE),
        TableColumn(_("Process"), 17, _name, order=Order.NAME, keeps_end=True),
        TableColumn(_("Room"), 13, _room, 196),
        TableColumn(_("Agent"), 12, _agent, 164),
        TableColumn(_("Backend"), 9, _backend, 176),
        TableColumn("PID", 8, _pid, 112, is_number=True),
        TableColumn(_("CPU %"), 7, _cpu, order=Order.CPU, is_number=True),
        TableColumn("", 13, _cpu_line, 94),
        TableColumn(_("Memory"), 8, _memory, order=Order.MEMORY, is_number=True),
        TableColumn("", 13, _memory_line, 126),
        TableColumn(_("Threads"), 9, _threads, 186, is_number=True),
        TableColumn("↻", 4, _restarts, order=Order.RESTARTS),
        TableColumn(_("Uptime"), 8, _uptime, order=Order.UPTIME, is_timed=True),
        TableColumn(_("Task"), 22, _task, 144),
    )


NAME_WIDER_FROM: Final = 120
REASON_FROM: Final = 226

_made: dict[tuple[int, str], tuple[TableColumn, ...]] = {}
"""By the width, and a word in the language of the titles."""


def columns_of(width: int) -> tuple[TableColumn, ...]:
    """The columns of a list so wide; the last one takes what is left."""
    made_for = width, _("State")
    if made_for not in _made:
        if len(_made) > 32:
            _made.clear()
        shown = [_with_room(each) for each in _all_columns() if width >= each.shown_from]
        if width >= NAME_WIDER_FROM:
            shown = [replace(each, size=24) if each.cell is _name else each for each in shown]
        if width >= REASON_FROM:
            shown += [TableColumn(_("Why"), 30, _reason), TableColumn(_("Last output"), 0, _line)]
        else:
            shown.append(TableColumn(_("Why · last output"), 0, _says))
        _made[made_for] = tuple(shown)
    return _made[made_for]


def _with_room(column: TableColumn) -> TableColumn:
    """A column as wide as its title in the person's language, and the sign of its order, at least."""
    least = cells.width(column.title) + (2 if column.order is not None else 1)
    return replace(column, size=max(column.size, least)) if column.size else column


def titles_of(columns: Sequence[TableColumn], view: ProcessView) -> list[str]:
    """The titles, with a sign at the one by which the rows are ordered, in the direction in which they grow."""
    titles = []
    for each in columns:
        sign = ""
        if each.order is not None and each.order is view.order:
            falls = view.is_reversed != (view.order in GREATEST_FIRST)
            sign = "▼" if falls else "▲"
        titles.append(each.title + sign)
    return titles


def tasks_of(process: ProcessId, running: Mapping[ProcessId, Sequence[Task]]) -> tuple[Task, ...]:
    """The tasks that a process has."""
    return tuple(running.get(process, ()))
