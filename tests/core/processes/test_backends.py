"""Both backends keep the same promises; a real tmux of the test's own."""

import asyncio
import contextlib
import os
import signal
import subprocess
import uuid
from collections.abc import Iterator

import pytest

from core.errors import BackendUnavailable, HostLost, ProcessFailed
from core.processes.backend import backend_for
from core.processes.backends.tmux import SOCKET_VARIABLE, TmuxBackend
from core.processes.link import RunnerLink, is_runner_alive, read_status, runner_folders
from storage import Backend, Home
from tests.support.runners import Runners, exited, lives, marked, running, until


class Tmux:
    """A tmux server of the test's own."""

    def __init__(self) -> None:
        self.socket = f"wzp-test-{os.getpid()}-{uuid.uuid4().hex[:8]}"

    def __call__(self, *words: str) -> str:
        return subprocess.run(["tmux", "-L", self.socket, *words], capture_output=True, text=True, check=False).stdout

    def shown(self, pane: str | None) -> str:
        return self("capture-pane", "-p", "-t", pane or "")


@pytest.fixture
def tmux(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tmux]:
    made = Tmux()
    monkeypatch.setenv(SOCKET_VARIABLE, made.socket)
    monkeypatch.delenv("TMUX", raising=False)
    monkeypatch.delenv("TMUX_PANE", raising=False)
    yield made
    made("kill-server")


@pytest.fixture(params=[Backend.LOCAL, Backend.TMUX])
async def either(request: pytest.FixtureRequest, home: Home, tmux: Tmux):
    home.create()
    async with running(home, backend_for(request.param, home)) as made:
        yield made


@pytest.fixture
async def panes(home: Home, tmux: Tmux):
    home.create()
    async with running(home, backend_for(Backend.TMUX, home)) as made:
        yield made


async def test_start_output_input_and_end_are_alike(either: Runners):
    link = await either.start("sh", "-c", 'echo "$SECRET"; read line; echo "got $line"; exit 3', env={
        "PATH": os.environ["PATH"], "SECRET": "a b'c\"$d"})  # fmt: skip
    await until(lambda: b"a b'c\"$d\r\n" in either.printed())
    await link.write(b"hello\r")
    status = await exited(link)
    assert status.exit_code == 3
    assert b"got hello" in either.printed()
    await link.release()
    assert not link.folder.exists()


async def test_stop_and_fencing_are_alike(either: Runners):
    link = await either.python(
        "import os, signal, time\nsignal.signal(15, signal.SIG_IGN)\nif os.fork() == 0: os.setsid()\n"
        "print('up', flush=True)\ntime.sleep(1000)"
    )
    await until(lambda: b"up" in either.printed())
    newer = await RunnerLink.connect(link.folder, 2)
    with pytest.raises(HostLost):
        await link.stop(0.1)
    await newer.stop(0.1)
    assert (await exited(newer)).exit_signal == "SIGKILL"
    assert not marked(link.folder)


async def test_what_cannot_be_started_is_alike(either: Runners):
    for argv, more in ((("no-such-command",), {}), (("sleep", "1"), {"cwd": "/no/such"}), (("/etc/passwd",), {})):
        with pytest.raises(ProcessFailed):
            await either.start(*argv, **more)
    assert not any(runner_folders(either.home).values())


async def test_a_pane_shows_the_process_and_takes_what_is_typed(panes: Runners, tmux: Tmux):
    link = await panes.start("sh", "-c", "echo hello; stty size; cat", room="my room", title="web.1")
    pane = link.status.pane
    assert (
        tmux("list-windows", "-a", "-F", "#{session_name}|#{window_name}|#{pane_id}").strip()
        == f"wzp-my-room|web.1|{pane}"
    )
    await until(lambda: "hello" in tmux.shown(pane))
    tmux("send-keys", "-t", pane or "", "typed in the pane", "Enter")
    await until(lambda: b"typed in the pane\r\ntyped in the pane" in panes.printed())
    await link.write(b"typed by us\r")
    await until(lambda: tmux.shown(pane).count("typed by us") == 2)
    tmux("resize-window", "-t", pane or "", "-x", "101", "-y", "33")
    await until(lambda: read_status(link.folder) is not None)
    await until(lambda: tmux.shown(pane))
    async with asyncio.timeout(30):
        while ((await link.refresh()).rows, link.status.columns) != (33, 101):
            await asyncio.sleep(0.01)


async def test_a_pane_has_its_own_size_again_when_who_was_attached_has_left(panes: Runners, tmux: Tmux):
    link = await panes.start("sh", "-c", "echo up; trap 'stty size' WINCH; while :; do sleep 0.05; done")
    await until(lambda: b"up" in panes.printed())
    first = link.status.rows, link.status.columns
    visitor = await RunnerLink.connect(link.folder)
    async with contextlib.aclosing(visitor.output(replay=True)) as chunks:
        await anext(chunks)
        await visitor.resize(50, 150)
        await until(lambda: b"50 150" in panes.printed())
    visitor.close()
    await until(lambda: b"%d %d" % first in panes.printed())
    assert ((await link.refresh()).rows, link.status.columns) == first


