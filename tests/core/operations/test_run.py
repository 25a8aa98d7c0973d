"""Runs as operations: who may queue what, what a run means for its task, approval, sub-tasks, retry."""

import pytest
import time_machine

from core.agents.expiry import PROGRAM
from core.errors import ClaimHeld, DependencyCycle, InvalidData, PermissionDenied, RuleRefusal
from core.operation import OnOff
from core.operations.settled import RunEnd, RunStart
from storage import (
    AgentCommands,
    AgentKind,
    Finish,
    ProcessKind,
    Role,
    Run,
    RunState,
    Status,
    utc_now,
)  # fmt: skip
from tests.support.users import User
from tests.support.workers import Workers, runs_of


@pytest.fixture
def program(board: User) -> User:
    """The dispatcher's hand, without a dispatcher."""
    program = User(board.database, PROGRAM.name, room=board.room)
    program.actor = PROGRAM
    return program


@pytest.fixture
def worker(board: User):
    """A worker in the store alone: nobody runs anything here."""
    with_records = Workers(board)
    return with_records.add("worker-1", kind=ProcessKind.SERVICE)


def begin(program: User, worker, run: Run) -> Run:
    (begun,) = program.call("settle_runs", starts=(RunStart(run.id, worker.id, worker.runner),)).begun
    return begun


def end(program: User, run: Run, state: RunState = RunState.SUCCEEDED, **how) -> Run:
    (ended,) = program.call("settle_runs", ends=(RunEnd(run=run.id, lease=run.lease, state=state, **how),)).ended
    return ended


def test_a_task_without_a_command_cannot_be_queued(board: User):
    task = board.call("create_task", title="Think")
    with pytest.raises(InvalidData, match="no command"):
        board.call("queue_task", task=task.id)


def test_a_task_is_queued_once(board: User):
    task = board.call("create_task", title="Test", command="true")
    board.call("queue_task", task=task.id)
    with pytest.raises(RuleRefusal, match="queued already"):
        board.call("queue_task", task=task.id)


def test_a_command_of_an_agent_waits_for_approval(board: User, bob: User, program: User, worker):
    task = bob.call("create_task", title="Test", command="rm -rf build")
    assert not task.command_approved
    outcome = bob.outcome("queue_task", task=task.id)
    assert "approval" in outcome.warnings[0]
    start = (RunStart(outcome.value.id, worker.id, worker.runner),)
    assert program.call("settle_runs", starts=start).begun == ()
    with pytest.raises(PermissionDenied):
        bob.call("approve_command", task=task.id)
    board.call("approve_command", task=task.id)
    assert len(program.call("settle_runs", starts=start).begun) == 1


def test_what_is_approved_is_what_runs(board: User, bob: User, program: User, worker):
    """However the command changes while its run is queued, the one that runs is the one that was approved."""
    task = bob.call("create_task", title="Test", command="make one")
    run = bob.call("queue_task", task=task.id)
    bob.call("update_task", task=task.id, command="make two")
    board.call("approve_command", task=task.id)
    assert begin(program, worker, run).command == "make two"
    other = board.call("create_task", title="Test", command="make good")
    queued = board.call("queue_task", task=other.id)
    bob.call("update_task", task=other.id, command="make evil")
    start = (RunStart(queued.id, worker.id, worker.runner),)
    assert program.call("settle_runs", starts=start).begun == ()


def test_a_new_command_of_an_agent_takes_the_approval_away(board: User, bob: User):
    task = board.call("create_task", title="Test", command="make")
    assert task.command_approved
    assert bob.call("update_task", task=task.id, title="Other").command_approved
    assert not bob.call("update_task", task=task.id, command="make evil").command_approved
    assert board.call("update_task", task=task.id, command="make good").command_approved


def test_an_agent_gets_no_approval_back_by_undo_and_redo(board: User, bob: User):
    task = bob.call("create_task", title="Test", command="make")
    change = board.outcome("approve_command", task=task.id).change
    bob.call("undo", change=change)
    bob.call("update_task", task=task.id, command="make evil")
    bob.call("undo")
    bob.call("redo")
    assert not board.call("get_task", task=f"#{task.number}").task.command_approved


