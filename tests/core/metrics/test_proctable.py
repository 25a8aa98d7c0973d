"""The process table: real processes, trees by one map, and counters that never go back."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest

from core.metrics import proctable
from core.metrics.proctable import ProcessTable, parse_stat

DEADLINE_S = 30.0


@pytest.fixture
def spawn() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a program in a process group of its own, which is ended afterwards."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*argv: str) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(argv, start_new_session=True, stdout=subprocess.PIPE))
        return started[-1]

    yield start
    for each in started:
        with suppress(ProcessLookupError):
            os.killpg(each.pid, signal.SIGKILL)
        each.wait()
        if each.stdout is not None:
            each.stdout.close()


def _until(found: Callable[[ProcessTable], bool]) -> ProcessTable:
    """The first table of which something is true."""
    end = time.monotonic() + DEADLINE_S
    while True:
        table = ProcessTable.read()
        if found(table):
            return table
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.02)


def _started(pid: int) -> int:
    return parse_stat(Path(f"/proc/{pid}/stat").read_bytes()).started


def _are_all_sleeping(table: ProcessTable, runner: int) -> bool:
    """Whether all below a runner have become what they are to be."""
    return all(row.name == "sleep" for row in table.tree_of(runner)[1:])


def test_a_line_is_read_whatever_the_name_of_the_process() -> None:
    line = b"42 (a) b (x) ((S) R) S 7 " + b" ".join(str(n).encode() for n in range(5, 53)) + b"\n"
    entry = parse_stat(line)
    assert entry.name == "a) b (x) ((S) R"
    assert (entry.parent, entry.state) == (7, "S")


def test_a_tree_is_cut_from_one_table(spawn: Callable[..., subprocess.Popen[bytes]]) -> None:
    parent = spawn("/bin/sh", "-c", "sh -c 'sleep 61; :' & sleep 62; :")
    names = ["sh", "sh", "sleep", "sleep"]  # a fork bears its parent's name until it has become what it is to be
    table = _until(lambda table: sorted(row.name for row in table.tree_of(parent.pid)) == names)
    rows = table.tree_of(parent.pid, _started(parent.pid))
    assert rows[0].pid == parent.pid
    assert [row.depth for row in rows if row.name == "sleep"].count(2) == 1
    usage = table.usage(parent.pid, None, None)
    assert usage is not None
    assert usage.processes == 4
    assert usage.threads == 4
    assert usage.memory_bytes == sum(row.memory_bytes for row in rows) > 0
    assert usage.cpu_percent is None


def test_a_pid_that_another_has_now_is_not_the_process(spawn: Callable[..., subprocess.Popen[bytes]]) -> None:
    process = spawn("sleep", "60")
    table = _until(lambda table: table.has(process.pid))
    started = _started(process.pid)
    assert table.tree_of(process.pid, started)
    assert table.tree_of(process.pid, started - 1) == ()
    assert table.usage(process.pid, started - 1, table) is None
    assert table.tree_of(2**22 + 1) == ()


def test_what_a_busy_tree_uses_is_counted_in_percent_of_a_core(spawn: Callable[..., subprocess.Popen[bytes]]) -> None:
    process = spawn("/bin/sh", "-c", f"{sys.executable} -c 'while True: pass' & wait")
    before = _until(lambda table: len(table.tree_of(process.pid)) == 2)
    after = _until(lambda table: table.at > before.at + 1.0)
    usage = after.usage(process.pid, _started(process.pid), before)
    assert usage is not None
    assert usage.cpu_percent is not None
    assert 5 < usage.cpu_percent < 130


def test_the_time_of_a_child_that_has_died_is_kept_and_counted_once(
    spawn: Callable[..., subprocess.Popen[bytes]],
) -> None:
    burn = "import time\nwhile time.process_time() < 0.4: pass"
    process = spawn("/bin/sh", "-c", f'for i in 1 2 3; do {sys.executable} -c "{burn}"; done; echo done; sleep 60')
    started = _started(process.pid)
    tables = [ProcessTable.read()]
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    end = time.monotonic() + DEADLINE_S
    while process.stdout.read(10) is None:
        assert time.monotonic() < end
        time.sleep(0.05)
        tables.append(ProcessTable.read())
    tables.append(ProcessTable.read())
    used = 0.0
    for before, after in pairwise(tables):
        usage = after.usage(process.pid, started, before)
        assert usage is not None
        assert usage.cpu_percent is not None
        assert usage.cpu_percent >= 0
        used += usage.cpu_percent / 100 * (after.at - before.at)
    assert used == pytest.approx(3 * 0.42, abs=0.35)


def test_an_orphan_below_the_runner_belongs_to_the_tree(
    spawn: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    runner = tmp_path / "runner" / "start.py"
    runner.parent.mkdir()
    runner.write_text(
        "import ctypes, subprocess, time\n"
        "ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER\n"
        "leader = subprocess.Popen(['sh', '-c', '(sleep 60 &) ; (WZP_DETACHED=1 sleep 62 &) ; exec sleep 61'])\n"
        "print(leader.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    process = spawn(sys.executable, "-S", str(runner))
    assert process.stdout is not None
    leader = int(process.stdout.readline())
    started = _started(leader)
    table = _until(lambda table: len(table.tree_of(process.pid)) == 4 and _are_all_sleeping(table, process.pid))
    assert [(row.depth, row.name) for row in table.tree_of(leader, started)] == [(0, "sleep"), (1, "sleep")]
    usage = table.usage(leader, started, None)
    assert usage is not None
    assert usage.processes == 2


def test_counters_that_go_back_count_nothing() -> None:
    entry = parse_stat(b"9 (x) S 1 " + b" ".join(b"100" for _ in range(48)))
    before = ProcessTable(1.0, {9: entry, 10: entry._replace(parent=9)})
    after = ProcessTable(2.0, {9: entry._replace(own=entry.own - 1, reaped=entry.reaped - 1)})
    usage = after.usage(9, 100, before)
    assert usage is not None
    assert usage.cpu_percent == 0.0


def test_processes_that_come_and_go_do_not_disturb_the_pass(spawn: Callable[..., subprocess.Popen[bytes]]) -> None:
    spawn("/bin/sh", "-c", "while :; do /bin/true; done")
    for _ in range(50):
        assert ProcessTable.read().has(os.getpid())


def test_the_portable_pass_tells_the_same() -> None:
    own = ProcessTable.read().tree_of(os.getpid())[0]
    there = ProcessTable(0.0, proctable._read_psutil()).tree_of(os.getpid())[0]
    assert (own.pid, own.parent, own.threads) == (there.pid, there.parent, there.threads)
    assert own.memory_bytes == pytest.approx(there.memory_bytes, rel=0.1)
