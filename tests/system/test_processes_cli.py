"""Processes from the command line alone, as a person or a script would: with the host that the commands start."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage import Home
from tests.support.serving import PROGRAM, Project, is_alive, project_in

TREE = """\
processes:
  - name: db
    command: [sh, -c, "sleep 1000 & echo $! > child.pid; echo ready to accept; wait"]
    readiness: {log_line: ready to accept, interval: 0.1}
    restartable: true
  - name: web
    command: 'echo "web on $PORT"; exec sleep 1000'
    env: {PORT: 8080}
    depends_on: {db: healthy}
"""


@pytest.fixture
def room(home: Home, project: Path) -> Iterator[Project]:
    with project_in(home, project) as here:
        yield here


def test_a_day_with_processes(room: Project):
    room.write(TREE)
    refused = room.error("start", code=5)
    assert refused["code"] == "not_approved"
    assert "wzp room trust" in refused["hint"]
    assert room.host_pid() is None, "nothing was to be done, so nobody was started"
    assert room.ps() == {}

    room.run("room", "trust")
    up = room.ps()
    assert {name: each["state"] for name, each in up.items()} == {"db": "ready", "web": "running"}
    for each in up.values():
        assert {"name", "state", "reason", "pid", "backend", "restarts", "started_at"} <= set(each)
        assert is_alive(each["pid"])
    assert room.host_pid() is not None

    room.run("restart", "web")
    again = room.ps()
    assert again["web"]["pid"] != up["web"]["pid"]
    assert not is_alive(up["web"]["pid"])
    assert again["db"]["pid"] == up["db"]["pid"]

    room.run("scale", "web", "3")
    grown = room.ps()
    assert set(grown) == {"db", "web", "web.2", "web.3"}
    assert grown["web"]["pid"] == again["web"]["pid"]
    assert "web.3: stopped (ended by SIGTERM), removed" in room.run("scale", "web", "1").stdout.splitlines()
    assert set(room.ps()) == {"db", "web"}
    assert not is_alive(grown["web.3"]["pid"])

    child = int((room.directory / "child.pid").read_text())
    assert is_alive(child)
    stopped = room.json("stop", "--all")
    assert {(each["state"], each["pid"]) for each in stopped} == {("stopped", None)}
    assert not is_alive(child), "a stop is of the whole tree"
    assert not is_alive(up["db"]["pid"])

    room.run("start")
    assert {each["state"] for each in room.ps().values()} == {"ready", "running"}
    history = room.run("history", "--limit", "200").stdout
    assert f"web is running, pid {up['web']['pid']}" in history
    assert "db is ready" in history
    assert "stop of db asked for" in history


def test_a_changed_room_yaml_is_approved_anew_and_restarts_what_changed_alone(room: Project):
    room.write(TREE)
    room.run("room", "trust")
    before = room.ps()
    room.write(TREE.replace("8080", "9090"))
    shown = room.json("room", "trust", "--show")
    assert not shown["approved"]
    assert "9090" in shown["content"]
    assert "has changed since it was approved" in room.run("ps").stderr
    assert room.error("room", "trust", "0" * 64, code=5)["code"] == "not_approved"
    assert shown["hash"] in room.run("room", "trust", "--show").stdout, "what it shows is what it takes"
    approval = room.json("room", "trust", shown["hash"])
    assert (approval["changed"], approval["kept"]) == (["web"], ["db"])
    after = room.ps()
    assert after["db"]["pid"] == before["db"]["pid"]
    assert after["web"]["pid"] != before["web"]["pid"]
    assert after["web"]["spec"]["env"] == {"PORT": "9090"}


def test_a_changed_value_of_an_env_file_or_a_secret_restarts_who_reads_it_and_nobody_else(room: Project):
    env_file = room.directory / ".env"
    env_file.write_text("API_TOKEN=kiwi-one\n")
    tree = (
        "processes:\n"
        "- {name: web, command: 'echo reads $API_TOKEN; exec sleep 1000', env_file: .env}\n"
        "- {name: db, command: 'echo knows $DB_PASSWORD; exec sleep 1000', env: {DB_PASSWORD: plum-one}}\n"
        "- {name: other, command: sleep 1000}\n"
    )
    room.write(tree)
    room.run("room", "trust")
    first = room.ps()
    assert {name: each["reason"] for name, each in first.items()} == {"web": None, "db": None, "other": None}

    env_file.write_text("API_TOKEN=kiwi-two # changed\n")
    room.until(lambda: "`wzp restart web`" in (room.ps()["web"]["reason"] or ""), "that it is told")
    assert room.ps()["web"]["pid"] == first["web"]["pid"], "whoever may write the file may not restart by that"
    assert "runs on with its variables of before" in room.run("start", "web").stderr
    assert "for its env_file or secrets" in room.run("room", "trust", "--show").stdout
    approval = room.json("room", "trust")
    assert (approval["changed"], approval["kept"]) == (["web"], ["db", "other"])
    second = room.ps()
    assert second["web"]["pid"] != first["web"]["pid"]
    assert second["web"]["reason"] is None
    assert "reads kiwi-two" in room.run("logs", "web").stdout

    room.write(tree.replace("plum-one", "plum-two"))
    approval = room.json("room", "trust")
    assert (approval["changed"], approval["kept"]) == (["db"], ["web", "other"])
    third = room.ps()
    assert third["db"]["pid"] != first["db"]["pid"]
    assert (third["web"]["pid"], third["other"]["pid"]) == (second["web"]["pid"], first["other"]["pid"])
    assert "knows plum-two" in room.run("logs", "db").stdout
    for value in (b"kiwi-", b"plum-"):
        kept = [each for each in room.home.path.rglob("*") if each.is_file() and "logs" not in each.parts]
        assert not [each for each in kept if value in each.read_bytes()], "no value is stored"


def test_what_failed_for_a_wrong_secret_is_tried_again_with_the_right_one(room: Project):
    tree = (
        "processes:\n"
        "- {name: db, command: '[ $DB_TOKEN = right ] && exec sleep 1000', env: {DB_TOKEN: wrong}, restart: never}\n"
    )
    room.write(tree)
    assert room.error("room", "trust", code=8)["code"] == "process_failed"
    room.write(tree.replace("wrong", "right"))
    room.run("room", "trust")
    assert room.ps()["db"]["state"] == "running"


def test_approving_starts_what_is_needed_too_and_does_not_repeat_what_is_done(room: Project):
    tree = (
        "processes:\n"
        "- {name: migrate, command: echo once >> migrated, restart: never, autostart: false}\n"
        "- {name: web, command: sleep 1000, depends_on: {migrate: completed_successfully}}\n"
    )
    room.write(tree)
    room.run("room", "trust")
    assert {name: each["state"] for name, each in room.ps().items()} == {"migrate": "exited", "web": "running"}
    room.run("stop", "web")
    room.run("start", "web")
    room.write(tree + "- {name: api, command: sleep 1000, depends_on: {migrate: completed}}\n")
    room.run("room", "trust")
    assert room.ps()["api"]["state"] == "running"
    assert (room.directory / "migrated").read_text() == "once\n"
    room.run("start", "migrate")
    assert (room.directory / "migrated").read_text() == "once\nonce\n", "who is named is started again"


def test_a_broken_room_yaml_leaves_what_runs_and_says_where_it_is_broken(room: Project):
    room.write(TREE)
    room.run("room", "trust")
    before = room.ps()
    room.write(TREE.replace("depends_on", "depend_on"))
    refused = room.error("room", "trust", code=2)
    assert refused["code"] == "invalid_data"
    assert "line 9, column 5" in refused["message"]
    assert "depends_on" in refused["hint"]
    told = room.run("ps").stderr
    assert "line 9, column 5" in told
    assert "goes on as it was approved" in told
    room.run("restart", "web")
    after = room.ps()
    assert after["db"]["pid"] == before["db"]["pid"]
    assert after["web"]["spec"]["depends_on"] == {"db": "healthy"}, "it runs on as it was approved"


def test_what_fails_is_said_with_its_reason_and_an_exit_code_of_its_own(room: Project):
    failed = room.error("process", "add", "ghost", "--restart", "never", "--", "./nowhere", code=8)
    assert failed["code"] == "process_failed"
    assert "ghost" in failed["message"]
    assert "nowhere" in failed["message"]
    assert failed["details"]["processes"][0]["state"] == "failed"
    room.error("process", "add", "spirit", "--restart", "never", "--", "./nowhere", code=8)
    both = room.error("start", "ghost", "spirit", code=8)["message"]
    assert "; spirit failed: " in both
    assert not re.search(r"\.[.;]", both), "what each says ends with a stop, and so does the whole"
    late = room.error(
        "process", "add", "slow", "--ready-log", "never said", "--timeout", "1", "--", "sleep", "9", code=8
    )
    assert late["code"] == "timeout"
    assert "slow" in late["message"]


def test_processes_outlive_their_host_and_the_next_one_takes_them_over(room: Project):
    room.run("process", "add", "lasting", "--", "sleep", "1000")
    before = room.ps()["lasting"]
    first = room.host_pid()
    room.end_host(signal.SIGKILL)
    assert is_alive(before["pid"])
    room.run("process", "add", "other", "--", "sleep", "1000")
    assert room.host_pid() not in (None, first)
    after = room.ps()["lasting"]
    assert (after["pid"], after["started_at"], after["state"]) == (before["pid"], before["started_at"], "running")


def test_a_start_after_the_host_was_killed_believes_no_stale_record(room: Project):
    room.run("process", "add", "served", "--ready-log", "up", "--", "sh", "-c", "echo up; exec sleep 1000")
    before = room.ps()["served"]
    room.end_host(signal.SIGKILL)
    os.kill(before["pid"], signal.SIGKILL)
    room.until(lambda: not is_alive(before["pid"]), "the end of the process")
    (started,) = room.json("start", "served")
    assert started["pid"] != before["pid"]
    assert started["state"] == "ready"
    assert is_alive(started["pid"])


def test_a_start_of_what_runs_brings_a_host_back(room: Project):
    room.run("process", "add", "served", "--", "sleep", "1000")
    before = room.ps()["served"]
    room.end_host(signal.SIGKILL)
    assert not room.ps()["served"]["watched"]
    room.run("start")
    after = room.ps()["served"]
    assert after["watched"]
    assert after["pid"] == before["pid"]


def test_an_agent_may_look_and_restart_what_is_marked_and_nothing_else(room: Project):
    room.write(TREE)
    room.run("room", "trust")
    agent = {"CLAUDECODE": "1"}
    assert len(json.loads(room.run("ps", "--json", **agent).stdout)) == 2
    for line in ("stop db", "start", "kill web", "restart web", "room trust", "scale web 2"):
        refused = room.run(*line.split(), "--json", code=6, **agent)
        assert json.loads(refused.stderr)["code"] == "permission_denied"
    before = room.ps()["db"]["pid"]
    room.run("restart", "db", **agent)
    assert room.ps()["db"]["pid"] != before


def test_an_agent_starts_nothing_by_restarting_what_needs_it(room: Project):
    room.write(TREE.replace("depends_on: {db: healthy}", "depends_on: {db: completed}\n    restartable: true"))
    room.run("room", "trust", "--no-wait")
    room.run("stop")
    room.run("start", "web", "--no-wait")
    room.run("stop", "db")
    refused = json.loads(room.run("restart", "web", "--json", code=6, CLAUDECODE="1").stderr)
    assert "needs db, which is stopped" in refused["message"]
    assert room.ps()["db"]["state"] == "stopped"


def test_several_that_need_a_host_at_once_get_one(room: Project):
    adding = [
        subprocess.Popen(
            [sys.executable, str(PROGRAM), "process", "add", f"p{number}", "--", "sleep", "1000"],
            cwd=room.directory, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
        )
        for number in range(3)
    ]  # fmt: skip
    assert [each.wait(120) for each in adding] == [0, 0, 0]
    assert {each["state"] for each in room.ps().values()} == {"running"}
    room.until(lambda: len(hosts_of(room)) == 1, "a single host")
    assert hosts_of(room) == [room.host_pid()]


def hosts_of(room: Project) -> list[int]:
    """The processes that serve this home, acting or standing by."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            words = (each / "cmdline").read_bytes().split(b"\0")
            environment = (each / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"serve" in words and f"WEZTERM_PARALLEL_HOME={room.home.path}".encode() in environment:
            found.append(int(each.name))
    return found


def test_a_second_host_stands_by_and_takes_over(room: Project):
    room.run("process", "add", "lasting", "--", "sleep", "1000")
    first = room.host_pid()
    second = subprocess.Popen(
        [sys.executable, str(PROGRAM), "serve"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert second.stderr is not None
        assert f"Process {first} runs the services" in second.stderr.readline()
        room.end_host()
        room.until(lambda: room.host_pid() == second.pid, "the second host")
        room.run("restart", "lasting")
        began = time.monotonic()
        second.send_signal(signal.SIGTERM)
        assert second.wait(20) == 0
        assert time.monotonic() - began < 10
        assert is_alive(room.ps()["lasting"]["pid"])
        assert "end" in second.stderr.read()
    finally:
        second.kill()
        second.wait()
        second.stderr.close()


def test_the_host_outlives_the_terminal_from_which_it_was_started(room: Project):
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(room.directory)
        os.execv(sys.executable, [sys.executable, str(PROGRAM), "process", "add", "lasting", "--", "sleep", "1000"])
    try:
        while True:
            try:
                if not os.read(terminal, 4096):
                    break
            except OSError:
                break
    finally:
        os.close(terminal)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    host = room.host_pid()
    assert host is not None
    assert is_alive(host)
    assert os.getsid(host) == host, "a session of its own"
    opened = {str(each.readlink()) for each in Path(f"/proc/{host}/fd").iterdir()}
    assert not any(each.startswith("/dev/pts") for each in opened)
    assert room.ps()["lasting"]["state"] == "running"
    os.kill(host, signal.SIGHUP)
    room.run("restart", "lasting")
    assert room.host_pid() == host


def test_a_host_whose_reader_has_gone_serves_on(room: Project):
    host = subprocess.Popen(
        [sys.executable, str(PROGRAM), "serve"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL, cwd=room.directory,
    )  # fmt: skip
    try:
        assert host.stderr is not None
        host.stderr.readline()
        host.stderr.close()
        room.until(lambda: room.host_pid() == host.pid, "the host")
        room.run("process", "add", "lasting", "--", "sleep", "1000")
        assert room.host_pid() == host.pid
        room.end_host()
        assert host.wait(20) == 0
    finally:
        host.kill()
        host.wait()


def at_a_terminal(room: Project, *words: str, typed: str) -> tuple[int, str]:
    """Carry out a command at a terminal where somebody types; its exit code and what the terminal showed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(room.directory)
        os.execv(sys.executable, [sys.executable, str(PROGRAM), *words])
    shown, is_typed = b"", False
    try:
        while True:
            if not is_typed and b"[y/N]" in shown:
                os.write(terminal, typed.encode())
                is_typed = True
            try:
                more = os.read(terminal, 4096)
            except OSError:
                break
            if not more:
                break
            shown += more
    finally:
        os.close(terminal)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return code, shown.decode()


def test_a_person_is_shown_what_is_approved_and_asked(room: Project):
    room.write(TREE)
    code, shown = at_a_terminal(room, "room", "trust", typed="n\r")
    assert code == 130
    assert "echo ready to accept" in shown
    assert "new" in shown
    assert room.ps() == {}
    assert room.host_pid() is None
    code, shown = at_a_terminal(room, "room", "trust", typed="y\r")
    assert code == 0, shown
    assert "Waiting for" in shown
    assert {each["state"] for each in room.ps().values()} == {"ready", "running"}


def test_a_broken_room_yaml_is_shown_with_its_mistakes_and_not_asked_about(room: Project):
    room.write(TREE + "# \x1b]0;gotcha\x07 \x1b[2J\n")
    code, shown = at_a_terminal(room, "room", "trust", typed="y\r")
    assert code == 2
    assert "gotcha\x07" not in shown
    assert "\x1b[2J" not in shown
    room.write(TREE.replace("command:", "comand:"))
    code, shown = at_a_terminal(room, "room", "trust", typed="y\r")
    assert code == 2
    assert "[y/N]" not in shown
    assert "line 3, column 5" in shown
    assert "Did you mean 'command'?" in shown


def test_who_ends_at_once_has_not_started(room: Project):
    failed = room.error("process", "add", "wrong", "--restart", "never", "--shell", "sleep 0.05; exit 3", code=8)
    assert failed["code"] == "process_failed"
    assert "3" in failed["message"]


def test_who_waits_for_what_has_failed_is_not_waited_for(room: Project):
    room.write(
        "processes:\n"
        "- {name: db, command: [./nowhere], restart: never}\n"
        "- {name: web, command: sleep 1000, depends_on: {db: completed_successfully}}\n"
    )
    began = time.monotonic()
    failed = room.error("room", "trust", "--timeout", "300", code=8)
    assert failed["code"] == "process_failed"
    assert "db failed" in failed["message"]
    assert time.monotonic() - began < 100


def test_a_repetition_with_its_key_changes_nothing_and_waits_as_well(room: Project):
    room.run("process", "add", "lasting", "--", "sleep", "1000")
    first = room.json("restart", "lasting", "--key", "once")
    again = room.json("restart", "lasting", "--key", "once")
    assert [each["pid"] for each in again] == [each["pid"] for each in first]
    assert room.ps()["lasting"]["pid"] == first[0]["pid"]
