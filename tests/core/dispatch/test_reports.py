"""What is found of runs whose worker is gone."""

import json
import os
import signal
import subprocess
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.dispatch import reports, trees
from core.dispatch.known import Known
from core.dispatch.places import result_path
from storage import Home, Run, RunState, new_agent_id, new_process_id, new_room_id, new_run_id, new_task_id


def lost_run() -> Run:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Run(
        id=new_run_id(), room_id=new_room_id(), task_id=new_task_id(), attempt=1, state=RunState.RUNNING,
        command="true", queued_by=new_agent_id(), created_at=now, updated_at=now,
    )  # fmt: skip


def test_a_result_stays_until_it_is_stored(tmp_path):
    home, run = Home(tmp_path), lost_run()
    result_path(home, run.id).parent.mkdir(parents=True)
    result_path(home, run.id).write_text(json.dumps({"run": run.id, "attempt": 1, "exit_code": 0}))
    first = reports.bury(home, [run])
    assert first[0][run.id]["exit_code"] == 0
    assert reports.bury(home, [run]) == first, "a host that died before it could store it has the next one find it"
    reports.forget(home, [run.id])
    assert reports.bury(home, [run]) == ({run.id: None}, {})


@pytest.mark.parametrize("has_proc", [True, False], ids=["proc", "ps"])
def test_what_bears_a_lost_runs_mark_is_killed_and_nothing_else(tmp_path, monkeypatch, has_proc: bool):
    monkeypatch.setattr(trees, "IS_LINUX", has_proc and trees.IS_LINUX)
    run, other = lost_run(), lost_run()
    marked, spared = (
        subprocess.Popen(["sleep", "1000"], env={**os.environ, "WZP_RUN": each.id}) for each in (run, other)
    )
    try:
        assert reports.bury(Home(tmp_path), [run]) == ({run.id: None}, {})
        assert marked.wait(20) == -signal.SIGKILL
        assert spared.poll() is None
    finally:
        for each in (marked, spared):
            each.kill()
            each.wait()


def test_a_run_of_which_something_would_not_go_is_not_over(tmp_path, monkeypatch):
    stuck, gone = lost_run(), lost_run()
    monkeypatch.setattr(trees, "kill_marked", lambda runs: {4711: stuck.id})
    assert reports.bury(Home(tmp_path), [stuck, gone], 0.0) == ({gone.id: None}, {4711: stuck.id})


async def test_only_the_results_whose_ends_are_stored_are_dropped(tmp_path):
    from core.dispatch.burials import Burials

    home, stored, other = Home(tmp_path), lost_run(), lost_run()
    burials = Burials(home, lambda end, process: None, lambda stuck: None)
    known = Known(runs={run.id: replace(run, process_id=new_process_id(), lease="r1") for run in (stored, other)})
    result_path(home, stored.id).parent.mkdir(parents=True)
    for run in (stored, other):
        result_path(home, run.id).touch()
    burials.begin(known)
    burials.stored([stored.id])
    assert not result_path(home, stored.id).exists()
    assert result_path(home, other.id).exists()
    await burials.close()


@pytest.mark.parametrize("written", ["", "[]", "null", "7", '{"run": '])
def test_a_result_that_cannot_be_read_is_none(tmp_path, written: str):
    home, run = Home(tmp_path), lost_run()
    result_path(home, run.id).parent.mkdir(parents=True)
    result_path(home, run.id).write_text(written)
    assert reports.bury(home, [run]) == ({run.id: None}, {})
