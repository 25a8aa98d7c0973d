"""The worker program by itself, over its socket: what it begins once, ends wholly, keeps and refuses."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from core.dispatch import WORKER_ARGV
from core.dispatch.link import WorkerLink
from core.errors import BackendUnavailable
from tests.support.workers import PATIENCE_S, until


class Talk:
    """A connection, and all that was told over it."""

    def __init__(self, program: subprocess.Popen[bytes], folder: Path) -> None:
        self.program = program
        self.folder = folder
        self.told: list = []

    async def connect(self, token: int = 1) -> "Talk":
        talk = Talk(self.program, self.folder)
        talk.link = await WorkerLink.connect(self.folder, token, talk.told.append)
        return talk

    def run(self, run: str, shell: str, **how) -> None:
        known = {"cwd": str(self.folder), "output": str(self.folder / f"{run}.log")}
        self.link.send(
            "run", run=run, attempt=1, shell=shell, **{**known, "result": str(self.folder / f"{run}.result"), **how}
        )

    async def ended(self, run: str) -> dict:
        def found():
            return next((each for each in self.of(run) if each["state"] == "ended"), None)

        return await until(found)

    def of(self, run: str) -> list[dict]:
        return [each for each in self.told if each and each.get("run") == run]


@asynccontextmanager
async def worker_in(folder: Path, argv: Sequence[str] = WORKER_ARGV, **environment: str) -> AsyncIterator[Talk]:
    """A worker of its own, and a connection to it. What it says goes to the file `said`."""
    folder.mkdir()
    with (folder / "said").open("wb") as said:
        program = subprocess.Popen(
            argv, env={**os.environ, "WZP_RUNNER_FOLDER": str(folder), **environment}, stdout=said, cwd=folder,
            start_new_session=True,
        )  # fmt: skip
    try:
        await until((folder / "worker.sock").exists)
        opened = await Talk(program, folder).connect()
        yield opened
        await opened.link.close()
    finally:
        program.kill()
        program.wait()


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with worker_in(tmp_path / ("a folder with a long name " * 5)) as opened:
        yield opened


def slow_git(folder: Path) -> str:
    """A PATH on which git takes its time, and tells by the file `looking` that it has begun."""
    folder.mkdir()
    git = shutil.which("git")
    (folder / "git").write_text(f'#!/bin/sh\ntouch "{folder}/looking"\nsleep 0.3\nexec {git} "$@"\n')
    (folder / "git").chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


async def test_a_run_begins_once_however_often_it_is_asked_for(talk: Talk):
    for _ in range(3):
        talk.run("one", "echo x >> times")
    await talk.ended("one")
    talk.run("one", "echo x >> times")
    await until(lambda: len(talk.of("one")) >= 5)
    assert (talk.folder / "times").read_text() == "x\n"


async def test_a_result_is_kept_until_it_is_forgotten(talk: Talk):
    talk.run("one", "echo kept; exit 4")
    await talk.ended("one")
    assert json.loads((talk.folder / "one.result").read_text())["exit_code"] == 4
    other = await talk.connect()
    await until(lambda: other.told)
    assert other.told[0]["output"] == "kept\n"
    other.link.send("forget", runs=["one"])
    await until(lambda: not (talk.folder / "one.result").exists())
    again = await talk.connect()
    await until(lambda: again.told)
    assert [each["tell"] for each in again.told] == ["jobs"]
    for each in (other, again):
        await each.link.close()


async def test_a_lower_token_is_refused_once_a_higher_was_seen(talk: Talk):
    newer = await talk.connect(token=7)
    await until(lambda: newer.told)
    talk.run("late", "echo x > late")
    await until(lambda: {"tell": "refused", "token": 7} in talk.told)
    newer.run("new", "true")
    await newer.ended("new")
    assert not (talk.folder / "late").exists()
    await newer.link.close()


@pytest.mark.parametrize(
    "leaving",
    [
        "sleep 1000 & echo $! >> pids",
        "setsid sleep 1000 & echo $! >> pids",
        "(setsid sh -c 'trap \"\" TERM; echo $$ >> pids; sleep 1000; sleep 1000' &) ; sleep 0.2",
        "env -i setsid -f sh -c 'trap \"\" TERM HUP; echo $$ >> pids; sleep 1000; sleep 1000'; sleep 0.2",
    ],
    ids=["background", "session", "double fork", "no environment"],
)
async def test_nothing_outlives_a_command_however_it_detaches_itself(talk: Talk, leaving: str):
    talk.run("one", leaving, grace_s=0.2)
    told = await talk.ended("one")
    assert told["exit_code"] == 0
    pids = [int(pid) for pid in (talk.folder / "pids").read_text().split()]
    assert pids
    assert all(gone(pid) for pid in pids)


async def test_trees_of_several_runs_do_not_mix(talk: Talk):
    talk.run("long", "echo $$ > long.pid; setsid sleep 1000 & sleep 1000")
    await until(lambda: (talk.folder / "long.pid").exists() and (talk.folder / "long.pid").read_text())
    talk.run("short", "setsid sleep 1000 & echo over", grace_s=0.2)
    await talk.ended("short")
    assert not gone(int((talk.folder / "long.pid").read_text()))
    talk.link.send("cancel", run="long")
    told = await talk.ended("long")
    assert told["cancelled"]
    assert told["exit_signal"] == "SIGTERM"


async def test_a_run_whose_keeper_was_killed_is_ended_whole(talk: Talk):
    talk.run("one", "trap '' TERM; echo $$ $PPID > pids; sleep 1000 & wait; sleep 1000")
    await until(lambda: (talk.folder / "pids").exists() and (talk.folder / "pids").read_text().endswith("\n"))
    leader, keeper = map(int, (talk.folder / "pids").read_text().split())
    os.kill(keeper, signal.SIGKILL)
    told = await talk.ended("one")
    assert told["error"] == "its keeper was killed"
    assert gone(leader)


async def test_what_a_command_prints_is_kept_byte_for_byte_and_its_end_is_told(talk: Talk):
    talk.run("one", "head -c 300000 /dev/zero; printf 'a\\377b\\033[31m\\n'; echo end >&2")
    told = await talk.ended("one")
    kept = (talk.folder / "one.log").read_bytes()
    assert kept == bytes(300_000) + b"a\xffb\x1b[31m\nend\n"
    assert told["output"].endswith("a\ufffdb\x1b[31m\nend\n")
    assert len(told["output"].encode()) <= 70_000


async def test_a_flood_is_kept_within_its_bound(talk: Talk):
    talk.run("one", "head -c 1000000 /dev/zero; echo end", max_bytes=100_000)
    told = await talk.ended("one")
    sizes = [path.stat().st_size for path in talk.folder.glob("one.log*")]
    assert sum(sizes) <= 2 * 170_000
    assert told["output"].endswith("end\n")


async def test_a_log_that_cannot_be_written_ends_no_run(talk: Talk):
    talk.run("one", "echo said", output="/dev/full")
    told = await talk.ended("one")
    assert told["exit_code"] == 0
    assert told["output"] == "said\n"
    assert "No space left" in told["log_error"] or "symbolic" in told["log_error"]


async def test_a_directory_that_is_not_there_fails_the_run_with_its_name(talk: Talk):
    talk.run("one", "true", cwd="/nowhere")
    assert (await talk.ended("one"))["error"] == "No such file or directory: /nowhere"


async def test_the_time_that_a_run_stands_still_does_not_count(talk: Talk):
    talk.run("one", "for i in 1 2 3 4 5; do echo $i; sleep 0.1; done", time_limit_s=2)
    await until(lambda: talk.of("one"))
    talk.link.send("pause", run="one")
    await until(lambda: talk.of("one")[-1]["state"] == "paused")
    await asyncio.sleep(2.2)
    talk.link.send("continue", run="one")
    told = await talk.ended("one")
    assert (told["exit_code"], told["reason"]) == (0, None)


async def test_a_paused_run_can_be_cancelled(talk: Talk):
    talk.run("one", "sleep 1000")
    await until(lambda: talk.of("one"))
    talk.link.send("pause", run="one")
    talk.link.send("cancel", run="one")
    assert (await talk.ended("one"))["cancelled"]


async def test_a_stopped_worker_ends_its_runs_and_tells_of_them_first(talk: Talk):
    talk.run("one", "echo $$ > pid; sleep 1000")
    await until(lambda: (talk.folder / "pid").exists() and (talk.folder / "pid").read_text())
    talk.program.terminate()
    told = await talk.ended("one")
    assert told["interrupted"]
    assert told["reason"] == "its worker was stopped"
    talk.link.send("forget", runs=["one"])
    assert await asyncio.to_thread(talk.program.wait, PATIENCE_S) == 0
    assert gone(int((talk.folder / "pid").read_text()))


async def test_what_a_killed_worker_leaves_ends_with_it(talk: Talk):
    talk.run("one", "trap '' TERM; echo $$ > pid; setsid sleep 1000 & sleep 1000")
    await until(lambda: (talk.folder / "pid").exists() and (talk.folder / "pid").read_text())
    talk.program.kill()
    await until(lambda: gone(int((talk.folder / "pid").read_text())))


async def test_nonsense_is_answered_and_harms_nobody(talk: Talk):
    talk.link._writer.write(b'not json\n{"do": "run"}\n{"do": "dance", "token": 1}\n{"do": "cancel", "token": 1}\n')
    await until(lambda: len([each for each in talk.told if each["tell"] == "error"]) == 4)
    talk.run("one", "true")
    assert (await talk.ended("one"))["exit_code"] == 0


async def test_nobody_home_is_said_so(tmp_path: Path):
    with pytest.raises(BackendUnavailable, match="No worker answers"):
        await WorkerLink.connect(tmp_path, 1, lambda told: None)


async def test_a_killed_keepers_tree_is_ended_though_it_has_no_environment(talk: Talk):
    script = "trap '' TERM HUP; echo $$ > stray; sleep 1000; sleep 1000"
    talk.run("one", f"echo $PPID > keeper; env -i setsid -f sh -c '{script}'; sleep 1000")
    talk.run("other", "echo $$ > other; sleep 1000")
    for name in ("keeper", "stray", "other"):
        await until(lambda name=name: (talk.folder / name).exists() and (talk.folder / name).read_text())
    os.kill(int((talk.folder / "keeper").read_text()), signal.SIGKILL)
    told = await talk.ended("one")
    assert told["lost_keeper"]
    assert gone(int((talk.folder / "stray").read_text()))
    assert not gone(int((talk.folder / "other").read_text())), "nobody else's"


async def test_what_a_command_left_ends_too_where_its_keeper_is_killed_meanwhile(talk: Talk):
    script = "trap '' TERM HUP; echo $$ > stray; sleep 1000; sleep 1000"
    talk.run("one", f"echo $$ $PPID > pids; setsid -f sh -c '{script}'; while [ ! -s stray ]; do sleep 0.01; done")
    await until(lambda: (talk.folder / "stray").exists() and (talk.folder / "stray").read_text())
    leader, keeper = map(int, (talk.folder / "pids").read_text().split())
    await until(lambda: gone(leader))
    os.kill(keeper, signal.SIGKILL)
    await talk.ended("one")
    assert gone(int((talk.folder / "stray").read_text()))


async def test_a_process_that_does_not_go_holds_up_no_other_run(tmp_path: Path):
    """What is stuck in the kernel takes no SIGKILL; here the signal is lost on its way instead."""
    lame = f"""