def test_a_room_may_allow_the_commands_of_agents(board: User, bob: User):
    board.call("update_room", agent_commands=AgentCommands.ALLOW)
    assert bob.call("create_task", title="Test", command="make").command_approved


def test_a_queued_task_is_no_agents_to_claim_or_move(board: User, bob: User):
    task = board.call("create_task", title="Test", command="true", status=Status.TODO)
    board.call("queue_task", task=task.id)
    agent = bob.start_session("bob-1")
    assert agent.call("claim_next").task is None
    for operation, arguments in (
        ("claim_next", {"task": task.id}),
        ("move_task", {"task": task.id, "to": Status.BACKLOG}),
        ("archive_task", {"task": task.id}),
    ):
        with pytest.raises(ClaimHeld, match="queue has the task"):
            agent.call(operation, **arguments)
    assert agent.call("comment_task", task=task.id, body="I wait.")


def test_a_person_who_begins_a_queued_task_takes_it_out_of_the_queue(board: User):
    task = board.call("create_task", title="Test", command="true")
    run = board.call("queue_task", task=task.id)
    board.call("move_task", task=task.id, to=Status.TODO)
    assert board.call("get_run", run=run.id).state is RunState.QUEUED
    board.call("move_task", task=task.id, to=Status.IN_PROGRESS)
    over = board.call("get_run", run=run.id)
    assert over.state is RunState.CANCELLED
    assert over.reason == "owner moved the task to in_progress"


def test_a_run_is_named_by_its_tasks_number(board: User):
    task = board.call("create_task", title="Test", command="true")
    run = board.call("queue_task", task=task.id)
    assert board.call("get_run", run=f"#{task.number}").id == run.id
    assert board.call("cancel_run", run=str(task.number)).state is RunState.CANCELLED


def test_only_who_has_queued_it_and_operators_cancel_a_run(board: User, alice: User, bob: User):
    board.call("update_room", agent_commands=AgentCommands.ALLOW)
    task = board.call("create_task", title="Test", command="true")
    run = board.call("queue_task", task=task.id)
    with pytest.raises(PermissionDenied):
        bob.call("cancel_run", run=run.id)
    assert alice.call("pause_run", run=run.id).paused
    assert alice.call("cancel_run", run=run.id).state is RunState.CANCELLED
    own = bob.call("queue_task", task=task.id)
    assert bob.call("cancel_run", run=own.id).state is RunState.CANCELLED


def test_a_paused_queue_begins_nothing(board: User, program: User, worker):
    task = board.call("create_task", title="Test", command="true")
    run = board.call("queue_task", task=task.id)
    board.call("pause_queue")
    start = (RunStart(run.id, worker.id, worker.runner),)
    assert program.call("settle_runs", starts=start).begun == ()
    board.call("resume_queue")
    assert len(program.call("settle_runs", starts=start).begun) == 1


def test_a_run_begins_once_whoever_asks(board: User, program: User, worker):
    task = board.call("create_task", title="Test", command="true")
    run = board.call("queue_task", task=task.id)
    begun = begin(program, worker, run)
    again = program.call("settle_runs", starts=(RunStart(run.id, worker.id, worker.runner),))
    assert again.begun == ()
    assert board.call("get_task", task=f"#{task.number}").task.status is Status.IN_PROGRESS
    late = program.call("settle_runs", ends=(RunEnd(run=run.id, lease="another", state=RunState.SUCCEEDED),))
    assert late.ended == ()
    end(program, begun)
    assert program.call("settle_runs", ends=(RunEnd(run=run.id, lease=begun.lease, state=RunState.FAILED),)).ended == ()


def test_a_cancelled_run_gives_its_task_back(board: User, program: User, worker):
    task = board.call("create_task", title="Test", command="true")
    begun = begin(program, worker, board.call("queue_task", task=task.id))
    asked = board.call("cancel_run", run=begun.id)
    assert asked.state is RunState.RUNNING
    assert asked.cancelled_by == board.id
    over = end(program, begun, RunState.CANCELLED)
    assert over.state is RunState.CANCELLED
    assert board.call("get_task", task=f"#{task.number}").task.status is Status.TODO


