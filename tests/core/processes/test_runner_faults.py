"""The runner where the machine is in want: no room for the log, no more processes, a suspended or absent disk."""

import asyncio
import errno
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from core.errors import BackendUnavailable, ProcessFailed
from core.processes.link import RunnerLink, read_status
from core.processes.runner import child
from core.processes.runner.log import OutputLog
from core.processes.wire import short_path
from storage import Home, OutputReader
from tests.support.runners import Runners, exited, running, until


@pytest.fixture
async def runners(home: Home):
    home.create()
    async with running(home) as made:
        yield made


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of half a megabyte."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "none", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip("a file system can be mounted by root only; the test of the limit covers it elsewhere")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


async def test_a_full_log_disk_costs_output_and_never_the_process(runners: Runners, small_disk: Path):
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 200_000)
    link = await runners.start(
        "sh", "-c", "seq 1 200000; read x; echo after", output=small_disk / "log", max_bytes=10_000_000
    )
    await until(lambda: b"200000\r\n" in _shown(link))
    assert (await link.refresh()).state == "running"
    ballast.unlink()
    await asyncio.sleep(0.6)  # it is tried again after half a second
    await link.write(b"\r")
    assert (await exited(link)).exit_code == 0
    told = (small_disk / "log" / "output.log").read_bytes()
    before, _, rest = told.partition(b"\r\n[wezterm-parallel: ")
    lost = int(rest.split()[0])
    everything = b"".join(b"%d\r\n" % number for number in range(1, 200_001))
    assert everything.startswith(before)
    assert told.endswith(b"after\r\n")
    assert len(before) + lost <= len(everything) + 2
    assert len(before) + lost >= len(everything)


def _shown(link: RunnerLink) -> bytes:
    """What the runner has taken from the terminal, asked without the loop."""
    import json
    import socket

    with socket.socket(socket.AF_UNIX) as asking:
        with short_path(link.folder / "socket") as path:
            asking.connect(path)
        asking.sendall(b'{"id": 1, "do": "screen"}\n')
        lines = asking.makefile("rb")
        lines.readline()
        import base64

        return base64.b64decode(json.loads(lines.readline())["screen"])


