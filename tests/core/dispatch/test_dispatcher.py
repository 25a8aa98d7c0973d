"""The dispatcher with real workers: every ending of a run, and what becomes of its task."""

import asyncio
import os
import signal

import pytest

from core.dispatch import DispatcherService
from storage import ProcessState, RunState, Status
from tests.support.users import User
from tests.support.workers import Workers, dispatching, runs_of, until, workers_of


@pytest.fixture
def workers(board: User):
    with workers_of(board) as found:
        yield found


def task_of(board: User, number: int):
    return board.call("get_task", task=f"#{number}").task


async def ended(board: User, task) -> list:
    return await until(
        lambda: (runs := runs_of(board, task)) and runs[-1].state not in (RunState.QUEUED, RunState.RUNNING) and runs
    )


async def running(board: User, task):
    def is_running():
        run = runs_of(board, task)[-1]
        return run if run.state is RunState.RUNNING else None

    return await until(is_running)


async def test_a_queued_command_runs_and_its_result_waits_in_review(board: User, workers: Workers):
    workers.add("worker-1")
    task = board.call("create_task", title="Say hello", command="echo hello; pwd", status=Status.TODO)
    async with dispatching(board.database):
        board.call("queue_task", task=task.id)
        (run,) = await ended(board, task.id)
    assert run.state is RunState.SUCCEEDED
    assert run.exit_code == 0
    assert run.output == f"hello\n{workers.root}"
    after = task_of(board, task.number)
    assert after.status is Status.REVIEW
    assert after.result.output == run.output


async def test_without_the_gate_a_success_is_done_and_frees_who_waited_for_it(board: User, workers: Workers):
    from core.operation import OnOff

    workers.add("worker-1")
    board.call("update_room", review_gate=OnOff.OFF)
    first = board.call("create_task", title="First", command="true")
    second = board.call("create_task", title="Second", command="true", dependencies=(first.id,))
    async with dispatching(board.database):
        board.call("queue_tasks", tasks=(second.id, first.id))
        await ended(board, second.id)
    assert task_of(board, second.number).status is Status.DONE
    assert runs_of(board, second.id)[0].started_at > runs_of(board, first.id)[0].ended_at


async def test_a_failure_is_tried_again_and_blocks_the_task_in_the_end(board: User, workers: Workers):
    workers.add("worker-1")
    task = board.call("create_task", title="Fail", command="echo no; exit 7", attempts=2)
    async with dispatching(board.database):
        board.call("queue_task", task=task.id)
        await until(lambda: task_of(board, task.number).status is Status.BLOCKED)
    runs = runs_of(board, task.id)
    assert [run.state for run in runs] == [RunState.FAILED, RunState.FAILED]
    assert [run.exit_code for run in runs] == [7, 7]
    assert "exit code 7" in task_of(board, task.number).blocked_reason


async def test_a_lost_worker_blocks_a_task_that_may_not_run_twice(board: User, workers: Workers):
    worker = workers.add("worker-1")
    task = board.call("create_task", title="Once", command="sleep 1000", attempts=3)
    async with dispatching(board.database):
        board.call("queue_task", task=task.id)
        await running(board, task.id)
        workers.kill(worker.id)
        (run,) = await ended(board, task.id)
    assert run.lost_worker
    assert task_of(board, task.number).status is Status.BLOCKED


async def test_a_lost_worker_has_its_idempotent_task_tried_elsewhere(board: User, workers: Workers):
    worker = workers.add("worker-1")
    task = board.call(
        "create_task", title="Again", command="test $WZP_ATTEMPT = 2 || sleep 1000", attempts=3, idempotent=True
    )
    async with dispatching(board.database):
        board.call("queue_task", task=task.id)
        await running(board, task.id)
        workers.add("worker-2")
        workers.kill(worker.id, restart=False)
        await until(lambda: task_of(board, task.number).status is Status.REVIEW)
    runs = runs_of(board, task.id)
    assert [run.state for run in runs] == [RunState.FAILED, RunState.SUCCEEDED]
    assert runs[0].process_id != runs[1].process_id