def test_what_has_succeeded_before_it_could_be_cancelled_has_succeeded(board: User, program: User, worker):
    task = board.call("create_task", title="Test", command="true")
    begun = begin(program, worker, board.call("queue_task", task=task.id))
    board.call("cancel_run", run=begun.id)
    assert end(program, begun, RunState.SUCCEEDED, exit_code=0).state is RunState.SUCCEEDED


def test_a_failure_without_attempts_left_blocks_with_the_reason(board: User, program: User, worker):
    task = board.call("create_task", title="Test", command="make test")
    begun = begin(program, worker, board.call("queue_task", task=task.id))
    end(program, begun, RunState.FAILED, exit_code=2, output="boom\n", seconds=1.5)
    after = board.call("get_task", task=f"#{task.number}").task
    assert after.status is Status.BLOCKED
    assert after.blocked_reason == "`make test` failed after 1.5 s: exit code 2; it was tried 1 time"
    assert after.result.output == "boom"
    again = board.call("retry_run", run=begun.id)
    assert again.attempt == 2
    assert board.call("get_task", task=f"#{task.number}").task.status is Status.TODO


def test_a_quarantined_task_is_a_persons_to_queue_again(board: User, bob: User, program: User, worker):
    board.call("update_room", quarantine_after=1)
    task = board.call("create_task", title="Poison", command="kill", attempts=5, idempotent=True)
    begun = begin(program, worker, board.call("queue_task", task=task.id))
    over = end(program, begun, RunState.FAILED, is_interrupted=True, lost_worker=True, reason="worker-1 died")
    assert over.state is RunState.QUARANTINED
    with board.database.read() as rows:
        assert [alert.rule for alert in rows.alerts(task.room_id)] == ["quarantined"]
    with pytest.raises(RuleRefusal, match="quarantined"):
        bob.call("queue_task", task=task.id)
    again = begin(program, worker, board.call("queue_task", task=task.id))
    end(program, again)
    with board.database.read() as rows:
        assert rows.alerts(task.room_id) == []


def test_a_quarantine_is_told_once_and_nothing_else_of_the_task_is(board: User, program: User, worker):
    board.call("update_room", quarantine_after=2)
    task = board.call("create_task", title="Poison", command="kill", attempts=5, idempotent=True)
    run = board.call("queue_task", task=task.id)
    for told in ("process_failed", "quarantined"):
        with time_machine.travel(max(utc_now(), run.not_before or utc_now()), tick=True):
            begun = begin(program, worker, run)
        end(program, begun, RunState.FAILED, is_interrupted=True, lost_worker=True, reason="worker-1 died")
        assert [alert.rule for alert in alerts_of(board)] == [told]
        with board.database.read() as rows:
            run = rows.runs(task.room_id, task=task.id)[0]
    assert run.reason == "worker-1 died; its runs have lost 2 workers"
    blocked = board.call("get_task", task=f"#{task.number}").task.blocked_reason
    assert blocked == "`kill` failed: worker-1 died; its runs have lost 2 workers"


def test_the_results_of_all_parts_come_together_on_the_parent(board: User, program: User, worker):
    board.call("update_room", review_gate=OnOff.OFF)
    parent = board.call("create_task", title="Release")
    parts = [board.call("create_task", title=f"Part {n}", command="true", parent=parent.id) for n in (1, 2)]
    for number, part in enumerate(parts):
        begun = begin(program, worker, board.call("queue_task", task=part.id))
        end(program, begun, files=(f"file{number}",), seconds=1.0)
    gathered = board.call("get_task", task=f"#{parent.number}").task
    assert gathered.result is not None
    assert gathered.result.summary.splitlines() == [
        "All sub-tasks are done: 2.", "",
        "- #2 Part 1: `true` succeeded after 1.0 s.", "- #3 Part 2: `true` succeeded after 1.0 s.",
    ]  # fmt: skip
    assert gathered.result.files == ("file0", "file1")


def test_a_parent_with_a_result_of_its_own_gets_a_comment(board: User, bob: User):
    parent = board.call("create_task", title="Release", status=Status.TODO)
    part = board.call("create_task", title="Part", parent=parent.id)
    agent = bob.start_session("bob-1")
    agent.call("claim_next", task=parent.id)
    agent.call("finish_task", task=parent.id, finish=Finish.FAIL, summary="My own words")
    board.call("move_task", task=part.id, to=Status.DONE)
    detail = board.call("get_task", task=f"#{parent.number}")
    assert detail.task.result.summary == "My own words"
    assert "All sub-tasks are done" in detail.comments[0].body


