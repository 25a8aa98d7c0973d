"""What the host's supervisor has observed: the one way in which it reaches the store."""

from dataclasses import replace
from typing import Final

from core.alerts.findings import Finding
from core.alerts.raising import note_findings
from core.operation import operation
from core.work import Work
from storage import Process, Role

OBSERVED: Final = (
    "state", "reason", "pid", "pid_started", "boot_id", "runner", "exit_code", "exit_signal", "started_at", "ended_at",
    "restarts", "observed_generation",
)  # fmt: skip
"""The fields of a process that are observed; all others are what people want and declare."""


@operation(
    role=Role.SYSTEM, changes=True,
    not_at=dict.fromkeys(("cli", "palette", "mcp"), "only the host of the services sees what its processes do"),
)  # fmt: skip
def observe_processes(
    work: Work, observed: tuple[Process, ...], findings: tuple[Finding, ...] = ()
) -> tuple[Process, ...]:
    """Record what was observed of processes, in that order, and the alerts that follow from it.

    Args:
        observed: each with what was observed of it; what is wanted of it is taken from the store, whatever it says.
        findings: what to raise an alert for, and what is over.
    """
    stored = []
    for each in observed:
        if work.rows.get(Process, each.id) is None:
            continue  # a restore has undone its making
        current = work.get(Process, each.id)
        is_new_state = each.state is not current.state
        seen = {name: getattr(each, name) for name in OBSERVED}
        after = replace(current, **seen, state_at=work.now if is_new_state else current.state_at)
        stored.append(work.save(after, event=each.state.value if is_new_state else "observed", reason=each.reason))
    note_findings(work, findings)
    return tuple(stored)