async def test_a_task_that_kills_its_workers_is_quarantined(board: User, workers: Workers):
    workers.add("worker-1")
    board.call("update_room", quarantine_after=2)
    # the command's parent is its keeper, whose parent is the worker
    command = "kill -9 $(cut -d' ' -f4 /proc/$PPID/stat); sleep 1000"
    task = board.call("create_task", title="Poison", command=command, attempts=9, idempotent=True)
    async with dispatching(board.database):
        board.call("queue_task", task=task.id)
        for _ in range(2):
            process, program = await until(
                lambda: next(((p, w) for p, w in workers.programs.items() if w.poll() is not None), None)
            )
            program.wait()
            workers.tell(process, state=ProcessState.FAILED)
            workers.start(process)
        await ended(board, task.id)
        await until(lambda: runs_of(board, task.id)[-1].state is RunState.QUARANTINED)
    assert task_of(board, task.number).status is Status.BLOCKED
    with board.database.read() as rows:
        assert [alert.rule for alert in rows.alerts(task.room_id) if alert.subject == task.id][:1] == ["quarantined"]


async def test_cancelling_ends_a_tree_that_ignores_sigterm(board: User, workers: Workers):
    workers.add("worker-1", stop_grace_seconds=0.2)
    command = (
        "trap '' TERM; echo $$; setsid sh -c 'trap \"\" TERM; echo $$; sleep 1000; sleep 1000' & sleep 1000; sleep 1"
    )
    task = board.call("create_task", title="Stubborn", command=command)
    async with dispatching(board.database):
        board.call("queue_task", task=task.id)
        run = await running(board, task.id)
        log = board.database.home.logs / "runs" / f"{run.id}.log"
        pids = await until(lambda: log.exists() and len(log.read_text().split()) == 2 and log.read_text().split())
        board.call("cancel_run", run=run.id)
        (over,) = await ended(board, task.id)
    assert over.state is RunState.CANCELLED
    assert task_of(board, task.number).status is Status.TODO
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


async def test_moving_a_running_task_cancels_its_run(board: User, workers: Workers):
    workers.add("worker-1")
    task = board.call("create_task", title="Moved", command="sleep 1000")
    async with dispatching(board.database):
        board.call("queue_task", task=task.id)
        await running(board, task.id)
        board.call("move_task", task=task.id, to=Status.BACKLOG)
        (over,) = await ended(board, task.id)
    assert over.state is RunState.CANCELLED
    assert "moved the task to backlog" in over.reason
    assert task_of(board, task.number).status is Status.BACKLOG


async def test_a_time_limit_ends_the_command(board: User, workers: Workers):
    workers.add("worker-1")
    task = board.call("create_task", title="Slow", command="sleep 1000", time_limit_seconds=1)
    async with dispatching(board.database):
        board.call("queue_task", task=task.id)
        (run,) = await ended(board, task.id)
    assert run.state is RunState.FAILED
    assert "time limit of 1 s" in run.reason


async def test_a_paused_run_stands_still(board: User, workers: Workers):
    workers.add("worker-1")
    task = board.call("create_task", title="Ticking", command="echo $$; while :; do sleep 0.02; done")
    async with dispatching(board.database):
        board.call("queue_task", task=task.id)
        run = await running(board, task.id)
        log = board.database.home.logs / "runs" / f"{run.id}.log"
        pid = await until(lambda: log.exists() and log.read_text().strip())

        def state() -> str:
            with open(f"/proc/{pid}/stat") as file:
                return file.read().rpartition(")")[2].split()[0]

        board.call("pause_run", run=run.id)
        await until(lambda: state() == "T")
        board.call("resume_run", run=run.id)
        await until(lambda: state() != "T")
        board.call("cancel_run", run=run.id)
        await ended(board, task.id)


