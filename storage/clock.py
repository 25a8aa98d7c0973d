"""Time as we store it: UTC, ISO 8601 with microseconds, always 27 characters, so that text sorts as time does.

Leases are measured by the monotonic clock, which no change of the wall clock moves and which stands still while the
machine sleeps; it counts within one boot.
"""

import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

monotonic = time.monotonic


def utc_now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def format_time(moment: datetime) -> str:
    """`2026-11-20T14:03:07.000123Z`, whatever the microseconds and the time zone of `moment`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def parse_time(text: str) -> datetime:
    """The inverse of `format_time`; also takes any ISO 8601 time, a naive one as UTC.

    Raises:
        ValueError: `text` is not an ISO 8601 time.
    """
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@cache
def boot_id() -> str:
    """What names this boot of the machine."""
    linux = Path("/proc/sys/kernel/random/boot_id")
    if linux.exists():
        return linux.read_text().strip()
    import subprocess

    asked = ["sysctl", "-n", "kern.bootsessionuuid"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()  # macOS
