"""The log analyser: on real files, over rotation and restarts."""

import json
import logging
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from core.alerts.configuration import DEFAULT_RULES, AlertRules
from core.alerts.findings import Finding
from core.alerts.log_watch import LogWatch
from storage import Home, Process, start_logging
from tests.support.outputs import Printing, add_process
from tests.support.users import User


@pytest.fixture
def process(board: User) -> Process:
    found = add_process(board, "web")
    return replace(found, spec=replace(found.spec, log=replace(found.spec.log, alert_on=("needle",))))


def looked(watch: LogWatch, process: Process, rules: AlertRules = DEFAULT_RULES) -> list[Finding]:
    return [finding for _room, finding in watch.look((process,), rules)]


def test_a_burst_of_errors_is_told_once_and_is_over_when_it_is_quiet(
    board: User, process: Process, home: Home, monkeypatch: pytest.MonkeyPatch
):
    clock = [1000.0]
    monkeypatch.setattr("core.alerts.log_watch.time.monotonic", lambda: clock[0])
    watch, output = LogWatch(home), Printing(board, process)
    looked(watch, process)
    output.say(*["[error] it broke"] * 30, "errors: 0", "no_error", *["fine"] * 100)
    assert looked(watch, process) == []
    clock[0] += 10
    output.say(*["java.lang.NullPointerException"] * 30)
    (found,) = looked(watch, process)
    assert (found.rule, found.subject, found.is_over) == ("error_burst", process.id, False)
    output.say(*["error"] * 30)
    assert looked(watch, process) == []
    clock[0] += 61
    (over,) = looked(watch, process)
    assert over.is_over
    assert not watch.is_bursting(process.id)


def test_a_pattern_that_would_take_for_ever_is_passed_over_and_the_others_are_found(
    board: User, process: Process, home: Home, caplog: pytest.LogCaptureFixture
):
    log = replace(process.spec.log, alert_on=(r"^(\w+\s?)+$", "need+le"))
    process = replace(process, spec=replace(process.spec, log=log))
    watch, output = LogWatch(home), Printing(board, process)
    looked(watch, process)
    for _ in range(2):
        output.say("a" * 100 + "!", "a needle")
        watch._told.clear()
        (found,) = looked(watch, process)
        assert found.details["line"] == "a needle"
    assert [each.getMessage().count("not looked for any more") for each in caplog.records] == [1]


def test_a_line_in_two_pieces_and_one_over_a_rotation_are_found(board: User, process: Process, home: Home):
    watch = LogWatch(home)
    looked(watch, process)
    output = Printing(board, process, max_bytes=5_000)
    output.write(b"a nee")
    assert looked(watch, process) == []
    output.write(b"dle here\n")
    assert [each.rule for each in looked(watch, process)] == ["log_pattern"]
    output.say(*["x" * 100] * 200)
    assert looked(watch, process) == []
    watch._told.clear()
    output.say("another needle", *["y" * 100] * 30)
    (found,) = looked(watch, process)
    assert "another needle" in found.message


def test_what_was_read_is_not_told_again_after_a_restart(board: User, process: Process, home: Home):
    watch, output = LogWatch(home), Printing(board, process)
    looked(watch, process)
    output.say("needle")
    assert len(looked(watch, process)) == 1
    watch.save(now=True)
    again = LogWatch(home)
    assert looked(again, process) == []
    output.say("a second needle")
    assert len(looked(again, process)) == 1


def test_what_was_printed_before_anybody_watched_is_past(board: User, process: Process, home: Home):
    Printing(board, process).say("needle")
    assert looked(LogWatch(home), process) == []


def test_a_flood_is_caught_up_with_in_steps_or_passed_over(
    board: User, process: Process, home: Home, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("core.alerts.log_watch.STEP_BYTES", 1_000_000)
    monkeypatch.setattr("core.alerts.log_watch.MOST_BEHIND", 4_000_000)
    watch, output = LogWatch(home), Printing(board, process)
    looked(watch, process)
    for _ in range(20):
        output.write(b"z" * 99 + b"\n" * 1 + (b"z" * 99 + b"\n") * 4_999)
    output.say("needle")
    found: list[Finding] = []
    for _ in range(30):
        found += looked(watch, process)
    assert [each.rule for each in found] == ["log_pattern"]


def test_bytes_that_are_no_text_do_no_harm(board: User, process: Process, home: Home):
    watch, output = LogWatch(home), Printing(board, process)
    looked(watch, process)
    output.write(bytes(range(256)) * 2_000 + b"\nneedle\n")
    assert [each.rule for each in looked(watch, process)] == ["log_pattern"]


def test_the_programs_own_errors_and_failed_services_are_found(board: User, process: Process, home: Home):
    watch = LogWatch(home)
    looked(watch, process)
    stop = start_logging(home.logs / "app.log")
    logging.getLogger("core.services.host").error("service %s failed", "metrics")
    for _ in range(60):
        logging.getLogger("core.somewhere").error("no")
    stop()
    found = {each.rule: each.subject for each in looked(watch, process)}
    assert found == {"service_failed": "metrics", "error_burst": "app"}
    assert looked(watch, process) == []


def test_the_programs_log_is_read_on_over_a_rotation(board: User, process: Process, home: Home):
    path = home.logs / "app.log"

    def record(name: str) -> None:
        line = {"at": "", "level": "error", "logger": "core.services.host", "message": f"service {name} failed"}
        with path.open("a") as file:
            file.write(json.dumps(line) + "\n")

    record("before")
    watch = LogWatch(home)
    assert looked(watch, process) == []
    record("first")
    path.rename(path.with_name("app.log.1"))
    record("second")
    assert [each.subject for each in looked(watch, process)] == ["first", "second"]


def test_a_broken_memory_is_no_failure(board: User, process: Process, home: Home):
    Path(home.logs / "watch.json").write_text("{")
    assert looked(LogWatch(home), process) == []


def test_many_looks_ask_one_process_which_ends_with_them(board: User, process: Process, home: Home):
    log = replace(process.spec.log, alert_on=("code [0-9]+ at last",))
    process = replace(process, spec=replace(process.spec, log=log))
    watch, output = LogWatch(home), Printing(board, process)
    before = set(psutil.Process().children())
    looked(watch, process)
    asked: set[psutil.Process] = set()
    for number in range(3):
        output.say(f"code {number}")
        assert looked(watch, process) == []
        asked |= set(psutil.Process().children()) - before
    output.say("code 4 at last")
    assert [each.rule for each in looked(watch, process)] == ["log_pattern"]
    assert len(asked) == 1
    watch.close()
    assert not any(each.is_running() for each in asked)
