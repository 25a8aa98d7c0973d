"""Runs whose processes are killed and do not go: the person is told, others go on, and the next attempt waits."""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from core.dispatch import WORKER_ARGV, trees
from core.doors.cli.drawing.runs import run_list, run_view
from core.errors import RuleRefusal
from core.shapes import Shaper
from storage import RunState, Status
from tests.support import workers as support
from tests.support.users import User
from tests.support.workers import Workers, dispatching, runs_of, until, workers_of

LAME = f"""
import os, runpy, signal
send = signal.pidfd_send_signal
def lose(descriptor, number):
    with open(f"/proc/self/fdinfo/{{descriptor}}") as file:
        pid = next(line.split()[1] for line in file if line.startswith("Pid:"))
    if not (os.path.exists("stuck") and pid in open("stuck").read().split()):
        send(descriptor, number)
signal.pidfd_send_signal = lose
runpy.run_path({WORKER_ARGV[-1]!r}, run_name="__main__")
"""
"""A worker whose signals do not reach the processes that the file `stuck` names, as if they hung in the kernel."""

HANG = "echo $$ > stuck.new; mv stuck.new stuck; trap '' TERM; while :; do sleep 0.05; done"


@pytest.fixture
def workers(board: User, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(support, "WORKER_ARGV", [*WORKER_ARGV[:-1], "-c", LAME])
    with workers_of(board) as found:
        yield found
        if (stuck := Path(found.root) / "stuck").exists():
            let_go(stuck)


def let_go(stuck: Path) -> None:
    """End what hangs."""
    with suppress(ProcessLookupError):
        os.kill(int(stuck.read_text()), signal.SIGKILL)


def alerts_of(board: User):
    with board.database.read() as rows:
        return [each for each in rows.alerts(board.call("get_room").id) if each.rule == "run_stuck"]


async def test_a_run_that_does_not_die_is_told_of_until_it_has(board: User, workers: Workers):
    workers.add("worker-1", stop_grace_seconds=0.1)
    task = board.call("create_task", title="Hang", command=HANG, idempotent=True)
    stuck = Path(workers.root) / "stuck"
    async with dispatching(board.database):
        board.call("queue_task", task=task.id)
        await until(stuck.exists)
        pid = int(stuck.read_text())
        run = runs_of(board, task.id)[-1]
        board.call("cancel_run", run=run.id)
        (alert,) = await until(lambda: alerts_of(board))
        for told in (f"#{task.number}", "attempt 1", run.id[-8:], "worker-1", str(pid)):
            assert told in alert.message
        assert f"-p {pid}" in alert.hint
        other = board.call("create_task", title="Other", command="true")
        board.call("queue_task", task=other.id)
        await until(lambda: board.call("get_task", task=other.id).task.status is Status.REVIEW)
        known = runs_of(board, task.id)[-1]
        assert known.state is RunState.RUNNING
        assert known.started_at < known.stuck_since
        with board.database.read() as rows:
            wire = Shaper(rows).shape(known)
        for drawn in (run_list([wire]), run_view(wire)):
            assert "stuck" in drawn
            assert "the next attempt waits until they have" in " ".join(drawn.split())
        with pytest.raises(RuleRefusal, match="do not go"):
            board.call("retry_run", run=run.id)
        assert alerts_of(board)[0].seen_count == 1, "raised once"
        let_go(stuck)
        await until(lambda: runs_of(board, task.id)[-1].state is RunState.CANCELLED)
    assert runs_of(board, task.id)[-1].stuck_since is None
    assert not alerts_of(board)


async def test_the_next_host_knows_what_is_stuck_and_tells_nothing_anew(board: User, workers: Workers):
    workers.add("worker-1", stop_grace_seconds=0.1)
    task = board.call("create_task", title="Hang", command=HANG)
    stuck = Path(workers.root) / "stuck"
    async with dispatching(board.database):
        board.call("queue_task", task=task.id)
        await until(stuck.exists)
        board.call("cancel_run", run=runs_of(board, task.id)[-1].id)
        await until(lambda: alerts_of(board))
    before = runs_of(board, task.id)[-1]
    board.call("resolve_alerts", alerts=(alerts_of(board)[0].id,))
    async with dispatching(board.database):
        other = board.call("create_task", title="Other", command="true")
        board.call("queue_task", task=other.id)
        await until(lambda: board.call("get_task", task=other.id).task.status is Status.REVIEW)
        assert runs_of(board, task.id)[-1].stuck_since == before.stuck_since
        assert not alerts_of(board), "resolved by hand"
        let_go(stuck)
        await until(lambda: runs_of(board, task.id)[-1].state is RunState.CANCELLED)


async def test_what_a_lost_worker_leaves_and_does_not_die_is_told_of(board: User, workers: Workers, monkeypatch):
    worker = workers.add("worker-1")
    task = board.call("create_task", title="Hang", command="sleep 1000", idempotent=True, attempts=2)
    async with dispatching(board.database):
        board.call("queue_task", task=task.id)
        run = await until(lambda: next((r for r in runs_of(board, task.id) if r.state is RunState.RUNNING), None))
        is_stuck = True
        kill_marked = trees.kill_marked
        monkeypatch.setattr(trees, "kill_marked", lambda runs: {4711: run.id} if is_stuck else kill_marked(runs))
        workers.kill(worker.id)
        (alert,) = await until(lambda: alerts_of(board))
        assert "4711" in alert.message
        assert runs_of(board, task.id)[-1].stuck_since is not None
        await asyncio.sleep(0.1)
        is_stuck = False
        await until(lambda: len(runs_of(board, task.id)) == 2)
        assert not alerts_of(board)
        board.call("cancel_run", run=runs_of(board, task.id)[-1].id)
