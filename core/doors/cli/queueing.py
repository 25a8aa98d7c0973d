"""After a change of the queue: somebody has to carry it out, so a host is started where there is work and none acts."""

from core.doors.cli.context import Run
from storage import Desired, ProcessKind, RunState


def see_to_host(run: Run) -> None:
    """Start a host of services where runs are open, a worker or agent process is to run, and nobody acts.

    Raises:
        BackendUnavailable: no host could be started; what was queued stands, and the next host does it.
    """
    with run.database.read() as rows:
        is_work = bool(rows.runs(run.room.id, states=(RunState.QUEUED, RunState.RUNNING), limit=1))
        takers = (ProcessKind.WORKER, ProcessKind.AGENT)
        is_staffed = any(
            each.spec.kind in takers and each.desired is Desired.RUNNING for each in rows.processes(run.room.id)
        )
    if is_work and is_staffed:
        from core.services import ensure_host

        ensure_host(run.home)
