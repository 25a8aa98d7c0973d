"""The metrics service: the collector in a thread of its own, and the endpoint from which a scraper may read."""

import asyncio
import logging
import threading

from core.metrics.collector import Collector
from core.services.lease import HostLease
from storage import Database

logger = logging.getLogger(__name__)


class MetricsService:
    """Measures as long as this host has the lease."""

    name = "metrics"

    def __init__(self, database: Database, lease: HostLease) -> None:
        self._database = database
        self._lease = lease

    async def run(self) -> None:
        """Measure until cancelled.

        Raises:
            ParallelError: the store cannot be read.
        """
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        stopped = threading.Event()

        def end(error: BaseException | None) -> None:
            if not ended.done():
                ended.set_exception(error) if error is not None else ended.set_result(None)

        def measure() -> None:
            failure: BaseException | None = None
            try:
                Collector(self._database).run(stopped)
            except BaseException as error:
                failure = error
            if not loop.is_closed():
                loop.call_soon_threadsafe(end, failure)

        thread = threading.Thread(target=measure, name="metrics", daemon=True)
        thread.start()
        try:
            await asyncio.shield(ended)
        finally:
            stopped.set()
            await asyncio.to_thread(thread.join)
