"""What was measured, as tables: series with their least, mean and greatest value, the use of now, a board's flow."""

from collections.abc import Sequence
from typing import Final

from core.doors.cli.drawing.values import STATUS_STYLES, Wire, local_time
from core.doors.cli.table import BOLD, DIM, GREEN, RED, YELLOW, Cell, table
from core.metrics.series import Unit
from core.metrics.units import with_unit
from core.text import for_screen
from storage import COLUMNS

NOBODY: Final = "Nothing is measured now: nobody runs the services of this home. Start them with `wzp serve`."

_STYLES: Final = {"ready": GREEN, "running": GREEN, "unhealthy": YELLOW, "failed": RED, "unknown": YELLOW}


def series_list(found: Sequence[Wire]) -> str:
    """Series, a row each."""
    rows = []
    for each in found:
        unit, points = Unit(each["unit"]), each["points"]
        name = for_screen(each["subject_name"])
        told = [
            points[-1]["mean"], min(p["min"] for p in points), _mean([p["mean"] for p in points]),
            max(p["max"] for p in points),
        ] if points else [None] * 4  # fmt: skip
        rows.append([Cell(each["name"], BOLD), Cell(name), *(Cell(with_unit(value, unit)) for value in told)])
    return table(("SERIES", "OF", "LAST", "MIN", "MEAN", "MAX"), rows, flexible=1)


def flow_list(points: Sequence[Wire]) -> str:
    """The cumulative flow, a row a moment."""
    rows = [
        [Cell(local_time(each["at"]), DIM), *(Cell(str(each[name]), STATUS_STYLES.get(name, "")) for name in COLUMNS)]
        for each in points
    ]
    return table(("AT", *(status.upper() for status in COLUMNS)), rows, flexible=0)


def usage_view(usage: Wire) -> str:
    """What the machine and the processes use now."""
    parts = [_machine(usage["machine"]) if usage["at"] else NOBODY]
    if board := usage["board"]:
        stand = "  ".join(f"{status} {board.get(status, 0):.0f}" for status in COLUMNS)
        parts.append(f"board {stand}  queue {usage['queue'].get('queued', 0):.0f}")
    rows = [
        [
            Cell(for_screen(each["name"]), BOLD),
            Cell(each["state"], _STYLES.get(each["state"], DIM)),
            Cell(str(each["pid"]) if each["pid"] and each["state"] in _LIVING else ""),
            Cell(with_unit(each["cpu_percent"], Unit.PERCENT)),
            Cell(with_unit(each["memory_bytes"], Unit.BYTES)),
            Cell(with_unit(each["threads"], Unit.COUNT)),
            Cell(with_unit(each["processes"], Unit.COUNT)),
            Cell(str(each["restarts"] or "")),
        ]
        for each in sorted(usage["processes"], key=lambda each: (-(each["cpu_percent"] or 0), each["name"]))
    ]
    heads = ("PROCESS", "STATE", "PID", "CPU", "MEMORY", "THREADS", "PROCESSES", "RESTARTS")
    parts.append(table(heads, rows, flexible=0) if rows else "No processes.")
    return "\n".join(parts)


_LIVING: Final = frozenset({"starting", "running", "ready", "unhealthy", "stopping"})


def _machine(values: Wire) -> str:
    def told(name: str, unit: Unit) -> str:
        return with_unit(values.get(name), unit)

    lines = [
        f"cpu {told('cpu.percent', Unit.PERCENT)}  load {told('load.one', Unit.COUNT)} "
        f"{told('load.five', Unit.COUNT)} {told('load.fifteen', Unit.COUNT)}  "
        f"memory {told('memory.used', Unit.BYTES)} of {told('memory.total', Unit.BYTES)}  "
        f"swap {told('memory.swap_used', Unit.BYTES)}",
        f"disks read {told('io.read', Unit.BYTES_PER_SECOND)}, written {told('io.written', Unit.BYTES_PER_SECOND)}  "
        f"network in {told('network.received', Unit.BYTES_PER_SECOND)}, "
        f"out {told('network.sent', Unit.BYTES_PER_SECOND)}",
    ]
    return "\n".join(lines)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
