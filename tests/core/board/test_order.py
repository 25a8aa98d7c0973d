"""Order inside a column: fractional ranks; a drop writes one row; the order equals a plain list's."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidData
from storage import Status
from tests.support.users import User

COLUMNS = ("todo", "in_progress")


def test_a_new_task_comes_last_and_says_its_place(board: User) -> None:
    for number in range(3):
        board.add(f"task {number}", status="todo")
    assert [(task.title, task.position) for task in board.column("todo")] == [
        ("task 0", 0), ("task 1", 1), ("task 2", 2),
    ]  # fmt: skip


def test_a_new_task_can_come_before_another(board: User) -> None:
    first = board.add("first", status="todo")
    board.add("zeroth", status="todo", before=first)
    assert board.titles("todo") == ["zeroth", "first"]


def test_a_place_before_a_task_of_another_column_is_refused(board: User) -> None:
    elsewhere, task = board.add("elsewhere", status="backlog"), board.add("task", status="todo")
    with pytest.raises(InvalidData, match="backlog"):
        board.move(task, "in_progress", before=elsewhere)


@pytest.mark.parametrize("before", [None, "itself", "next"])
def test_dropping_a_task_where_it_stands_changes_nothing(board: User, before: str | None) -> None:
    tasks = [board.add(str(number), status="todo") for number in range(3)]
    task = tasks[2] if before is None else tasks[1]
    target = {None: None, "itself": task, "next": tasks[2]}[before]
    outcome = board.outcome("move_task", task=task, to=Status.TODO, before=target)
    assert outcome.value.version == 1
    assert outcome.change is None


def test_several_tasks_dropped_before_one_of_themselves_gather_at_its_place(board: User) -> None:
    tasks = [board.add(str(number), status="todo") for number in range(5)]
    board.call("move_tasks", tasks=(tasks[3], tasks[0], tasks[2]), to=Status.TODO, before=tasks[2])
    assert board.titles("todo") == ["1", "3", "0", "2", "4"]


@given(st.data())
def test_the_order_equals_that_of_a_list_and_each_drop_writes_one_row(
    new_room: Callable[[], User], data: st.DataObject
) -> None:
    board = new_room()
    model: dict[str, list[str]] = {name: [] for name in COLUMNS}
    ids: dict[str, str] = {}
    for number in range(data.draw(st.integers(2, 6), "tasks")):
        column = data.draw(st.sampled_from(COLUMNS))
        task = board.add(str(number), status=column)
        ids[task.title] = task.id
        model[column].append(task.title)
    for _ in range(data.draw(st.integers(1, 12), "drops")):
        title = data.draw(st.sampled_from(sorted(ids)))
        to = data.draw(st.sampled_from(COLUMNS))
        rest = [each for each in model[to] if each != title]
        place = data.draw(st.integers(0, len(rest)))
        before = ids[rest[place]] if place < len(rest) else None
        stood = next(name for name in COLUMNS if title in model[name])
        was = list(model[to])
        model[stood].remove(title)
        model[to].insert(place, title)
        outcome = board.outcome("move_task", task=ids[title], to=Status(to), before=before)
        with board.database.read() as rows:
            written = rows.events(change=outcome.change) if outcome.change else []
        assert len(written) == (0 if stood == to and model[to] == was else 1)
    for name in COLUMNS:
        column_now = board.column(name)
        assert [task.title for task in column_now] == model[name]
        assert [task.position for task in column_now] == list(range(len(column_now)))
        assert len({task.rank for task in column_now}) == len(column_now)


@given(st.data())
def test_several_tasks_dropped_together_stand_in_their_order(new_room: Callable[[], User], data: st.DataObject) -> None:
    board = new_room()
    tasks = [board.add(str(number), status=data.draw(st.sampled_from(COLUMNS))) for number in range(6)]
    moving = data.draw(st.lists(st.sampled_from(tasks), unique_by=lambda task: task.id, min_size=1))
    rest = [task for task in tasks if task not in moving and task.status == "todo"]
    place = data.draw(st.integers(0, len(rest)))
    outcome = board.outcome(
        "move_tasks", tasks=moving, to=Status.TODO, before=rest[place] if place < len(rest) else None
    )
    expected = [*rest[:place], *moving, *rest[place:]]
    assert board.titles("todo") == [task.title for task in expected]
    if outcome.change is not None:
        board.call("undo")
        assert board.titles("todo") == [task.title for task in tasks if task.status == "todo"]


def test_a_hundred_drops_at_the_same_place_keep_the_order(board: User) -> None:
    first, last = board.add("first", status="todo"), board.add("last", status="todo")
    for number in range(100):
        board.add(f"{number:03}", status="todo", before=last)
    assert board.titles("todo") == ["first", *(f"{number:03}" for number in range(100)), "last"]
    assert board.see(first).version == board.see(last).version == 1
