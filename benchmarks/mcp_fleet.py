"""Fifty servers at once, as when a person opens a layout: all initialised, one durable call each, and their memory."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ending import run
from figures import ROOM, Figures, arguments, call, scratch_database

from storage import Status
from tests.support.agents import AgentProcess

PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)


def pss_mb(pid: int) -> float:
    """The proportional share of memory of a process, in MB."""
    found = PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_text())
    assert found is not None
    return int(found[1]) / 1024


def main() -> None:
    """Measure and judge."""
    count = 5 if arguments(__doc__ or "").quick else 50
    with scratch_database() as database:
        for number in range(count):
            call(database, "create_task", title=f"Task {number}", status=Status.TODO)
        home = str(database.home.path)
        begun = time.monotonic()
        with ThreadPoolExecutor(count) as pool:
            servers = list(
                pool.map(
                    lambda _: AgentProcess(database.home.path, WZP_ROOM=ROOM, WEZTERM_PARALLEL_HOME=home), range(count)
                )
            )
            initialized = time.monotonic() - begun
            claimed = list(pool.map(lambda server: server.call("claim_next")["task"]["number"], servers))
            called = time.monotonic() - begun
            memory = [pss_mb(server.process.pid) for server in servers]
            for server in servers:
                server.kill()
    figures = Figures(f"{count} servers at once")
    figures.add("all initialised", initialized, "s")
    figures.add("all initialised and one durable call each", called, "s", at_most=5)
    figures.add("tasks claimed twice", count - len(set(claimed)), "tasks", at_most=0)
    figures.add("memory together (PSS)", sum(memory), "MB", at_most=900)
    figures.add("memory of one, the largest", max(memory), "MB")
    figures.finish()


if __name__ == "__main__":
    run(main)
