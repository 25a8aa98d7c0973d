"""Runs: what a change has done to them, a table, and one in full with the end of its output."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from core.doors.cli.drawing.values import Wire, age_of, facts, indented, local_time, section, short_id
from core.doors.cli.table import BOLD, CYAN, DIM, GREEN, MAGENTA, RED, YELLOW, Cell, styled, table
from core.operation import Operation
from core.text import for_screen
from storage import parse_time

RUN_STYLES: Final = {
    "queued": YELLOW, "running": CYAN, "succeeded": GREEN, "failed": RED, "cancelled": DIM, "quarantined": MAGENTA,
}  # fmt: skip


STUCK: Final = "killed, but its processes do not go: the next attempt waits until they have"


def run_changed(operation: Operation, runs: Sequence[Wire]) -> str:
    """One or several runs that were queued, cancelled, held."""
    if not runs:
        return "Nothing to do."
    numbers = ", ".join(f"#{run['task_number']}" for run in runs[:20]) + (" …" if len(runs) > 20 else "")
    if len(runs) > 1:
        return f"Queued {len(runs)} tasks: {numbers}."
    run = runs[0]
    name = f"attempt {run['attempt']} of {numbers} (run {short_id(run)})"
    if run["state"] == "running" and run["cancelled_by"]:
        return f"Asked to cancel {name}; it ends with all its processes."
    if operation.name in ("pause_run", "resume_run"):
        return f"{'Paused' if run['paused'] else 'Resumed'} {name}."
    return f"{str(run['state']).capitalize()} {name}: {for_screen(run['command']) or 'for an agent'}"


def run_list(runs: Sequence[Wire]) -> str:
    """Runs, a row each."""
    headers = ("RUN", "TASK", "STATE", "TRY", "WORKER", "AGE", "TOOK", "COMMAND OR REASON")
    rows = [
        [
            Cell(short_id(run), BOLD), Cell(f"#{run['task_number']}"),
            Cell(_state(run), _style(run)), Cell(str(run["attempt"])),
            Cell(for_screen(run["process_name"] or "")), Cell(age_of(run["created_at"]), DIM),
            Cell(_took(run), DIM), Cell(_what(run)),
        ]
        for run in runs
    ]  # fmt: skip
    return table(headers, rows, flexible=7)


def run_view(run: Wire) -> str:
    """A run with its result."""
    code = f"exit code {run['exit_code']}" if run["exit_code"] is not None else run["exit_signal"] or ""
    named = {
        "state": styled(_state(run), _style(run)),
        "reason": for_screen(run["reason"] or "") or _why_it_waits(run),
        "stuck": f"since {local_time(run['stuck_since'])}: {STUCK}" if run["stuck_since"] else "",
        "task": f"#{run['task_number']}",
        "command": for_screen(run["command"]),
        "worker": for_screen(run["process_name"] or ""),
        "result": code,
        "queued": f"{local_time(run['created_at'])} by {for_screen(run['queued_by_name'] or '')}",
        "not before": local_time(run["not_before"]) if run["not_before"] else "",
        "started": local_time(run["started_at"]) if run["started_at"] else "",
        "ended": f"{local_time(run['ended_at'])} (took {_took(run)})" if run["ended_at"] and _took(run) else "",
        "files": ", ".join(for_screen(file) for file in run["files"]),
        "id": run["id"],
    }
    parts = [styled(f"Attempt {run['attempt']} of #{run['task_number']}", BOLD), facts(named)]
    if run["output"]:
        parts.append(section("Output", indented(run["output"])))
    return "\n\n".join(parts)


def _why_it_waits(run: Wire) -> str:
    """`waits for approval`; empty for what waits no longer, or is held, which its state says."""
    if run["waits_for"] in (None, "paused"):
        return ""
    return "the queue is paused" if run["waits_for"] == "queue paused" else f"waits for {run['waits_for']}"


def _what(run: Wire) -> str:
    """Why it stands so, where there is something to say; else what runs."""
    if run["stuck_since"]:
        return STUCK
    if why := _why_it_waits(run):
        return f"{why}: {for_screen(run['command'])}" if run["command"] else why
    if not run["reason"] and run["state"] in ("failed", "quarantined"):
        how = run["exit_signal"] or f"exit code {run['exit_code']}"
        return f"{how}: {for_screen(run['command'])}"
    return for_screen(run["reason"] or run["command"])


def _state(run: Wire) -> str:
    if run["stuck_since"]:
        return "stuck"
    if run["state"] == "running" and run["cancelled_by"]:
        return "cancelling"
    return f"{run['state']}, paused" if run["paused"] else str(run["state"])


def _style(run: Wire) -> str:
    return RED if run["stuck_since"] else RUN_STYLES.get(run["state"], "")


def _took(run: Wire) -> str:
    if not run["started_at"] or not run["ended_at"]:
        return ""
    took: timedelta = parse_time(run["ended_at"]) - parse_time(run["started_at"])
    seconds = took.total_seconds()
    return f"{seconds:.1f}s" if seconds < 60 else f"{int(seconds // 60)}m{int(seconds % 60):02}s"