async def test_a_result_that_came_while_no_host_was_there_is_taken_by_the_next(board: User, workers: Workers):
    workers.add("worker-1")
    gate = board.database.home.path / "gate"
    task = board.call(
        "create_task",
        title="Unseen",
        command=f"touch {gate}.begun; until test -e {gate}; do sleep 0.02; done; echo done",
    )
    async with dispatching(board.database):
        board.call("queue_task", task=task.id)
        run = await running(board, task.id)
        await until(gate.with_name("gate.begun").exists)
    gate.touch()
    result = board.database.home.logs / "runs" / f"{run.id}.result"
    await until(result.exists)
    async with dispatching(board.database):
        (over,) = await ended(board, task.id)
        await until(lambda: not result.exists())
    assert over.state is RunState.SUCCEEDED
    assert over.output == "done"


async def test_a_result_outlives_the_worker_and_the_host(board: User, workers: Workers):
    worker = workers.add("worker-1")
    gate = board.database.home.path / "gate"
    task = board.call(
        "create_task",
        title="Unseen",
        command=f"touch {gate}.begun; until test -e {gate}; do sleep 0.02; done; echo done",
    )
    async with dispatching(board.database):
        board.call("queue_task", task=task.id)
        run = await running(board, task.id)
        await until(gate.with_name("gate.begun").exists)
    gate.touch()
    await until((board.database.home.logs / "runs" / f"{run.id}.result").exists)
    workers.kill(worker.id)
    async with dispatching(board.database):
        (over,) = await ended(board, task.id)
    assert over.state is RunState.SUCCEEDED


async def test_a_run_begins_once_though_its_host_died_before_it_could_ask(board: User, workers: Workers):
    from core.operations.settled import RunStart
    from tests.support.users import User as Caller

    worker = workers.add("worker-1")
    mark = board.database.home.path / "mark"
    task = board.call("create_task", title="Asked late", command=f"echo x >> {mark}")
    board.call("queue_task", task=task.id)
    from core.agents.expiry import PROGRAM

    program = Caller(board.database, PROGRAM.name, room=board.room)
    program.actor = PROGRAM
    run = runs_of(board, task.id)[0]
    program.call("settle_runs", starts=(RunStart(run.id, worker.id, worker.runner or ""),))
    async with dispatching(board.database):
        (over,) = await ended(board, task.id)
    assert over.state is RunState.SUCCEEDED
    assert mark.read_text() == "x\n"


async def test_files_that_the_command_changed_are_named(board: User, workers: Workers):
    workers.add("worker-1")
    task = board.call("create_task", title="Write", command="mkdir -p a; echo 1 > a/new.txt", collects_files=True)
    async with dispatching(board.database):
        board.call("queue_task", task=task.id)
        (run,) = await ended(board, task.id)
    assert run.files == ("a/new.txt",)


async def test_a_worker_that_stands_still_and_wakes_has_its_late_end_refused(board: User, workers: Workers):
    """The supervisor takes a stopped worker for dead; its tree is killed before the task is tried elsewhere."""
    worker = workers.add("worker-1")
    task = board.call(
        "create_task", title="Twice", command="test $WZP_ATTEMPT = 2 || sleep 1000", attempts=2, idempotent=True
    )
    async with dispatching(board.database):
        board.call("queue_task", task=task.id)
        run = await running(board, task.id)
        await until(lambda: (board.database.home.logs / "runs").exists())
        workers.programs[worker.id].send_signal(signal.SIGSTOP)
        old = workers.programs.pop(worker.id)
        try:
            workers.start(worker.id)
            await until(lambda: task_of(board, task.number).status is Status.REVIEW)
        finally:
            old.send_signal(signal.SIGCONT)
            old.kill()
            old.wait()
    runs = runs_of(board, task.id)
    assert [each.state for each in runs] == [RunState.FAILED, RunState.SUCCEEDED]
    assert runs[0].id == run.id


