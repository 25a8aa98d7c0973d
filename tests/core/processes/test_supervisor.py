"""The supervisor: what is wanted becomes what runs, whoever dies meanwhile; with real runners and a real store."""

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import ProcessFailed
from core.processes import journal
from core.processes.declaration import content_hash
from core.processes.environment import read_env_file
from core.processes.link import runner_folders
from storage import Desired, Probe, ProcessKind, ProcessState, Restart, RestartPolicy, StorageTimeout
from tests.support.supervising import LASTING, QUICK, Supervised, end_all, hosted, is_alive, kill
from tests.support.users import User


@pytest.fixture
def processes(board: User) -> Iterator[Supervised]:
    yield Supervised(board.database)
    end_all(board.database)


async def test_what_is_wanted_runs_and_what_is_not_is_down(processes: Supervised):
    async with hosted(processes.database):
        web = processes.add("web")
        running = await processes.until_state(web, ProcessState.RUNNING)
        assert is_alive(running.pid)
        assert running.started_at is not None
        processes.want(Desired.STOPPED, web)
        stopped = await processes.until_state(web, ProcessState.STOPPED)
        assert not is_alive(running.pid)
        assert stopped.ended_at is not None
    assert processes.states(web) == ["starting", "running", "stopping", "stopped"]


async def test_what_ends_by_itself_is_started_again(processes: Supervised):
    async with hosted(processes.database):
        web = processes.add("web", restart=QUICK)
        first = await processes.until_state(web, ProcessState.RUNNING)
        kill(first.pid)
        await processes.until(lambda: processes.get(web).restarts == 1)
        second = await processes.until_state(web, ProcessState.RUNNING)
        assert second.pid != first.pid
    assert "pending" in processes.states(web)


async def test_the_next_host_adopts_what_runs(processes: Supervised):
    async with hosted(processes.database):
        web = processes.add("web")
        before = await processes.until_state(web, ProcessState.RUNNING)
    assert is_alive(before.pid)
    async with hosted(processes.database):
        await processes.until_state(processes.add("other"), ProcessState.RUNNING)
        assert processes.states(web) == ["starting", "running"], "its state is what it was, without a word"
        processes.want(Desired.STOPPED, web)
        await processes.until_state(web, ProcessState.STOPPED)
        assert not is_alive(before.pid)
    after = processes.get(web)
    assert (after.pid, after.started_at, after.runner) == (before.pid, before.started_at, before.runner)


async def test_a_restart_a_declaration_and_a_removal_are_followed(processes: Supervised):
    async with hosted(processes.database):
        web, other = processes.add_all([("web", LASTING), ("other", LASTING)])
        first = await processes.until_state(web, ProcessState.RUNNING)
        beside = await processes.until_state(other, ProcessState.RUNNING)
        processes.want(Desired.RUNNING, web)
        second = await processes.until_state(web, ProcessState.RUNNING)
        assert second.pid != first.pid
        processes.declare(web, env={"NEW": "1"})
        await processes.until(lambda: processes.get(web).pid not in (None, second.pid))
        third = await processes.until_state(web, ProcessState.RUNNING)
        processes.declare(web, capacity=4, labels=("front",))
        processes.remove(web)
        await processes.until_state(web, ProcessState.STOPPED)
        assert not is_alive(third.pid)
        assert processes.get(other).pid == beside.pid
        assert is_alive(beside.pid)


async def test_a_removal_while_no_host_was_there_comes_true_with_the_next(processes: Supervised):
    async with hosted(processes.database):
        web, idle = processes.add("web"), processes.add("idle", wanted=False)
        running = await processes.until_state(web, ProcessState.RUNNING)
    processes.remove(web, idle)
    async with hosted(processes.database):
        await processes.until(lambda: processes.get(web).state is ProcessState.STOPPED)
        assert not is_alive(running.pid)
        for each in (web, idle):
            await processes.until(
                lambda each=each: processes.get(each).observed_generation == processes.get(each).generation
            )


async def test_a_restart_asked_for_while_no_host_was_there_comes_true_with_the_next(processes: Supervised):
    async with hosted(processes.database):
        web, other = processes.add_all([("web", LASTING), ("other", LASTING)])
        before = await processes.until_state(web, ProcessState.RUNNING)
        beside = await processes.until_state(other, ProcessState.RUNNING)
    processes.want(Desired.RUNNING, web)
    async with hosted(processes.database):
        after = await processes.until_state(web, ProcessState.RUNNING)
        assert after.pid != before.pid
        assert not is_alive(before.pid)
        assert processes.get(other).pid == beside.pid


