"""The service host: one process acts, failures are survived, and another takes over."""

import asyncio
import subprocess
import sys

from core.services import HostLease, ServiceHost, ServiceReport, ServiceState
from core.services import host as host_module
from storage import Home
from tests.support.terminal import ROOT


class Flaky:
    """A service that fails twice, then runs."""

    name = "flaky"

    def __init__(self) -> None:
        self.starts = 0
        self.steady = asyncio.Event()

    async def run(self) -> None:
        self.starts += 1
        if self.starts < 3:
            raise OSError(f"failure {self.starts}")
        self.steady.set()
        await asyncio.Event().wait()


async def test_a_failing_service_is_reported_and_started_again_with_growing_delay(home: Home, monkeypatch) -> None:
    monkeypatch.setattr(host_module, "FIRST_DELAY_S", 0.01)
    reports: list[ServiceReport] = []
    service = Flaky()
    host = ServiceHost([service], HostLease(home), reports.append)
    task = asyncio.create_task(host.supervise(service))
    await asyncio.wait_for(service.steady.wait(), 10)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    host.close()
    failures = [report for report in reports if report.state is ServiceState.FAILED]
    assert [report.failure for report in failures] == ["failure 1", "failure 2"]
    assert failures[0].delay_s < failures[1].delay_s
    assert reports[-1].state is ServiceState.RUNNING


async def test_only_one_process_holds_the_lease_and_another_takes_over_when_it_is_killed(home: Home) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c",
         "import sys; from pathlib import Path; from core.services import HostLease; from storage import Home; "
         "lease = HostLease(Home(Path(sys.argv[1]))); print(lease.try_take(), flush=True); sys.stdin.read()",
         str(home.path)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdout.readline() == "True\n"
    lease = HostLease(home)
    assert not lease.try_take()
    waiting = asyncio.create_task(lease.take())
    holder.kill()
    holder.wait()
    await asyncio.wait_for(waiting, 5)
    assert lease.is_held
    lease.give_up()
