"""The supervisor: what is wanted becomes what runs, whoever dies meanwhile; with real runners and a real store."""

from collections.abc import Iterator

import pytest

from storage import Desired, ProcessState
from tests.support.supervising import QUICK, Supervised, end_all, hosted, is_alive, kill
from tests.support.users import User


@pytest.fixture
def processes(board: User) -> Iterator[Supervised]:
    yield Supervised(board.database)
    end_all(board.database)


async def test_what_is_wanted_runs_and_what_is_not_is_down(processes: Supervised):
    async with hosted(processes.database):
        web = processes.add("web")
        running = await processes.until_state(web, ProcessState.RUNNING)
        assert is_alive(running.pid)
        assert running.started_at is not None
        processes.want(Desired.STOPPED, web)
        stopped = await processes.until_state(web, ProcessState.STOPPED)
        assert not is_alive(running.pid)
        assert stopped.ended_at is not None
    assert processes.states(web) == ["starting", "running", "stopping", "stopped"]


async def test_what_ends_by_itself_is_started_again(processes: Supervised):
    async with hosted(processes.database):
        web = processes.add("web", restart=QUICK)
        first = await processes.until_state(web, ProcessState.RUNNING)
        kill(first.pid)
        await processes.until(lambda: processes.get(web).restarts == 1)
        second = await processes.until_state(web, ProcessState.RUNNING)
        assert second.pid != first.pid
    assert "pending" in processes.states(web)


async def test_the_next_host_adopts_what_runs(processes: Supervised):
    async with hosted(processes.database):
        web = processes.add("web")
        before = await processes.until_state(web, ProcessState.RUNNING)
    assert is_alive(before.pid)
    async with hosted(processes.database):
        processes.add("other")
        await processes.until(lambda: len(processes.states(web)) == 2)
        processes.want(Desired.STOPPED, web)
        await processes.until_state(web, ProcessState.STOPPED)
        assert not is_alive(before.pid)
    after = processes.get(web)
    assert (after.pid, after.started_at, after.runner) == (before.pid, before.started_at, before.runner)
