"""What all backends do to start a runner: prepare its folder, say what to run, and hear how it went."""

import asyncio
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

from core.errors import BackendUnavailable, ProcessFailed
from core.processes.link import Launch
from core.processes.runner.tree import DETACHED
from core.processes.wire import refusal
from storage import boot_id, decode_json, encode_json

Result = TypeVar("Result")

START_S: Final = 30.0
"""A runner that has not said a word for so long will not: the machine is out of memory or the disk hangs."""

STARTER: Final = Path(__file__).resolve().parent.parent / "runner" / "start.py"

THREADS: Final = 8
"""For starting: it waits for programs, and must take no thread from those that write."""


def in_thread(function: Callable[..., Result], *arguments: Any) -> "asyncio.Future[Result]":
    """Call a function in one of the threads that start runners.

    Raises:
        ProcessFailed: there is no room for threads.
    """
    return asyncio.get_running_loop().run_in_executor(_threads(), function, *arguments)


@cache
def _threads() -> ThreadPoolExecutor:
    """The threads, all begun at once: a pool that finds no room for one later would refuse a call and yet make it."""
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="start-runner")
    are_all_there = threading.Event()
    try:
        for _ in range(THREADS):
            pool.submit(are_all_there.wait)
    except RuntimeError as error:
        pool.shutdown(wait=False, cancel_futures=True)
        raise no_more_processes("A runner") from error
    finally:
        are_all_there.set()
    return pool


def no_more_processes(what: str) -> ProcessFailed:
    """The error of a limit on processes that is reached; it may be otherwise in a while."""
    return ProcessFailed(
        f"{what} could not be started: the system allows no more processes.",
        "End some, or raise the limit (`ulimit -u`, or the container's).",
        passing=True,
    )


def runner_argv(folder: Path, *options: str) -> list[str]:
    """The command of a runner: isolated from what is installed or lies about where it runs."""
    return [sys.executable, "-I", "-S", str(STARTER), str(folder), *options]


def runner_environment() -> dict[str, str]:
    """What a runner itself needs; the process's own environment comes with the launch."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ} | {DETACHED: "1"}


def launch_line(launch: Launch) -> bytes:
    """The launch as the runner reads it."""
    return _ascii(
        {
            "argv": list(launch.argv), "cwd": str(launch.cwd), "env": dict(launch.env), "output": str(launch.output),
            "max_bytes": launch.max_bytes, "files": launch.files, "stop_signal": launch.stop_signal,
            "grace_s": launch.grace_s, "token": launch.token, "rows": launch.rows, "columns": launch.columns,
            "boot_id": boot_id(),
        }
    )  # fmt: skip


@contextmanager
def prepared(launch: Launch) -> Iterator[None]:
    """Make the folders; take the runner's away again where starting fails.

    Raises:
        BackendUnavailable: they cannot be made.
    """
    try:
        for folder in (launch.folder, launch.output):
            for outer in (folder.parent.parent, folder.parent):
                outer.mkdir(mode=0o700, exist_ok=True)
        launch.folder.mkdir(mode=0o700)
        launch.output.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise BackendUnavailable(
            f"The folder {launch.folder} for a runner cannot be made: {error.strerror}.",
            "Look at the home's disk and permissions.",
        ) from error
    try:
        yield
    except BaseException:
        shutil.rmtree(launch.folder, ignore_errors=True)
        raise


def require_started(answer: bytes, launch: Launch) -> None:
    """Look at a runner's first word.

    Raises:
        ProcessFailed: it could not start the program, or another runner has the process; `details["passing"]` is set
            where trying again later may help.
        HostLost: a later host has the process.
        BackendUnavailable: the runner itself did not come up.
    """
    try:
        told: dict[str, Any] = decode_json(answer)
    except ValueError:
        raise not_begun(launch) from None
    if told.get("failed") == "fork":
        raise no_more_processes(f"'{launch.argv[0]}'")
    if "failed" in told:
        details = {"passing": True} if told.get("passing") else {}
        raise refusal(told["failed"], told["message"], told.get("hint"), **details)


def not_begun(launch: Launch) -> BackendUnavailable:
    """The error of a runner that said nothing; with what Python said, if it did."""
    try:
        last = (launch.folder / "runner.log").read_text(errors="replace").strip().splitlines()[-1:]
    except OSError:
        last = []
    said = f" ({last[0][:200]})" if last else ""
    return BackendUnavailable(
        f"The runner of process {launch.process} did not begin{said}.", "Look at the machine's memory and disk."
    )


def _ascii(value: dict[str, Any]) -> bytes:
    """JSON in ASCII: environments and paths may hold bytes that are no UTF-8, which come through as surrogates."""
    try:
        return encode_json(value) + b"\n"
    except (UnicodeEncodeError, ValueError):
        import json

        return json.dumps(value).encode() + b"\n"