def test_no_task_is_a_part_of_itself(board: User):
    top = board.call("create_task", title="Top")
    middle = board.call("create_task", title="Middle", parent=top.id)
    low = board.call("create_task", title="Low", parent=middle.id)
    for task, parent in ((top, low), (top, top), (middle, low)):
        with pytest.raises(DependencyCycle, match="part of itself"):
            board.call("update_task", task=task.id, parent=parent.id)
    assert board.call("update_task", task=low.id, parent=top.id).parent == top.id


def test_numbers_that_make_no_sense_are_refused(board: User):
    for wrong in ({"attempts": 0}, {"attempts": 101}, {"time_limit_seconds": 0}):
        with pytest.raises(InvalidData):
            board.call("create_task", title="Wrong", command="true", **wrong)
    with pytest.raises(InvalidData):
        board.call("update_room", quarantine_after=0)


def test_an_agent_gets_a_run_as_its_claim_and_ends_it_as_it_ends_its_work(board: User, bob: User, program: User):
    agents = Workers(board)
    process = agents.add("claude", kind=ProcessKind.AGENT, agent="bob-1")
    agent = bob.start_session("bob-1")
    task = board.call("create_task", title="Write it", status=Status.TODO)
    run = board.call("queue_task", task=task.id)
    given = program.call("give_run", run=run.id, process=process.id, session=agent.session)
    assert given.state is RunState.RUNNING
    claimed = board.call("get_task", task=f"#{task.number}").task
    assert (claimed.status, claimed.claimed_by) == (Status.IN_PROGRESS, agent.session)
    agent.call("finish_task", task=task.id, finish=Finish.COMPLETE, summary="Written.")
    (over,) = runs_of(board, task.id)
    assert over.state is RunState.SUCCEEDED
    assert board.call("get_task", task=f"#{task.number}").task.status is Status.REVIEW


def test_roles_bound_what_is_done_to_the_queue(board: User, bob: User):
    for operation in ("pause_queue", "resume_queue"):
        with pytest.raises(PermissionDenied):
            bob.call(operation)
    viewer = User(board.database, "vera", room=board.room, role=Role.VIEWER, kind=AgentKind.PERSON)
    assert viewer.call("list_runs") == ()


def alerts_of(board: User) -> list:
    with board.database.read() as rows:
        room = rows.room_by_name(board.room or "")
        assert room is not None
        return list(rows.alerts(room.id))


def test_a_stopped_worker_costs_an_idempotent_task_no_attempt(board: User, program: User, worker):
    task = board.call("create_task", title="Again", command="true", idempotent=True)
    begun = begin(program, worker, board.call("queue_task", task=task.id))
    over = end(program, begun, RunState.FAILED, is_interrupted=True, reason="its worker was stopped")
    assert over.interrupted
    assert not over.lost_worker
    again = runs_of(board, task.id)[-1]
    assert (again.state, again.attempt, again.not_before) == (RunState.QUEUED, 2, None)
    assert board.call("get_task", task=f"#{task.number}").task.status is Status.TODO
    assert alerts_of(board) == [], "who stops a worker knows it"
    end(program, begin(program, worker, again), RunState.FAILED, exit_code=1)
    assert board.call("get_task", task=f"#{task.number}").task.blocked_reason.endswith("it was tried 1 time")


def test_a_stopped_worker_blocks_what_may_not_run_twice(board: User, program: User, worker):
    task = board.call("create_task", title="Once", command="true", attempts=5)
    begun = begin(program, worker, board.call("queue_task", task=task.id))
    end(program, begun, RunState.FAILED, is_interrupted=True, reason="its worker was stopped")
    after = board.call("get_task", task=f"#{task.number}").task
    assert after.status is Status.BLOCKED
    assert "not marked as idempotent" in after.blocked_reason


def test_what_never_began_is_put_back_though_it_may_not_run_twice(board: User, program: User, worker):
    task = board.call("create_task", title="Once", command="true")
    begun = begin(program, worker, board.call("queue_task", task=task.id))
    end(program, begun, RunState.FAILED, is_interrupted=True, never_begun=True, reason="its worker was stopped")
    again = runs_of(board, task.id)[-1]
    assert again.state is RunState.QUEUED
    end(program, begin(program, worker, again))
    assert board.call("get_task", task=f"#{task.number}").task.status is Status.REVIEW


