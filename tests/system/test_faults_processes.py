"""What goes wrong with processes and those who watch them: killed, suspended, refused, hanging, multiplying."""

import asyncio
import json
import os
import resource
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import HostLost, ProcessFailed
from core.execute import Call, execute
from core.processes import journal, running
from core.processes.declaration import content_hash
from core.processes.identity import process_started
from core.processes.link import Launch, RunnerLink, read_status, runner_folders
from core.services import lease as lease_module
from core.services.lease import HostLease, current_host
from storage import (
    HOME_VARIABLE,
    Database,
    Desired,
    Probe,
    ProcessState,
    Restart,
    RestartPolicy,
    StorageTimeout,
)  # fmt: skip
from tests.support.processes import REPOSITORY
from tests.support.supervising import LASTING, QUICK, Supervised, end_all, hosted, is_alive, kill
from tests.support.users import User

pytestmark = pytest.mark.system

NEVER = Restart(policy=RestartPolicy.NEVER)


@pytest.fixture
def processes(board: User) -> Iterator[Supervised]:
    yield Supervised(board.database)
    end_all(board.database)


@contextmanager
def serving(database: Database) -> Iterator[subprocess.Popen[bytes]]:
    """`wzp serve` in a process of its own; ended with the block, if it still lives."""
    program = [sys.executable, str(REPOSITORY / "wezterm_parallel.py"), "serve"]
    environment = {**os.environ, HOME_VARIABLE: str(database.home.path)}
    with subprocess.Popen(program, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as host:
        try:
            yield host
        finally:
            host.kill()


@contextmanager
def a_stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process that has nothing to do with us; ended with the block, however that ends."""
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as stranger:
        try:
            yield stranger
        finally:
            stranger.kill()


async def up(processes: Supervised, *names: str) -> list[int]:
    """Processes that run, and their pids."""
    ids = processes.add_all([(name, LASTING) for name in names], restart=QUICK)
    found = [await processes.until_state(each, ProcessState.RUNNING) for each in ids]
    return [each.pid for each in found if each.pid is not None]


# who dies


async def test_killing_the_host_loses_nothing(processes: Supervised):
    with serving(processes.database) as host:
        web = processes.add("web", restart=QUICK)
        job = processes.add("job", ("sh", "-c", "until [ -e go ]; do sleep 0.02; done; exit 7"), restart=NEVER)
        before = await processes.until_state(web, ProcessState.RUNNING)
        await processes.until_state(job, ProcessState.RUNNING)
        host.kill()
        host.wait()
    Path(processes.room.root, "go").touch()
    await processes.until(lambda: not is_alive(processes.get(job).pid))
    with serving(processes.database):
        ended = await processes.until_state(job, ProcessState.FAILED)
        assert ended.exit_code == 7, "the exit that nobody saw is not lost"
        assert is_alive(before.pid)
        after = processes.get(web)
        assert (after.pid, after.started_at, after.state) == (before.pid, before.started_at, ProcessState.RUNNING)
        kill(before.pid)  # and it is supervised again
        await processes.until(lambda: processes.get(web).restarts == 1)


async def test_a_killed_runner_leaves_nothing_and_its_process_starts_again(processes: Supervised):
    async with hosted(processes.database):
        script = "setsid sleep 1000 & sleep 1000 & echo $! > child; exec sleep 1000"
        web = processes.add("web", ("sh", "-c", script), restart=QUICK)
        first = await processes.until_state(web, ProcessState.RUNNING)
        await processes.until(Path(processes.room.root, "child").exists)
        child = int(Path(processes.room.root, "child").read_text())
        status = read_status(runner_folders(processes.database.home)[web][0])
        assert status is not None
        kill(status.runner_pid)
        await processes.until(lambda: processes.get(web).restarts == 1)
        second = await processes.until_state(web, ProcessState.RUNNING)
        assert not is_alive(first.pid)
        assert not is_alive(child)
        assert second.pid != first.pid
    assert "unknown" in processes.states(web)


async def test_a_runner_killed_while_no_host_lives_is_noticed_by_the_next(processes: Supervised):
    async with hosted(processes.database):
        web = processes.add("web", restart=QUICK)
        first = await processes.until_state(web, ProcessState.RUNNING)
    status = read_status(runner_folders(processes.database.home)[web][0])
    assert status is not None
    kill(status.runner_pid)
    async with hosted(processes.database):
        await processes.until(lambda: processes.get(web).pid not in (None, first.pid))
        await processes.until_state(web, ProcessState.RUNNING)
        assert not is_alive(first.pid)


async def test_all_are_killed_at_once_and_all_come_back(processes: Supervised):
    with serving(processes.database) as host:
        pids = await up(processes, "a", "b", "c")
        folders = [folder for each in runner_folders(processes.database.home).values() for folder in each]
        runners = [status.runner_pid for folder in folders if (status := read_status(folder))]
        assert len(runners) == 3
        for pid in (host.pid, *runners, *pids):
            kill(pid)
        host.wait()
    with serving(processes.database):
        with processes.database.read() as rows:
            ids = [each.id for each in rows.processes()]
        await processes.until(lambda: all(processes.get(each).pid not in (None, *pids) for each in ids))
        for each in ids:
            await processes.until_state(each, ProcessState.RUNNING)
    assert not any(is_alive(pid) for pid in pids)


async def test_a_removed_process_that_still_runs_is_ended_by_the_next_host(processes: Supervised):
    async with hosted(processes.database):
        pids = await up(processes, "web")
    with processes.database.read() as rows:
        web = rows.processes()[0].id
    processes.remove(web)
    async with hosted(processes.database):
        await processes.until(lambda: not is_alive(pids[0]))
        await processes.until(lambda: not runner_folders(processes.database.home).get(web))


async def test_an_end_is_told_although_host_and_runner_died_after_it(processes: Supervised):
    async with hosted(processes.database):
        job = processes.add("job", ("sh", "-c", "until [ -e go ]; do sleep 0.02; done; exit 7"), restart=NEVER)
        await processes.until_state(job, ProcessState.RUNNING)
    folder = runner_folders(processes.database.home)[job][0]
    Path(processes.room.root, "go").touch()
    await processes.until(lambda: getattr(read_status(folder), "state", None) == "exited")
    status = read_status(folder)
    assert status is not None
    kill(status.runner_pid)
    async with hosted(processes.database):
        ended = await processes.until_state(job, ProcessState.FAILED)
    assert (ended.exit_code, ended.reason) == (7, "exit code 7")


async def test_a_runner_keeps_an_end_until_it_is_stored(processes: Supervised, monkeypatch: pytest.MonkeyPatch):
    real, refused = execute, asyncio.Event()
    loop = asyncio.get_running_loop()

    def refusing(database: Database, call: Call) -> object:
        if any(each.state is ProcessState.FAILED for each in call.arguments["observed"]):
            loop.call_soon_threadsafe(refused.set)
            raise StorageTimeout("held", "wait")
        return real(database, call)

    monkeypatch.setattr(journal, "execute", refusing)
    async with hosted(processes.database):
        job = processes.add("job", ("sh", "-c", "sleep 0.2; exit 7"), restart=NEVER)
        await asyncio.wait_for(refused.wait(), 40)
    assert processes.get(job).state is ProcessState.RUNNING
    monkeypatch.setattr(journal, "execute", real)
    async with hosted(processes.database):
        assert (await processes.until_state(job, ProcessState.FAILED)).exit_code == 7
        await processes.until(lambda: not runner_folders(processes.database.home).get(job))


async def test_of_two_runners_the_living_one_is_adopted_and_the_other_cleared_away(processes: Supervised):
    """The host died after it had begun a runner and before it had recorded that."""
    async with hosted(processes.database):
        web = processes.add("web", restart=NEVER)
        before = await processes.until_state(web, ProcessState.RUNNING)
    living = runner_folders(processes.database.home)[web][0]
    dead = living.with_name("zzzzzzzz")
    shutil.copytree(living, dead, ignore=shutil.ignore_patterns("*sock*"))
    told = json.loads((dead / "state.json").read_text())
    (dead / "state.json").write_text(json.dumps({**told, "pid": 2**22 - 1, "runner_pid": 2**22 - 1, "pid_started": 1}))
    with processes.database.write("test") as writer:
        writer._engine.execute_sql("UPDATE process SET runner = 'zzzzzzzz'")
    async with hosted(processes.database):
        await processes.until(lambda: not dead.exists())
        await processes.until(lambda: processes.get(web).runner == living.name)
        after = processes.get(web)
        assert (after.state, after.pid, after.restarts) == (ProcessState.RUNNING, before.pid, 0)


async def test_a_runner_of_a_process_that_nobody_knows_is_ended(processes: Supervised):
    """A restore has undone the making of the process."""
    async with hosted(processes.database):
        pids = await up(processes, "web")
    with processes.database.write("test") as writer:
        writer._engine.execute_sql("DELETE FROM process")
    async with hosted(processes.database):
        await processes.until(lambda: not is_alive(pids[0]))
        await processes.until(lambda: not runner_folders(processes.database.home))


async def test_a_reused_pid_is_never_taken_for_the_process(processes: Supervised):
    """A forged record: the state tells of a pid that another process has by now."""
    async with hosted(processes.database):
        web = processes.add("web", restart=QUICK)
        await processes.until_state(web, ProcessState.RUNNING)
    folder = runner_folders(processes.database.home)[web][0]
    status = read_status(folder)
    assert status is not None
    kill(status.runner_pid)
    kill(status.pid)
    with a_stranger() as stranger:
        state = folder / "state.json"
        forged = state.read_text().replace(f'"pid": {status.pid}', f'"pid": {stranger.pid}')
        forged = forged.replace(f'"pid":{status.pid}', f'"pid":{stranger.pid}')
        assert str(stranger.pid) in forged
        state.write_text(forged)
        assert process_started(stranger.pid) != status.pid_started
        async with hosted(processes.database):
            await processes.until(lambda: processes.get(web).pid not in (None, status.pid, stranger.pid))
        assert stranger.poll() is None


@pytest.mark.parametrize("desired", [Desired.RUNNING, Desired.STOPPED])
async def test_after_a_new_start_of_the_machine_nothing_is_taken_for_what_ran_before(
    processes: Supervised, desired: Desired
):
    """A forged boot: all is dead, and its numbers belong to a stranger who even began at the same tick."""
    async with hosted(processes.database):
        web = processes.add("web", restart=NEVER)
        await processes.until_state(web, ProcessState.RUNNING)
    folder = runner_folders(processes.database.home)[web][0]
    status = read_status(folder)
    assert status is not None
    kill(status.runner_pid)
    kill(status.pid)
    with a_stranger() as stranger:
        began = process_started(stranger.pid)
        told = json.loads((folder / "state.json").read_text())
        for name in ("pid", "runner_pid"):
            told |= {name: stranger.pid, f"{name.removesuffix('_pid')}_started": began}
        told |= {"boot_id": "of-another-boot", "pid_started": began}
        (folder / "state.json").write_text(json.dumps(told))
        with processes.database.write("test") as writer:
            writer._engine.execute_sql(
                "UPDATE process SET boot_id = 'of-another-boot', pid = ?, pid_started = ?", (stranger.pid, began)
            )
        if desired is Desired.STOPPED:
            processes.want(desired, web)
        async with hosted(processes.database):
            if desired is Desired.RUNNING:
                await processes.until(lambda: processes.states(web)[2:] == ["unknown", "starting", "running"])
                found = await processes.until_state(web, ProcessState.RUNNING)
                assert found.pid != stranger.pid
                assert found.restarts == 0, "that the machine was started anew is no failure"
            else:
                await processes.until_state(web, ProcessState.STOPPED)
            assert stranger.poll() is None
            assert processes.alerts() == {}


# what cannot start


@pytest.mark.parametrize(
    ("command", "cwd", "told"),
    [
        (("no-such-program-at-all",), ".", "no-such-program-at-all"),
        (("./plain.txt",), ".", "plain.txt"),
        (LASTING, "nowhere", "nowhere"),
        (LASTING, "plain.txt", "plain.txt"),
        (LASTING, "../..", "outside the room"),
        (LASTING, "way-out", "outside the room"),
    ],
)
async def test_what_cannot_be_started_fails_with_its_reason(
    processes: Supervised, command: tuple[str, ...], cwd: str, told: str
):
    root = Path(processes.room.root)
    (root / "plain.txt").write_text("not a program\n")
    (root / "way-out").symlink_to("/")
    async with hosted(processes.database):
        web = processes.add("web", command, cwd=cwd)
        failed = await processes.until_state(web, ProcessState.FAILED)
        await processes.until(lambda: "process_failed" in processes.alerts())
    assert failed.reason is not None
    assert told in failed.reason
    assert failed.pid is None
    assert failed.restarts == 0, "trying again would not help"
    assert told in processes.alerts()["process_failed"].message
    assert not processes.alerts()["process_failed"].message.endswith("..")


async def test_a_full_process_table_is_waited_out(processes: Supervised, monkeypatch: pytest.MonkeyPatch):
    refusals = 2
    real = running.backend_for

    class Full:
        """A machine that has no room for another process, twice."""

        def __init__(self, backend: object) -> None:
            self.backend = backend

        async def start(self, launch: Launch) -> RunnerLink:
            nonlocal refusals
            if refusals:
                refusals -= 1
                raise ProcessFailed("'sleep' could not be started: too many processes.", "End some.", passing=True)
            return await self.backend.start(launch)  # type: ignore[attr-defined,no-any-return]

    monkeypatch.setattr(running, "backend_for", lambda *which: Full(real(*which)))
    async with hosted(processes.database):
        web = processes.add("web", restart=QUICK)
        found = await processes.until_state(web, ProcessState.RUNNING)
    assert found.restarts == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root has no process limit")
async def test_the_limit_of_processes_is_told(processes: Supervised):
    soft, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    async with hosted(processes.database):
        resource.setrlimit(resource.RLIMIT_NPROC, (1, hard))
        try:
            web = processes.add("web", restart=replace(QUICK, first_delay_seconds=0.2))
            await processes.until(lambda: processes.get(web).restarts > 0)
        finally:
            resource.setrlimit(resource.RLIMIT_NPROC, (soft, hard))
        await processes.until_state(web, ProcessState.RUNNING)


# what hangs, multiplies or storms


async def test_a_probe_that_hangs_is_ended_with_its_tree(processes: Supervised):
    root = Path(processes.room.root)
    script = "setsid sh -c 'echo $$ > hanging; exec sleep 1000' & trap '' TERM; sleep 1000"
    probe = Probe(exec=("sh", "-c", script), interval_seconds=600, timeout_seconds=0.5, failures=1)
    async with hosted(processes.database):
        web = processes.add("web", readiness=probe)
        await processes.until(lambda: "no answer within 0.5 s" in (processes.get(web).reason or ""))
        assert processes.get(web).state is ProcessState.RUNNING
        await processes.until(lambda: not is_alive(int((root / "hanging").read_text())))


async def test_a_port_that_accepts_and_says_nothing_is_no_answer(processes: Supervised):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        probe = Probe(http=url, interval_seconds=0.1, timeout_seconds=0.2, failures=2)
        async with hosted(processes.database):
            web = processes.add("web", liveness=probe, restart=QUICK)
            await processes.until(lambda: processes.get(web).restarts > 0)
    assert "unhealthy" in processes.states(web)


async def test_a_thousand_children_are_ended_with_their_parent(processes: Supervised):
    script = (
        "import os, time\nfor number in range(1000):\n    if os.fork() == 0:\n        number % 3 or os.setsid()\n"
        "        time.sleep(1000)\nopen('forked', 'w').close()\ntime.sleep(1000)\n"
    )
    async with hosted(processes.database):
        web = processes.add("web", (sys.executable, "-c", script), stop_grace_seconds=1.0)
        await processes.until(Path(processes.room.root, "forked").exists)
        runner = processes.get(web).runner
        assert runner is not None
        processes.want(Desired.STOPPED, web)
        await processes.until_state(web, ProcessState.STOPPED)
    mark = f"WZP_RUNNER={runner}".encode()
    assert not [each for each in Path("/proc").glob("[0-9]*") if mark in _environment(each)]


def _environment(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""


async def test_a_storm_of_restarts_ends_in_failure_and_an_alert(processes: Supervised):
    restart = Restart(policy=RestartPolicy.ALWAYS, first_delay_seconds=0.01, longest_delay_seconds=0.02, limit=4)
    async with hosted(processes.database):
        ids = processes.add_all([(f"storm{number}", ("false",)) for number in range(5)], restart=restart)
        for each in ids:
            failed = await processes.until_state(each, ProcessState.FAILED)
            assert failed.restarts == 4
            assert failed.exit_code == 1
        await processes.until(lambda: "restart_storm" in processes.alerts())
        processes.want(Desired.STOPPED, *ids)
        await processes.until(lambda: "restart_storm" not in processes.alerts())


async def test_a_stop_during_the_start_leaves_nothing(processes: Supervised):
    async with hosted(processes.database):
        for number in range(5):
            grace_s = 600.0  # it is asked to stop, not killed in the end
            web = processes.add(f"web{number}", ("sh", "-c", "sleep 1000; true"), stop_grace_seconds=grace_s)
            await asyncio.sleep(0.01 * number)
            processes.want(Desired.STOPPED, web)
            stopped = await processes.until_state(web, ProcessState.STOPPED)
            assert stopped.pid is None or not is_alive(stopped.pid)
        await processes.until(lambda: not any(runner_folders(processes.database.home).values()))


async def test_a_suspended_runner_is_killed_over_its_head(processes: Supervised, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("core.processes.deeds.KILL_SLACK_S", 0.2)
    monkeypatch.setattr(running, "ANSWER_DEADLINE_S", 0.5)
    async with hosted(processes.database):
        web = processes.add("web", stop_grace_seconds=0.1)
        found = await processes.until_state(web, ProcessState.RUNNING)
        status = read_status(runner_folders(processes.database.home)[web][0])
        assert status is not None
        kill(status.runner_pid, signal.SIGSTOP)
        processes.want(Desired.STOPPED, web)
        await processes.until_state(web, ProcessState.STOPPED)
        assert not is_alive(found.pid)
        assert not is_alive(status.runner_pid)


# clocks and hosts


async def test_a_jumping_clock_moves_no_timer(processes: Supervised, monkeypatch: pytest.MonkeyPatch):
    """The wall clock goes back a day in the middle of things: the order of events stays, and so does every delay."""
    async with hosted(processes.database):
        web = processes.add("web", restart=QUICK)
        first = await processes.until_state(web, ProcessState.RUNNING)
        from storage import clock, writer

        real = clock.utc_now
        from datetime import timedelta

        monkeypatch.setattr(writer, "utc_now", lambda: real() - timedelta(days=1))
        kill(first.pid)
        await processes.until(lambda: processes.get(web).restarts == 1)
        await processes.until_state(web, ProcessState.RUNNING)
        monkeypatch.setattr(writer, "utc_now", lambda: real() + timedelta(days=1))
        kill(processes.get(web).pid)
        await processes.until(lambda: processes.get(web).restarts == 2)
        await processes.until_state(web, ProcessState.RUNNING)
    with processes.database.read() as rows:
        times = [each.at for each in rows.events(entity_id=web)]
    assert times == sorted(times)


async def test_a_suspended_host_that_wakes_up_is_refused(processes: Supervised, monkeypatch: pytest.MonkeyPatch):
    """Two owners: the first stands still, the second takes over, the first wakes up and may do nothing any more."""
    monkeypatch.setattr(lease_module, "SUSPENDED_S", 0.5)
    with serving(processes.database) as first:
        web = processes.add("web", restart=QUICK)
        before = await processes.until_state(web, ProcessState.RUNNING)
        sign = current_host(processes.database.home)
        assert sign is not None
        kill(first.pid, signal.SIGSTOP)
        second = HostLease(processes.database)
        await asyncio.wait_for(second.take(), 30)
        assert second.token > sign.token
        second.give_up()
        async with hosted(processes.database):
            processes.want(Desired.STOPPED, web)
            await processes.until_state(web, ProcessState.STOPPED)
            assert not is_alive(before.pid)
            processes.want(Desired.RUNNING, web)
            after = await processes.until_state(web, ProcessState.RUNNING)
            folder = runner_folders(processes.database.home)[web][-1]
            with pytest.raises(HostLost):
                await RunnerLink.connect(folder, sign.token)
            kill(first.pid, signal.SIGCONT)
            await asyncio.sleep(1)  # what it would do wrong, it would do at once
            assert processes.get(web).pid == after.pid
            assert is_alive(after.pid)


# room.yaml


async def test_a_broken_room_yaml_is_told_and_what_runs_goes_on(processes: Supervised):
    path = Path(processes.room.root, "room.yaml")
    good = f"processes:\n  - name: web\n    command: {shlex.join(LASTING)}\n"
    path.write_text(good)
    processes.edit_room(trusted_hash=content_hash(good.encode()))
    async with hosted(processes.database):
        web = processes.add("web", restart=QUICK)
        running_one = await processes.until_state(web, ProcessState.RUNNING)
        assert "room_yaml" not in processes.alerts()
        path.write_text(good + "  - name: [broken\n")
        await processes.until(lambda: "line" in getattr(processes.alerts().get("room_yaml"), "message", ""))
        assert "column" in processes.alerts()["room_yaml"].message
        path.write_text(good + "  - name: other\n    command: [sleep, '1']\n")
        await processes.until(lambda: "wzp room trust" in processes.alerts()["room_yaml"].hint)
        path.write_text(good)
        await processes.until(lambda: "room_yaml" not in processes.alerts())
        assert processes.get(web).pid == running_one.pid
