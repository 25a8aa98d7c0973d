"""The order of the queue's screen, kept true change by change: it is always what sorting all runs anew gives."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from storage import AgentId, Priority, Room, RoomId, Run, RunId, RunState, Status, Task, TaskId
from tui.board_state import BoardState, Fresh
from tui.queue.order import RunOrder

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PERSON = AgentId("agt_1")
OPEN = frozenset({RunState.QUEUED, RunState.RUNNING})
FAILED = frozenset({RunState.FAILED})


def board() -> BoardState:
    return BoardState(Room(id=RoomId("rom_1"), name="r", root="/r", created_at=NOW, updated_at=NOW))


def task(number: int, **fields) -> Task:
    return Task(
        id=TaskId(f"tsk_{number}"), room_id=RoomId("rom_1"), number=number, title="t", rank=f"a{number:03}",
        created_by=PERSON, created_at=NOW, updated_at=NOW,
        **{"command": "true", "status": Status.TODO, **fields},
    )  # fmt: skip


def run(number: int, state: RunState = RunState.QUEUED, *, age_s: int = 0, **fields) -> Run:
    is_over = state not in OPEN
    return Run(
        id=RunId(f"run_{number:03}"), room_id=RoomId("rom_1"), task_id=TaskId(f"tsk_{number}"), command="true",
        attempt=1, queued_by=PERSON, state=state, created_at=NOW - timedelta(seconds=age_s), updated_at=NOW,
        started_at=None if state is RunState.QUEUED else NOW, ended_at=NOW if is_over else None, **fields,
    )  # fmt: skip


def take(order: RunOrder, state: BoardState, now: datetime, *, tasks=(), runs=()) -> None:
    order.take_in(state.apply(Fresh(state.sequence + 1, tasks, (), None, runs=runs)), state, now)


runs = st.builds(
    run, st.integers(0, 20), st.sampled_from(RunState), age_s=st.integers(0, 5000), paused=st.booleans(),
    not_before=st.one_of(st.none(), st.integers(-50, 50).map(lambda seconds: NOW + timedelta(seconds=seconds))),
)  # fmt: skip
tasks = st.builds(
    task, st.integers(0, 20), priority=st.sampled_from(Priority), status=st.sampled_from([Status.TODO, Status.REVIEW]),
    command_approved=st.booleans(),
)  # fmt: skip


@given(st.lists(st.tuples(st.lists(runs, max_size=4), st.lists(tasks, max_size=4), st.integers(0, 30)), max_size=15))
def test_it_is_what_sorting_them_all_anew_gives(steps) -> None:
    state, order, now = board(), RunOrder(), NOW
    state.apply(Fresh(1, [task(number) for number in range(21)], (), None, everything=True))
    order.load(state, now)
    for changed, moved, passed_s in steps:
        now += timedelta(seconds=passed_s)
        take(order, state, now, tasks=moved, runs=changed)
        order.pass_time(state, now)
        anew = RunOrder()
        anew.load(state, now)
        for states in (frozenset(RunState), OPEN, FAILED):
            assert order.ids(states) == anew.ids(states)
            assert order.count(states) == sum(each.state in states for each in state.runs.values())


def test_what_runs_comes_first_then_what_is_next_then_what_waits_then_what_is_over() -> None:
    state, order = board(), RunOrder()
    state.apply(Fresh(1, [task(number) for number in range(6)], (), None, everything=True))
    urgent = replace(task(1), priority=Priority.URGENT)
    told = [run(0), run(1), run(2, paused=True), run(3, RunState.FAILED), run(4, RunState.RUNNING), run(5, age_s=10)]
    take(order, state, NOW, tasks=[urgent], runs=told)
    assert [each[-1] for each in order.ids(frozenset(RunState))] == ["4", "1", "5", "0", "2", "3"]


def test_a_run_whose_time_has_come_stands_among_what_is_next() -> None:
    state, order = board(), RunOrder()
    state.apply(Fresh(1, [task(0), task(1)], (), None, everything=True))
    take(order, state, NOW, runs=[run(0, age_s=9, not_before=NOW + timedelta(seconds=5)), run(1)])
    assert [each[-1] for each in order.ids(OPEN)] == ["1", "0"]
    assert not order.pass_time(state, NOW + timedelta(seconds=4))
    assert order.pass_time(state, NOW + timedelta(seconds=5))
    assert [each[-1] for each in order.ids(OPEN)] == ["0", "1"]


def test_runs_that_the_state_has_forgotten_are_not_in_it() -> None:
    state, order = board(), RunOrder()
    state.apply(Fresh(1, [task(0), task(1)], (), None, everything=True))
    take(order, state, NOW, runs=[run(0, RunState.FAILED), run(1)])
    del state.runs[RunId("run_000")]
    take(order, state, NOW, runs=[run(1)])
    assert order.ids(frozenset(RunState)) == ["run_001"]
    assert order.count(FAILED) == 0
