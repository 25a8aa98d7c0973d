"""The rules that time and measure decide."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from core.alerts.configuration import DEFAULT_RULES, read_rules
from core.alerts.findings import found
from core.alerts.rules import Disk, Facts, Judge
from storage import Process, ProcessSample, ProcessState, Role, RunState, utc_now
from tests.support.outputs import add_process
from tests.support.users import User

NOW = utc_now()


@pytest.fixture
def facts(board: User) -> Facts:
    with board.database.read() as rows:
        room = rows.room_by_name("demo")
    assert room is not None
    return Facts(now=NOW, room=room, cores=2, memory_bytes=1000)


def later(facts: Facts, seconds: float, **more: Any) -> Facts:
    return replace(facts, now=facts.now + timedelta(seconds=seconds), **more)


def sample(at: datetime, cpu: float = 0.0, memory: int = 0) -> ProcessSample:
    return ProcessSample(at, cpu, memory, 1, 0)


def rules_found(judge: Judge, facts: Facts, said: Any = None) -> set[str]:
    rules, problems = read_rules(said)
    assert problems == ()
    return {rule for rule, _subject in judge.judge(facts, rules)}


def test_a_process_that_is_busy_for_long_is_told_of_until_it_eases(board: User, facts: Facts):
    process, judge = add_process(board, "web"), Judge()
    facts = replace(facts, processes=(process,))

    def at(seconds: float, cpu: float) -> set[str]:
        moment = later(facts, seconds)
        return rules_found(judge, replace(moment, samples={process.id: sample(moment.now, cpu)}))

    assert at(0, 190) == set()  # of two cores: 95 %
    assert at(100, 190) == set()
    assert at(120, 190) == {"cpu_high"}
    assert at(125, 170) == {"cpu_high"}  # 85 %: has not eased
    assert at(130, 150) == set()
    assert at(135, 190) == set()


def test_one_moment_of_rest_begins_the_time_anew(board: User, facts: Facts):
    process, judge = add_process(board, "web"), Judge()
    facts = replace(facts, processes=(process,))
    for seconds, memory in ((0, 900), (50, 900), (55, 100), (60, 900), (115, 900)):
        moment = later(facts, seconds, samples={process.id: sample(facts.now + timedelta(seconds=seconds), 0, memory)})
        assert rules_found(judge, moment) == set()
    moment = later(facts, 125, samples={process.id: sample(facts.now + timedelta(seconds=125), 0, 900)})
    assert rules_found(judge, moment) == {"memory_high"}


def test_an_old_measure_says_nothing(board: User, facts: Facts):
    process, judge = add_process(board, "web"), Judge()
    facts = replace(facts, processes=(process,), samples={process.id: sample(facts.now, 200)})
    for seconds in (0, 60, 130):
        assert rules_found(judge, later(facts, seconds)) == set()


def test_restarts_in_a_row_are_a_crash_loop_for_a_while(board: User, facts: Facts):
    process, judge = replace(add_process(board, "web"), state=ProcessState.RUNNING), Judge()

    def at(seconds: float, restarts: int, process: Process = process) -> set[str]:
        return rules_found(judge, later(facts, seconds, processes=(replace(process, restarts=restarts),)))

    assert at(0, 7) == set()  # what was before we came
    assert at(10, 8) == set()
    assert at(20, 9) == set()
    assert at(30, 10) == {"crash_loop"}
    assert at(100, 10) == {"crash_loop"}
    assert at(200, 10, replace(process, state=ProcessState.FAILED)) == set()  # another alert tells of that
    assert at(700, 10) == set()


def test_a_disk_is_full_by_share_or_by_what_is_left(facts: Facts):
    def found(total: int, free: int, said: Any = None) -> set[str]:
        return rules_found(Judge(), replace(facts, disks=(Disk("/", total * 10**9, free * 10**6),)), said)

    assert found(100, 5_000) == set()
    assert found(100, 2_000) == {"disk_full"}
    assert found(1, 400) == {"disk_full"}
    assert found(100, 2_000, {"disk_full": {"percent": 99}}) == set()
    assert found(100, 2_000, {"disk_full": "off"}) == set()


def test_a_run_that_could_begin_and_does_not_is_told_of(board: User, facts: Facts):
    task = board.call("create_task", title="Test", command="true")
    run = board.call("queue_task", task=task.id)
    assert run.state is RunState.QUEUED
    facts = replace(facts, tasks={task.id: task}, runs=(run,))
    assert rules_found(Judge(), later(facts, 60)) == set()
    assert rules_found(Judge(), later(facts, 3600)) == {"queue_old"}
    assert rules_found(Judge(), later(facts, 3600, runs=(replace(run, paused=True),))) == set()
    assert rules_found(Judge(), later(facts, 3600, room=replace(facts.room, queue_paused=True))) == set()
    delayed = replace(run, not_before=facts.now + timedelta(seconds=3000))
    assert rules_found(Judge(), later(facts, 3600, runs=(delayed,))) == set()
    for waits in (replace(task, waiting_on=1), replace(task, command_approved=False)):
        assert rules_found(Judge(), later(facts, 3600, tasks={task.id: waits})) == set()


def test_how_long_a_run_has_waited_counts_from_when_it_could_begin(board: User, facts: Facts):
    task = board.call("create_task", title="Test", command="true")
    run, judge = board.call("queue_task", task=task.id), Judge()
    facts = replace(facts, runs=(run,))
    waits, free = {task.id: replace(task, waiting_on=1)}, {task.id: task}
    for seconds, tasks, told in (
        (10, waits, set()), (3600, waits, set()), (3610, free, set()), (5000, free, set()), (5410, free, {"queue_old"}),
        (5420, waits, set()), (5430, free, set()),
    ):  # fmt: skip
        assert rules_found(judge, later(facts, seconds, tasks=tasks)) == told, seconds


def test_another_host_goes_on_with_what_is_open_and_ends_it_by_the_same_rules(board: User, facts: Facts):
    process = replace(add_process(board, "web"), state=ProcessState.RUNNING, restarts=50)
    program = User(board.database, "wezterm-parallel", room=board.room, role=Role.SYSTEM)
    loops = found("crash_loop", process.id, name="web", count=3, span=300)
    is_busy = found("cpu_high", process.id, name="web", percent=90, span=120)
    opened = program.call("note_alerts", findings=(loops, is_busy))
    facts, judge = replace(facts, processes=(process,)), Judge()

    def at(seconds: float, cpu: float, restarts: int) -> set[str]:
        moment = later(facts, seconds, processes=(replace(process, restarts=restarts),))
        return rules_found(judge, replace(moment, samples={process.id: sample(moment.now, cpu)}))

    judge.take_up(opened, facts, DEFAULT_RULES)
    assert at(0, 170, 50) == {"crash_loop", "cpu_high"}  # 85 %: has not eased
    assert at(5, 100, 51) == {"crash_loop"}
    assert at(10, 190, 51) == {"crash_loop"}
    assert at(299, 0, 51) == {"crash_loop"}
    assert at(400, 0, 51) == set()


def test_a_room_without_a_backup_is_told_of_after_a_week(facts: Facts):
    assert rules_found(Judge(), later(facts, 86_400)) == set()
    assert rules_found(Judge(), later(facts, 8 * 86_400)) == {"backup_old"}
    made = facts.now + timedelta(days=7)
    assert rules_found(Judge(), later(facts, 8 * 86_400, backed_up_at=made)) == set()


def test_a_message_stays_the_same_while_the_matter_lasts(board: User, facts: Facts):
    process, judge = add_process(board, "web"), Judge()
    messages = set()
    for seconds, cpu in ((0, 190), (130, 191), (140, 199)):
        moment = later(facts, seconds, processes=(process,))
        found = judge.judge(replace(moment, samples={process.id: sample(moment.now, cpu)}), DEFAULT_RULES)
        messages |= {each.message for each in found.values()}
    assert len(messages) == 1


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"cpu_hgh": "off"}, "no rule 'cpu_hgh'"),
        ({"cpu_high": {"percent": 900}}, "out of range"),
        ({"cpu_high": {"percent": "much"}}, "no number"),
        ({"cpu_high": {"secs": 3}}, "no 'secs'"),
        ({"cpu_high": {"severity": "bad"}}, "severity"),
        ({"cpu_high": 3}, "says nothing"),
        ([1], "no mapping"),
    ],
)
def test_what_cannot_be_understood_of_the_settings_is_told_and_stands_at_its_default(said: Any, problem: str):
    rules, (found,) = read_rules(said)
    assert problem in found.message
    assert rules == DEFAULT_RULES