async def test_a_line_of_long_ago_counts_for_readiness(processes: Supervised):
    script = "echo up; seq 200000; touch printed; exec sleep 1000"
    async with hosted(processes.database):
        web = processes.add("web", ("sh", "-c", script))
        await processes.until(Path(processes.room.root, "printed").exists)
        running = await processes.until_state(web, ProcessState.RUNNING)
        processes.declare(web, readiness=Probe(log_line="^up$"))
        ready = await processes.until_state(web, ProcessState.READY)
        assert ready.pid == running.pid


async def test_killing_does_not_wait_for_the_grace(processes: Supervised):
    async with hosted(processes.database):
        stubborn = ("sh", "-c", "trap '' TERM; echo deaf > deaf; while :; do sleep 0.1; done")
        web = processes.add("web", stubborn, stop_grace_seconds=600)
        await processes.until(Path(processes.room.root, "deaf").exists)
        running = await processes.until_state(web, ProcessState.RUNNING)
        processes.want(Desired.STOPPED, web)
        await processes.until(lambda: processes.get(web).state is ProcessState.STOPPING)
        processes.want(Desired.KILLED, web)
        stopped = await processes.until_state(web, ProcessState.STOPPED)
        assert not is_alive(running.pid)
        assert stopped.exit_signal == "SIGKILL"


