"""Trees of processes, as the kernel tells of them and as `ps` does."""

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from core.dispatch import trees
from tests.support.workers import until


@pytest.fixture(params=[True, False], ids=["proc", "ps"])
def source(request, monkeypatch) -> None:
    monkeypatch.setattr(trees, "IS_LINUX", request.param and trees.IS_LINUX)


@pytest.fixture
def tree() -> Iterator[subprocess.Popen[str]]:
    """A shell with a child and, in a session of its own, a grandchild."""
    program = subprocess.Popen(
        ["sh", "-c", "setsid sh -c 'sleep 1000; true' & echo ready; wait"], stdout=subprocess.PIPE, text=True
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "ready\n"
    try:
        yield program
    finally:
        trees.signal_tree(program.pid, signal.SIGKILL)
        program.kill()
        program.wait()
        program.stdout.close()


async def test_all_that_is_below_a_process_is_found_and_signalled(source, tree: subprocess.Popen[str]):
    found = await until(lambda: len(pids := trees.below(tree.pid, trees.process_table())) == 2 and pids)
    assert sorted(trees.signal_tree(tree.pid, signal.SIGKILL)) == sorted(found)
    assert await until(lambda: not trees.below(tree.pid, trees.process_table()))
    assert tree.wait(20) == 0
    # an orphan is below nobody, and may take a moment to die
    assert await until(lambda: not set(found) & trees.process_table().keys())


async def test_who_is_dead_and_not_reaped_yet_is_not_there(source):
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert pid not in trees.process_table()
    os.waitpid(pid, 0)


@pytest.mark.skipif(not trees.IS_LINUX, reason="only Linux tells when a process started, to the tick")
def test_a_number_that_is_anothers_by_now_is_not_signalled():
    program = subprocess.Popen(["sleep", "1000"])
    try:
        _, started = trees.process_table()[program.pid]
        assert started is not None
        trees.signal_one(program.pid, started - 1, signal.SIGKILL)
        assert program.poll() is None
        trees.signal_one(program.pid, started, signal.SIGKILL)
        assert program.wait(20) == -signal.SIGKILL
    finally:
        program.kill()
        program.wait()
