"""Stop means stop: whatever a process and its children do, nothing of them is left."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import ProcessFailed
from core.processes.link import RunnerLink, end_leftovers, is_runner_alive, read_status
from core.processes.runner import tree
from storage import Home
from tests.support.runners import PATIENCE_S, Runners, exited, lives, marked, running, status_when, until

IGNORES = "import signal\nfor n in (1, 2, 3, 15): signal.signal(n, signal.SIG_IGN)\n"

CHILD = "import os, time\nif os.fork() == 0:\n    "
DAEMON = CHILD + "os.setsid()\n    if os.fork(): os._exit(0)\n    print('up', flush=True)\n"
SLEEP = "\ntime.sleep(1000)"

HOSTILE = {
    "ignores every signal": IGNORES + "import time; print('up', flush=True)" + SLEEP,
    "has a child that ignores it": CHILD + IGNORES.replace("\n", "\n    ") + "print('up', flush=True)" + SLEEP,
    "changes its group": CHILD + "os.setpgid(0, 0)\n    print('up', flush=True)" + SLEEP,
    "opens a session": CHILD + "os.setsid()\n    print('up', flush=True)" + SLEEP,
    "double-forks into a daemon": IGNORES + DAEMON + SLEEP,
    "hides its environment": "import sys\n" + DAEMON
    + "    os.execve(sys.executable, ['x', '-c', 'import time; time.sleep(1000)'], {})" + SLEEP,
    "is stopped": "import signal\n" + CHILD
    + "print('up', flush=True)\n    os.kill(os.getpid(), signal.SIGSTOP)" + SLEEP,
    "starts another at its end": "import os, signal, time\ndef again(*_):\n    if os.fork() == 0:\n"
    "        os.setsid()\n        time.sleep(1000)\n"
    "signal.signal(15, again)\nprint('up', flush=True)\nwhile True: time.sleep(1)",
}  # fmt: skip


@pytest.fixture
async def runners(home: Home):
    home.create()
    async with running(home) as made:
        yield made


def tree_of(link: RunnerLink) -> list[tree.Row]:
    return tree.descendants(tree.table(), (link.status.runner_pid,))


@pytest.mark.parametrize("program", HOSTILE.values(), ids=HOSTILE.keys())
async def test_after_a_stop_nothing_is_left(runners: Runners, program: str):
    link = await runners.python(program, grace_s=0.2)
    await until(lambda: b"up" in runners.printed())
    had = tree_of(link)
    await link.stop(0.2)
    await exited(link)
    assert had
    assert not [row for row in had if lives(row.pid)]
    assert not tree_of(link)
    assert not marked(link.folder)


@pytest.mark.parametrize("how", ["stopped", "killed"])
async def test_a_thousand_children_end_with_it(runners: Runners, how: str):
    program = (
        IGNORES + "import os, time\nfor n in range(1000):\n    if os.fork() == 0:\n        if n % 3 == 0: os.setsid()\n"
        "        time.sleep(1000); os._exit(0)\nprint('up', flush=True)\ntime.sleep(1000)"
    )
    link = await runners.python(program)
    await until(lambda: b"up" in runners.printed())
    assert len(tree_of(link)) == 1001
    await (link.stop(0.1) if how == "stopped" else link.kill())
    await exited(link)
    assert not marked(link.folder)


async def test_a_tree_that_goes_on_forking_is_ended(runners: Runners):
    program = (
        IGNORES + "import os, time\nprint('up', flush=True)\nend = time.time() + 60\n"
        "for _ in range(8): os.fork()  if os.getpid() % 2 or _ < 3 else time.sleep(0.01)\n"
        "while time.time() < end:\n    if os.fork() == 0:\n        os.setsid(); time.sleep(0.01)\n    else:\n"
        "        time.sleep(0.05); os._exit(0)\n"
    )
    link = await runners.python(program)
    await until(lambda: b"up" in runners.printed())
    await until(lambda: len(tree_of(link)) > 5)
    await link.kill()
    await exited(link)
    assert not marked(link.folder)


async def test_a_stop_gives_the_grace_to_end_in_order(runners: Runners):
    program = "trap 'sleep 0.3; echo bye; exit 7' TERM; echo up; while :; do sleep 0.05; done"
    link = await runners.start("sh", "-c", program, grace_s=0.05)
    await until(lambda: b"up" in runners.printed())
    await link.stop(PATIENCE_S)
    assert (await exited(link)).exit_code == 7
    assert b"bye" in runners.printed()


async def test_its_own_stop_signal_is_sent(runners: Runners):
    link = await runners.start(
        "sh", "-c", "trap 'echo int; exit 4' INT; echo up; while :; do sleep 0.05; done", stop_signal="SIGINT"
    )
    await until(lambda: b"up" in runners.printed())
    await link.stop(PATIENCE_S)
    assert (await exited(link)).exit_code == 4


async def test_the_stop_signal_reaches_the_whole_group_at_once(runners: Runners):
    child = "sh -c 'trap \"exit 6\" TERM; echo up; while :; do sleep 0.05; done'"
    link = await runners.start("sh", "-c", f"{child} & trap '' TERM; wait $!; exit $?")
    await until(lambda: b"up" in runners.printed())
    await link.stop(PATIENCE_S)
    assert (await exited(link)).exit_code == 6, "who waits for his child need not be killed"


async def test_a_process_that_is_suspended_can_obey_the_stop(runners: Runners):
    link = await runners.start("sh", "-c", "trap 'exit 3' TERM; echo up; kill -STOP $$; while :; do sleep 0.05; done")
    await until(lambda: b"up" in runners.printed())
    await until(lambda: (row := tree.row_of(link.status.pid or 0)) is not None and row.state == "T")
    await link.stop(PATIENCE_S)
    assert (await exited(link)).exit_code == 3


async def test_a_kill_overtakes_a_stop(runners: Runners):
    link = await runners.python(HOSTILE["ignores every signal"])
    await until(lambda: b"up" in runners.printed())
    await link.stop(3600)
    await status_when(link, "stopping")
    await link.kill()
    assert (await exited(link)).exit_signal == "SIGKILL"


async def test_of_what_is_dying_nobody_says_that_it_does_not_die(runners: Runners):
    link = await runners.python("x = bytearray(b'x') * 200_000_000\nprint('up', flush=True)" + "\nimport time" + SLEEP)
    await until(lambda: b"up" in runners.printed())
    told = []
    async with asyncio.timeout(PATIENCE_S), contextlib.aclosing(link.changes()) as changes:
        await link.kill()
        async for status in changes:  # its memory takes the kernel longer to take back than we wait between two looks
            told.append(status.error)
            if status.state == "exited":
                break
    assert set(told) == {None}


async def test_what_a_dead_leader_leaves_behind_is_ended_and_the_exit_code_is_the_leaders(runners: Runners):
    link = await runners.start("sh", "-c", "(trap '' HUP; sleep 1000) & setsid sleep 1000 & sleep 0.2; exit 5")
    status = await status_when(link, "stopping")
    assert status.exit_code == 5, "it is known at once"
    assert (await exited(link)).exit_code == 5
    assert not marked(link.folder)


async def test_the_leader_stays_unreaped_while_its_group_has_others(runners: Runners):
    link = await runners.start(
        "sh", "-c", "(trap '' HUP TERM; while :; do sleep 0.1; done) & sleep 0.2; exit 5", grace_s=3600
    )
    await status_when(link, "stopping")
    row = tree.row_of(link.status.pid or 0)
    assert row is not None
    assert row.state == "Z", "so its number can be nobody else's"
    await link.kill()
    await exited(link)
    assert tree.row_of(link.status.pid or 0) is None


async def test_orphans_are_adopted_and_reaped_while_it_runs(runners: Runners):
    link = await runners.start(
        "sh", "-c", "for i in 1 2 3 4 5; do (setsid sh -c 'sleep 0.1' &) ; done; echo up; sleep 1000"
    )
    await until(lambda: b"up" in runners.printed())
    await until(lambda: len(tree_of(link)) == 2)  # the shell and its sleep; no zombies


async def test_a_host_that_was_started_inside_is_no_part_of_it(runners: Runners):
    program = (
        "import os, subprocess, time\n"
        "env = {**os.environ, 'WZP_DETACHED': '1'}; del env['WZP_RUNNER']\n"
        "host = subprocess.Popen(['sh', '-c', 'sleep 1000 & wait'], env=env, start_new_session=True)\n"
        "print('host', host.pid, flush=True); time.sleep(1000)"
    )
    link = await runners.python(program)
    await until(lambda: b"\r\n" in runners.printed())
    host = int(runners.printed().split()[1])
    await link.stop()
    await exited(link)
    try:
        assert lives(host)
        assert [row for row in tree.table().values() if row.parent == host and row.lives]
    finally:
        os.killpg(host, signal.SIGKILL)


async def test_a_child_that_calls_itself_detached_is_ended_all_the_same(runners: Runners):
    link = await runners.start("sh", "-c", "WZP_DETACHED=1 setsid sleep 1000 & echo child $!; wait")
    await until(lambda: b"\r\n" in runners.printed())
    child = int(runners.printed().split()[1])
    await until(lambda: b"WZP_DETACHED=1" in tree.environment(child))
    await link.stop()
    await exited(link)
    assert not lives(child)


async def test_what_a_killed_runner_leaves_behind_is_found_and_ended(runners: Runners):
    link = await runners.python(HOSTILE["double-forks into a daemon"])
    await until(lambda: b"up" in runners.printed())
    await until(lambda: len(marked(link.folder)) == 2)
    status = link.status
    os.kill(status.runner_pid, signal.SIGKILL)
    await until(lambda: not is_runner_alive(link.folder))
    assert read_status(link.folder) == status, "it still says that it runs"
    assert await asyncio.to_thread(end_leftovers, link.folder, status) == 2
    assert not marked(link.folder)
    assert await asyncio.to_thread(end_leftovers, link.folder, status) == 0


async def test_what_a_living_runner_has_is_not_left_over(runners: Runners):
    link = await runners.start("sleep", "100")
    with pytest.raises(ProcessFailed):
        end_leftovers(link.folder, link.status)
    assert lives(link.status.pid or 0)


async def test_a_reused_pid_is_never_signalled(runners: Runners, tmp_path: Path):
    link = await runners.start("true")
    status = await exited(link)
    await link.release()
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as stranger:
        folder = tmp_path / "forged"
        folder.mkdir()
        for forged in (
            replace(status, pid=stranger.pid, pid_started=(tree.started(stranger.pid) or 0) - 1),
            replace(status, pid=stranger.pid, boot_id="of another boot", pid_started=tree.started(stranger.pid)),
        ):
            assert end_leftovers(folder, replace(forged, state="running")) == 0
        assert stranger.poll() is None
        forged = replace(status, pid=stranger.pid, pid_started=tree.started(stranger.pid), state="running")
        assert end_leftovers(folder, forged) == 1, "this one it is"
        assert stranger.wait(PATIENCE_S) == -signal.SIGKILL


async def test_a_row_that_is_out_of_date_signals_nobody():
    with subprocess.Popen(["sleep", "1000"]) as stranger:
        row = tree.row_of(stranger.pid)
        assert row is not None
        row.started -= 1
        assert not tree.send(row, signal.SIGKILL)
        assert stranger.poll() is None
        stranger.kill()


async def test_all_at_once_die_and_the_next_host_finds_how_it_is(runners: Runners):
    links = [await runners.start("sleep", "1000", name=f"prc_{number}") for number in range(3)]
    pids = [pid for link in links for pid in (link.status.runner_pid, link.status.pid) if pid]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    await until(lambda: not any(lives(pid) for pid in pids))
    for link in links:
        assert not is_runner_alive(link.folder)
        assert read_status(link.folder).state == "running"  # type: ignore[union-attr]
        assert end_leftovers(link.folder, read_status(link.folder)) == 0
        again = await runners.start("sleep", "1000", name=link.folder.parent.name)
        assert again.status.state == "running"


async def test_stops_at_the_same_time_are_one(runners: Runners):
    link = await runners.start("sleep", "100")
    other = await RunnerLink.connect(link.folder, 1)
    await asyncio.gather(link.stop(1), other.stop(2), link.kill(), other.stop(3))
    assert (await exited(link)) == (await exited(other))


async def test_ending_takes_no_longer_than_it_must(runners: Runners):
    link = await runners.start(sys.executable, "-c", "import time; time.sleep(100)", grace_s=30)
    began = time.monotonic()
    await link.stop()
    await exited(link)
    assert time.monotonic() - began < 15


async def test_an_ended_processs_runner_ends_where_its_home_is_removed(runners: Runners):
    link = await runners.python("print('up', flush=True)")
    await exited(link)
    assert lives(link.status.runner_pid)
    shutil.rmtree(link.folder)
    await until(lambda: not lives(link.status.runner_pid))
