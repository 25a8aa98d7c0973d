"""The worker where the machine has nothing to spare: no descriptor, no process. It lives on, and says what it lacks."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from core.dispatch import WORKER_ARGV
from tests.core.dispatch.test_worker import Talk, gone, states_of_commands, worker_in
from tests.support.scarcity import no_descriptor_free, seconds_of
from tests.support.workers import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux sets another process's limits")


def said(talk: Talk) -> str:
    return (talk.folder / "said").read_text()


async def test_a_worker_without_a_free_descriptor_lives_on_and_takes_connections_again(tmp_path: Path):
    async with worker_in(tmp_path / "worker") as talk:
        talk.run("one", "echo $$ > pid; until test -e go; do sleep 0.02; done; echo over")
        await until(lambda: (talk.folder / "pid").exists() and (talk.folder / "pid").read_text())
        with no_descriptor_free(talk.program.pid):
            other = await talk.connect()
            await until(lambda: "Too many open files" in said(talk))
            used = seconds_of(talk.program.pid)
            await asyncio.sleep(1.0)
            assert seconds_of(talk.program.pid) - used < 0.3, "it does not ask without a pause"
            assert talk.program.poll() is None
            assert not other.told
        await until(lambda: other.told)
        (talk.folder / "go").touch()
        assert (await talk.ended("one"))["output"] == "over\n"
        assert said(talk).count("Too many open files") == 1, "it is told once"
        await other.link.close()


async def test_a_run_that_cannot_be_begun_says_why_and_the_next_one_begins(tmp_path: Path):
    async with worker_in(tmp_path / "worker") as talk:
        await until(lambda: talk.told)  # it has taken us in
        with no_descriptor_free(talk.program.pid):
            talk.run("one", "touch begun")
            assert "Too many open files" in (await talk.ended("one"))["error"]
        talk.run("two", "echo over")
        assert (await talk.ended("two"))["output"] == "over\n"
        assert not (talk.folder / "begun").exists()


@pytest.mark.parametrize("how", ["cancel", "pause", "stop"])
async def test_what_cannot_be_signalled_now_is_signalled_as_soon_as_that_can_be(tmp_path: Path, how: str):
    async with worker_in(tmp_path / "worker") as talk:
        talk.run("one", "trap 'touch asked; exit 3' TERM; touch begun; while :; do sleep 0.02; done", grace_s=30)
        await until((talk.folder / "begun").exists)
        with no_descriptor_free(talk.program.pid):
            if how == "stop":
                talk.program.send_signal(signal.SIGTERM)
            else:
                talk.link.send(how, run="one")
                await until(lambda: talk.of("one")[-1]["state"] != "running")
            await asyncio.sleep(0.2)
            assert talk.program.poll() is None
        if how == "pause":
            await until(lambda: set(states_of_commands(talk.program.pid)) == {"T"})
            talk.link.send("cancel", run="one")
        told = await talk.ended("one")
        assert (told["exit_code"], told["cancelled"]) == (3, how != "stop")


async def test_a_run_that_stands_still_and_is_cancelled_while_nobody_can_signal_goes_on_to_hear_it(tmp_path: Path):
    async with worker_in(tmp_path / "worker") as talk:
        talk.run("one", "trap 'exit 3' TERM; touch begun; while :; do sleep 0.02; done", grace_s=300)
        await until((talk.folder / "begun").exists)
        talk.link.send("pause", run="one")
        await until(lambda: set(states_of_commands(talk.program.pid)) == {"T"})
        with no_descriptor_free(talk.program.pid):
            talk.link.send("cancel", run="one")
            await until(lambda: talk.of("one")[-1]["state"] == "ending")
        assert (await talk.ended("one"))["exit_code"] == 3


async def test_a_tree_is_not_taken_for_dead_where_nobody_can_look(tmp_path: Path):
    async with worker_in(tmp_path / "worker") as talk:
        talk.run("one", "trap '' TERM HUP; echo $$ $PPID > pids; while :; do sleep 0.02; done")
        await until(lambda: (talk.folder / "pids").exists() and (talk.folder / "pids").read_text().endswith("\n"))
        leader, keeper = map(int, (talk.folder / "pids").read_text().split())
        with no_descriptor_free(talk.program.pid):
            os.kill(keeper, signal.SIGKILL)
            await asyncio.sleep(0.5)
            assert talk.program.poll() is None
            assert gone(leader) or not any(each["state"] == "ended" for each in talk.of("one"))
        assert (await talk.ended("one"))["lost_keeper"]
        assert gone(leader)


def refusing(code: str) -> list[str]:
    """A worker in which something is refused; `by` says whom the refusal is for."""
    return [*WORKER_ARGV[:-1], "-c", f"""
import errno, os, runpy
worker, fork = os.getpid(), os.fork
{code}
runpy.run_path({WORKER_ARGV[-1]!r}, run_name="__main__")
"""]  # fmt: skip


async def test_a_command_that_its_keeper_cannot_fork_has_not_lost_its_keeper(tmp_path: Path):
    argv = refusing("""
def refuse():
    if os.getpid() != worker and not os.path.exists("room"):
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")
    return fork()
os.fork = refuse""")
    async with worker_in(tmp_path / "worker", argv) as talk:
        talk.run("one", "touch begun")
        told = await talk.ended("one")
        assert "Resource temporarily unavailable" in told["error"]
        assert not told["lost_keeper"]
        assert not (talk.folder / "begun").exists()
        (talk.folder / "room").touch()
        talk.run("two", "echo over")
        assert (await talk.ended("two"))["output"] == "over\n"


async def test_a_keeper_that_cannot_be_forked_leaves_nothing_open(tmp_path: Path):
    argv = refusing("""
def refuse():
    if not os.path.exists("room"):
        raise OSError(errno.ENOMEM, "Cannot allocate memory")
    return fork()
os.fork = refuse""")
    async with worker_in(tmp_path / "worker", argv) as talk:
        await until(lambda: talk.told)  # it has taken us in
        opened = Path(f"/proc/{talk.program.pid}/fd")
        before = len(list(opened.iterdir()))
        for number in range(5):
            talk.run(f"{number}", "touch begun")
            assert "Cannot allocate memory" in (await talk.ended(f"{number}"))["error"]
        assert len(list(opened.iterdir())) == before
        (talk.folder / "room").touch()
        talk.run("after", "echo over")
        assert (await talk.ended("after"))["output"] == "over\n"


async def test_a_worker_whose_terminal_is_gone_goes_on(tmp_path: Path):
    argv = refusing("""
import sys
class Gone:
    def write(self, text):
        raise OSError(errno.EIO, "Input/output error")
    def flush(self):
        raise OSError(errno.EIO, "Input/output error")
sys.stdout = sys.stderr = Gone()""")
    async with worker_in(tmp_path / "worker", argv) as talk:
        for name in ("one", "two"):
            talk.run(name, "echo over")
            assert (await talk.ended(name))["output"] == "over\n"


@pytest.mark.parametrize(
    "line", ['{"do": "hello", "token": Infinity}', "[" * 200_000, '{"do": "run", "token": 1}'],
    ids=["infinite", "deep", "empty"],
)  # fmt: skip
async def test_no_line_of_a_client_ends_a_worker(tmp_path: Path, line: str):
    async with worker_in(tmp_path / "worker") as talk:
        talk.link._writer.write(line.encode() + b"\n")
        await until(lambda: any(each["tell"] == "error" for each in talk.told))
        talk.run("one", "echo over")
        assert (await talk.ended("one"))["output"] == "over\n"
