"""The runner of one process: its start, identity, output, input, end."""

import asyncio
import base64
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.errors import BackendUnavailable, HostLost, InvalidData, ProcessFailed
from core.processes.backends import launching, local
from core.processes.identity import is_same_process, process_started
from core.processes.link import RunnerLink, is_runner_alive, read_status, runner_folders
from core.processes.runner.clients import Client
from core.processes.runner.place import Place
from core.processes.wire import short_path
from storage import Home, OutputReader, ProcessId, boot_id
from tests.support.runners import PATIENCE_S, Runners, exited, lives, running, until


@pytest.fixture
async def runners(home: Home):
    home.create()
    async with running(home) as made:
        yield made


async def test_a_process_runs_in_its_own_session_on_a_terminal_with_the_environment_it_was_given(runners: Runners):
    launch = runners.launch(
        "sh", "-c", 'ps -o pid=,pgid=,sid=,tty= -p $$; stty size; echo "$SECRET|$WZP_RUNNER|$WZP_DETACHED|$PWD"',
        rows=30, columns=100, env={"PATH": os.environ["PATH"], "SECRET": "s3cret \udcff", "WZP_DETACHED": "1"},
    )  # fmt: skip
    link = await runners.backend.start(launch)
    runners.links.append(link)
    status = await exited(link)
    first, size, told = runners.printed().decode(errors="surrogateescape").split("\r\n")[:3]
    pid, group, session, terminal = first.split()
    assert pid == group == session == str(status.pid)
    assert terminal.startswith("pts/")
    assert size == "30 100"
    assert told == f"s3cret \udcff|{launch.folder.name}||{launch.cwd}"
    assert status.exit_code == 0
    for file in launch.folder.iterdir():
        assert b"s3cret" not in (file.read_bytes() if file.is_file() else b""), "secrets are never stored"


async def test_its_identity_is_boot_pid_and_start_and_the_folder_tells_it(runners: Runners):
    link = await runners.start("sleep", "100")
    told = read_status(link.folder)
    assert told == link.status
    assert told.pid is not None
    assert told.boot_id == boot_id()
    assert told.pid_started == process_started(told.pid)
    assert is_same_process(told.pid, told.pid_started, told.boot_id)
    assert not is_same_process(told.pid, (told.pid_started or 0) + 1, told.boot_id)
    assert not is_same_process(told.pid, told.pid_started, "another boot")
    assert is_runner_alive(link.folder)
    assert runner_folders(runners.home) == {ProcessId("prc_a"): [link.folder]}
    logs = runners.home.logs / "processes"
    for folder in (link.folder, link.folder.parent, link.folder.parent.parent, logs, logs / "prc_a"):
        assert folder.stat().st_mode & 0o777 == 0o700
    assert (link.folder / "socket").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("script", "code", "name"), [("exit 3", 3, None), ("kill -9 $$", None, "SIGKILL"), ("", 0, None)]
)
async def test_how_it_ended_is_told_and_stays_until_released(runners: Runners, script: str, code: int, name: str):
    link = await runners.start("sh", "-c", script)
    status = await exited(link)
    assert (status.exit_code, status.exit_signal) == (code, name)
    assert status.started_at is not None
    assert status.ended_at is not None
    link.close()
    later = await RunnerLink.connect(link.folder, 1)
    assert later.status == status
    await later.release()
    assert not link.folder.exists()
    await until(lambda: not lives(status.runner_pid))


async def test_a_living_process_is_not_released(runners: Runners):
    link = await runners.start("sleep", "100")
    with pytest.raises(ProcessFailed):
        await link.release()
    assert lives(link.status.pid or 0)


@pytest.mark.parametrize(
    ("argv", "more", "says"),
    [
        (["no-such-command"], {}, "was not found in PATH"),
        (["./no-such-file"], {}, "was not found"),
        (["/etc/passwd"], {}, "is not executable"),
        (["sleep", "1"], {"cwd": "/no/such/directory"}, "'/no/such/directory' is not there"),
        (["sleep", "1"], {"cwd": "/etc/passwd"}, "is not a directory"),
        (["sh", "-c", ":", "x" * 3_000_000], {}, "too long"),
    ],
)
async def test_what_cannot_be_started_is_told_at_once_and_leaves_nothing(runners: Runners, argv, more, says: str):
    with pytest.raises(ProcessFailed, match=says) as refused:
        await runners.start(*argv, **more)
    assert not refused.value.details.get("passing")
    assert runner_folders(runners.home) == {ProcessId("prc_a"): []}


