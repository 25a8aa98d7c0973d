"""Whatever people, agents and the dispatcher do with runs, in whatever order: what must hold of runs and tasks does."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core.agents.expiry import PROGRAM
from core.operation import OnOff
from core.operations.settled import RunEnd, RunStart
from storage import AgentKind, EntityKind, Finish, ParallelError, ProcessKind, Role, Run, RunState, Status
from tests.support.history import Snapshot, replayed, rows_of
from tests.support.users import User
from tests.support.workers import Workers

OPEN = (RunState.QUEUED, RunState.RUNNING)
PLACES = [status for status in Status if status is not Status.ARCHIVED]
COUNT = 4

WORDS = st.one_of(
    st.tuples(st.just("queue"), st.integers(0, 3)),
    st.tuples(st.just("begin"), st.integers(0, 9)),
    st.tuples(st.just("begin"), st.integers(0, 9)),
    st.tuples(st.just("end"), st.integers(0, 9), st.sampled_from(["ok", "fail", "lost", "cut", "cancelled", "late"])),
    st.tuples(st.just("end"), st.integers(0, 9), st.sampled_from(["ok", "fail", "lost", "cut", "cancelled", "late"])),
    st.tuples(st.sampled_from(["cancel", "pause", "resume", "retry"]), st.integers(0, 9)),
    st.tuples(st.just("move"), st.integers(0, 3), st.sampled_from(PLACES)),
    st.tuples(st.just("archive"), st.integers(0, 3)),
    st.tuples(st.just("command"), st.integers(0, 3), st.sampled_from(["one", "two", None])),
    st.tuples(st.just("approve"), st.integers(0, 3)),
    st.tuples(st.just("claim"), st.integers(0, 3)),
    st.tuples(st.just("finish"), st.integers(0, 3), st.sampled_from(Finish)),
    st.tuples(st.just("give"), st.integers(0, 9)),
    st.tuples(st.sampled_from(["hand_over", "assign"]), st.integers(0, 3)),
    st.tuples(st.sampled_from(["acknowledge", "lose"])),
    st.tuples(st.sampled_from(["undo", "redo", "gate", "queue_pause", "queue_resume"])),
)


class Scene:
    """A room with four tasks, one of them the others' parent, a worker, and an agent with its process."""

    def __init__(self, owner: User) -> None:
        self.owner = owner
        self.tasks = [owner.call("create_task", title="parent", command="zero").id]
        self.tasks += [
            owner.call(
                "create_task", title="t", command="zero", parent=self.tasks[0], attempts=2, idempotent=bool(n % 2)
            ).id
            for n in range(COUNT - 1)
        ]  # fmt: skip
        owner.call("update_room", quarantine_after=2)
        records = Workers(owner)
        self.worker = records.add("w", kind=ProcessKind.SERVICE)
        self.process = records.add("a", kind=ProcessKind.AGENT, agent="agent")
        self.program = User(owner.database, PROGRAM.name, room=owner.room)
        self.program.actor = PROGRAM
        self.helper = User(owner.database, "nobody yet", room=owner.room, role=Role.AGENT, kind=AgentKind.AI)
        self.other = self.helper.start_session("other")
        self.agent = self.helper.start_session("agent")

    def run(self, number: int, *states: RunState) -> Run:
        with self.owner.database.read() as rows:
            room = rows.room_by_name(self.owner.room or "")
            assert room is not None
            runs = rows.runs(room.id, states=states)
        if not runs:
            raise LookupError
        return runs[number % len(runs)]

    def act(self, who: User, word: str, *given: Any) -> None:
        task = self.tasks[given[0]] if given and given[0] < COUNT else self.tasks[0]
        if word == "queue":
            who.call("queue_task", task=task)
        elif word == "begin":
            run = self.run(given[0], RunState.QUEUED)
            self.program.call("settle_runs", starts=(RunStart(run.id, self.worker.id, self.worker.runner or ""),))
        elif word == "end":
            run = self.run(given[0], RunState.RUNNING)
            if run.lease != self.worker.runner:
                return
            how = {
                "ok": {"state": RunState.SUCCEEDED, "exit_code": 0},
                "late": {"state": RunState.SUCCEEDED, "lease": "another"},
                "fail": {"state": RunState.FAILED, "exit_code": 1},
                "cut": {"state": RunState.FAILED, "is_interrupted": True},
                "lost": {"state": RunState.FAILED, "is_interrupted": True, "lost_worker": True},
                "cancelled": {"state": RunState.CANCELLED},
            }[given[1]]
            self.program.call("settle_runs", ends=(RunEnd(**{"run": run.id, "lease": run.lease, **how}),))
        elif word == "give":
            run = self.run(given[0], RunState.QUEUED)
            self.program.call("give_run", run=run.id, process=self.process.id, session=self.agent.session)
        elif word in ("cancel", "pause", "resume", "retry"):
            who.call(f"{word}_run", run=self.run(given[0]).id)
        elif word == "move":
            who.outcome("move_task", reason="so", task=task, to=given[1], despite_dependencies=True)
        elif word == "archive":
            who.call("archive_task", task=task)
        elif word == "command":
            who.call("update_task", task=task, command=given[1])
        elif word == "approve":
            who.call("approve_command", task=task)
        elif word == "claim":
            self.agent.call("claim_next", task=task)
        elif word == "finish":
            self.agent.call("finish_task", task=task, finish=given[1], summary="so")
        elif word == "hand_over":
            self.agent.call("create_handoff", task=task, summary="so", to_role="agent")
        elif word == "acknowledge":
            self.other.call("acknowledge_handoff", handoff=self.owner.call("list_handoffs")[0].id)
        elif word == "assign":
            self.owner.call("assign_task", task=task, to=self.other.id)
        elif word == "lose":
            self.agent.call("end_session")
            self.agent = self.helper.start_session("agent")
        elif word == "gate":
            who.call("update_room", review_gate=OnOff.OFF)
        elif word in ("queue_pause", "queue_resume"):
            who.call("_".join(reversed(word.split("_"))))
        else:
            who.call(word)


