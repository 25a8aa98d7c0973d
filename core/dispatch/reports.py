"""What workers tell of a run that has ended, and what is found of one whose worker is gone, as ends to be recorded."""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from core.dispatch.leftovers import PATIENCE_S, end_leftovers
from core.dispatch.places import result_path
from core.operations.settled import RunEnd, RunStuck
from storage import Desired, Home, Process, Run, RunId, RunState

logger = logging.getLogger(__name__)

Told = Mapping[str, Any]


def end_of(run: RunId, lease: str | None, told: Told) -> RunEnd:
    """The end that a worker has told."""
    code, signal_name = told.get("exit_code"), told.get("exit_signal")
    reason = told.get("reason") or told.get("error")
    if told.get("cancelled"):
        state = RunState.CANCELLED
    elif code == 0 and reason is None:
        state = RunState.SUCCEEDED
    else:
        state = RunState.FAILED
    is_interrupted, lost_keeper = bool(told.get("interrupted")), bool(told.get("lost_keeper"))
    if told.get("log_error"):
        logger.warning("the output of run %s was not kept whole: %s", run, told["log_error"])
    return RunEnd(
        run=run, lease=lease, state=state, exit_code=code, exit_signal=signal_name, reason=reason,
        is_interrupted=is_interrupted or lost_keeper, never_begun=is_interrupted and told.get("pid") is None,
        lost_worker=lost_keeper, lost_keeper=lost_keeper, ended_at=_moment(told.get("ended_at")),
        output=_valid(told.get("output") or "") or None,
        files=tuple(_valid(file) for file in told.get("files") or ()), seconds=told.get("seconds"),
    )  # fmt: skip


def stuck_of(run: RunId, lease: str | None, told: Told) -> RunStuck | None:
    """That a worker has told that a run's processes do not go; None where it has not."""
    since = _moment(told.get("stuck_since"))
    return RunStuck(run, lease, since, tuple(told.get("stuck") or ())) if since is not None else None


def end_of_lost(run: Run, process: Process | None, told: Told | None) -> RunEnd:
    """The end of a run whose worker is gone: what the worker had still written down, else that it was cut off."""
    if told is not None:
        return end_of(run.id, run.lease, told)
    name = process.name if process is not None else "its worker"
    is_stopped = process is None or process.removed or process.desired is not Desired.RUNNING
    how = "was stopped" if is_stopped else "died"
    if process is not None and not is_stopped and process.exit_signal:
        how += f" ({process.exit_signal})"
    return RunEnd(
        run=run.id, lease=run.lease, state=RunState.FAILED, reason=f"{name} {how} under it", is_interrupted=True,
        lost_worker=not is_stopped,
    )  # fmt: skip


def bury(
    home: Home, runs: Sequence[Run], patience_s: float = PATIENCE_S
) -> tuple[dict[RunId, Told | None], dict[int, RunId]]:
    """The runs of which nothing lives any more, each with the result that its worker had written down; and the pids
    that would not go, each with its run, which may not be begun elsewhere. Blocking.
    """
    stubborn = end_leftovers([run.id for run in runs], patience_s)
    found: dict[RunId, Told | None] = {}
    for run in runs:
        if run.id in stubborn.values():
            continue
        found[run.id] = None
        with suppress(OSError, ValueError):
            told = json.loads(result_path(home, run.id).read_bytes())
            if isinstance(told, dict) and told.get("run") == run.id and told.get("attempt") == run.attempt:
                found[run.id] = told
    return found, stubborn


def forget(home: Home, runs: Iterable[RunId]) -> None:
    """Drop the results that lost workers had written down, once they are stored. Blocking."""
    for run in runs:
        result_path(home, run).unlink(missing_ok=True)


def _moment(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds is not None else None


def _valid(text: str) -> str:
    """A text as it can be stored: names of files may hold any bytes."""
    return text.encode(errors="replace").decode()