def test_a_killed_keeper_is_told_of_and_its_task_not_run_twice(board: User, program: User, worker):
    task = board.call("create_task", title="Once", command="true", attempts=3)
    begun = begin(program, worker, board.call("queue_task", task=task.id))
    over = end(
        program, begun, RunState.FAILED, is_interrupted=True, lost_worker=True, lost_keeper=True,
        reason="its keeper was killed",
    )  # fmt: skip
    assert over.lost_worker
    (alert,) = alerts_of(board)
    assert alert.rule == "process_failed"
    assert alert.message == (
        "#1 was cut off: the keeper that worker-1 had for it was killed; the task is blocked, since it was cut off and"
        " is not marked as idempotent."
    )
    assert board.call("get_task", task=f"#{task.number}").task.status is Status.BLOCKED


def test_a_retry_is_still_of_who_has_asked_for_the_run(board: User, bob: User, program: User, worker):
    board.call("update_room", agent_commands=AgentCommands.ALLOW)
    task = board.call("create_task", title="Try", command="true", attempts=3)
    begun = begin(program, worker, bob.call("queue_task", task=task.id))
    end(program, begun, RunState.FAILED, exit_code=1)
    again = runs_of(board, task.id)[-1]
    assert again.queued_by == begin_by(program)
    assert bob.call("pause_run", run=again.id).paused
    assert bob.call("cancel_run", run=again.id).state is RunState.CANCELLED
    own = board.call("queue_task", task=task.id)
    with pytest.raises(PermissionDenied):
        bob.call("cancel_run", run=own.id)


def begin_by(program: User) -> str:
    with program.database.read() as rows:
        room = rows.room_by_name(program.room or "")
        assert room is not None
        found = rows.agent_by_name(room.id, PROGRAM.name)
        assert found is not None
        return found.id


def test_a_run_that_is_held_stays_held_when_it_is_tried_again(board: User, program: User, worker):
    task = board.call("create_task", title="Held", command="true", idempotent=True, attempts=2)
    begun = begin(program, worker, board.call("queue_task", task=task.id))
    board.call("pause_run", run=begun.id)
    end(program, begun, RunState.FAILED, is_interrupted=True, lost_worker=True)
    again = runs_of(board, task.id)[-1]
    assert again.paused
    start = (RunStart(again.id, worker.id, worker.runner),)
    assert program.call("settle_runs", starts=start).begun == ()


def test_an_agents_run_cannot_be_held(board: User, bob: User, program: User):
    process = Workers(board).add("claude", kind=ProcessKind.AGENT, agent="bob-1")
    agent = bob.start_session("bob-1")
    task = board.call("create_task", title="Write it", status=Status.TODO)
    run = board.call("queue_task", task=task.id)
    program.call("give_run", run=run.id, process=process.id, session=agent.session)
    with pytest.raises(RuleRefusal, match="bob-1 has it"):
        board.call("pause_run", run=run.id)


def test_an_alert_of_the_queue_ends_when_its_task_is_queued_again_or_closed(board: User, program: User, worker):
    board.call("update_room", quarantine_after=1)
    task = board.call("create_task", title="Poison", command="true")
    for status in (None, Status.DONE, Status.ARCHIVED):
        begun = begin(program, worker, board.call("queue_task", task=task.id))
        assert alerts_of(board) == []
        end(program, begun, RunState.FAILED, is_interrupted=True, lost_worker=True)
        assert [alert.rule for alert in alerts_of(board)] == ["quarantined"]
        if status is Status.ARCHIVED:
            board.call("archive_task", task=task.id)
            assert alerts_of(board) == []
        elif status is not None:
            board.outcome("move_task", reason="by hand", task=task.id, to=Status.TODO)
            board.call("move_task", task=task.id, to=status)
            assert alerts_of(board) == []