def test_a_limit_on_the_size_of_files_is_as_a_full_disk(tmp_path: Path):
    program = (
        f"import sys, resource; sys.path.insert(0, {str(Path(__file__).parents[3])!r})\n"
        "from core.processes.runner.log import OutputLog\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 100_000))\n"
        "log = OutputLog(sys.argv[1], 1_000_000, 3)\n"
        "for _ in range(30): log.append(b'0123456789' * 100)\n"
        "lost = log.lost\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "log.close(); print(lost, log.lost)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["20000", "0"]
    told = (tmp_path / "output.log").read_bytes()
    assert told.startswith(b"0123456789" * 1000)
    assert b"20000 bytes of output were lost" in told


def test_a_log_that_is_removed_is_begun_anew(tmp_path: Path):
    log = OutputLog(str(tmp_path), 1_000_000, 3)
    log.append(b"one\r\n")
    for file in tmp_path.iterdir():
        file.unlink()
    log._look_at = 0.0  # it looks every two seconds
    log.append(b"two\r\n")
    log.close()
    lines = list(OutputReader(tmp_path).lines())
    assert [(line.text, line.offset) for line in lines] == [(b"two", 5)]


async def test_without_a_place_for_the_log_the_process_runs(runners: Runners):
    place = runners.home.path / "file"
    link = await runners.start("sh", "-c", "echo hello; sleep 1000", output=runners.home.logs / "gone")
    assert link.status.state == "running"
    place.write_text("")
    with pytest.raises(BackendUnavailable, match="cannot be made"):
        await runners.start("sleep", "1", name="prc_b", output=place)


async def test_the_limit_on_processes_is_told_as_such_and_passes(runners: Runners, tmp_path: Path):
    """As another user, since no limit binds root."""
    if os.getuid():
        pytest.skip("only root can become another user")
    program = f"""
import asyncio, os, resource, sys
sys.path.insert(0, {str(Path(__file__).parents[3])!r})
os.environ["HOME"] = sys.argv[1]
import core.processes.backends.local
from core.processes.backends.launching import in_thread
from pathlib import Path
from core.errors import ProcessFailed
from core.processes.backend import backend_for
from core.processes.link import Launch
from storage import Backend, Home, ParallelError, boot_id, encode_json  # while their files can be read
os.setgid(54321); os.setuid(54321)
home = Home(Path(sys.argv[1])); home.create()
launch = Launch(process="prc_a", folder=home.run / "processes" / "prc_a" / "r1", argv=("sleep", "1"), cwd=Path("/"),
    env=dict(os.environ), output=home.logs / "processes" / "prc_a", max_bytes=10000, files=2, stop_signal="SIGTERM",
    grace_s=1, token=1)
async def main():
    if sys.argv[2] != "thread":
        await in_thread(int)
    room = len(os.listdir("/proc/self/task"))
    resource.setrlimit(resource.RLIMIT_NPROC, (room, room))
    try:
        await backend_for(Backend.LOCAL, home).start(launch)
    except ProcessFailed as error:
        print(error.message, error.details.get("passing"), launch.folder.exists())
asyncio.run(main())
"""
    place = tmp_path / "theirs"
    place.mkdir()
    above = Path(os.environ.get("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir()))
    for each in (place, *(parent for parent in place.parents if parent.is_relative_to(above) and parent != above)):
        each.chmod(0o755)
    os.chown(place, 54321, 54321)
    for wanting in ("thread", "runner"):
        done = subprocess.run(
            [sys.executable, "-c", program, str(place), wanting], capture_output=True, text=True, timeout=60
        )
        assert "no more processes. True False" in done.stdout, done


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENOMEM, errno.EMFILE])
def test_a_limit_that_only_the_process_meets_is_told_too(monkeypatch: pytest.MonkeyPatch, number: int):
    def refuse() -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("core.processes.runner.child.os.fork", refuse)
    with pytest.raises(child.StartError, match="'sleep' could not be started") as refused:
        child.spawn(["sleep", "1"], "/", {}, 24, 80, 0o22)
    assert refused.value.passing


async def test_a_runner_that_finds_no_room_for_its_state_goes_on(runners: Runners):
    link = await runners.start("sh", "-c", "read x; exit 3")
    runner = link.status.runner_pid
    before = resource.prlimit(runner, resource.RLIMIT_FSIZE)
    resource.prlimit(runner, resource.RLIMIT_FSIZE, (0, before[1]))
    await link.write(b"\r")
    status = await exited(link)
    assert status.exit_code == 3
    assert read_status(link.folder).state == "running"  # type: ignore[union-attr]
    resource.prlimit(runner, resource.RLIMIT_FSIZE, before)
    await until(lambda: read_status(link.folder) == status)


async def test_a_suspended_runner_is_told_as_such(runners: Runners, monkeypatch: pytest.MonkeyPatch):
    import signal

    monkeypatch.setattr("core.processes.link.ANSWER_S", 0.2)
    link = await runners.start("sleep", "100")
    os.kill(link.status.runner_pid, signal.SIGSTOP)
    try:
        with pytest.raises(BackendUnavailable, match="has not answered"):
            await link.refresh()
        with pytest.raises(BackendUnavailable):
            await RunnerLink.connect(link.folder)
    finally:
        os.kill(link.status.runner_pid, signal.SIGCONT)
    monkeypatch.undo()
    assert (await link.refresh()).state == "running"


async def test_a_long_path_to_the_home_is_no_hindrance(tmp_path: Path):
    home = Home(tmp_path / ("long" * 30) / "home")
    home.create()
    async with running(home) as runners:
        link = await runners.start("sleep", "100")
        assert len(str(link.folder / "socket")) > 108
        await link.stop()
        await exited(link)
        with pytest.raises(ProcessFailed):
            await link.write(b"x")


async def test_what_was_lost_is_told_though_the_process_is_silent_by_then(runners: Runners, small_disk: Path):
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 200_000)
    link = await runners.start(
        "sh", "-c", "seq 1 200000; exec sleep 1000", output=small_disk / "log", max_bytes=10_000_000
    )
    await until(lambda: b"200000\r\n" in _shown(link))
    ballast.unlink()
    await until(lambda: b"bytes of output were lost here" in (small_disk / "log" / "output.log").read_bytes())
