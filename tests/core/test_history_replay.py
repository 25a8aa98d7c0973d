"""Replay: whatever is done, undone and redone by whomever, the event log gives exactly the rows, at every moment.

Agents take part in sessions that begin, end and are lost; what must hold of their claims is checked after each step.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core.agents.handoffs import OPEN
from core.history import board_at
from core.operations.handoff import Box, HandoffAnswer
from core.operations.room import OnOff
from storage import (
    COLUMNS,
    AgentKind,
    Ending,
    EntityKind,
    Finish,
    HandoffStatus,
    LostClaims,
    ParallelError,
    Priority,
    Role,
    SessionState,
    Status,
    Task,
)  # fmt: skip
from tests.support.history import Snapshot, check_ranks, columns_of, replayed, rows_of
from tests.support.users import User

Step = Callable[[User, list[str]], Any]

TASK = st.integers(0, 20)
TEXT = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=20)


def pick(tasks: list[str], number: int) -> str:
    return tasks[number % len(tasks)]


def step(*strategies: st.SearchStrategy[Any]) -> Callable[[Callable[..., Any]], st.SearchStrategy[Step]]:
    def decorate(function: Callable[..., Any]) -> st.SearchStrategy[Step]:
        return st.tuples(*strategies).map(
            lambda drawn: lambda user, tasks: function(user, tasks, *drawn),
        )

    return decorate


@step(st.sampled_from([*COLUMNS]), st.lists(TASK, max_size=2))
def add(user: User, tasks: list[str], status: Status, needs: list[int]) -> None:
    task = user.add("new", status=status, dependencies=[pick(tasks, each) for each in needs], reason="so")
    tasks.append(task.id)


@step(TASK, TEXT.map(lambda text: text or "x"), st.sampled_from(Priority), st.lists(st.sampled_from("abc"), max_size=3))
def edit(user: User, tasks: list[str], number: int, title: str, priority: Priority, labels: list[str]) -> None:
    user.edit(pick(tasks, number), title=f"t{title}", priority=priority, labels=tuple(labels), description=title)


@step(TASK, st.sampled_from(COLUMNS), st.none() | TASK)
def move(user: User, tasks: list[str], number: int, to: Status, before: int | None) -> None:
    anchor = None if before is None else pick(tasks, before)
    user.move(pick(tasks, number), to, before=anchor, reason="so", despite_dependencies=True)


@step(st.lists(TASK, min_size=1, max_size=4), st.sampled_from(COLUMNS))
def move_many(user: User, tasks: list[str], numbers: list[int], to: Status) -> None:
    user.call("move_tasks", tasks=[pick(tasks, each) for each in numbers], to=to, reason="so")


@step(st.lists(TASK, min_size=1, max_size=4), st.sampled_from(["me", "nobody"]))
def edit_many(user: User, tasks: list[str], numbers: list[int], assignee: str) -> None:
    user.call("update_tasks", tasks=[pick(tasks, each) for each in numbers], assignee=assignee, add_labels=("z",))


@step(TASK, TASK, st.booleans())
def depend(user: User, tasks: list[str], task: int, on: int, remove: bool) -> None:
    user.call("depend_task", task=pick(tasks, task), on=(pick(tasks, on),), remove=remove)


@step(TASK)
def comment(user: User, tasks: list[str], number: int) -> None:
    user.comment(pick(tasks, number), "a remark")


@step(TASK, st.booleans())
def archive_or_restore(user: User, tasks: list[str], number: int, archive: bool) -> None:
    user.call("archive_task" if archive else "restore_task", task=pick(tasks, number), reason="so")


@step(TASK)
def duplicate(user: User, tasks: list[str], number: int) -> None:
    tasks.append(user.call("duplicate_task", task=pick(tasks, number)).id)


@step(st.sampled_from(COLUMNS), st.integers(0, 3))
def limit(user: User, tasks: list[str], column: Status, count: int) -> None:
    user.call("update_room", wip={column: count})


@step()
def undo(user: User, tasks: list[str]) -> None:
    user.call("undo")


@step()
def redo(user: User, tasks: list[str]) -> None:
    user.call("redo")


STEPS = st.one_of(
    add, edit, move, move, move_many, edit_many, depend, comment, archive_or_restore, duplicate, limit,
    undo, undo, undo, redo, redo,
)  # fmt: skip


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 1), STEPS), min_size=15, max_size=45))
def test_the_log_gives_exactly_the_rows_at_every_moment(
    new_room: Callable[[], User], steps: list[tuple[int, Step]]
) -> None:
    owner = new_room()
    users = (owner, User(owner.database, "other", room=owner.room, role=Role.OPERATOR))
    tasks = [owner.add("first").id]
    snapshots = [rows_of(owner)]
    for who, act in steps:
        with suppress(ParallelError):  # a refusal must leave everything as it was, which is checked as well
            act(users[who], tasks)
        snapshots.append(rows_of(owner))
    for sequence, rows in snapshots:
        assert replayed(owner, sequence) == rows
        with owner.database.read() as reader:
            room = reader.room_by_name(owner.room or "")
            assert room is not None
            board = board_at(reader, room.id, sequence)
            assert [task.id for task in board.tasks] == columns_of(rows[EntityKind.TASK])
            assert {task.id: task.waiting_on for task in board.tasks} == {
                task.id: task.waiting_on for task in rows[EntityKind.TASK].values() if task.status in COLUMNS
            }
    with owner.database.read() as reader:
        check_ranks(reader, owner)
        now = board_at(reader, room.id, None)
        then = board_at(reader, room.id, snapshots[-1][0])
        assert [(task.id, task.position, task) for task in now.tasks] == [
            (task.id, task.position, task) for task in then.tasks
        ]


# agents


def likely(user: User, tasks: list[str], number: int, status: Status, *, is_own: bool = False) -> str:
    """One of those that stand so, since few do and most steps would be refused; any if there is none."""
    whose = {"assignee": "me"} if is_own else {}
    fits = [task.id for task in user.call("list_tasks", status=(status,), **whose)]
    return pick(fits or tasks, number)


@step(st.none() | TASK)
def claim(user: User, tasks: list[str], number: int | None) -> None:
    user.claim(None if number is None else pick(tasks, number))


@step(TASK, st.sampled_from(Finish), st.sampled_from([None, None, None, 0, 1, 2]), st.booleans())
def finish(user: User, tasks: list[str], number: int, how: Finish, fence: int | None, is_own: bool) -> None:
    user.finish(likely(user, tasks, number, Status.IN_PROGRESS, is_own=is_own), how, "so it is", claim=fence)


@step(TASK, st.booleans())
def review(user: User, tasks: list[str], number: int, is_good: bool) -> None:
    more = {} if is_good else {"body": "no"}
    task = likely(user, tasks, number, Status.REVIEW)
    user.call("approve_task" if is_good else "send_back_task", task=task, **more)


@step(TASK, st.sampled_from([{"to_agent": "other"}, {"to_agent": "agent 2"}, {"to_role": "agent"}, {"to_role": "db"}]))
def hand_over(user: User, tasks: list[str], number: int, to: dict[str, str]) -> None:
    task = likely(user, tasks, number, Status.IN_PROGRESS, is_own=True)
    user.call("create_handoff", task=task, summary="half of it", **to)


@step(st.integers(0, 5), st.sampled_from(HandoffAnswer))
def answer(user: User, tasks: list[str], number: int, how: HandoffAnswer) -> None:
    found = user.call("list_handoffs", box=Box.BOTH)
    if found:
        user.call("acknowledge_handoff", handoff=found[number % len(found)], answer=how, reason="so")


@step(st.integers(0, 5), st.sampled_from(["other", "agent 2"]))
def redirect(user: User, tasks: list[str], number: int, to: str) -> None:
    found = user.call("list_handoffs", box=Box.OUTBOX, status=tuple(HandoffStatus))
    if found:
        user.call("redirect_handoff", handoff=found[number % len(found)], to_agent=to)


@step(st.sampled_from([None, "agent 1", "agent 2", "agent 3"]), st.sampled_from([(), ("db",), ("a", "review")]))
def start(user: User, tasks: list[str], name: str | None, skills: tuple[str, ...]) -> None:
    if user.actor.kind is AgentKind.AI:
        named = {} if name is None else {"agent": name}
        user.join(user.call("session_start", **named, skills=skills).session)


@step(st.booleans())
def leave(user: User, tasks: list[str], comes_back: bool) -> None:
    """The agent's session ends, or stops answering; the agent may begin another."""
    if user.actor.session_id is None:
        return
    user.call("end_session")
    if comes_back:
        came = User(user.database, user.actor.name, room=user.room, role=Role.AGENT, kind=AgentKind.AI)
        user.actor = came.start_session(user.actor.name).actor