def test_nothing_begins_on_a_worker_that_is_to_stop(board: User, program: User, worker):
    from storage import Desired, ProcessState

    task = board.call("create_task", title="Late", command="true")
    run = board.call("queue_task", task=task.id)
    records = Workers(board)
    start = (RunStart(run.id, worker.id, worker.runner),)
    for away in ({"desired": Desired.STOPPED}, {"state": ProcessState.STOPPING}, {"removed": True}):
        records.tell(worker.id, **away)
        assert program.call("settle_runs", starts=start).begun == ()
        records.tell(worker.id, desired=Desired.RUNNING, state=ProcessState.RUNNING, removed=False)
    assert len(program.call("settle_runs", starts=start).begun) == 1


def given(board: User, program: User, agent: User, title: str = "Write it"):
    """A task that the queue has given to an agent, and its run."""
    process = Workers(board).add(f"of-{title}", kind=ProcessKind.AGENT, agent="bob-1")
    task = board.call("create_task", title=title, status=Status.TODO)
    run = board.call("queue_task", task=task.id)
    return task, program.call("give_run", run=run.id, process=process.id, session=agent.session)


def test_who_hands_a_given_task_over_ends_its_run_and_not_the_work_of_the_other(
    board: User, bob: User, alice: User, program: User
):
    alice.add("Something of hers")
    agent = bob.start_session("bob-1")
    task, run = given(board, program, agent)
    handoff = agent.call("create_handoff", task=task.id, summary="Half is done.", to_agent=alice.id)
    over = board.call("get_run", run=run.id)
    assert (over.state, over.reason) == (RunState.CANCELLED, "bob-1 no longer has the task")
    alice.call("acknowledge_handoff", handoff=handoff.id)
    agent.call("end_session")
    after = board.call("get_task", task=f"#{task.number}").task
    assert (after.status, after.assignee) == (Status.IN_PROGRESS, alice.id)


def test_a_given_task_that_a_person_gives_to_another_ends_its_run(board: User, bob: User, alice: User, program: User):
    alice.add("Something of hers")
    agent = bob.start_session("bob-1")
    task, run = given(board, program, agent)
    board.call("assign_task", task=task.id, to=alice.id)
    assert board.call("get_run", run=run.id).state is RunState.CANCELLED


def test_a_given_task_whose_agent_is_lost_fails_its_run_and_goes_the_way_of_the_room(
    board: User, bob: User, program: User
):
    from core.agents.expiry import expire_all
    from storage import LostClaims

    for way, status in ((LostClaims.KEEP, Status.IN_PROGRESS), (LostClaims.RETURN, Status.TODO)):
        board.call("update_room", lost_claims=way)
        agent = bob.start_session("bob-1", client="claude")
        agent.take_up()
        task, run = given(board, program, agent, way.value)
        agent.fall_silent()
        expire_all(board.database)
        over = board.call("get_run", run=run.id)
        after = board.call("get_task", task=f"#{task.number}").task
        assert (over.state, over.lost_worker, over.interrupted) == (RunState.FAILED, True, True)
        assert "stopped without reporting" in over.reason
        assert (after.status, after.claimed_by) == (status, None)


def test_the_results_come_together_when_the_last_open_part_goes_elsewhere(board: User, program: User, worker):
    board.call("update_room", review_gate=OnOff.OFF)
    parent, other = (board.call("create_task", title=title) for title in ("Release", "Other"))
    part = board.call("create_task", title="Part", command="true", parent=parent.id)
    last = board.call("create_task", title="Last", parent=parent.id)
    end(program, begin(program, worker, board.call("queue_task", task=part.id)))
    assert board.call("get_task", task=f"#{parent.number}").task.result is None
    board.call("update_task", task=last.id, parent=other.id)
    assert board.call("get_task", task=f"#{parent.number}").task.result.summary.startswith("All sub-tasks are done: 1.")
    board.call("update_task", task=last.id, parent=None)
    assert board.call("get_task", task=f"#{other.number}").task.result is None, "it has no parts at all"


