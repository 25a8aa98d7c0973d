"""The worker processes as the dispatcher deals with them: the connection to each, what it has told of its runs, and
what it is asked to do with them."""

import asyncio
import logging
from collections.abc import Callable, Collection
from functools import partial
from typing import Final

from core.dispatch import offices, reports
from core.dispatch.known import Known, is_gone, is_wanted
from core.dispatch.link import Told, WorkerLink
from core.dispatch.places import output_path, result_path
from core.errors import BackendUnavailable
from core.operations.settled import RunEnd, RunStuck
from storage import Home, Process, ProcessId, ProcessKind, Run, RunId, RunState

SOON_S: Final = 0.2
"""Before a worker that did not answer is tried again."""

logger = logging.getLogger(__name__)


class Desk:
    """A worker process under one runner: the connection, and what was told of its runs."""

    def __init__(self, lease: str) -> None:
        self.lease = lease
        self.link: WorkerLink | None = None
        self.has_told = False
        self.told: dict[RunId, str] = {}
        """The state of each of its runs as it told last; a run that was asked for and not answered is `asked`."""
        self.next_try = 0.0


class Desks:
    """All worker processes that are up.

    Args:
        note_end: is given the ends that workers tell, each with the worker.
        note_stuck: is given the runs of which they tell that their processes do not go.
        wake: is called whatever they tell.
    """

    def __init__(
        self, home: Home, known: Known, note_end: Callable[[RunEnd, Process | None], None],
        note_stuck: Callable[[RunStuck], None], wake: Callable[[], None],
    ) -> None:  # fmt: skip
        self._home = home
        self._known = known
        self._note_end = note_end
        self._note_stuck = note_stuck
        self._wake = wake
        self._desks: dict[ProcessId, Desk] = {}
        self.is_refused = False
        """Whether a worker obeys a newer host."""

    def lease_of(self, process: Process) -> str | None:
        """The runner under which a worker takes work now; None where it does not answer, or is not to be given any."""
        desk = self._desks.get(process.id)
        if desk is None or desk.link is None or not desk.has_told or process.runner != desk.lease:
            return None
        return desk.lease if is_wanted(process) else None

    def next_try(self) -> float | None:
        """When a worker that did not answer is tried again, on the event loop's clock."""
        return min((desk.next_try for desk in self._desks.values() if desk.link is None), default=None)

    async def close(self) -> None:
        """End all connections; the workers go on."""
        for process in list(self._desks):
            await self._leave(process)

    async def meet(self, token: int) -> None:
        """Connect to the workers that are up, and leave those that are not."""
        loop = asyncio.get_running_loop()
        for process in self._known.of_kind(ProcessKind.WORKER):
            desk = self._desks.get(process.id)
            if desk is not None and is_gone(process, desk.lease):
                await self._leave(process.id)
                desk = None
            if process.runner is None or is_gone(process, process.runner):
                continue
            if desk is None:
                desk = self._desks[process.id] = Desk(process.runner)
            if desk.link is None and loop.time() >= desk.next_try:
                try:
                    tell = partial(self._hear, process.id, desk)
                    desk.link = await WorkerLink.connect(offices.runner_folder(self._home, process), token, tell)
                except BackendUnavailable:
                    desk.next_try = loop.time() + SOON_S
        for gone in self._desks.keys() - self._known.processes.keys():
            await self._leave(gone)

    async def _leave(self, process: ProcessId) -> None:
        desk = self._desks.pop(process)
        if desk.link is not None:
            await desk.link.close()

    # what they tell

    def _hear(self, process: ProcessId, desk: Desk, told: Told | None) -> None:
        """Take in what a worker tells. On the event loop, between turns or in one."""
        if told is None:
            desk.link, desk.has_told, desk.told = None, False, {}
            desk.next_try = asyncio.get_running_loop().time() + SOON_S
        elif told["tell"] == "refused":
            self.is_refused = True
        elif told["tell"] == "jobs":
            desk.has_told = True  # it has told of each before
        elif told["tell"] == "run":
            self._hear_run(process, desk, told)
        elif told["tell"] == "unknown":
            self._hear_refusal(process, desk, RunId(told["run"]))
        else:
            logger.error("worker %s: %s", process, told)
        self._wake()

    def _hear_run(self, process: ProcessId, desk: Desk, told: Told) -> None:
        run = RunId(told["run"])
        desk.told[run] = told["state"]
        if told["state"] != "ended":
            if (stuck := reports.stuck_of(run, desk.lease, told)) is not None:
                self._note_stuck(stuck)
            return
        known = self._known.runs.get(run)
        if known is None or known.process_id != process or known.lease != desk.lease:
            desk.told[run] = "stale"  # settled before the last host could say so
            return
        self._note_end(reports.end_of(run, desk.lease, told), self._known.processes.get(process))

    def _hear_refusal(self, process: ProcessId, desk: Desk, run: RunId) -> None:
        """A worker that is being stopped begins nothing; nor does one know what it has been told to forget."""
        if desk.told.pop(run, None) == "asked":
            self._end_unbegun(process, desk, run, RunState.FAILED, "its worker was stopped")

    def _end_unbegun(self, process: ProcessId, desk: Desk, run: RunId, state: RunState, reason: str) -> None:
        """End a run that its worker does not have, so that it has not begun, nor will."""
        desk.told[run] = "unbegun"
        end = RunEnd(
            run=run, lease=desk.lease, state=state, reason=reason, is_interrupted=state is RunState.FAILED,
            never_begun=True,
        )  # fmt: skip
        self._note_end(end, self._known.processes.get(process))

    # what they are asked

    def acknowledge(self, stored: Collection[RunId]) -> None:
        """Let workers forget the runs whose ends are stored."""
        for desk in self._desks.values():
            past = [run for run, state in desk.told.items() if run in stored or state == "stale"]
            if past and desk.link is not None:
                desk.link.send("forget", runs=past)
                for run in past:
                    del desk.told[run]

    def steer(self) -> None:
        """Tell each worker what its runs are to do that they do not: begin, end, stand still, go on."""
        held = self._known.by_worker()
        for process, desk in self._desks.items():
            if desk.link is None or not desk.has_told:
                continue
            # under its present runner alone: what is left of an earlier one is being buried
            here = {run.id: run for run in held.get((process, desk.lease), ())}
            for run in here.values():
                state = desk.told.get(run.id)
                if state is None and run.cancelled_by is not None:
                    self._end_unbegun(process, desk, run.id, RunState.CANCELLED, run.reason or "cancelled")
                elif state is None and not run.paused:  # begun in the store by a host that died before it could ask
                    self.ask(run)
                elif run.cancelled_by is not None and state in ("running", "paused"):
                    desk.told[run.id] = "ending"
                    desk.link.send("cancel", run=run.id)
                elif run.paused and state == "running":
                    desk.told[run.id] = "paused"
                    desk.link.send("pause", run=run.id)
                elif not run.paused and state == "paused":
                    desk.told[run.id] = "running"
                    desk.link.send("continue", run=run.id)
            for stray in [each for each, state in desk.told.items() if each not in here]:
                if desk.told[stray] in ("running", "paused"):  # not in the store any more: a backup was restored
                    desk.told[stray] = "ending"
                    desk.link.send("cancel", run=stray)
                elif desk.told[stray] == "unbegun":
                    del desk.told[stray]
                elif desk.told[stray] in ("ended", "stale"):
                    del desk.told[stray]
                    desk.link.send("forget", runs=[stray])

    def ask(self, run: Run) -> None:
        """Ask the worker that has a run to begin it; who has begun it already says so."""
        assert run.process_id is not None
        desk = self._desks.get(run.process_id)
        task, room = self._known.tasks.get(run.task_id), self._known.rooms.get(run.room_id)
        process = self._known.processes.get(run.process_id)
        if desk is None or desk.lease != run.lease or desk.link is None:
            return  # asked when it answers, or buried when it is seen to be gone
        if task is None or room is None or process is None:
            return  # not in the store any more
        cwd = offices.working_directory(room, process)
        if cwd is None:
            desk.told[run.id] = "unbegun"
            reason = f"the directory of {process.name}, {process.spec.cwd}, leads out of the room"
            self._note_end(RunEnd(run=run.id, lease=desk.lease, state=RunState.FAILED, reason=reason), process)
            return
        desk.told[run.id] = "asked"
        desk.link.send(
            "run", run=run.id, attempt=run.attempt, shell=run.command, cwd=cwd, name=f"#{task.number} {task.title}",
            env=offices.environment(run, task, room, process), time_limit_s=task.time_limit_seconds,
            grace_s=process.spec.stop_grace_seconds, collects_files=task.collects_files,
            output=str(output_path(self._home, run.id)), result=str(result_path(self._home, run.id)),
            max_bytes=process.spec.log.max_bytes,
        )  # fmt: skip