@step(st.booleans())
def expire(user: User, tasks: list[str], falls_silent: bool) -> None:
    if falls_silent and user.actor.session_id is not None:
        user.take_up()
        user.fall_silent()
    User(user.database, "program", room=user.room, role=Role.SYSTEM, kind=AgentKind.WORKER).call("expire_sessions")


@step(st.sampled_from(OnOff), st.sampled_from(LostClaims))
def set_rules(user: User, tasks: list[str], gate: OnOff, lost: LostClaims) -> None:
    user.call("update_room", review_gate=gate, lost_claims=lost)


AGENT_STEPS = st.one_of(
    claim, claim, claim, finish, finish, review, review, hand_over, answer, answer, redirect, start, leave, expire,
    move, edit_many, archive_or_restore, add, undo, redo, set_rules,
)  # fmt: skip


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 3), AGENT_STEPS), min_size=15, max_size=45))
def test_the_log_gives_exactly_the_rows_with_agents_at_work_and_no_claim_is_out_of_place(
    new_room: Callable[[], User], steps: list[tuple[int, Step]]
) -> None:
    owner = new_room()
    tasks = [owner.add(f"task {number}", status="todo").id for number in range(8)]
    nobody = User(owner.database, "nobody yet", room=owner.room, role=Role.AGENT, kind=AgentKind.AI)
    users = (
        owner, User(owner.database, "other", room=owner.room, role=Role.OPERATOR),
        nobody.start_session("agent 1"), nobody.start_session("agent 2"),
    )  # fmt: skip
    users[1].comment(tasks[0], "hello")
    users[2].claim(tasks[0])
    users[3].claim(tasks[1])
    owner.call("create_handoff", task=tasks[2], summary="from the beginning", to_agent="agent 2")
    snapshots = [rows_of(owner)]
    for who, act in steps:
        with suppress(ParallelError):
            act(users[who], tasks)
        snapshots.append(rows_of(owner))
        check_claims(snapshots[-2][1], snapshots[-1][1])
    for sequence, rows in snapshots:
        assert replayed(owner, sequence) == rows
    with owner.database.read() as reader:
        check_ranks(reader, owner)