def check(before: Snapshot, after: Snapshot) -> None:
    """What must hold, whatever was done."""
    runs, tasks = after[EntityKind.RUN], after[EntityKind.TASK]
    open_runs = [run for run in runs.values() if run.state in OPEN]
    assert max(Counter(run.task_id for run in open_runs).values(), default=0) <= 1, "one at a time"
    attempts = Counter((run.task_id, run.attempt) for run in runs.values())
    assert max(attempts.values(), default=0) <= 1
    for run in runs.values():
        task, was = tasks[run.task_id], before[EntityKind.RUN].get(run.id)
        assert (run.ended_at is None) is (run.state in OPEN)
        assert (run.lease is None) is (run.started_at is None)
        if was is not None and was.state not in OPEN:
            assert run == was, "what is over stays as it is"
        if was is not None and was.lease is not None:
            assert run.lease == was.lease, "a run has one worker, ever"
        if run.state is RunState.QUEUED:
            assert task.status in (Status.BACKLOG, Status.TODO), "what stands elsewhere is not queued"
        if run.state is RunState.RUNNING:
            is_agents = (run.lease or "").startswith("ses_")
            assert task.status is Status.IN_PROGRESS or run.cancelled_by is not None, "it is on its way out"
            if is_agents:
                assert task.claimed_by == run.lease, "it is the work of the session that has it"
            if was is not None and was.state is RunState.QUEUED and not is_agents:
                assert task.command_approved, "only what is approved begins"
                assert run.command == task.command, "and that is what runs"


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(["owner", "agent"]), WORDS), min_size=10, max_size=45))
def test_runs_and_tasks_agree_whatever_is_done(
    new_room: Callable[[], User], steps: list[tuple[str, tuple[Any, ...]]]
) -> None:
    scene = Scene(new_room())
    snapshots = [rows_of(scene.owner)]
    for who, words in steps:
        with suppress(ParallelError, LookupError):
            scene.act(scene.owner if who == "owner" else scene.agent, *words)
        snapshots.append(rows_of(scene.owner))
        check(snapshots[-2][1], snapshots[-1][1])
    for sequence, rows in snapshots:
        assert replayed(scene.owner, sequence) == rows