async def test_a_task_without_a_command_is_given_to_an_agent_that_answers(board: User, bob: User, workers: Workers):
    from storage import Finish, ProcessKind

    workers.add("claude", kind=ProcessKind.AGENT, agent="bob-1")
    task = board.call("create_task", title="Think", status=Status.TODO)
    async with dispatching(board.database):
        board.call("queue_task", task=task.id)
        agent = bob.start_session("bob-1", client="claude")
        agent.take_up()
        run = await running(board, task.id)
        assert run.lease == agent.session
        assert task_of(board, task.number).claimed_by == agent.session
        agent.call("finish_task", task=task.id, finish=Finish.COMPLETE, summary="Thought.")
        (over,) = await ended(board, task.id)
    assert over.state is RunState.SUCCEEDED
    assert task_of(board, task.number).status is Status.REVIEW


async def test_a_worker_has_as_many_at_once_as_its_capacity(board: User, workers: Workers):
    workers.add("worker-1", capacity=2)
    gate = board.database.home.path / "gate"
    tasks = [
        board.call("create_task", title="Wait", command=f"until test -e {gate}; do sleep 0.02; done") for _ in "123"
    ]
    async with dispatching(board.database):
        board.call("queue_tasks", tasks=tuple(task.id for task in tasks))
        await running(board, tasks[1].id)
        assert runs_of(board, tasks[2].id)[0].state is RunState.QUEUED
        gate.touch()
        for task in tasks:
            assert (await ended(board, task.id))[0].state is RunState.SUCCEEDED


async def test_a_stopped_worker_is_no_lost_one(board: User, workers: Workers):
    from storage import Desired

    worker = workers.add("worker-1")
    mark = board.database.home.path / "mark"
    task = board.call("create_task", title="Cut off", command=f"touch {mark}; sleep 1000")
    async with dispatching(board.database):
        board.call("queue_task", task=task.id)
        await until(mark.exists)
        workers.tell(worker.id, desired=Desired.STOPPED)
        program = workers.programs[worker.id]
        program.terminate()
        (over,) = await ended(board, task.id)
    assert over.reason == "its worker was stopped"
    assert not over.lost_worker
    assert task_of(board, task.number).status is Status.BLOCKED


async def test_two_rooms_have_their_turns(board: User, workers: Workers, new_room):
    other = new_room()
    with workers_of(other) as theirs:
        workers.add("worker-1")
        theirs.add("worker-1")
        first = [board.call("create_task", title="Ours", command="true").id for _ in range(5)]
        second = [other.call("create_task", title="Theirs", command="true").id for _ in range(5)]
        async with dispatching(board.database):
            board.call("queue_tasks", tasks=tuple(first))
            other.call("queue_tasks", tasks=tuple(second))
            for task in first:
                assert (await ended(board, task))[0].state is RunState.SUCCEEDED
            for task in second:
                assert (await ended(other, task))[0].state is RunState.SUCCEEDED


async def test_moving_a_task_takes_it_from_its_agent_and_a_lost_agent_loses_it(
    board: User, bob: User, workers: Workers
):
    from core.agents.expiry import expire_all
    from storage import ProcessKind

    workers.add("claude", kind=ProcessKind.AGENT, agent="bob-1")
    task = board.call("create_task", title="Think", status=Status.TODO)
    agent = bob.start_session("bob-1", client="claude")
    agent.take_up()
    async with dispatching(board.database):
        board.call("queue_task", task=task.id)
        await running(board, task.id)
        board.call("move_task", task=task.id, to=Status.TODO)
        (over,) = await ended(board, task.id)
        assert over.state is RunState.CANCELLED
        assert agent.session == over.lease
        board.call("queue_task", task=task.id)
        await running(board, task.id)
        agent.fall_silent()
        expire_all(board.database)
        lost = (await ended(board, task.id))[-1]
    assert lost.state is RunState.FAILED
    assert lost.lost_worker
    assert task_of(board, task.number).status is Status.TODO


async def test_a_run_whose_time_has_come_begins_and_nobody_spins_while_it_waits_for_a_worker(
    board: User, workers: Workers
):
    task = board.call("create_task", title="Later", command="true")
    async with dispatching(board.database) as service:
        board.call("queue_task", task=task.id, delay_seconds=1)
        await until(lambda: service._known.next_begin)
        await until(lambda: service._known.next_begin is None)
        turns = service._turns
        await asyncio.sleep(0.5)
        assert service._turns - turns < 20
        workers.add("worker-1")
        (run,) = await ended(board, task.id)
    assert run.started_at >= run.not_before


