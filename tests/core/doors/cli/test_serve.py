"""`wzp serve`: when it ends by itself, and when it must not."""

import asyncio

import pytest

from core.doors.cli import serve
from core.doors.cli.context import Run
from core.doors.cli.serve import _Serving
from core.services import HostLease
from storage import Database, Process, ProcessState, StorageError
from tests.support.users import User

ENDS_S = 20.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "LOOK_S", 0.02)
    monkeypatch.setattr(serve, "IDLE_S", 0.2)
    monkeypatch.setattr(serve, "STANDBY_S", 0.2)
    monkeypatch.setattr(serve, "services", lambda database, lease: [Resting()])


class Resting:
    """A service that does nothing."""

    name = "resting"

    async def run(self) -> None:
        await asyncio.Event().wait()


def serving(database: Database, *, until_idle: bool = True) -> _Serving:
    return _Serving(Run(database.home), database, until_idle=until_idle, insist=lambda: None)


async def test_it_ends_when_nothing_is_left(board: User, capsys: pytest.CaptureFixture[str]):
    await asyncio.wait_for(serving(board.database).run(), ENDS_S)
    told = capsys.readouterr().err
    assert "resting running" in told
    assert "Nothing is left to supervise." in told


async def test_it_stays_while_anything_is_desired_or_alive(board: User):
    board.call("add_process", name="web", command=("sleep", "1"))
    task = asyncio.create_task(serving(board.database).run())
    await asyncio.sleep(1.0)
    assert not task.done(), "it is desired"
    board.call("stop_processes", all=True)
    set_state(board, ProcessState.STOPPING)
    await asyncio.sleep(1.0)
    assert not task.done(), "it lives"
    board.call("remove_process", process="web")
    await asyncio.sleep(1.0)
    assert not task.done(), "it lives, though it is shown no more"
    set_state(board, ProcessState.STOPPED)
    await asyncio.wait_for(task, ENDS_S)


async def stays(board: User) -> None:
    """It serves on for longer than one that nobody needs."""
    running = asyncio.create_task(serving(board.database).run())
    await asyncio.sleep(1.0)
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_it_stays_while_a_task_is_queued(board: User):
    task = board.add("Test it", command="make test")
    board.call("queue_task", task=task.id)
    await stays(board)


async def test_it_ends_while_a_run_waits_for_approval(board: User, bob: User):
    task = bob.add("Test it", command="make test")
    bob.call("queue_task", task=task.id)
    await asyncio.wait_for(serving(board.database).run(), ENDS_S)


async def test_it_stays_once_the_run_is_approved(board: User, bob: User):
    task = bob.add("Test it", command="make test")
    bob.call("queue_task", task=task.id)
    board.call("approve_command", task=task.id)
    await stays(board)


async def test_one_that_nobody_needs_ends(board: User, capsys: pytest.CaptureFixture[str]):
    board.call("add_process", name="web", command=("sleep", "1"))
    other = HostLease(board.database)
    assert other.try_take()
    try:
        await asyncio.wait_for(serving(board.database).run(), ENDS_S)
    finally:
        other.give_up()
    assert "Another process runs the services." in capsys.readouterr().err


async def test_without_being_asked_it_stays(board: User):
    task = asyncio.create_task(serving(board.database, until_idle=False).run())
    await asyncio.sleep(1.0)
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_it_ends_where_the_store_is_removed(board: User):
    board.call("add_process", name="web", command=("sleep", "1"))
    task = asyncio.create_task(serving(board.database).run())
    await asyncio.sleep(0.3)
    for path in board.database.home.path.glob("state.db*"):
        path.rename(path.with_name(f"gone-{path.name}"))
    with pytest.raises(StorageError, match="removed"):
        await asyncio.wait_for(task, ENDS_S)


def set_state(user: User, state: ProcessState) -> None:
    with user.database.read() as rows:
        (process,) = rows.every(Process)
    with user.database.write("test") as writer:
        writer._engine.execute_sql(
            "UPDATE process SET state = ?, observed_generation = generation WHERE id = ?", (state.value, process.id)
        )
