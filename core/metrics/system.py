"""What the machine as a whole uses: CPU, load, memory, disks, network, by psutil."""

import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any, Final

import psutil

from core.metrics.series import CORE, Kind
from storage import Subject

DISKS_S: Final = 10.0
"""Between two looks at the space on the disks."""
DISK_WAIT_S: Final = 0.1
"""How long a look at the disks is waited for: one that hangs (a server that is gone) must hold up nothing else."""

Measured = dict[Subject, dict[str, float | None]]


class SystemMeter:
    """Measures the machine; a rate is what was counted since the time before."""

    def __init__(self) -> None:
        self._counted: dict[str, tuple[float, float]] = {}
        self._disks: Measured = {}
        self._disks_at = float("-inf")
        self._seen_at = float("-inf")
        self._looking: Thread | None = None
        self._cores = _core_times()

    def measure(self, folders: Iterable[Path]) -> Measured:
        """The values of now. The space is told of those disks on which `folders` lie."""
        now = time.monotonic()
        measured: Measured = {}
        measured[Subject(Kind.CPU)] = self._cpu()
        with suppress(OSError):
            one, five, fifteen = os.getloadavg()
            measured[Subject(Kind.LOAD)] = {"one": one, "five": five, "fifteen": fifteen}
        measured[Subject(Kind.MEMORY)] = self._memory()
        measured[Subject(Kind.IO)] = self._io(now)
        measured[Subject(Kind.NETWORK)] = self._network(now)
        if now - self._disks_at >= DISKS_S and not (self._looking and self._looking.is_alive()):
            self._disks_at = now
            self._looking = Thread(target=self._look_at_disks, args=(tuple(folders),), name="disks", daemon=True)
            self._looking.start()
            self._looking.join(DISK_WAIT_S)
        if now - self._seen_at > 3 * DISKS_S:
            self._disks = {}  # rather nothing than what may be true no more
        measured.update(self._disks)
        return measured

    def _look_at_disks(self, folders: Iterable[Path]) -> None:
        self._disks = _space(folders)
        self._seen_at = time.monotonic()

    @property
    def counters(self) -> dict[str, float]:
        """What the machine has counted since it started: bytes `read`, `written`, `received`, `sent`."""
        return {name: count for name, (count, _) in self._counted.items()}

    def _cpu(self) -> dict[str, float | None]:
        # not psutil.cpu_percent, which remembers for the whole process when anybody asked last
        before, self._cores = self._cores, _core_times()
        shares: list[float | None] = []
        for number, (busy, total) in enumerate(self._cores):
            was_busy, was_total = before[number] if number < len(before) else (busy, total)
            passed = total - was_total
            shares.append(round(100 * min(1.0, max(0.0, (busy - was_busy) / passed)), 1) if passed > 0 else None)
        known = [share for share in shares if share is not None]
        cpu: dict[str, float | None] = {"percent": round(sum(known) / len(known), 1) if known else None}
        cpu.update((f"{CORE}{number}", share) for number, share in enumerate(shares))
        return cpu

    def _memory(self) -> dict[str, float | None]:
        memory = psutil.virtual_memory()
        told: dict[str, float | None] = {"used": memory.total - memory.available, "total": memory.total}
        told["swap_used"] = told["swap_total"] = None
        with suppress(OSError, RuntimeError):  # a container that hides /proc/vmstat
            swap = psutil.swap_memory()
            told["swap_used"], told["swap_total"] = swap.used, swap.total
        return told

    def _io(self, now: float) -> dict[str, float | None]:
        counters: Any = None
        with suppress(OSError, RuntimeError, NotImplementedError):
            counters = psutil.disk_io_counters(nowrap=False)
        if counters is None:
            return {"read": None, "written": None}
        return {
            "read": self._rate("read", counters.read_bytes, now),
            "written": self._rate("written", counters.write_bytes, now),
        }

    def _network(self, now: float) -> dict[str, float | None]:
        counters: Mapping[str, Any] = {}
        with suppress(OSError, RuntimeError):
            counters = psutil.net_io_counters(pernic=True, nowrap=False)
        outer = [each for name, each in counters.items() if name not in ("lo", "lo0")]
        return {
            "received": self._rate("received", sum(each.bytes_recv for each in outer), now),
            "sent": self._rate("sent", sum(each.bytes_sent for each in outer), now),
        }

    def _rate(self, name: str, count: float, now: float) -> float | None:
        """How much more it is a second; 0 where the counter went back, None the first time."""
        before = self._counted.get(name)
        self._counted[name] = (count, now)
        if before is None or now <= before[1]:
            return None
        return max(0.0, count - before[0]) / (now - before[1])


def _core_times() -> list[tuple[float, float]]:
    """For each core the seconds in which it worked, and all seconds, since the machine started."""
    times = []
    for core in psutil.cpu_times(percpu=True):
        told = core._asdict()
        guests = told.get("guest", 0.0) + told.get("guest_nice", 0.0)  # counted as the user's already
        total = sum(told.values()) - guests
        times.append((total - told["idle"] - told.get("iowait", 0.0), total))
    return times


def _space(folders: Iterable[Path]) -> Measured:
    """The space on the disks on which some folders lie, by the place where each is mounted."""
    found: Measured = {}
    seen: set[int] = set()
    for folder in folders:
        with suppress(OSError):
            device = folder.stat().st_dev
            if device in seen:
                continue
            seen.add(device)
            usage = psutil.disk_usage(str(folder))
            found[Subject(Kind.DISK, str(_mount(folder, device)))] = {"used": usage.used, "total": usage.total}
    return found


def _mount(folder: Path, device: int) -> Path:
    """The topmost folder on the same disk."""
    folder = folder.resolve()
    while folder != folder.parent and folder.parent.stat().st_dev == device:
        folder = folder.parent
    return folder