async def test_a_killed_keeper_is_an_alert_and_what_may_not_run_twice_does_not(board: User, workers: Workers):
    workers.add("worker-1")
    task = board.call("create_task", title="Once", command="kill -9 $PPID; sleep 1000", attempts=3)
    async with dispatching(board.database):
        board.call("queue_task", task=task.id)
        (run,) = await ended(board, task.id)
    assert (run.state, run.interrupted, run.lost_worker) == (RunState.FAILED, True, True)
    assert task_of(board, task.number).status is Status.BLOCKED
    with board.database.read() as rows:
        (alert,) = rows.alerts(task.room_id)
    assert (alert.rule, alert.subject) == ("process_failed", task.id)
    assert "keeper" in alert.message


async def test_a_run_that_is_cancelled_before_a_host_could_ask_for_it_never_begins(board: User, workers: Workers):
    worker = workers.add("worker-1")
    mark = board.database.home.path / "mark"
    task = board.call("create_task", title="Cancelled", command=f"touch {mark}")
    run = board.call("queue_task", task=task.id)
    begun_without_host(board, worker, run)
    board.call("cancel_run", run=run.id)
    async with dispatching(board.database):
        (over,) = await ended(board, task.id)
    assert over.state is RunState.CANCELLED
    assert task_of(board, task.number).status is Status.TODO
    assert not mark.exists()


async def test_a_run_that_is_held_before_a_host_could_ask_for_it_waits(board: User, workers: Workers):
    worker = workers.add("worker-1")
    mark = board.database.home.path / "mark"
    task = board.call("create_task", title="Held", command=f"touch {mark}")
    run = board.call("queue_task", task=task.id)
    begun_without_host(board, worker, run)
    board.call("pause_run", run=run.id)
    async with dispatching(board.database) as service:
        turns = await until(lambda: service._turns)
        await until(lambda: service._desks._desks and all(desk.has_told for desk in service._desks._desks.values()))
        await until(lambda: service._turns > turns + 1)
        assert not mark.exists()
        board.call("resume_run", run=run.id)
        (over,) = await ended(board, task.id)
    assert over.state is RunState.SUCCEEDED
    assert mark.exists()


def begun_without_host(board: User, worker, run) -> None:
    """Record that a run has begun, as a host would that dies before it can ask the worker."""
    from core.agents.expiry import PROGRAM
    from core.operations.settled import RunStart

    program = User(board.database, PROGRAM.name, room=board.room)
    program.actor = PROGRAM
    assert program.call("settle_runs", starts=(RunStart(run.id, worker.id, worker.runner or ""),)).begun


async def test_a_directory_that_leads_out_of_the_room_by_now_fails_the_run(board: User, workers: Workers, tmp_path):
    from pathlib import Path

    workers.add("worker-1", cwd="inside")
    (Path(workers.root) / "inside").symlink_to(tmp_path, target_is_directory=True)
    task = board.call("create_task", title="Out", command="touch here")
    async with dispatching(board.database):
        board.call("queue_task", task=task.id)
        (run,) = await ended(board, task.id)
    assert run.state is RunState.FAILED
    assert run.reason == "the directory of worker-1, inside, leads out of the room"
    assert not (tmp_path / "here").exists()
    assert not (Path(workers.root) / "here").exists()


