"""The end of a benchmark, however it comes: nothing is left of what it has started, nor the folder it worked in.

Runners and workers outlive their host by design, and so they would outlive a benchmark that is interrupted. Each one
therefore goes through `run`, and works in a `scratch_folder`.
"""

import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import psutil

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE_S = 10.0
LOOK_S = 0.02
MARK = "BENCHMARK_FOLDER"
"""Names the folder to all that is started in it: programs whose arguments and working directory say nothing of it."""

_folders: list[Path] = []
_owner = 0


def run(main: Callable[[], int | None]) -> None:
    """Carry out a benchmark as this program; whatever ends it, a signal too (but SIGKILL), ends all that it started."""
    global _owner
    _owner = os.getpid()
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, _interrupted)
    try:
        code = main()
    finally:
        end_all()
    sys.exit(code)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder on the disk (not in memory: durable writes are part of what is measured), gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="wzp-bench-", dir=os.environ.get("WZP_BENCH_DIR", "/var/tmp"))).resolve()
    before = os.environ.get(MARK)
    os.environ[MARK] = str(folder)
    _folders.append(folder)
    try:
        yield folder
    finally:
        _end(lambda: _living_in([folder]))
        shutil.rmtree(folder, ignore_errors=True)
        _folders.remove(folder)
        if before is None:
            del os.environ[MARK]
        else:
            os.environ[MARK] = before


def end_all() -> None:
    """End what this program has started and what lies in its folders, and remove these."""
    _end(lambda: [*psutil.Process().children(recursive=True), *_living_in(_folders)])
    for folder in _folders:
        shutil.rmtree(folder, ignore_errors=True)


def _interrupted(number: int, _frame: FrameType | None) -> None:
    if os.getpid() == _owner:  # and not in a fork that has not become another program yet
        end_all()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)  # so that who waits for us learns what it was


def _end(left: Callable[[], list[psutil.Process]]) -> None:
    """Kill until nothing is left: what is killed may just have started others."""
    until = time.monotonic() + PATIENCE_S
    while found := [each for each in left() if not _is_dead(each)]:
        if time.monotonic() > until:
            print(f"still there: {', '.join(str(each) for each in found)}", file=sys.stderr)
            return
        for each in found:
            with suppress(psutil.Error):  # psutil looks at the start time first: never at another of the same number
                each.kill()
        time.sleep(LOOK_S)


def _is_dead(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return True


def _living_in(folders: list[Path]) -> list[psutil.Process]:
    """The processes that name one of our folders in their variables or arguments, or work in it; but us and above."""
    if not folders:
        return []
    own = {os.getpid(), *(each.pid for each in psutil.Process().parents())}
    return [each for each in psutil.process_iter() if each.pid not in own and _lives_in(each, folders)]


def _lives_in(process: psutil.Process, folders: list[Path]) -> bool:
    told: list[str] = []
    for ask in (process.cwd, process.cmdline, lambda: process.environ().values()):
        with suppress(psutil.Error, OSError):
            answer = ask()
            told += [answer] if isinstance(answer, str) else answer
    return any(each == str(folder) or each.startswith(f"{folder}/") for each in told for folder in folders)
