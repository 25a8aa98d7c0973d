"""The service host: runs each service, starts it again with growing delay after a failure, and reports its state."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from core.errors import HostLost
from core.services.lease import HostLease
from storage import utc_now

FIRST_DELAY_S: Final = 0.5
LONGEST_DELAY_S: Final = 30.0
STEADY_S: Final = 60.0
"""A service that has run so long has recovered: its next failure counts as the first."""

logger = logging.getLogger(__name__)


class Service(Protocol):
    """Something that runs as long as its host does."""

    name: str

    async def run(self) -> None:
        """Run until cancelled. What it raises is a failure, after which the host starts it again."""


class ServiceState(StrEnum):
    """Where a service stands."""

    WAITING = "waiting"
    RUNNING = "running"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ServiceReport:
    """One change of a service's state. `failure` says why it failed, `delay_s` when it starts again."""

    service: str
    state: ServiceState
    at: datetime
    failure: str = ""
    delay_s: float = 0.0


class ServiceHost:
    """Runs services on the event loop of its caller, all under one lease.

    Call `supervise` once for each of `services`, each in a task (or a Textual worker) of its own.
    """

    def __init__(
        self, services: Sequence[Service], lease: HostLease, report: Callable[[ServiceReport], None]
    ) -> None:  # fmt: skip
        self.services = tuple(services)
        self._lease = lease
        self._report = report
        self._keeping: asyncio.Task[None] | None = None

    async def supervise(self, service: Service) -> None:
        """Wait for the lease, then keep a service running until cancelled."""
        loop = asyncio.get_running_loop()
        self._tell(service, ServiceState.WAITING)
        delay_s = FIRST_DELAY_S
        while True:
            began = loop.time()
            try:
                await self._lease.take()
                self._tell(service, ServiceState.RUNNING)
                began = loop.time()
                if await self._run_while_ours(service):
                    failure = "it ended by itself"
                else:
                    logger.warning("service %s stopped: another host has taken over", service.name)
                    self._tell(service, ServiceState.WAITING)
                    continue
            except HostLost:
                self._lease.give_up()
                self._tell(service, ServiceState.WAITING)
                continue
            except Exception as error:
                logger.exception("service %s failed", service.name)
                failure = str(error) or type(error).__name__
            if loop.time() - began >= STEADY_S:
                delay_s = FIRST_DELAY_S
            self._tell(service, ServiceState.FAILED, failure, delay_s)
            await asyncio.sleep(delay_s)
            delay_s = min(LONGEST_DELAY_S, delay_s * 2)

    async def _run_while_ours(self, service: Service) -> bool:
        """Run a service until it ends (True) or the lease is no longer ours (False)."""
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.create_task(self._lease.keep())
        running = asyncio.create_task(service.run(), name=service.name)
        try:
            await asyncio.wait({running, self._keeping}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
                return True
            return False
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    def close(self) -> None:
        """Give up the lease, after the supervising tasks have been cancelled."""
        if self._keeping is not None:
            self._keeping.cancel()
        self._lease.give_up()

    def _tell(self, service: Service, state: ServiceState, failure: str = "", delay_s: float = 0.0) -> None:
        self._report(ServiceReport(service.name, state, utc_now(), failure, delay_s))
