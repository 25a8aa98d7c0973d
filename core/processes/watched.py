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
    return without_pid(replace(process, state=ProcessState.UNKNOWN, reason=reason))


def without_pid(process: Process) -> Process:
    """A process without the number under which it ran: whoever has it by now is another's."""
    return replace(process, pid=None, pid_started=None, boot_id=None)


def as_told(process: Process, *, watched: bool) -> Process:
    """A process as doors tell of it: as it is seen, and with a pid only while somebody may have it."""
    seen = as_seen(process, watched=watched)
    return seen if seen.state in LIVING or seen.state is ProcessState.UNKNOWN else without_pid(seen)