async def test_a_script_without_its_interpreter_says_so(runners: Runners):
    script = runners.home.path / "run.sh"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    with pytest.raises(ProcessFailed, match="interpreter that its first line names"):
        await runners.start(str(script))


async def test_signals_that_python_ignores_are_as_usual_in_the_process(runners: Runners):
    link = await runners.start("sh", "-c", "grep SigIgn /proc/self/status; grep SigBlk /proc/self/status")
    await exited(link)
    assert [int(line.split()[1], 16) for line in runners.printed().splitlines()] == [0, 0]


async def test_output_is_kept_whole_and_drained_with_nobody_attached(runners: Runners):
    link = await runners.start("sh", "-c", "seq 1 200000; printf end", max_bytes=100_000_000)
    link.close()
    again = await RunnerLink.connect(link.folder)
    await exited(again)
    assert runners.printed() == b"".join(b"%d\r\n" % number for number in range(1, 200_001)) + b"end"


async def test_what_a_process_prints_just_before_its_end_is_not_lost(runners: Runners):
    for number in range(20):
        link = await runners.start("sh", "-c", "printf %05000d 7", name=f"prc_{number}")
        await exited(link)
        assert runners.printed(f"prc_{number}") == b"%05000d" % 7


async def test_any_bytes_come_through(runners: Runners):
    program = (
        "import os, tty; tty.setraw(1); data = bytes(range(256)) * 400 + b'\\x1b]0;' * 5000 + b'\\0' * 9000\n"
        "while data: data = data[os.write(1, data):]"
    )
    link = await runners.start("/usr/bin/env", "python3", "-c", program)
    assert (await exited(link)).exit_code == 0
    assert runners.printed() == bytes(range(256)) * 400 + b"\x1b]0;" * 5000 + b"\0" * 9000


async def test_output_rotates_by_size_and_reads_as_one_stream(runners: Runners):
    link = await runners.start("sh", "-c", "seq 1 20000", max_bytes=20_000, files=4)
    await exited(link)
    folder = runners.home.logs / "processes" / "prc_a"
    assert sorted(each.name for each in folder.iterdir()) == sorted(
        f"output.log{number}{ending}" for number in ("", ".1", ".2", ".3") for ending in ("", ".idx")
    )
    assert all(each.stat().st_size <= 20_000 for each in folder.iterdir() if each.suffix != ".idx")
    last = OutputReader(folder).tail(3)
    assert [line.text for line in last] == [b"19998", b"19999", b"20000"]
    everything = b"".join(b"%d\r\n" % number for number in range(1, 20_001))
    assert OutputReader(folder).bounds()[1] == len(everything)
    assert everything[last[0].offset :].startswith(b"19998\r\n")


async def test_the_next_start_goes_on_with_the_same_log(runners: Runners):
    for word in ("one", "two"):
        link = await runners.start("echo", word)
        await exited(link)
    assert [line.text for line in OutputReader(runners.home.logs / "processes" / "prc_a").lines()] == [b"one", b"two"]


async def test_input_resize_and_signals_reach_the_process(runners: Runners):
    link = await runners.start(
        "sh", "-c", "trap 'echo hup' HUP; trap 'stty size' WINCH; echo ready\n"
        'while :; do read line && echo "got $line"; done',
    )  # fmt: skip
    await until(lambda: b"ready" in runners.printed())
    await link.write(b"hello\r")
    await until(lambda: b"got hello" in runners.printed())
    await link.signal("HUP")
    await until(lambda: b"hup" in runners.printed())
    await link.resize(50, 132)
    await until(lambda: b"50 132" in runners.printed())
    data, rows, columns = await link.screen()
    assert (rows, columns) == (50, 132)
    assert data == runners.printed()
    with pytest.raises(InvalidData):
        await link.signal("SIGNONSENSE")
    with pytest.raises(InvalidData):
        await link.resize(0, 80)


async def test_a_process_that_reads_nothing_stops_input_and_not_the_runner(runners: Runners):
    link = await runners.python("import tty, time; tty.setraw(0); print('raw'); time.sleep(1000)")
    await until(lambda: b"raw" in runners.printed())
    with pytest.raises(ProcessFailed, match="does not read"):
        await link.write(b"x" * (4 << 20))
    assert (await link.refresh()).state == "running"
    await link.stop()
    await exited(link)


