"""The collector on the real machine: processes, events, the file, and the service around it."""

import asyncio
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from core.metrics import system
from core.metrics.collector import Collector
from core.metrics.system import Measured
from core.services import HostLease, MetricsService
from storage import Database, MetricsReader, ProcessState, StorageFull, Subject
from tests.support.measured import note_running, note_state
from tests.support.users import User

DEADLINE_S = 30.0


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sh", "-c", "sleep 300 & sleep 300"], start_new_session=True)
    yield process
    os.killpg(process.pid, 9)
    process.wait()


@pytest.fixture
def collector(board: User) -> Iterator[Collector]:
    collector = Collector(board.database)
    collector.begin()
    yield collector
    collector._store.close()


def test_a_second_has_the_machine_the_processes_and_the_boards(
    board: User, collector: Collector, sleeper: subprocess.Popen[bytes]
) -> None:
    process = note_running(board, "web", sleeper.pid)
    board.add("Fix", status="todo")
    now = int(time.time())
    collector.tick(now - 1)
    tick = collector.tick(now)
    kinds = {subject.kind for subject in tick.measured}
    assert kinds >= {"cpu", "load", "memory", "disk", "io", "network", "process", "board", "queue"}
    assert tick.measured[Subject("board", process.room_id)]["todo"] == 1
    sample = MetricsReader(board.database.home).latest()[process.id]
    assert sample.cpu_percent is not None
    assert sample.memory_bytes > 0
    assert sample.children in (1, 2)
    usage = board.call("get_usage")
    assert usage.processes[0].name == "web"
    assert usage.processes[0].memory_bytes == sample.memory_bytes


def test_a_process_that_has_ended_or_whose_pid_is_another_s_has_no_values(
    board: User, collector: Collector, sleeper: subprocess.Popen[bytes]
) -> None:
    process = note_running(board, "web", sleeper.pid)
    assert Subject("process", process.id) in collector.tick(1_800_000_000).measured
    process = note_state(board, process, ProcessState.RUNNING, pid=sleeper.pid, pid_started=7)
    assert Subject("process", process.id) not in collector.tick(1_800_000_001).measured
    note_state(board, process, ProcessState.EXITED)
    assert board.call("get_usage").processes[0].memory_bytes is None
    assert collector.tick(1_800_000_002).processes == ()


def test_a_new_room_s_board_is_measured_at_once(board: User, collector: Collector) -> None:
    collector.tick(1_800_000_000)
    board.call("create_room", name="second", root=board.database.home.path)
    names = collector.tick(1_800_000_001).rooms.values()
    assert sorted(names) == ["demo", "second"]


def test_a_disk_that_hangs_holds_up_nothing_else(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on = threading.Event()

    def hang(_: object) -> Measured:
        goes_on.wait(DEADLINE_S)
        return {}

    monkeypatch.setattr(system, "_space", hang)
    monkeypatch.setattr(system, "DISKS_S", 0.0)
    for second in range(3):
        measured = collector.tick(1_800_000_000 + second).measured
        assert Subject("cpu") in measured
        assert not [subject for subject in measured if subject.kind == "disk"]
    assert [each.name for each in threading.enumerate()].count("disks") == 1
    goes_on.set()


def test_a_full_disk_is_told_once_and_measuring_goes_on(
    board: User, collector: Collector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    collector.tick(1_800_000_000)
    put = collector._store.put

    def full(*_: object) -> None:
        raise StorageFull("No space is left.", "Free some.")

    monkeypatch.setattr(collector._store, "put", full)
    with caplog.at_level(logging.WARNING):
        for second in range(1, 4):
            assert collector.tick(1_800_000_000 + second).measured
    assert len([each for each in caplog.records if "No space is left" in each.getMessage()]) == 1
    monkeypatch.setattr(collector._store, "put", put)
    collector.tick(1_800_000_005)
    assert MetricsReader(board.database.home).newest()[0] == 1_800_000_005


def test_a_file_damaged_while_it_is_written_is_set_aside(board: User, collector: Collector) -> None:
    home = board.database.home
    for second in range(200):
        collector.tick(1_800_000_000 + second)
    engine = collector._store._engine
    assert engine is not None
    engine.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    damage = f"import sys; f = open(sys.argv[1], 'r+b'); f.write(b'\\xff' * {home.metrics.stat().st_size})"
    engine.execute_sql("PRAGMA shrink_memory").fetchall()  # or it would go on reading what it remembers
    subprocess.run([sys.executable, "-c", damage, str(home.metrics)], check=True)  # in this process it is refused
    for second in range(200, 204):
        collector.tick(1_800_000_000 + second)
    assert MetricsReader(home).newest()[0] == 1_800_000_203
    assert list((home.path / "trash").iterdir())


async def test_the_service_measures_until_it_is_cancelled(board: User) -> None:
    lease = HostLease(board.database)
    assert lease.try_take()
    reader = MetricsReader(board.database.home)
    running = asyncio.create_task(MetricsService(board.database, lease).run())
    try:
        end = time.monotonic() + DEADLINE_S
        while reader.newest()[0] < time.time() - 2:
            assert time.monotonic() < end
            assert not running.done()
            await asyncio.sleep(0.1)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        lease.give_up()
    last = reader.newest()[0]
    await asyncio.sleep(1.5)  # what has ended writes nothing more: only time can show that
    assert reader.newest()[0] == last


async def test_a_store_that_cannot_be_read_is_the_service_s_failure(board: User, database: Database) -> None:
    service = MetricsService(database, HostLease(database))
    with database.write("test") as writer:
        writer._connection.execute("ALTER TABLE task RENAME TO gone").fetchall()
    with pytest.raises(Exception, match="task"):
        await asyncio.wait_for(service.run(), DEADLINE_S)
