"""The metrics service: the collector in a thread of its own, and the endpoint from which a scraper may read."""

import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from core.metrics.collector import Collector, Tick
from core.services.lease import HostLease
from core.services.own_thread import in_own_thread
from core.settings import read_settings
from storage import Database

if TYPE_CHECKING:
    from core.metrics.endpoint import Endpoint
    from core.metrics.openmetrics import Exposition

logger = logging.getLogger(__name__)


class Exposure:
    """The endpoint as the settings want it: opened, moved and closed as config.yaml changes. For one thread."""

    def __init__(self, config: Path) -> None:
        self._config = config
        self._stamp: tuple[int, int] | None = None
        self._port = 0
        self._endpoint: Endpoint | None = None
        self._exposition: Exposition | None = None

    def take(self, tick: Tick) -> None:
        """Take in a second; open or close what is to be."""
        if (stamp := _stamp(self._config)) != self._stamp:
            self._stamp = stamp
            self._listen(read_settings(self._config).settings.openmetrics_port)
        if self._exposition is not None:
            self._exposition.take(tick)

    def close(self) -> None:
        """Close it."""
        self._listen(0)

    def _listen(self, port: int) -> None:
        if port == self._port:
            return
        if self._endpoint is not None:
            self._endpoint.close()
        self._port, self._endpoint, self._exposition = port, None, None
        if not port:
            return
        from core.metrics.endpoint import Endpoint
        from core.metrics.openmetrics import Exposition

        exposition = Exposition()
        try:
            self._endpoint = Endpoint(port, exposition.text)
        except OSError as error:
            logger.warning(
                "the metrics cannot be offered on port %d (%s); set openmetrics_port to another", port, error.strerror
            )
            return
        self._exposition = exposition
        logger.info("the metrics are offered on http://127.0.0.1:%d/metrics", port)


def _stamp(path: Path) -> tuple[int, int] | None:
    """What changes when a file is written; None without one."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino


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
        await in_own_thread("metrics", self._measure)

    def _measure(self, stopped: threading.Event) -> None:
        exposure = Exposure(self._database.home.config)
        try:
            Collector(self._database, tell=exposure.take).run(stopped)
        finally:
            exposure.close()