def check_claims(before: Snapshot, after: Snapshot) -> None:
    """What must hold of claims, results, sessions and handoffs, whatever was done."""
    sessions, then = after[EntityKind.SESSION], before[EntityKind.TASK]
    for task in after[EntityKind.TASK].values():
        earlier: Task | None = then.get(task.id)
        assert task.claim >= (earlier.claim if earlier else 0), "a fence never goes back"
        if task.claimed_by is None:
            continue
        holder = sessions[task.claimed_by]
        assert task.status is Status.IN_PROGRESS
        assert task.assignee == holder.agent_id, "who has claimed it has it"
        if holder.state is not SessionState.ACTIVE:
            assert task.result is not None
            assert task.result.ending is Ending.ABANDONED, "the card says that its agent is gone"
        if earlier is not None and earlier.claimed_by != task.claimed_by:
            assert task.claim > earlier.claim, "each claim has a number of its own"
            assert holder.state is SessionState.ACTIVE, "who is gone claims nothing"
    for session in sessions.values():
        was = before[EntityKind.SESSION].get(session.id)
        assert was is None or was.state in (SessionState.ACTIVE, session.state), "what is over stays over"
        assert (session.ended_at is None) is (session.state is SessionState.ACTIVE)
    handoffs = after[EntityKind.HANDOFF].values()
    pending = [each.task_id for each in handoffs if each.status is HandoffStatus.PENDING]
    assert len(pending) == len(set(pending)), "one at a time"
    for each in handoffs:
        assert (each.to_agent is None) is not (each.to_role is None)
        assert (each.taken_by is None) is (each.status is HandoffStatus.PENDING)
        assert each.status in OPEN or each.answered_at is not None


@settings(max_examples=40)
@given(st.lists(st.one_of(add, edit, move, move_many, edit_many, comment, archive_or_restore), min_size=3, max_size=15))
def test_undoing_all_and_redoing_all_comes_back_to_where_it_was(
    new_room: Callable[[], User], steps: list[Step]
) -> None:
    owner = new_room()
    tasks = [owner.add("first").id]
    states = [contents(owner)]
    for act in steps:
        before = rows_of(owner)[0]
        with suppress(ParallelError):
            act(owner, tasks)
        if rows_of(owner)[0] > before:
            states.append(contents(owner))
    for state in reversed(states[:-1]):
        owner.call("undo")
        assert contents(owner) == state
    for state in states[1:]:
        owner.call("redo")
        assert contents(owner) == state


def contents(user: User) -> tuple[Any, ...]:
    """What a person sees of the board: everything but versions, times and ranks."""
    _, rows = rows_of(user)
    tasks = rows[EntityKind.TASK]
    return (
        columns_of(tasks),
        {
            task.id: (task.title, task.status, task.priority, task.labels, task.dependencies, task.assignee)
            for task in tasks.values()
            if task.status is not Status.ARCHIVED
        },
        {each.id for each in rows[EntityKind.COMMENT].values() if not each.removed},
    )
