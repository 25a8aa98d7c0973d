"""What is known of processes where nobody watches them: what was observed last, and what can be seen from here."""

from dataclasses import replace

from core.processes.identity import is_same_process
from core.services.sign import acting_host
from storage import Home, Process, ProcessState

LIVING = (
    ProcessState.STARTING,
    ProcessState.RUNNING,
    ProcessState.READY,
    ProcessState.UNHEALTHY,
    ProcessState.STOPPING,
)


def is_watched(home: Home) -> bool:
    """Whether a host acts, so that what is recorded of processes is how they are."""
    return acting_host(home) is not None


def as_seen(process: Process, *, watched: bool) -> Process:
    """A process as it is shown: unknown where it was seen alive last, is gone, and nobody watches it."""
    if watched or process.state not in LIVING or process.pid is None:
        return process
    if is_same_process(process.pid, process.pid_started, process.boot_id):
        return process
    reason = f"it was {process.state} when it was last watched; its process {process.pid} is gone"
    return replace(process, state=ProcessState.UNKNOWN, reason=reason)