async def test_what_does_not_die_holds_up_no_other_task(board: User, workers: Workers, monkeypatch):
    from core.dispatch import trees

    worker = workers.add("worker-1")
    workers.add("worker-2", labels=("other",))
    mark = board.database.home.path / "mark"
    command = f"echo x >> {mark}; sleep 1000"
    stuck = board.call("create_task", title="Stuck", command=command, idempotent=True, attempts=2)
    async with dispatching(board.database):
        board.call("queue_task", task=stuck.id)
        run = await running(board, stuck.id)
        await until(mark.exists)
        if run.process_id != worker.id:
            worker = workers.get(run.process_id)
        is_stuck = True
        kill_marked = trees.kill_marked
        monkeypatch.setattr(trees, "kill_marked", lambda runs: {4711: run.id} if is_stuck else kill_marked(runs))
        workers.kill(worker.id)
        for _ in range(3):
            other = board.call("create_task", title="Other", command="true")
            board.call("queue_task", task=other.id)
            await until(lambda other=other: task_of(board, other.number).status is Status.REVIEW, patience_s=8)
        assert mark.read_text() == "x\n"
        assert runs_of(board, stuck.id)[-1].id == run.id, "not begun elsewhere while something of it lives"
        is_stuck = False
        assert (await until(lambda: len(runs := runs_of(board, stuck.id)) == 2 and runs))[0].lost_worker
        board.call("cancel_run", run=runs_of(board, stuck.id)[-1].id)


async def test_a_worker_that_stops_puts_back_what_has_not_begun_and_what_may_run_twice(board: User, workers: Workers):
    from storage import Desired

    worker = workers.add("worker-1", capacity=2)
    mark = board.database.home.path / "mark"
    again = board.call("create_task", title="Again", command="test $WZP_ATTEMPT = 2 || sleep 1000", idempotent=True)
    once = board.call("create_task", title="Once", command=f"echo $$ >> {mark}; sleep 1000")
    async with dispatching(board.database):
        board.call("queue_tasks", tasks=(again.id, once.id))
        await running(board, again.id)
        await running(board, once.id)
        await until(lambda: mark.exists() and mark.read_text())
        workers.tell(worker.id, desired=Desired.STOPPED)
        workers.programs[worker.id].terminate()
        await until(lambda: task_of(board, once.number).status is Status.BLOCKED)
        await until(lambda: runs_of(board, again.id)[-1].attempt == 2)
        workers.add("worker-2")
        await until(lambda: task_of(board, again.number).status is Status.REVIEW)
    assert [run.interrupted for run in runs_of(board, again.id)] == [True, False]
    assert mark.read_text().count("\n") == 1


async def test_many_long_results_are_all_taken_by_the_next_host(board: User, workers: Workers):
    """Sixty times 64 KiB of what takes six bytes each in JSON is more than a line may hold, or a backlog."""
    workers.add("worker-1", capacity=64)
    gate = board.database.home.path / "gate"
    command = f"until test -e {gate}; do sleep 0.1; done; head -c 200000 /dev/zero"
    tasks = [board.call("create_task", title="Flood", command=command) for _ in range(60)]
    async with dispatching(board.database) as service:
        board.call("queue_tasks", tasks=tuple(task.id for task in tasks))
        desk = await until(lambda: next(iter(service._desks._desks.values()), None))
        await until(lambda: list(desk.told.values()) == ["running"] * len(tasks))
    gate.touch()
    await until(lambda: len(list((board.database.home.logs / "runs").glob("*.result"))) == len(tasks))
    async with dispatching(board.database):
        for task in tasks:
            assert (await ended(board, task.id))[0].state is RunState.SUCCEEDED


async def test_tasks_for_an_agent_that_is_away_hold_up_nobody_elses(board: User, bob: User, workers: Workers):
    from core.dispatch.choosing import BATCH
    from storage import ProcessKind

    workers.add("claude", kind=ProcessKind.AGENT, agent="bob-1")
    away = bob.start_session("bob-2")
    workers.add("codex", kind=ProcessKind.AGENT, agent="bob-2")
    agent = bob.start_session("bob-1", client="claude")
    agent.take_up()
    absent = [board.call("create_task", title="Wait", assignee=away.id).id for _ in range(BATCH + 1)]
    late = board.call("create_task", title="Think")
    async with dispatching(board.database):
        board.call("queue_tasks", tasks=(*absent, late.id))
        run = await running(board, late.id)
    assert run.lease == agent.session
    assert {runs_of(board, task)[0].state for task in absent} == {RunState.QUEUED}


