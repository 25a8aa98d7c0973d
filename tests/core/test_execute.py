"""Calling an operation: roles, rooms, references, idempotency keys, and what a refusal leaves behind."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine

from core.errors import InvalidData, NotFound, PermissionDenied, VersionConflict
from core.execute import KEY_LIFETIME, Call, execute
from core.operation import Operation
from core.operations import find, load
from core.work import Actor, Work
from storage import Authorship, Door, Role, Status, TaskId
from tests.support.users import User

OPERATIONS = sorted(load().values(), key=lambda each: each.name)
RANKS = [Role.VIEWER, Role.AGENT, Role.OPERATOR, Role.OWNER, Role.SYSTEM]


def test_roles_are_ordered_by_what_they_may_do() -> None:
    for low, lower in enumerate(RANKS):
        for high, higher in enumerate(RANKS):
            assert (lower < higher) == (low < high)
            assert (lower <= higher) == (low <= high)
            assert (lower > higher) == (low > high)
            assert (lower >= higher) == (low >= high)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_a_lesser_role_is_refused_before_anything_else(board: User, operation: Operation) -> None:
    for role in RANKS:
        if role < operation.role:
            call = Call(operation=operation, arguments={}, actor=Actor("x", role, Door.CLI), room=board.room)
            with pytest.raises(PermissionDenied) as refusal:
                execute(board.database, call)
            assert refusal.value.exit_code == 6
            assert str(operation.role) in refusal.value.message


def test_every_operation_that_changes_something_needs_at_least_an_agent() -> None:
    assert [each.name for each in OPERATIONS if each.changes and each.role is Role.VIEWER] == []


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_every_operation_says_what_it_does_and_what_it_returns(operation: Operation) -> None:
    assert operation.summary.endswith(".")
    assert operation.returns is not None
    for parameter in operation.parameters:
        assert parameter.annotation is not None


def test_unknown_and_missing_arguments_are_named(board: User) -> None:
    with pytest.raises(InvalidData, match="unknown argument 'colour'"):
        board.call("create_task", title="x", colour="red")
    with pytest.raises(InvalidData, match="argument 'to' is missing"):
        board.call("move_task", task="1")


def test_an_unknown_room_is_named_with_those_that_there_are(board: User) -> None:
    stranger = User(board.database, "owner", room="nowhere")
    with pytest.raises(NotFound, match="demo") as refusal:
        stranger.call("list_tasks")
    assert refusal.value.exit_code == 3
    assert "wzp room create" in refusal.value.hint


def test_a_room_goes_by_its_id_as_well(board: User) -> None:
    room = board.call("get_room")
    assert User(board.database, "owner", room=room.id).call("get_room") == room


# references


def test_a_task_is_named_by_number_id_or_unique_suffix(board: User) -> None:
    task = board.add("Fix login")
    for reference in ("1", "#1", task.id, task.id[-12:], task.id[-20:]):
        assert board.see(reference).id == task.id


@pytest.mark.parametrize("reference", ["2", "#2", "tsk_nothing", "abc", "", "#", "99999999999999999999", "-1"])
def test_what_names_no_task_is_not_found(board: User, reference: str) -> None:
    board.add()
    with pytest.raises(NotFound):
        board.see(reference)


def test_an_ambiguous_suffix_is_refused(board: User) -> None:
    first = board.add("first")
    by = Authorship(agent_id=board.id, door=Door.CLI, operation="test")
    with board.database.write("test") as rows:
        twin = TaskId("tsk_" + "0" * 20 + first.id[-12:])
        rows.insert(replace(first, id=twin, number=2), by)
    with pytest.raises(NotFound, match="More than one"):
        board.see(first.id[-12:])
    assert board.see(twin).number == 2


def test_a_few_digits_are_a_number_and_never_the_end_of_an_id(board: User) -> None:
    first = board.add("first")
    by = Authorship(agent_id=board.id, door=Door.CLI, operation="test")
    with board.database.write("test") as rows:
        rows.insert(replace(first, id=TaskId("tsk_" + "a" * 24 + "12345678"), number=2), by)
    with pytest.raises(NotFound):
        board.see("5678")
    assert board.see("12345678").number == 2


def test_tasks_of_another_room_are_not_found_by_any_name(board: User, new_room: Callable[[], User]) -> None:
    elsewhere = new_room()
    task = elsewhere.add("elsewhere")
    for reference in ("1", task.id, task.id[-10:]):
        with pytest.raises(NotFound):
            board.see(reference)
        with pytest.raises(NotFound):
            board.move(reference, "todo")
    assert elsewhere.see(task).version == 1
    assert board.call("list_tasks") == ()


def test_agents_go_by_name_me_and_nobody(board: User, alice: User) -> None:
    task = board.add(assignee="me")
    assert task.assignee == board.id
    alice.add()
    assert board.call("assign_task", task=task, to="alice").assignee == alice.id
    assert [each.id for each in alice.call("list_tasks", assignee="me")] == [task.id]
    assert board.call("assign_task", task=task, to="nobody").assignee is None
    with pytest.raises(NotFound, match="Nobody is no agent"):
        board.call("get_agent", agent="nobody")
    with pytest.raises(NotFound, match="alice, owner"):
        board.call("assign_task", task=task, to="mallory")


# versions


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("update_task", {"title": "x"}),
        ("move_task", {"to": Status.DONE}),
        ("assign_task", {"to": "me"}),
        ("depend_task", {"on": ()}),
        ("archive_task", {}),
    ],
)
def test_a_caller_who_is_behind_is_refused_with_what_has_happened(
    board: User, alice: User, operation: str, arguments: dict[str, object]
) -> None:
    task = board.add("Fix login")
    alice.edit(task, title="Fix the login", labels=("auth",))
    alice.edit(task, description="See the log.")
    with pytest.raises(VersionConflict) as conflict:
        board.call(operation, task=task, expected_version=1, **arguments)
    assert conflict.value.exit_code == 4
    assert conflict.value.current.version == 3
    assert [change.version for change in conflict.value.changes] == [2, 3]
    assert "alice" in conflict.value.message
    assert "description, labels, title" in conflict.value.message
    assert board.see(task).version == 3


@pytest.mark.parametrize("operation", ["move_tasks", "update_tasks", "archive_tasks"])
def test_a_bulk_change_is_made_whole_or_not_at_all(board: User, alice: User, operation: str) -> None:
    first, second = board.add("first"), board.add("second")
    alice.edit(second, title="changed")
    arguments = {"move_tasks": {"to": Status.DONE}, "update_tasks": {"add_labels": ("x",)}}.get(operation, {})
    with pytest.raises(VersionConflict):
        board.call(operation, tasks=(first, second), expected_versions=(1, 1), **arguments)
    assert board.see(first).version == 1
    with pytest.raises(InvalidData, match="2 tasks but 1 expected"):
        board.call(operation, tasks=(first, second), expected_versions=(1,), **arguments)
    changed = board.call(operation, tasks=(first, second), expected_versions=(1, 2), **arguments)
    assert [task.version for task in changed] == [2, 3]


def test_a_version_that_never_was_is_a_conflict(board: User) -> None:
    task = board.add()
    for version in (0, -1, 7):
        with pytest.raises(VersionConflict, match="never was"):
            board.edit(task, title="x", expected_version=version)


def test_a_comment_and_a_derived_mark_count_no_version(board: User) -> None:
    task = board.add()
    board.comment(task, "hello")
    assert (board.see(task).version, board.see(task).comment_count) == (1, 1)
    board.edit(task, title="still welcome", expected_version=1)


# idempotency


def test_a_repetition_is_warned_as_the_first_call_was(board: User, bob: User):
    task = board.add("one", status="in_progress")
    told = bob.outcome("move_task", task=task.id, to=Status.DONE, idempotency_key="k1")
    again = bob.outcome("move_task", task=task.id, to=Status.DONE, idempotency_key="k1")
    assert told.warnings
    assert again.warnings == told.warnings
    assert again.shaped == told.shaped


def test_the_same_key_gives_the_same_answer_and_changes_once(board: User) -> None:
    first = board.outcome("create_task", title="once", idempotency_key="k1")
    again = board.outcome("create_task", title="once", idempotency_key="k1")
    assert again.shaped == first.shaped
    assert again.change is None
    assert [task.title for task in board.call("list_tasks")] == ["once"]


def test_the_same_key_with_other_arguments_is_invalid(board: User) -> None:
    board.outcome("create_task", title="once", idempotency_key="k1")
    with pytest.raises(InvalidData, match="k1") as refusal:
        board.outcome("create_task", title="twice", idempotency_key="k1")
    assert refusal.value.exit_code == 2


def test_a_key_belongs_to_agent_operation_and_room(board: User, alice: User, new_room: Callable[[], User]) -> None:
    task = board.outcome("create_task", title="mine", idempotency_key="k").value
    assert alice.outcome("create_task", title="hers", idempotency_key="k").value.number == 2
    assert new_room().outcome("create_task", title="there", idempotency_key="k").value.number == 1
    board.outcome("comment_task", task=task, body="another operation", idempotency_key="k")
    assert len(board.call("list_tasks")) == 2


def test_a_refused_call_leaves_its_key_free(board: User) -> None:
    task = board.add()
    with pytest.raises(VersionConflict):
        board.outcome("update_task", task=task, title="x", expected_version=9, idempotency_key="k")
    assert (
        board.outcome("update_task", task=task, title="x", expected_version=1, idempotency_key="k").value.version == 2
    )


def test_a_key_is_forgotten_after_seven_days(board: User) -> None:
    with time_machine.travel("2030-01-01T00:00:00Z", tick=False) as clock:
        board.outcome("create_task", title="once", idempotency_key="k")
        clock.shift(KEY_LIFETIME - timedelta(seconds=1))
        assert board.outcome("create_task", title="once", idempotency_key="k").change is None
        clock.shift(timedelta(seconds=2))
        board.outcome("create_task", title="another key", idempotency_key="k2")
        assert board.outcome("create_task", title="once", idempotency_key="k").change is not None


def test_a_room_is_made_once_under_a_key(board: User, tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("other")
    first = board.outcome("create_room", name="other", root=root, idempotency_key="k")
    again = board.outcome("create_room", name="other", root=root, idempotency_key="k")
    assert again.shaped == first.shaped


def test_an_operation_that_only_reads_writes_nothing(board: User) -> None:
    stranger = User(board.database, "passer-by", room=board.room, role=Role.VIEWER)
    questions = [
        each.name
        for each in load().values()
        if not each.changes and not any(parameter.is_required for parameter in each.parameters)
    ]
    assert {"list_tasks", "list_agents", "list_handoffs", "list_sessions", "get_board"} <= set(questions)
    for name in questions:
        outcome = stranger.outcome(name)
        assert outcome.change is None
        assert outcome.last_sequence is None
    assert "passer-by" not in [report.agent.name for report in board.call("list_agents")]


def test_an_exception_inside_an_operation_leaves_nothing(board: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **others: object) -> None:
        raise RuntimeError("in the middle")

    tasks = [board.add(str(number)) for number in range(2)]
    saved = Work.save
    count = iter(range(10))
    monkeypatch.setattr(
        Work, "save", lambda self, *given, **named: saved(self, *given, **named) if next(count) == 0 else fail()
    )
    with pytest.raises(RuntimeError):
        board.call("archive_tasks", tasks=tasks)
    monkeypatch.undo()
    assert [board.see(task).version for task in tasks] == [1, 1]
    assert find("archive_tasks").undoable
