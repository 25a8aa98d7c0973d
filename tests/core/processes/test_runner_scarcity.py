"""The runner where it may open no further file: it neither dies nor spins, and takes nothing for gone unseen."""

import asyncio
import sys

import pytest

from core.errors import ProcessFailed
from core.processes.link import RunnerLink
from storage import Home
from tests.support.runners import exited, lives, running
from tests.support.scarcity import no_descriptor_free, seconds_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux sets another process's limits")


@pytest.fixture
async def runners(home: Home):
    home.create()
    async with running(home) as made:
        yield made


async def test_who_knocks_while_no_descriptor_is_free_is_let_in_later_and_costs_nothing(runners):
    link = await runners.start("sleep", "1000")
    runner = link.status.runner_pid
    with no_descriptor_free(runner):
        knocking = asyncio.create_task(RunnerLink.connect(link.folder))
        await asyncio.sleep(0.2)
        used = seconds_of(runner)
        await asyncio.sleep(1.0)
        assert seconds_of(runner) - used < 0.3
        assert not knocking.done()
    async with asyncio.timeout(20):
        other = await knocking
    assert other.status.state == "running"
    other.close()


async def test_a_stop_while_nobody_can_look_is_refused_and_can_be_asked_for_again(runners):
    link = await runners.start("sh", "-c", "trap '' TERM HUP; setsid sleep 1000 & sleep 1000; true")
    pid = link.status.pid
    with no_descriptor_free(link.status.runner_pid):
        with pytest.raises(ProcessFailed, match="Too many open files"):
            await link.stop()
        await asyncio.sleep(1.0)
        assert lives(link.status.runner_pid)
        assert lives(pid)
    await link.stop()
    await exited(link)
    assert not lives(pid)
