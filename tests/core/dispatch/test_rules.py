"""The pure rules of the queue, by their properties: order, fairness, policy, retry, readiness."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.dispatch.order import Queued, in_order, precedence
from core.dispatch.policy import WorkerLoad, choose
from core.dispatch.ready import Waiting, why_not_ready
from core.dispatch.retry import (
    LONGEST_DELAY_S,
    Verdict,
    decide,
    delay_before,
    lost_workers,
    tries_of_series,
)  # fmt: skip
from storage import AgentId, Priority, ProcessId, Room, RoomId, Run, RunId, RunState, SessionId, Status, Task, TaskId

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PROGRAM = AgentId("agt_program")
PERSON = AgentId("agt_person")


def room(name: str = "rom_a", **fields) -> Room:
    return Room(id=RoomId(name), name=name, root="/", created_at=NOW, updated_at=NOW, **fields)


def task(number: int = 1, name: str = "rom_a", **fields) -> Task:
    return Task(
        id=TaskId(f"tsk_{number}"), room_id=RoomId(name), number=number, title="t", rank="a", created_by=PERSON,
        created_at=NOW, updated_at=NOW, **{"command": "true", "status": Status.TODO, **fields},
    )  # fmt: skip


def run(number: int = 1, name: str = "rom_a", *, age_s: float = 0, **fields) -> Run:
    return Run(
        id=RunId(f"run_{number:05}"), room_id=RoomId(name), task_id=TaskId(f"tsk_{number}"), command="true",
        created_at=NOW - timedelta(seconds=age_s), updated_at=NOW,
        **{"attempt": 1, "queued_by": PERSON, **fields},
    )  # fmt: skip


@st.composite
def queues(draw) -> list[Queued]:
    found = []
    for number in range(draw(st.integers(0, 25))):
        name = draw(st.sampled_from(["rom_a", "rom_b", "rom_c"]))
        queued = run(number, name, age_s=draw(st.integers(0, 5000)))
        found.append(Queued(queued, task(number, name, priority=draw(st.sampled_from(Priority)))))
    return found


@given(queues(), st.dictionaries(st.sampled_from(["rom_a", "rom_b", "rom_c"]), st.integers(0, 9)))
def test_the_order_holds_everyone_once_urgent_first_and_the_rooms_in_turn(queue: list[Queued], served: dict):
    ordered = list(in_order(queue, {RoomId(name): turn for name, turn in served.items()}))
    assert Counter(each.run.id for each in ordered) == Counter(each.run.id for each in queue)
    for name in ("rom_a", "rom_b", "rom_c"):
        own = [precedence(each) for each in ordered if each.run.room_id == name]
        assert own == sorted(own)
    left = Counter(each.run.room_id for each in queue)
    had: Counter[str] = Counter()
    for each in ordered:  # nobody is two ahead of a room that still waits
        assert all(had[each.run.room_id] <= had[other] for other in left if left[other] > had[other])
        had[each.run.room_id] += 1


def test_the_room_that_was_served_longest_ago_comes_first():
    queue = [Queued(run(1, "rom_a"), task(1, "rom_a")), Queued(run(2, "rom_b"), task(2, "rom_b"))]
    served = {RoomId("rom_a"): 5, RoomId("rom_b"): 3}
    assert [each.run.room_id for each in in_order(queue, served)] == ["rom_b", "rom_a"]


def test_waiting_makes_urgent_in_the_end():
    old = Queued(run(1, age_s=4000), task(1, priority=Priority.LOW))
    new = Queued(run(2), task(2, priority=Priority.URGENT))
    assert next(iter(in_order([new, old], {}))) is old


@st.composite
def loads(draw) -> list[WorkerLoad]:
    return [
        WorkerLoad(
            process=ProcessId(f"prc_{number}"), room=RoomId(draw(st.sampled_from(["rom_a", "rom_b"]))),
            name=f"w{number}", running=draw(st.integers(0, 3)), capacity=draw(st.integers(1, 3)),
            cpu_percent=draw(st.floats(0, 400)), memory_bytes=draw(st.integers(0, 2**34)),
            estimate_minutes=draw(st.floats(0, 500)), failures=draw(st.integers(0, 9)),
        )
        for number in range(draw(st.integers(0, 6)))
    ]  # fmt: skip


@given(loads())
def test_the_policy_takes_the_least_loaded_free_worker_of_the_room(workers: list[WorkerLoad]):
    chosen = choose(Queued(run(), task()), workers)
    fit = [each for each in workers if each.room == "rom_a" and each.is_free]
    if chosen is None:
        assert not fit
    else:
        assert chosen in fit
        assert chosen.load == min(each.load for each in fit)


def test_each_part_of_the_load_counts():
    idle = WorkerLoad(process=ProcessId("prc_1"), room=RoomId("rom_a"), name="w1", running=0, capacity=2)
    for burden in (
        {"running": 1}, {"cpu_percent": 50.0}, {"memory_bytes": 2**30}, {"estimate_minutes": 30.0}, {"failures": 1},
    ):  # fmt: skip
        assert replace(idle, **burden).load > idle.load


def test_a_task_goes_to_the_free_worker_with_its_labels_though_others_are_idler():
    plain = WorkerLoad(process=ProcessId("prc_1"), room=RoomId("rom_a"), name="w1", running=0, capacity=2)
    with_gpu = replace(plain, process=ProcessId("prc_2"), name="w2", labels=("gpu", "big"), running=1, cpu_percent=70.0)

    def name_of(*labels: str, offered: tuple[WorkerLoad, ...] = (plain, with_gpu)) -> str | None:
        chosen = choose(Queued(run(), task(labels=labels)), offered)
        return chosen.name if chosen is not None else None

    assert name_of("gpu") == "w2"
    assert name_of() == "w1"
    assert name_of("other") == "w1"
    assert name_of("gpu", offered=(plain, replace(with_gpu, running=2))) == "w1", "labels attract, they do not forbid"
    assert name_of(offered=(with_gpu,)) == "w2"


@st.composite
def series(draw) -> list[Run]:
    """Runs of one task, newest first; the first has just failed."""
    states = [RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED, RunState.QUARANTINED]
    count = draw(st.integers(1, 8))
    found = []
    for attempt in range(count, 0, -1):
        state = RunState.FAILED if attempt == count else draw(st.sampled_from(states))
        by = PERSON if attempt == 1 else draw(st.sampled_from([PERSON, PROGRAM]))
        is_lost = state in (RunState.FAILED, RunState.QUARANTINED) and draw(st.booleans())
        is_cut = is_lost or (state is RunState.FAILED and draw(st.booleans()))
        found.append(run(1, attempt=attempt, state=state, queued_by=by, interrupted=is_cut, lost_worker=is_lost))
    return found


@given(series(), st.integers(1, 6), st.integers(1, 6), st.booleans(), st.booleans())
def test_a_failure_is_judged_by_attempts_idempotence_and_losses(
    runs: list[Run], attempts: int, quarantine_after: int, idempotent: bool, never_begun: bool
):
    decision = decide(
        task(attempts=attempts, idempotent=idempotent), room(quarantine_after=quarantine_after), runs, PROGRAM,
        never_begun=never_begun,
    )  # fmt: skip
    may_run_again = idempotent or never_begun or not runs[0].interrupted
    was_stopped = runs[0].interrupted and not runs[0].lost_worker
    tries = tries_of_series(runs, PROGRAM)
    if lost_workers(runs) >= quarantine_after:
        assert decision.verdict is Verdict.QUARANTINE
    elif decision.verdict is Verdict.RETRY:
        assert may_run_again
        assert was_stopped or tries < attempts
        assert decision.delay_s == (0.0 if was_stopped else delay_before(tries))
    else:
        assert not may_run_again or (tries >= attempts and not was_stopped)


def test_what_a_stop_has_cut_off_is_no_attempt():
    cut = {"state": RunState.FAILED, "interrupted": True}
    runs = [
        run(1, attempt=4, state=RunState.FAILED, queued_by=PROGRAM), run(1, attempt=3, queued_by=PROGRAM, **cut),
        run(1, attempt=2, queued_by=PROGRAM, lost_worker=True, **cut), run(1, attempt=1, queued_by=PERSON, **cut),
    ]  # fmt: skip
    assert tries_of_series(runs, PROGRAM) == 2


@given(st.integers(1, 100_000))
def test_the_delay_grows_to_its_longest(tries: int):
    assert delay_before(tries) <= delay_before(tries + 1) <= LONGEST_DELAY_S


def test_a_run_waits_for_each_thing_that_it_must_wait_for():
    ready = run(), task(), room()
    assert why_not_ready(*ready, NOW) is None
    assert why_not_ready(run(), task(), room(queue_paused=True), NOW) is Waiting.QUEUE_PAUSED
    assert why_not_ready(run(paused=True), task(), room(), NOW) is Waiting.PAUSED
    assert why_not_ready(run(), task(command_approved=False), room(), NOW) is Waiting.APPROVAL
    assert why_not_ready(run(), task(waiting_on=1), room(), NOW) is Waiting.DEPENDENCIES
    assert why_not_ready(run(not_before=NOW + timedelta(seconds=1)), task(), room(), NOW) is Waiting.LATER
    assert why_not_ready(run(not_before=NOW), task(), room(), NOW) is None
    assert why_not_ready(run(), task(claimed_by=SessionId("ses_1")), room(), NOW) is Waiting.CLAIMED
    assert why_not_ready(run(), task(status=Status.BLOCKED), room(), NOW) is Waiting.MOVED