async def test_secrets_are_neither_in_arguments_nor_in_tmux(panes: Runners, tmux: Tmux):
    link = await panes.start("sleep", "100", env={"PATH": os.environ["PATH"], "TOKEN": "s3cret"})
    with open(f"/proc/{link.status.runner_pid}/cmdline") as file:
        assert "s3cret" not in file.read()
    told = (
        tmux("show-environment", "-g")
        + tmux("show-environment", "-t", "wzp-prc_a")
        + tmux("list-panes", "-a", "-F", "#{pane_start_command}")
    )
    assert "start.py" in told
    assert "s3cret" not in told
    assert not (link.folder / "launch").exists()


async def test_processes_of_a_room_share_a_session_that_goes_with_the_last(panes: Runners, tmux: Tmux):
    links = await asyncio.gather(*(panes.start("sleep", "100", name=f"prc_{n}", room="shop") for n in range(4)))
    assert tmux("list-sessions", "-F", "#{session_name} #{session_windows}").splitlines() == ["wzp-shop 4"]
    for link in links:
        await link.kill()
        await exited(link)
        await link.release()
    await until(lambda: not tmux("list-sessions"))


async def test_a_pane_that_somebody_closes_takes_its_process_with_it(panes: Runners, tmux: Tmux):
    link = await panes.start(
        "sh", "-c", "trap 'echo bye; exit 6' TERM; trap '' HUP; echo up; while :; do sleep 0.05; done", grace_s=60
    )
    await until(lambda: b"up" in panes.printed())
    tmux("kill-pane", "-t", link.status.pane or "")
    assert (await exited(link)).exit_code == 6
    assert b"bye" in panes.printed(), "the runner is there until it is released"
    await link.release()


async def test_the_end_of_tmux_ends_its_processes(panes: Runners, tmux: Tmux):
    link = await panes.start("sleep", "1000")
    tmux("kill-server")
    status = await exited(link)
    assert status.exit_signal in ("SIGHUP", "SIGTERM")
    assert not lives(status.pid or 0)


async def test_focus_selects_the_window_and_says_whether_somebody_looks(panes: Runners, tmux: Tmux):
    first = await panes.start("sleep", "100", name="prc_a", room="shop")
    second = await panes.start("sleep", "100", name="prc_b", room="shop")
    assert not await panes.backend.focus(second.folder), "nobody is attached"
    tmux("new-session", "-d", "-s", "mine", "-x", "80", "-y", "24")
    watching = subprocess.Popen(
        ["tmux", "-L", tmux.socket, "-C", "attach-session", "-t", "mine"],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await until(lambda: tmux("list-clients"))
        for link in (second, first):
            assert await panes.backend.focus(link.folder)
            assert tmux("list-clients", "-F", "#{session_name} #{pane_id}").strip() == f"wzp-shop {link.status.pane}"
    finally:
        assert watching.stdin is not None
        watching.stdin.close()
        watching.wait(30)
    assert not await panes.backend.focus(panes.home.run)


async def test_a_pane_that_shows_nothing_holds_its_process_not_up(panes: Runners, tmux: Tmux):
    link = await panes.start("sh", "-c", "read x; seq 1 300000; echo end", max_bytes=50_000_000)
    server = int(tmux("display-message", "-p", "#{pid}"))
    os.kill(server, signal.SIGSTOP)
    try:
        await link.write(b"\r")
        await until(lambda: panes.printed().endswith(b"end\r\n"))
        assert (await exited(link)).exit_code == 0
    finally:
        os.kill(server, signal.SIGCONT)


async def test_without_tmux_it_says_why(home: Home, monkeypatch: pytest.MonkeyPatch):
    home.create()
    monkeypatch.setenv("PATH", str(home.path))
    backend = backend_for(Backend.TMUX, home)
    why = await asyncio.to_thread(backend.is_available)
    assert why is not None
    assert "not installed" in why
    with pytest.raises(BackendUnavailable, match="not installed"):
        await backend.start(Runners(home).launch("sleep", "1"))
    assert not any(runner_folders(home).values())


async def test_a_tmux_that_hangs_is_told_in_words(home: Home, monkeypatch: pytest.MonkeyPatch):
    home.create()
    hanging = home.path / "tmux"
    hanging.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    hanging.chmod(0o755)
    monkeypatch.setenv("PATH", str(home.path))
    monkeypatch.setattr("core.processes.backends.tmux.ASK_S", 0.5)
    assert await asyncio.to_thread(TmuxBackend(home).is_available) == "tmux has not answered for 0.5 s."


async def test_a_tmux_that_cannot_be_reached_says_so(home: Home):
    home.create()
    backend = TmuxBackend(home, "/no/such/directory/socket")
    with pytest.raises(BackendUnavailable, match="opened no window"):
        await backend.start(Runners(home).launch("sleep", "1"))


def test_local_is_always_there_and_has_no_pane(home: Home):
    backend = backend_for(Backend.LOCAL, home)
    assert backend.is_available() is None
    assert not asyncio.run(backend.focus(home.run))


def test_a_backend_to_come_is_refused(home: Home):
    with pytest.raises(BackendUnavailable, match="later version"):
        backend_for(Backend.WEZTERM, home)


async def test_panes_outlive_their_host(panes: Runners):
    link = await panes.start("sleep", "100")
    link.close()
    again = await RunnerLink.connect(link.folder, 2)
    assert again.status.pane == link.status.pane
    assert is_runner_alive(link.folder)
