"""The logs' service: now and then removes what logs are kept no longer (core/logs/retention.py)."""

import asyncio
from typing import Final

from core.logs.retention import tidy
from core.settings import read_settings
from storage import Database, utc_now

FIRST_S: Final = 60.0
"""Not while a host has its hands full with beginning."""

AGAIN_S: Final = 3600.0


class LogsService:
    """Looks once an hour."""

    name = "logs"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self) -> None:
        """Tidy until cancelled."""
        pause_s = FIRST_S
        while True:
            await asyncio.sleep(pause_s)
            await asyncio.to_thread(self._tidy)
            pause_s = AGAIN_S

    def _tidy(self) -> None:
        try:
            tidy(self._database, read_settings(self._database.home.config).settings, utc_now())
        finally:
            self._database.close_thread()
