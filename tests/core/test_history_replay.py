"""Replay: whatever is done, undone and redone by whomever, the event log gives exactly the rows, at every moment."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core.history import board_at
from storage import COLUMNS, EntityKind, ParallelError, Priority, Role, Status
from tests.support.history import check_ranks, columns_of, replayed, rows_of
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