def test_a_parent_whose_part_has_failed_or_was_cancelled_waits(board: User, program: User, worker):
    board.call("update_room", review_gate=OnOff.OFF)
    parent = board.call("create_task", title="Release")
    good, bad, dropped = (
        board.call("create_task", title=title, command="true", parent=parent.id) for title in ("Good", "Bad", "Dropped")
    )
    end(program, begin(program, worker, board.call("queue_task", task=good.id)))
    failed = begin(program, worker, board.call("queue_task", task=bad.id))
    end(program, failed, RunState.FAILED, exit_code=3)
    board.call("cancel_run", run=board.call("queue_task", task=dropped.id).id)

    def result():
        return board.call("get_task", task=f"#{parent.number}").task.result

    assert result() is None
    end(program, begin(program, worker, board.call("retry_run", run=failed.id)))
    assert result() is None
    board.call("archive_task", task=dropped.id)
    assert result().summary.splitlines()[-1] == "- #4 Dropped (archived): no result"


def test_a_queued_run_shows_the_command_that_will_run(board: User, bob: User, program: User, worker):
    task = board.call("create_task", title="Test", command="make one")
    run = board.call("queue_task", task=task.id)
    board.call("update_task", task=task.id, command="make two")
    assert board.call("get_run", run=run.id).command == "make two"
    board.call("undo")
    assert board.call("get_run", run=run.id).command == "make one"
    begun = begin(program, worker, run)
    board.call("update_task", task=task.id, command="make three")
    assert board.call("get_run", run=begun.id).command == "make one", "what runs is what began"


def test_a_long_output_is_kept_from_a_lines_beginning_and_cut_in_no_escape(board: User, program: User, worker):
    from core.operations.settled import OUTPUT_LIMIT

    def output_of(told: str) -> str:
        task = board.call("create_task", title="Talk", command="true")
        over = end(program, begin(program, worker, board.call("queue_task", task=task.id)), output=told)
        return over.output or ""

    lines = "".join(f"line {number:06}\n" for number in range(4_000))
    kept = output_of(lines)
    assert len(kept) <= OUTPUT_LIMIT
    assert kept.splitlines()[0].startswith("line ")
    assert kept.endswith("line 003999")
    coloured = output_of("\x1b[38;2;255;255;255mx\x1b[0m" * 3_000 + "\x00end")
    assert coloured == "x" * 3_000 + "end"
    assert output_of("y" * 30_000) == "y" * OUTPUT_LIMIT


def test_what_is_over_does_not_begin_again(board: User, program: User, worker):
    """Though its task waits in todo, where a queued one could begin."""
    task = board.call("create_task", title="Test", command="true")
    run = board.call("queue_task", task=task.id)
    board.call("cancel_run", run=run.id)
    start = (RunStart(run.id, worker.id, worker.runner),)
    assert program.call("settle_runs", starts=start).begun == ()
    assert board.call("get_run", run=run.id).state is RunState.CANCELLED


def test_nothing_begins_under_a_runner_that_is_no_more(board: User, program: User, worker):
    task = board.call("create_task", title="Test", command="true")
    run = board.call("queue_task", task=task.id)
    Workers(board).tell(worker.id, runner="the next")
    assert program.call("settle_runs", starts=(RunStart(run.id, worker.id, worker.runner),)).begun == ()
    assert len(program.call("settle_runs", starts=(RunStart(run.id, worker.id, "the next"),)).begun) == 1


def test_what_succeeds_while_another_task_is_open_again_waits_in_review(board: User, program: User, worker):
    board.call("update_room", review_gate=OnOff.OFF)
    need = board.call("create_task", title="Need")
    board.call("move_task", task=need.id, to=Status.DONE)
    task = board.call("create_task", title="Test", command="true", dependencies=(need.id,))
    begun = begin(program, worker, board.call("queue_task", task=task.id))
    board.call("move_task", task=need.id, to=Status.TODO)
    end(program, begun)
    assert board.call("get_task", task=f"#{task.number}").task.status is Status.REVIEW


def test_a_task_that_a_person_has_moved_is_not_tried_again(board: User, program: User, worker):
    task = board.call("create_task", title="Test", command="true", attempts=5, idempotent=True)
    for how in ({"exit_code": 1}, {"is_interrupted": True}, {"is_interrupted": True, "lost_worker": True}):
        begun = begin(program, worker, board.call("queue_task", task=task.id))
        board.call("move_task", task=task.id, to=Status.BACKLOG)
        over = end(program, begun, RunState.FAILED, **how)
        assert over.state is RunState.CANCELLED
        assert runs_of(board, task.id)[-1].id == begun.id
        assert board.call("get_task", task=f"#{task.number}").task.status is Status.BACKLOG