async def test_live_output_begins_with_the_screen_and_misses_nothing(runners: Runners):
    link = await runners.start(
        "sh", "-c", "i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); done; read x; echo last"
    )
    await until(lambda: b"line 99" in runners.printed())
    seen, is_answered = b"", False
    async with asyncio.timeout(PATIENCE_S), contextlib.aclosing(link.output(replay=True)) as chunks:
        async for chunk in chunks:
            seen += chunk
            if b"line 299\r\n" in seen and not is_answered:
                is_answered = True
                await link.write(b"\r")
            if b"last" in seen:
                break
    assert seen.startswith(runners.printed()[:100])
    assert seen == runners.printed()[: len(seen)]


async def test_a_client_that_never_reads_holds_nobody_up(runners: Runners):
    link = await runners.start("sh", "-c", "read x; yes | head -c 30000000; echo end", max_bytes=100_000_000)
    with short_path(link.folder / "socket") as path:
        reading, writing = await asyncio.open_unix_connection(path)
    writing.write(b'{"id": 1, "do": "output"}\n')
    await writing.drain()
    reading._transport.pause_reading()  # type: ignore[attr-defined]
    await link.write(b"\r")
    assert (await exited(link)).exit_code == 0
    assert len(runners.printed()) == 2 + 45_000_000 + 5
    writing.transport.abort()


async def test_a_client_that_reads_too_slowly_stays_and_learns_how_much_it_has_missed(runners: Runners):
    link = await runners.start("sh", "-c", "read x; yes | head -c 12000000; read x; echo end", max_bytes=100_000_000)
    with short_path(link.folder / "socket") as path:
        reading, writing = await asyncio.open_unix_connection(path, limit=1 << 24)
    writing.write(b'{"id": 1, "do": "output"}\n')
    while b'"id"' not in await asyncio.wait_for(reading.readline(), PATIENCE_S):
        pass
    reading._transport.pause_reading()  # type: ignore[attr-defined]
    await link.write(b"\r")
    total = 2 + 18_000_000
    await until(lambda: len(runners.printed()) >= total)
    await link.write(b"\r")
    await exited(link)
    reading._transport.resume_reading()  # type: ignore[attr-defined]
    got, missed, data = 0, 0, b""
    while got + missed < len(runners.printed()):
        message = json.loads(await asyncio.wait_for(reading.readline(), PATIENCE_S))
        if "output" in message:
            data = base64.b64decode(message["output"])
            got += len(data)
            missed += message.get("lost", 0)
    assert missed > 1_000_000
    assert data.endswith(b"y\r\n\r\nend\r\n"), "the last words are not among it"
    assert got + missed == len(runners.printed())
    writing.close()


async def test_nobody_but_our_own_user_is_let_in(runners: Runners):
    """Though the folder be open to all: the socket itself looks who knocks."""
    if os.getuid():
        pytest.skip("only root can become another user")
    link = await runners.start("sleep", "100")
    for place in (link.folder / "socket", link.folder):
        place.chmod(0o777)
    program = (
        "import os, socket, sys\nos.chdir(sys.argv[1]); os.setgid(54321); os.setuid(54321)\n"
        "ours = socket.socket(socket.AF_UNIX); ours.connect('socket')\n"
        "try: print(len(ours.recv(10)))\nexcept ConnectionError: print(0)"
    )
    told = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", program, str(link.folder)], capture_output=True, text=True, timeout=60
    )
    assert told.stdout == "0\n", told
    assert (await link.refresh()).state == "running"


def test_what_a_client_has_missed_comes_with_the_next_output_that_it_gets():
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    client = Client(ours)
    while not client.dropped:
        assert client.tell_output("QUJD" * 20_000, 60_000, 1)
    theirs.settimeout(PATIENCE_S)
    received = b""
    while client.has_more:
        received += theirs.recv(1 << 20)
        client.flush()
    assert client.tell_output("QUJD", 3, 2)
    assert client.dropped == 0
    while not received.endswith(b"}\n") or b'"lost"' not in received:
        received += theirs.recv(1 << 20)
    assert json.loads(received.splitlines()[-1]) == {"output": "QUJD", "end": 2, "lost": 60_000}
    client.close()
    theirs.close()


async def test_files_of_the_process_are_as_open_as_its_hosts(runners: Runners):
    before = os.umask(0o027)
    try:
        link = await runners.start("sh", "-c", "umask")
    finally:
        os.umask(before)
    await exited(link)
    assert runners.printed() == b"0027\r\n"


