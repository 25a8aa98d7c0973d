"""A benchmark that is interrupted leaves nothing behind: neither what outlives its host by design, nor its folder."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.left import left_in

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
PATIENCE_S = 60.0

pytestmark = pytest.mark.system


@pytest.mark.parametrize(
    ("command", "shows", "number"),
    [
        (["process_screen.py", "--processes", "3"], "sleep 1000", signal.SIGTERM),
        (["process_start.py"], "sleep 100000", signal.SIGINT),
        (["run_queue.py"], "worker.py", signal.SIGHUP),
        (["run_all.py", "--quick"], "change_feed.py --child", signal.SIGTERM),
    ],
    ids=lambda each: Path(each[0]).stem if isinstance(each, list) else None,
)
def test_nothing_is_left_of_a_benchmark_that_a_signal_ends(
    tmp_path: Path, command: list[str], shows: str, number: signal.Signals
) -> None:
    benchmark = subprocess.Popen(
        [sys.executable, str(BENCHMARKS / command[0]), *command[1:]], start_new_session=True,
        stdout=subprocess.DEVNULL, env={**os.environ, "WZP_BENCH_DIR": str(tmp_path)},
    )  # fmt: skip
    try:
        until = time.monotonic() + PATIENCE_S
        while not any(shows in each for each in left_in(tmp_path)):
            assert benchmark.poll() is None, "it has ended by itself"
            assert time.monotonic() < until, "nothing of it runs"
            time.sleep(0.05)
        benchmark.send_signal(number)  # to itself alone: what it has started hears of nothing
        assert benchmark.wait(PATIENCE_S) == -number
        assert left_in(tmp_path) == []
        assert list(tmp_path.iterdir()) == []
    finally:
        benchmark.kill()
        benchmark.wait()
        for each in left_in(tmp_path):
            with suppress(ProcessLookupError):
                os.kill(int(each.split()[0]), signal.SIGKILL)
