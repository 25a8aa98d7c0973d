"""What is told of processes where nobody watches them."""

import os
import subprocess
from dataclasses import replace

import pytest

from core.processes.identity import process_started
from core.processes.watched import LIVING, as_seen, as_told
from core.services import HostLease
from storage import Process, ProcessState, boot_id
from tests.support.users import User


@pytest.fixture
def web(board: User) -> Process:
    board.call("add_process", name="web", command=("sleep", "1"))
    process: Process = board.call("list_processes")[0].process
    return replace(process, state=ProcessState.RUNNING, boot_id=boot_id())


def test_one_that_lives_is_told_as_it_was_recorded(web: Process):
    process = replace(web, pid=os.getpid(), pid_started=process_started(os.getpid()))
    assert as_seen(process, watched=False) == process


def test_one_that_is_gone_is_unknown_unless_somebody_watches(web: Process):
    child = subprocess.Popen(["sleep", "1000"])
    process = replace(web, pid=child.pid, pid_started=process_started(child.pid))
    assert as_seen(process, watched=False).state is ProcessState.RUNNING
    child.kill()
    child.wait()
    assert as_seen(process, watched=True) == process
    seen = as_seen(process, watched=False)
    assert seen.state is ProcessState.UNKNOWN
    assert str(child.pid) in (seen.reason or "")
    assert seen.pid is None


def test_a_number_that_is_anothers_by_now_is_no_sign_of_life(web: Process):
    process = replace(web, pid=os.getpid(), pid_started=1)
    assert as_seen(process, watched=False).state is ProcessState.UNKNOWN


@pytest.mark.parametrize("state", ProcessState)
def test_the_pid_of_a_process_is_told_only_while_somebody_may_have_it(web: Process, state: ProcessState):
    had = replace(web, state=state, pid=os.getpid(), pid_started=process_started(os.getpid()))
    may_live = state in (*LIVING, ProcessState.UNKNOWN)
    for watched in (True, False):
        told = as_told(had, watched=watched)
        assert (told.pid, told.pid_started, told.boot_id) == (
            (had.pid, had.pid_started, had.boot_id) if may_live else (None, None, None)
        )


def test_a_list_says_whether_anybody_watches(board: User, web: Process):
    outcome = board.outcome("list_processes")
    assert [each.watched for each in outcome.value] == [False]
    assert "No host watches" in outcome.warnings[0]
    lease = HostLease(board.database)
    assert lease.try_take()
    try:
        outcome = board.outcome("list_processes")
        assert [each.watched for each in outcome.value] == [True]
        assert outcome.warnings == ()
    finally:
        lease.give_up()