async def test_a_client_that_talks_nonsense_is_let_go(runners: Runners):
    link = await runners.start("sleep", "100")
    for nonsense in (
        b"hello\n",
        b"[]\n",
        b"\xff\xfe\n",
        b'{"do": "dance", "id": 1}\n',
        b"{}\n",
        b"[" * 100_000 + b"\n",
    ):
        with short_path(link.folder / "socket") as path:
            reading, writing = await asyncio.open_unix_connection(path)
        writing.write(nonsense)
        await asyncio.wait_for(reading.readline(), PATIENCE_S)  # the status
        answer = await asyncio.wait_for(reading.readline(), PATIENCE_S)
        assert not answer or b"error" in answer
        writing.close()
    assert (await link.refresh()).state == "running"


async def test_a_host_that_was_replaced_is_refused(runners: Runners):
    old = await runners.start("sleep", "100", token=5)
    new = await RunnerLink.connect(old.folder, 6)
    for command in (old.stop(), old.kill(), old.signal("TERM"), old.release()):
        with pytest.raises(HostLost):
            await command
    with pytest.raises(HostLost):
        await RunnerLink.connect(old.folder, 5)
    assert read_status(old.folder).token == 6  # type: ignore[union-attr]
    await new.stop()
    await exited(new)
    with pytest.raises(HostLost):
        await runners.start("sleep", "100", token=5)
    link = await runners.start("sleep", "100", token=6)
    assert link.status.token == 6


async def test_a_link_without_a_token_stops_nothing(runners: Runners):
    link = await runners.start("sleep", "100")
    looker = await RunnerLink.connect(link.folder)
    with pytest.raises(HostLost):
        await looker.stop()
    assert link.status.state == "running"


async def test_a_process_is_never_twice_whatever_hosts_do(runners: Runners):
    first = await runners.start("sleep", "100", token=1)
    with pytest.raises(ProcessFailed, match="has not ended") as refused:
        await runners.start("sleep", "100", token=2)
    assert refused.value.details["passing"]
    await first.kill()
    await exited(first)
    second = await runners.start("sleep", "100", token=2)
    assert second.status.state == "running"


async def test_the_runner_lives_on_without_its_host_and_through_a_hangup(runners: Runners):
    link = await runners.start("sleep", "100")
    status = link.status
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE, signal.SIGUSR1):
        os.kill(status.runner_pid, number)
    link.close()
    again = await RunnerLink.connect(link.folder, 2)
    assert (again.status.pid, again.status.started_at) == (status.pid, status.started_at)


async def test_a_runner_that_is_terminated_stops_its_process(runners: Runners):
    link = await runners.start("sleep", "100")
    os.kill(link.status.runner_pid, signal.SIGTERM)
    assert (await exited(link)).exit_signal == "SIGTERM"


async def test_a_process_that_closes_its_terminal_costs_nothing(runners: Runners):
    link = await runners.python("import os, time; [os.close(n) for n in (0, 1, 2)]; os.setsid; time.sleep(1000)")
    await asyncio.sleep(0.3)  # what is measured is time going by
    before = _cpu_ticks(link.status.runner_pid)
    await asyncio.sleep(1.0)
    assert _cpu_ticks(link.status.runner_pid) - before <= 5
    await link.stop()
    await exited(link)


def test_the_runner_imports_little():
    program = (
        "import sys; sys.path.append(sys.argv[1]); import runner.program, runner.pane; "
        "print(*(name for name in sys.modules if 'runner' not in name))"
    )
    folder = Path(__file__).parents[3] / "core" / "processes"
    listed = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, str(folder)], capture_output=True, text=True, check=True
    )
    heavy = {"asyncio", "re", "json", "socket", "signal", "subprocess", "pathlib", "typing", "dataclasses", "threading",
             "logging", "contextlib", "enum", "ctypes", "core", "storage", "inspect"}  # fmt: skip
    assert not heavy & {name.partition(".")[0] for name in listed.stdout.split()}


async def test_it_runs_where_a_project_has_packages_of_our_names(runners: Runners):
    project = runners.home.path / "project"
    for package in ("core", "runner", "storage", "select"):
        (project / package).mkdir(parents=True)
        (project / package / "__init__.py").write_text("raise SystemExit('the wrong one')")
    link = await runners.start(
        "sh", "-c", "echo hello", cwd=project, env={"PATH": os.environ["PATH"], "PYTHONPATH": str(project)}
    )
    assert (await exited(link)).exit_code == 0


async def test_a_gone_runner_is_told_as_such(runners: Runners):
    link = await runners.start("sleep", "100")
    os.kill(link.status.runner_pid, signal.SIGKILL)
    await asyncio.wait_for(link.wait_gone(), PATIENCE_S)
    with pytest.raises(BackendUnavailable):
        await link.refresh()
    with pytest.raises(BackendUnavailable):
        await RunnerLink.connect(link.folder)
    await until(lambda: not is_runner_alive(link.folder))