import os, runpy, signal, sys
send = signal.pidfd_send_signal
def lose(descriptor, number):
    with open(f"/proc/self/fdinfo/{{descriptor}}") as file:
        pid = next(line.split()[1] for line in file if line.startswith("Pid:"))
    if not (os.path.exists("stuck") and open("stuck").read().strip() == pid):
        send(descriptor, number)
signal.pidfd_send_signal = lose
runpy.run_path({WORKER_ARGV[-1]!r}, run_name="__main__")
"""
    folder = tmp_path / "worker"
    async with worker_in(folder, [*WORKER_ARGV[:-1], "-c", lame]) as talk:
        talk.run("one", "sleep 1000 & echo $! > stuck; echo $PPID > keeper; wait")
        await until(lambda: (folder / "keeper").exists() and (folder / "keeper").read_text())
        stuck = int((folder / "stuck").read_text())
        try:
            os.kill(int((folder / "keeper").read_text()), signal.SIGKILL)
            for number in range(3):
                talk.run(f"next{number}", "echo done")
                assert (await talk.ended(f"next{number}"))["output"] == "done\n"
            assert not any(each["state"] == "ended" for each in talk.of("one")), "it is not gone yet"
            await until(lambda: "do not go" in (folder / "said").read_text())
        finally:
            os.kill(stuck, signal.SIGKILL)
        assert (await talk.ended("one"))["lost_keeper"]


async def test_a_run_that_is_cancelled_before_its_command_has_begun_does_not_begin(tmp_path: Path):
    path = slow_git(tmp_path / "bin")
    async with worker_in(tmp_path / "worker", PATH=path) as talk:
        talk.run("one", "touch begun", collects_files=True)
        await until((tmp_path / "bin" / "looking").exists)
        talk.link.send("cancel", run="one")
        told = await talk.ended("one")
        assert told["cancelled"]
        assert told["pid"] is None
        assert not (talk.folder / "begun").exists()


async def test_a_run_that_is_paused_before_its_command_has_begun_stands_still_once_it_has(tmp_path: Path):
    path = slow_git(tmp_path / "bin")
    async with worker_in(tmp_path / "worker", PATH=path) as talk:
        talk.run("one", "until test -e go; do sleep 0.02; done; touch begun", collects_files=True)
        await until((tmp_path / "bin" / "looking").exists)
        talk.link.send("pause", run="one")
        await until(lambda: talk.of("one")[-1]["state"] == "paused")
        await until(lambda: "T" in states_of_commands(talk.program.pid))
        (talk.folder / "go").touch()
        await asyncio.sleep(0.2)
        assert not (talk.folder / "begun").exists()
        talk.link.send("continue", run="one")
        assert (await talk.ended("one"))["exit_code"] == 0
        assert (talk.folder / "begun").exists()


async def test_files_are_collected_however_long_that_takes(tmp_path: Path):
    folder = tmp_path / "worker"
    path = slow_git(tmp_path / "bin")
    async with worker_in(folder, PATH=path) as talk:
        subprocess.run(["git", "init", "-q", str(folder)], check=True)
        talk.run("one", "echo new > new.txt", collects_files=True, grace_s=0.1)
        assert "new.txt" in (await talk.ended("one"))["files"]


def states_of_commands(pid: int) -> list[str]:
    """Of what the keepers have begun; stopped so early that it need not have become a shell yet."""
    found = []
    for keeper in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with suppress(OSError):  # what was there has ended
            children = Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()
            found += [Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()[0] for each in children]
    return found


async def test_the_end_of_a_long_output_begins_with_a_line(talk: Talk):
    talk.run("lines", "seq 100000")
    first, *_, last = (await talk.ended("lines"))["output"].splitlines()
    assert (int(first) > 1, last) == (True, "100000")
    assert len(first) in (5, 6), "not the end of a number"
    talk.run("one line", "head -c 200000 /dev/zero; echo; echo end")
    assert (await talk.ended("one line"))["output"].endswith("\0\0\nend\n")


async def test_what_still_runs_is_not_forgotten(talk: Talk):
    talk.run("one", "echo x >> times; until test -e gate; do sleep 0.02; done")
    await until(lambda: (talk.folder / "times").exists())
    talk.link.send("forget", runs=["one"])
    talk.run("one", "echo x >> times")
    (talk.folder / "gate").touch()
    assert (await talk.ended("one"))["exit_code"] == 0
    assert (talk.folder / "times").read_text() == "x\n"


async def test_a_worker_that_is_stopping_begins_nothing_more(talk: Talk):
    talk.run("one", "trap 'touch asked' TERM; touch begun; while :; do sleep 0.1; done", grace_s=2.0)
    await until((talk.folder / "begun").exists)
    talk.program.terminate()
    await until((talk.folder / "asked").exists)
    talk.run("late", "touch late")
    await until(lambda: {"tell": "unknown", "run": "late"} in talk.told)
    assert (await talk.ended("one"))["interrupted"]
    assert not (talk.folder / "late").exists()


async def test_many_changed_files_with_long_names_are_told_in_a_line_that_can_be_taken(tmp_path: Path):
    async with worker_in(tmp_path / "worker") as talk:
        room = tmp_path / "room"
        room.mkdir()
        deep = "/".join(["長" * 80] * 12)
        talk.run("one", f"mkdir -p {deep}; cd {deep}; seq 1000 | xargs touch", cwd=str(room), collects_files=True)
        told = await talk.ended("one")
        assert told["exit_code"] == 0
        assert len(told["files"]) > 100
        assert len(json.dumps(told)) < 2_000_000
