"""Dependencies: counted in the same transaction, never in a circle, closed before the task that waits."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import DependencyCycle, NotFound, OpenDependencies, PermissionDenied
from core.operations.room import OnOff
from storage import Status, Task
from tests.support.users import User


def depend(user: User, task: Task, *on: Task, remove: bool = False) -> Task:
    changed: Task = user.call("depend_task", task=task, on=on, remove=remove)
    return changed


def test_a_task_waits_for_as_many_as_are_open(board: User) -> None:
    first, second, third = (board.add(title) for title in ("one", "two", "three"))
    task = board.add("task", dependencies=(first, second))
    assert task.waiting_on == 2
    assert depend(board, task, third).waiting_on == 3
    board.move(first, "done")
    assert board.see(task).waiting_on == 2
    board.call("archive_task", task=second)
    assert board.see(task).waiting_on == 1
    board.move(first, "todo")
    assert board.see(task).waiting_on == 2
    board.call("restore_task", task=second)
    assert board.see(task).waiting_on == 3
    assert depend(board, task, third, remove=True).waiting_on == 2
    assert depend(board, task, third).version == 4, "marks count no version; fields do"


def test_a_task_cannot_wait_for_itself(board: User) -> None:
    task = board.add()
    with pytest.raises(DependencyCycle) as refusal:
        depend(board, task, task)
    assert refusal.value.details["cycle"] == [1, 1]


def test_a_circle_is_refused_and_named_all_the_way_round(board: User) -> None:
    tasks = [board.add(f"task {number}") for number in range(1, 6)]
    for task, need in itertools.pairwise(tasks):
        depend(board, task, need)
    with pytest.raises(DependencyCycle) as refusal:
        depend(board, tasks[4], tasks[1])
    assert refusal.value.details["cycle"] == [5, 2, 3, 4, 5]
    assert "#5 → #2 → #3 → #4 → #5" in refusal.value.message
    assert board.see(tasks[4]).dependencies == ()


def test_editing_dependencies_follows_the_same_rule(board: User) -> None:
    first, second = board.add("first"), board.add("second")
    board.edit(second, dependencies=(first,))
    with pytest.raises(DependencyCycle):
        board.edit(first, dependencies=(second,))


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=25))
def test_whatever_is_added_no_circle_comes_to_be(new_room: Callable[[], User], edges: list[tuple[int, int]]) -> None:
    board = new_room()
    tasks = [board.add(str(number)) for number in range(7)]
    needs: dict[int, set[int]] = {number: set() for number in range(7)}

    def reaches(start: int, end: int) -> bool:
        return start == end or any(reaches(each, end) for each in needs[start])

    for task, need in edges:
        if reaches(need, task):
            with pytest.raises(DependencyCycle) as refusal:
                depend(board, tasks[task], tasks[need])
            circle = [number - 1 for number in refusal.value.details["cycle"]]
            assert circle[0] == circle[-1] == task
            assert all(each == task or following in needs[each] for each, following in itertools.pairwise(circle))
        else:
            depend(board, tasks[task], tasks[need])
            needs[task].add(need)
    for number, task in enumerate(tasks):
        assert board.see(task).waiting_on == len(needs[number])


def test_finishing_with_open_dependencies_is_refused_and_names_them(board: User) -> None:
    need, other, closed = board.add("need"), board.add("other"), board.add("closed", status="done")
    task = board.add("task", status="todo", dependencies=(need, other, closed))
    with pytest.raises(OpenDependencies) as refusal:
        board.move(task, "done")
    assert refusal.value.code == "open_dependencies"
    assert refusal.value.exit_code == 5
    assert refusal.value.details["open"] == [1, 2]
    assert "#1, #2" in refusal.value.message
    assert board.see(task).status is Status.TODO


def test_an_operator_may_finish_despite_dependencies_and_an_agent_may_not(board: User, alice: User, bob: User) -> None:
    board.call("update_room", review_gate=OnOff.OFF)
    need = board.add("need")
    task = board.add("task", status="todo", dependencies=(need,))
    with pytest.raises(PermissionDenied):
        bob.move(task, "done", despite_dependencies=True)
    assert alice.move(task, "done", despite_dependencies=True).status is Status.DONE


@pytest.mark.parametrize("way", ["move", "bulk", "finish", "born", "restored"])
def test_an_agent_learns_before_the_gate_what_its_task_still_waits_for(board: User, bob: User, way: str) -> None:
    need, first = board.add("need"), board.add("first", status="todo")
    task = board.add("task", status="todo")
    if way == "finish":
        bob.claim(task)
    depend(board, task, need)
    ways: dict[str, Callable[[], Any]] = {
        "move": lambda: bob.move(task, "done"),
        "bulk": lambda: bob.call("move_tasks", tasks=(first, task), to=Status.DONE),
        "finish": lambda: bob.finish(task),
        "born": lambda: bob.add("born", status="done", dependencies=(need,)),
        "restored": lambda: bob.call("restore_task", task=task, to=Status.DONE),
    }
    if way == "restored":
        board.call("archive_task", task=task)
    with pytest.raises(OpenDependencies, match="#1, not done yet"):
        ways[way]()
    assert board.titles("review") == []


def test_an_agent_finishes_through_the_gate_what_waits_for_nothing_open(board: User, bob: User) -> None:
    need = board.add("need", status="todo")
    task = board.add("task", status="todo", dependencies=(need,))
    moved = bob.call("move_tasks", tasks=(task, need), to=Status.DONE)
    assert [each.status for each in moved] == [Status.REVIEW, Status.REVIEW], "each finishes what the other waits for"


def test_what_waits_in_review_for_an_open_task_is_not_approved(board: User, alice: User) -> None:
    need = board.add("need")
    task = board.add("task", status="todo", dependencies=(need,))
    board.move(task, "review")
    with pytest.raises(OpenDependencies):
        alice.call("approve_task", task=task)
    assert board.see(task).status is Status.REVIEW


def test_finishing_a_task_with_what_it_waits_for_in_one_change_is_allowed(board: User) -> None:
    need = board.add("need", status="todo")
    task = board.add("task", status="todo", dependencies=(need,))
    moved = board.call("move_tasks", tasks=(task, need), to=Status.DONE)
    assert [each.status for each in moved] == [Status.DONE, Status.DONE]
    assert board.see(task).waiting_on == 0


@pytest.mark.parametrize("way", ["bulk", "born", "restored"])
def test_no_other_way_to_done_leads_around_the_rule(board: User, way: str) -> None:
    need = board.add("need")
    task = board.add("task", dependencies=(need,))

    def attempt() -> Any:
        if way == "bulk":
            return board.call("move_tasks", tasks=(task,), to=Status.DONE)
        if way == "born":
            return board.add("born", status="done", dependencies=(need,))
        board.call("archive_task", task=task)
        return board.call("restore_task", task=task, to=Status.DONE)

    with pytest.raises(OpenDependencies):
        attempt()


def test_what_was_done_comes_back_from_the_archive_as_done(board: User) -> None:
    need = board.add("need")
    task = board.add("task", status="todo", dependencies=(need,))
    board.move(task, "done", despite_dependencies=True)
    board.call("archive_task", task=task)
    assert board.call("restore_task", task=task).status is Status.DONE


def test_a_task_of_another_room_cannot_be_waited_for(board: User, new_room: Callable[[], User]) -> None:
    elsewhere = new_room().add("elsewhere")
    task = board.add()
    with pytest.raises(NotFound):
        depend(board, task, elsewhere)


def test_who_waits_is_told_with_the_task(board: User) -> None:
    need = board.add("need")
    first, second = (board.add(title, dependencies=(need,)) for title in ("one", "two"))
    assert set(board.call("get_task", task=need).dependants) == {first.id, second.id}
