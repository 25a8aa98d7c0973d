"""Which process a number means: boot id, pid and start time name it for ever; a pid alone is soon another's."""

from core.processes.runner.tree import row_of, started
from storage import boot_id


def process_started(pid: int) -> int | None:
    """When the process that has this pid now began, in kernel ticks after boot; None if there is none.

    Where there is no /proc (macOS), in seconds since the epoch.
    """
    return started(pid)


def is_same_process(pid: int | None, pid_started: int | None, boot: str | None) -> bool:
    """Whether the process that was noted as (boot id, pid, start) still lives."""
    if pid is None or pid_started is None or boot != boot_id():
        return False
    row = row_of(pid)
    return row is not None and row.started == pid_started and row.lives