async def test_the_policy_is_given_the_loads_as_they_are(board: User, workers: Workers):
    """What each worker has, its estimates, failures lately, and what its tree uses by the metrics."""
    from core.dispatch.policy import choose
    from storage import utc_now
    from storage.metrics import MetricsStore, Subject

    first, second = workers.add("worker-1", capacity=3), workers.add("worker-2", capacity=3)
    seen: dict = {}

    def watched(queued, offered):
        seen[queued.task.title] = {each.process: each for each in offered}
        wanted = [each for each in offered if each.name == queued.task.title.split()[0]]
        return choose(queued, wanted)

    store = MetricsStore(board.database.home)
    store.open()

    def measure(age_s: int, cpu: float) -> None:
        used = {"cpu": cpu, "memory": 2.0**30, "threads": 1.0, "processes": 1.0}
        store.put(int(utc_now().timestamp()) - age_s, {Subject("process", second.id): used})

    measure(100, 99.0)
    async with dispatching(board.database, policy=watched) as service:
        await until(lambda: service._turns > 1)
        assert service._choosing.samples == {}, "what was measured long ago says nothing of now"
        measure(0, 55.0)
        failing = board.call("create_task", title="worker-1 fails", command="false")
        board.call("queue_task", task=failing.id)
        await ended(board, failing.id)
        long = board.call("create_task", title="worker-1 long", command="sleep 1000", estimate_minutes=40)
        board.call("queue_task", task=long.id)
        await running(board, long.id)
        await until(lambda: service._choosing.samples)
        last = board.call("create_task", title="worker-2 last", command="true")
        board.call("queue_task", task=last.id)
        await ended(board, last.id)
        board.call("cancel_run", run=runs_of(board, long.id)[0].id)
        await ended(board, long.id)
    store.close()
    busy, idle = seen["worker-2 last"][first.id], seen["worker-2 last"][second.id]
    assert (busy.running, busy.estimate_minutes, busy.failures) == (1, 40.0, 1)
    assert (idle.running, idle.estimate_minutes, idle.failures) == (0, 0.0, 0)
    assert (idle.cpu_percent, idle.memory_bytes) == (55.0, 2**30)
    assert runs_of(board, last.id)[0].process_id == second.id


async def test_an_agent_process_has_as_many_at_once_as_its_capacity(board: User, bob: User, workers: Workers):
    from storage import Finish, ProcessKind

    workers.add("claude", kind=ProcessKind.AGENT, agent="bob-1", capacity=2)
    agent = bob.start_session("bob-1", client="claude")
    agent.take_up()
    tasks = [board.call("create_task", title="Think") for _ in range(3)]
    async with dispatching(board.database) as service:
        board.call("queue_tasks", tasks=tuple(task.id for task in tasks))
        await running(board, tasks[1].id)
        turns = service._turns
        board.call("comment_task", task=tasks[0].id, body="so that there is another turn")
        await until(lambda: service._turns > turns)
        assert [runs_of(board, task.id)[0].state for task in tasks] == [*[RunState.RUNNING] * 2, RunState.QUEUED]
        agent.call("finish_task", task=tasks[0].id, finish=Finish.COMPLETE, summary="Thought.")
        await running(board, tasks[2].id)


async def test_a_dispatcher_whose_worker_obeys_another_host_stops_acting(board: User, workers: Workers):
    from core.dispatch.link import WorkerLink
    from core.dispatch.offices import runner_folder
    from core.errors import HostLost
    from core.services import HostLease

    worker = workers.add("worker-1")
    newer = await WorkerLink.connect(runner_folder(board.database.home, worker), 1_000_000, lambda told: None)
    lease = HostLease(board.database)
    assert lease.try_take()
    try:
        with pytest.raises(HostLost, match="obeys another host"):
            await asyncio.wait_for(DispatcherService(board.database, lease).run(), 40)
    finally:
        await newer.close()
        lease.give_up()