async def test_the_environment_is_what_was_declared_and_nothing_of_ours(
    processes: Supervised, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CLAUDECODE", "1")
    monkeypatch.setenv("WZP_SESSION_TOKEN", "secret")
    monkeypatch.setenv("TMUX_PANE", "%7")
    root = Path(processes.room.root)
    (root / "sub").mkdir()
    (root / "sub" / "plain.env").write_text("# a comment\nexport FROM_FILE='of the file'\nBOTH=file # note\n")
    content = "processes:\n- name: web\n  command: [printenv]\n  env: {API_TOKEN: hidden-value}\n"
    (root / "room.yaml").write_text(content)
    processes.edit_room(trusted_hash=content_hash(content.encode()))
    async with hosted(processes.database):
        web = processes.add(
            "web", ("sh", "-c", "env > found; pwd >> found"), cwd="sub", env={"BOTH": "declared"},
            env_file="sub/plain.env", secret_env=("API_TOKEN",), kind=ProcessKind.AGENT, agent="claude",
        )  # fmt: skip
        await processes.until_state(web, ProcessState.EXITED)
    found = (root / "sub" / "found").read_text().splitlines()
    assert "FROM_FILE=of the file" in found
    assert "BOTH=declared" in found
    assert "API_TOKEN=hidden-value" in found
    assert "WZP_AGENT=claude" in found
    assert f"WZP_ROOM={processes.room.name}" in found
    assert str((root / "sub").resolve()) in found
    assert not [line for line in found if line.startswith(("CLAUDECODE", "WZP_SESSION_TOKEN", "TMUX_PANE"))]
    run = processes.database.home.run
    written = [each for each in run.rglob("*") if each.is_file() and b"hidden-value" in each.read_bytes()]
    assert not written, "a secret is never written down"


async def test_secrets_of_an_unapproved_room_yaml_are_refused(processes: Supervised):
    Path(processes.room.root, "room.yaml").write_text("processes: []\n")
    async with hosted(processes.database):
        web = processes.add("web", secret_env=("API_TOKEN",))
        failed = await processes.until_state(web, ProcessState.FAILED)
    assert "wzp room trust" in (failed.reason or "")


@pytest.mark.parametrize("how", ["exec", "tcp", "http", "log_line"])
async def test_readiness_is_asked_in_every_way(processes: Supervised, how: str):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serve = "import http.server, sys; print('listening', flush=True)\n" if how == "log_line" else ""
    script = (
        f"{serve}import time, os, http.server\nwhile not os.path.exists('go'): time.sleep(0.02)\n"
        "print('\\x1b[32mnow it\\x1b[0m listens', flush=True)\n"
        f"server = http.server.ThreadingHTTPServer(('127.0.0.1', {port}), http.server.SimpleHTTPRequestHandler)\n"
        "server.serve_forever()\n"
    )
    probes = {
        "exec": Probe(exec=("test", "-e", "go")),
        "tcp": Probe(tcp=f"127.0.0.1:{port}"),
        "http": Probe(http=f"http://127.0.0.1:{port}/"),
        "log_line": Probe(log_line="^now it list.ns$"),
    }
    async with hosted(processes.database):
        web = processes.add("web", (sys.executable, "-c", script), readiness=probes[how])
        await processes.until_state(web, ProcessState.RUNNING)
        await processes.until(lambda: (processes.get(web).reason or "").startswith("not ready yet"))
        Path(processes.room.root, "go").touch()
        await processes.until_state(web, ProcessState.READY)
        assert processes.get(web).reason is None


async def test_an_expression_that_would_take_for_ever_holds_up_nothing(processes: Supervised):
    async with hosted(processes.database):
        endless = Probe(log_line=r"^(\w+\s?)+$")
        web = processes.add("web", ("sh", "-c", f"echo {'a' * 100}!; exec sleep 1000"), readiness=endless)
        api = processes.add("api")
        await processes.until_state(api, ProcessState.RUNNING)
        await processes.until(lambda: "takes more than" in (processes.get(web).reason or ""))
        assert processes.get(web).state is ProcessState.RUNNING


async def test_what_depends_waits_and_goes_first(processes: Supervised):
    async with hosted(processes.database):
        db = processes.add("db", readiness=Probe(exec=("test", "-e", "go")))
        web = processes.add("web", depends_on={"db": "healthy"})
        await processes.until(lambda: processes.get(web).reason == "waits for db")
        Path(processes.room.root, "go").touch()
        await processes.until_state(web, ProcessState.RUNNING)
        processes.want(Desired.STOPPED, db, web)
        await processes.until_state(db, ProcessState.STOPPED)
    with processes.database.read() as rows:
        ends = [each.entity_id for each in rows.events() if each.after.get("state") == "stopped"][-2:]
    assert ends == [web, db]


async def test_what_many_want_at_once_comes_to_pass(processes: Supervised):
    async with hosted(processes.database):
        ids = processes.add_all([(f"web.{number}", LASTING) for number in range(20)])
        found = [await processes.until_state(each, ProcessState.RUNNING) for each in ids]
        assert len({each.pid for each in found}) == 20
        processes.want(Desired.RUNNING, *ids)
        again = [await processes.until_state(each, ProcessState.RUNNING) for each in ids]
        assert not {each.pid for each in again} & {each.pid for each in found}
        processes.want(Desired.STOPPED, *ids)
        for each in ids:
            await processes.until_state(each, ProcessState.STOPPED)
        await processes.until(lambda: not any(runner_folders(processes.database.home).values()))


async def test_a_store_that_refuses_for_a_while_loses_nothing(processes: Supervised, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(journal, "RETRY_S", 0.05)
    real, refusals = journal.execute, 5

    def sometimes(*given: Any) -> Any:
        nonlocal refusals
        if refusals:
            refusals -= 1
            raise StorageTimeout("held", "wait")
        return real(*given)

    monkeypatch.setattr(journal, "execute", sometimes)
    async with hosted(processes.database):
        web = processes.add("web", ("sh", "-c", "sleep 0.5; exit 1"), restart=Restart(policy=RestartPolicy.NEVER))
        await processes.until_state(web, ProcessState.FAILED)
    assert processes.states(web) == ["starting", "running", "failed"]
    assert refusals == 0


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=1", "1"), ("export A = 1 # no", "1"), ("A='x # y'", "x # y"), ('A="a\\nb" # c', "a\nb"), ("A=", ""),
        ('A="un', None), ("=1", None), ("A='x' y", None),
    ],
)  # fmt: skip
def test_env_files_are_read_as_a_shell_would_assign(tmp_path: Path, line: str, value: str | None):
    path = tmp_path / "env"
    path.write_text(f"\n# first\n{line}\n")
    if value is None:
        with pytest.raises(ProcessFailed, match="Line 3"):
            read_env_file(path)
    else:
        assert read_env_file(path) == {"A": value}


def test_an_env_file_that_is_a_pipe_is_refused_and_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "env")
    with pytest.raises(ProcessFailed, match="no plain file"):
        read_env_file(tmp_path / "env")