async def test_starting_holds_the_event_loop_up_for_no_more_than_a_moment(runners: Runners):
    loop = asyncio.get_running_loop()
    longest = 0.0
    starting = asyncio.gather(*(runners.start("sleep", "100", name=f"prc_{number}") for number in range(10)))
    last, cpu = loop.time(), time.thread_time()
    while not starting.done():
        await asyncio.sleep(0)
        now, used = loop.time(), time.thread_time()
        longest = max(longest, used - cpu)  # what we do ourselves; a busy machine may hold us up longer
        last, cpu = now, used
    await starting
    assert last
    assert longest < 0.03


async def test_a_flood_costs_a_runner_no_memory(runners: Runners, monkeypatch: pytest.MonkeyPatch):
    """Without a line break, and over many files."""
    monkeypatch.setattr(local, "runner_argv", launching.runner_argv)  # its memory, and not that of what measures it
    program = (
        "import os, time\ndata = b'z' * 65536\nfor _ in range(2400): os.write(1, data)\n"
        "os.write(1, b'!'); time.sleep(1000)"
    )
    link = await runners.python(program, max_bytes=1_000_000)
    log = runners.home.logs / "processes" / "prc_a" / "output.log"
    await until(lambda: log.exists() and log.read_bytes().endswith(b"!"))
    status = Path(f"/proc/{link.status.runner_pid}/status").read_text().split()
    assert int(status[status.index("VmRSS:") + 1]) <= 12 << 10
    assert int(status[status.index("RssAnon:") + 1]) <= 6 << 10


async def test_a_runner_whose_files_were_swept_away_is_found_and_stopped_all_the_same(runners: Runners):
    link = await runners.start("sleep", "100", token=3)
    pid, folder = link.status.pid, link.folder
    for name in ("socket", "lock", "../instance"):
        (folder / name).unlink()
    again = await RunnerLink.connect(folder, 4)
    assert again.status.pid == pid
    assert is_runner_alive(folder)
    assert (folder / "socket").stat().st_mode & 0o777 == 0o600
    with pytest.raises(ProcessFailed, match="has not ended"):
        await runners.start("sleep", "100", token=4)
    assert (await link.refresh()).state == "running", "who is connected stays connected"
    await again.stop()
    await exited(again)
    with pytest.raises(HostLost):
        await runners.start("sleep", "100", token=3)


async def test_a_place_that_another_runner_has_taken_meanwhile_stays_its_own(runners: Runners):
    first = await runners.start("sleep", "100")
    (first.folder / "../instance").resolve().unlink()
    second = await runners.start("sleep", "100")
    (first.folder / "socket").unlink()
    again = await RunnerLink.connect(first.folder, 1)
    assert again.status.pid == first.status.pid
    with pytest.raises(ProcessFailed, match="has not ended"):
        await runners.start("sleep", "100")
    assert (await second.refresh()).state == "running"


async def test_a_runner_touches_its_files_so_that_they_are_not_swept_away(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    monkeypatch.chdir(tmp_path / "run")
    place = Place()
    place.take_process(1)
    place.write({"state": "running"})
    for name in ("lock", "../instance", "state.json"):
        os.utime(name, (0, 0))
    place.touch()
    for name in ("lock", "../instance", "state.json"):
        assert time.time() - Path(name).stat().st_mtime < 3600
    place.give_process_up()


async def test_who_asks_is_answered_though_the_system_refuses(runners: Runners, tmp_path: Path, monkeypatch):
    starter = tmp_path / "start.py"
    starter.write_text(
        "import os, sys\nif os.fork(): os._exit(0)\n"
        f"sys.path.append({str(Path(__file__).parents[3] / 'core' / 'processes')!r})\n"
        "import runner.program as program, runner.terminal as terminal\n"
        "def refuse(*_): raise OSError(5, 'Input/output error')\n"
        "terminal.Terminal.resize = refuse\n"
        "program.main(sys.argv[1], False)\n"
    )
    monkeypatch.setattr("core.processes.backends.launching.STARTER", starter)
    link = await runners.start("sleep", "100")
    with pytest.raises(ProcessFailed, match="Input/output error"):
        await asyncio.wait_for(link.resize(30, 100), PATIENCE_S)
    assert (await link.refresh()).state == "running"


def _cpu_ticks(pid: int) -> int:
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])
