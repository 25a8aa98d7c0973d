"""The service host: one process acts, failures are survived, another takes over, and who is passed over is fenced."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from core.errors import HostLost
from core.execute import Call, execute
from core.operations import find
from core.services import HostLease, ServiceHost, ServiceReport, ServiceState, current_host
from core.services import host as host_module
from core.services import lease as lease_module
from storage import Database
from tests.support.terminal import ROOT
from tests.support.users import User


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


HOLDER = """
import sys, time
from pathlib import Path
from core.services import HostLease
from storage import Database, Home

lease = HostLease(Database.open(Home(Path(sys.argv[1]))))
print(lease.try_take(), lease.token, flush=True)
while True:
    time.sleep(0.05)
    if lease.is_ours:
        lease.beat()
    else:
        print("passed over", flush=True)
        break
"""


@contextmanager
def holder(database: Database) -> Iterator[subprocess.Popen[str]]:
    """Another process that is the host."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(database.home.path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "True 1\n"
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


async def test_a_failing_service_is_reported_and_started_again_with_growing_delay(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_module, "FIRST_DELAY_S", 0.01)
    reports: list[ServiceReport] = []
    service = Flaky()
    host = ServiceHost([service], HostLease(database), reports.append)
    task = asyncio.create_task(host.supervise(service))
    await asyncio.wait_for(service.steady.wait(), 10)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    host.close()
    failures = [report for report in reports if report.state is ServiceState.FAILED]
    assert [report.failure for report in failures] == ["failure 1", "failure 2"]
    assert failures[0].delay_s < failures[1].delay_s
    assert reports[-1].state is ServiceState.RUNNING


async def test_only_one_process_holds_the_lease_and_another_takes_over_when_it_is_killed(database: Database) -> None:
    lease = HostLease(database)
    with holder(database) as other:
        assert not lease.try_take()
        sign = current_host(database.home)
        assert sign is not None
        assert sign.pid == other.pid
        waiting = asyncio.create_task(lease.take())
        other.kill()
        other.wait()
        await asyncio.wait_for(waiting, 5)
    assert lease.is_held
    assert lease.token == 2
    lease.give_up()
    assert current_host(database.home) is None


async def test_a_suspended_host_is_passed_over_and_its_word_counts_no_more_when_it_wakes(
    database: Database, board: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease_module, "SUSPENDED_S", 0.3)
    lease, old = HostLease(database), HostLease(database)
    with holder(database) as other:
        os.kill(other.pid, signal.SIGSTOP)
        await asyncio.wait_for(lease.take(), 10)
        os.kill(other.pid, signal.SIGCONT)
        assert other.stdout is not None
        assert other.stdout.readline() == "passed over\n"
    assert (lease.is_ours, lease.token) == (True, 2)
    old.token = 1
    call = Call(operation=find("expire_sessions"), arguments={}, actor=old.actor, room=board.room)
    with pytest.raises(HostLost, match="token 2; yours is 1"):
        execute(database, call)
    lease.give_up()


async def test_services_stop_when_another_host_takes_over_and_wait_for_their_turn(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease_module, "BEAT_S", 0.02)
    reports: list[ServiceReport] = []
    service = Flaky()
    service.starts = 2
    host = ServiceHost([service], lease := HostLease(database), reports.append)
    task = asyncio.create_task(host.supervise(service))
    await asyncio.wait_for(service.steady.wait(), 10)
    (database.home.run / "host.lock").unlink()
    thief = HostLease(database)
    assert thief.try_take()
    async with asyncio.timeout(10):
        while reports[-1].state is not ServiceState.WAITING:
            await asyncio.sleep(0.01)
    assert not lease.is_ours
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    host.close()
    thief.give_up()
