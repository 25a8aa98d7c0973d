"""`wzp serve`: run the services of the home with no screen, until told to end, or until nothing is left to do."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import click

from core.dispatch.ready import Waiting, why_not_ready
from core.doors.cli.context import Run, common_options, put_json, put_text
from core.logs.levels import start_own_log
from core.services import HostLease, ServiceHost, ServiceReport, ServiceState, current_host, services
from core.text import for_screen
from storage import (
    Database,
    Desired,
    ParallelError,
    Process,
    ProcessState,
    Reader,
    Room,
    RunState,
    Task,
    format_time,
    note_crashes,
    utc_now,
)  # fmt: skip
from storage import Run as StoredRun

END_S: Final = 1.5
"""How long services may take to end after a signal; a thread that is busy then is cut off (all writes are atomic)."""
IDLE_S: Final = 60.0
"""A host with `--until-idle` ends after so long without anything to supervise."""
STANDBY_S: Final = 5.0
"""One that finds another host acting ends after so long."""
LOOK_S: Final = 1.0

RESTING: Final = (ProcessState.STOPPED, ProcessState.EXITED, ProcessState.FAILED)
"""States in which nothing of a process is left to look after."""

logger = logging.getLogger(__name__)


@click.command("serve", short_help="Run the services with no screen.")
@click.option("--until-idle", is_flag=True, help="End by itself after a minute without anything to supervise.")
@common_options
@click.pass_obj
def command(run: Run, until_idle: bool) -> int:
    """Run the services of this home with no screen: supervisor, dispatcher, metrics, alerts.

    One process of a home runs them. Where another does, this one stands by and takes over when that ends. Ctrl+C or
    SIGTERM ends it; the processes that it has supervised go on running, and the next host takes them over.
    """
    database = run.database  # migrations, and what is wrong with the home, before anything is said
    stop_crashes = note_crashes(run.home.logs / "serve-crash.log")
    stop_logging = start_own_log(run.home, run.home.logs / "serve.log")
    insisting = threading.Timer(END_S, os._exit, (0,))
    insisting.daemon = True
    try:
        asyncio.run(_Serving(run, database, until_idle=until_idle, insist=insisting.start).run())
    finally:
        insisting.cancel()
        stop_logging()
        stop_crashes()
    return 0


class _Serving:
    """One run of the services."""

    def __init__(self, run: Run, database: Database, *, until_idle: bool, insist: Callable[[], None]) -> None:
        self._run = run
        self._database = database
        self._until_idle = until_idle
        self._insist = insist
        self._lease = HostLease(database)
        self._host = ServiceHost(services(database, self._lease), self._lease, self._tell)
        self._end = asyncio.Event()
        self._failure: ParallelError | None = None

    async def run(self) -> None:
        """Serve until a signal, or until idle where asked.

        Raises:
            StorageError: the store was removed or replaced.
        """
        with _signals(self._stop):
            self._tell_who_serves()
            tasks = [asyncio.create_task(self._host.supervise(each)) for each in self._host.services]
            tasks.append(asyncio.create_task(self._watch_the_store()))
            if self._until_idle:
                tasks.append(asyncio.create_task(self._watch_for_idleness()))
            try:
                await self._end.wait()
            finally:
                self._insist()
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                self._host.close()
                self._say("ended", "The services have ended; processes go on running.")
        if self._failure is not None:
            raise self._failure

    def _stop(self) -> None:
        self._end.set()

    def _tell_who_serves(self) -> None:
        other = current_host(self._run.home)
        if other is not None and other.pid != os.getpid():
            self._say(
                "standing_by",
                f"Process {other.pid} runs the services of this home; this one stands by and takes over when it ends.",
            )
        else:
            self._say("serving", f"Serving {for_screen(str(self._run.home.path))}. Ctrl+C ends it.")

    def _tell(self, report: ServiceReport) -> None:
        told = f"{report.service} {report.state}"
        if report.state is ServiceState.FAILED:
            told += f": {for_screen(report.failure)}; it starts again in {report.delay_s:g} s"
        logger.info("service %s", told)
        self._put(
            {"service": report.service, "state": report.state, "at": format_time(report.at),
             "failure": report.failure, "delay_seconds": report.delay_s},
            f"{report.at.astimezone():%H:%M:%S}  {told}",
        )  # fmt: skip

    def _say(self, state: str, sentence: str) -> None:
        logger.info("%s", sentence)
        self._put({"service": None, "state": state, "message": sentence}, sentence)

    def _put(self, wire: Mapping[str, Any], text: str) -> None:
        """Tell whoever looks; that nobody does any more is no reason to end."""
        with contextlib.suppress(OSError):
            if self._run.wants_json:
                put_json(wire)
            else:
                put_text(text, to=sys.stderr)

    async def _watch_the_store(self) -> None:
        """End where the store was removed or replaced: nothing that is done here would ever be seen."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                self._database.require_same_file()
            except ParallelError as error:
                self._failure = error
                self._stop()

    async def _watch_for_idleness(self) -> None:
        """End when there has been nothing to supervise for a while, or another host does it.

        It looks at what is stored, so a host never ends while something is desired, observed as living, or queued, but
        for what waits for a person, whose word then starts a host again.
        """
        loop = asyncio.get_running_loop()
        busy_at = loop.time()
        standing_by_since: float | None = None
        while True:
            await asyncio.sleep(LOOK_S)
            if self._lease.is_ours:
                standing_by_since = None
                try:
                    is_needed = await asyncio.to_thread(self._is_needed)
                except ParallelError:
                    logger.exception("the store could not be asked whether anything is supervised")
                    is_needed = True
                busy_at = loop.time() if is_needed else busy_at
                if loop.time() - busy_at >= IDLE_S:
                    self._say("idle", "Nothing is left to supervise.")
                    self._stop()
            else:
                busy_at = loop.time()
                standing_by_since = standing_by_since or loop.time()
                if loop.time() - standing_by_since >= STANDBY_S:
                    self._say("not_needed", "Another process runs the services.")
                    self._stop()

    def _is_needed(self) -> bool:
        try:
            with self._database.read() as rows:
                return (
                    any(
                        (each.desired is Desired.RUNNING and not each.removed) or each.state not in RESTING
                        for each in rows.every(Process)
                    )
                    or bool(rows.runs(states=(RunState.RUNNING,), limit=1))
                    or any(not _waits_for_a_person(rows, each) for each in rows.runs(states=(RunState.QUEUED,)))
                )
        finally:
            self._database.close_thread()


def _waits_for_a_person(rows: Reader, run: StoredRun) -> bool:
    """Whether a queued run begins only once a person says so, at a door that then sees to a host (queueing.py)."""
    task, room = rows.get(Task, run.task_id), rows.get(Room, run.room_id)
    if task is None or room is None:
        return False
    return why_not_ready(run, task, room, utc_now()) in (Waiting.APPROVAL, Waiting.PAUSED, Waiting.QUEUE_PAUSED)


@contextlib.contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and SIGINT end the services; so does SIGHUP, unless nobody's terminal is here to hang up."""
    loop = asyncio.get_running_loop()
    ending = [signal.SIGTERM, signal.SIGINT]
    before = {number: signal.getsignal(number) for number in (*ending, signal.SIGHUP)}
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        if any(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr)):
            ending.append(signal.SIGHUP)
        else:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
    for number in ending:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in ending:
            loop.remove_signal_handler(number)
        for number, handler in before.items():
            signal.signal(number, handler)
