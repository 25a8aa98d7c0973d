"""History: who did what, the board as it was, undo and redo by compensating events, a clock set back."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from core.errors import ClaimHeld, DependencyCycle, InvalidData, NotFound, PermissionDenied, UndoRefused
from core.history import effective_events
from core.operations.room import OnOff
from storage import Door, EntityKind, Event, Priority, Role, Status, to_wire
from tests.support.users import User

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as coordinates:
        yield coordinates


def newest(user: User) -> Event:
    event: Event = user.call("list_events", limit=1)[0]
    return event


def test_every_change_says_who_how_why_before_and_after(board: User, bob: User) -> None:
    task = board.add("Fix login")
    outcome = bob.outcome("move_task", task=task, to=Status.IN_PROGRESS, reason="it is urgent")
    event = newest(board)
    assert event.sequence == outcome.last_sequence
    assert event.change == outcome.change
    assert (event.agent_id, event.door, event.operation, event.reason) == (
        bob.id,
        Door.CLI,
        "move_task",
        "it is urgent",
    )
    assert event.type == "status_changed"
    assert event.before == {"status": "backlog"}, "only fields that differ; the rank is the same in the other column"
    assert event.after["status"] == "in_progress"
    assert (event.entity, event.entity_id, event.subject_id, event.version) == (EntityKind.TASK, task.id, task.id, 2)


def test_the_events_of_nobody_are_refused_rather_than_those_of_everybody(board: User) -> None:
    board.add("One")
    assert board.call("list_events", agent="owner") == board.call("list_events")
    with pytest.raises(NotFound):
        board.call("list_events", agent="nobody")


def test_a_change_that_changes_nothing_is_no_event(board: User) -> None:
    task = board.add("Same")
    outcome = board.outcome("update_task", task=task, title="Same", priority=Priority.NORMAL)
    assert outcome.change is None
    assert outcome.value.version == 1


def test_only_the_fields_that_differ_are_in_the_event(board: User) -> None:
    task = board.add("Old")
    board.edit(task, title="New", description="", priority=Priority.NORMAL)
    assert newest(board).after == {"title": "New"}
    assert newest(board).before == {"title": "Old"}


def test_a_bulk_change_is_one_change_with_one_undo(board: User) -> None:
    tasks = [board.add(str(number)) for number in range(3)]
    outcome = board.outcome("update_tasks", tasks=tasks, priority=Priority.URGENT, add_labels=("x", "y"))
    with board.database.read() as rows:
        assert {event.entity_id for event in rows.events(change=outcome.change)} == {task.id for task in tasks}
    board.call("undo")
    assert [(board.see(task).priority, board.see(task).labels) for task in tasks] == [(Priority.NORMAL, ())] * 3
    board.call("redo")
    assert [(board.see(task).priority, board.see(task).labels) for task in tasks] == [(Priority.URGENT, ("x", "y"))] * 3


def test_tasks_that_have_changed_places_go_back_to_where_they_stood(board: User) -> None:
    first, second = board.add("first"), board.add("second")
    ranks = []
    for order in ((second, first), (first, second), (second, first)):
        ranks.append([board.see(task).rank for task in (first, second)])
        board.call("move_tasks", tasks=order, to=Status.BACKLOG)
    for were in reversed(ranks):
        board.call("undo")
        assert [board.see(task).rank for task in (first, second)] == were


def test_a_handoff_that_undo_passes_over_is_told(board: User, alice: User) -> None:
    alice.add("so that she is known")
    task = board.add("one")
    board.edit(task, title="two")
    board.call("create_handoff", task=task, summary="yours", to_agent="alice")
    undone = board.outcome("undo")
    assert undone.value.operation == "update_task"
    assert undone.warnings == ("Your create_handoff since cannot be undone and was passed over.",)


def test_undo_takes_my_last_change_and_not_that_of_another(board: User, alice: User) -> None:
    task = board.add("one")
    board.edit(task, title="two")
    alice.edit(task, priority=Priority.HIGH)
    undone = board.call("undo")
    assert undone.operation == "update_task"
    assert [each.id for each in undone.tasks] == [task.id]
    seen = board.see(task)
    assert (seen.title, seen.priority) == ("one", Priority.HIGH)


def test_undo_of_what_somebody_has_changed_since_says_who_and_when(
    clock: time_machine.Traveller, board: User, alice: User
) -> None:
    task = board.add("one")
    board.edit(task, title="two")
    clock.shift(timedelta(minutes=5))
    alice.edit(task, title="three")
    with pytest.raises(UndoRefused) as refusal:
        board.call("undo")
    assert "alice has changed title since, at 2026-11-20 12:05:00" in refusal.value.message
    assert refusal.value.details["by"] == alice.id
    assert refusal.value.details["fields"] == ["title"]
    assert board.see(task).title == "three"


def test_undo_goes_on_once_the_other_has_undone_his(board: User, alice: User) -> None:
    task = board.add("one")
    board.edit(task, title="two")
    alice.edit(task, title="three")
    alice.call("undo")
    board.call("undo")
    assert board.see(task).title == "one"


def test_a_change_can_be_undone_by_its_id_out_of_turn(board: User) -> None:
    task = board.add("one")
    change = board.outcome("update_task", task=task, title="two").change
    board.edit(task, priority=Priority.HIGH)
    board.call("undo", change=change)
    assert (board.see(task).title, board.see(task).priority) == ("one", Priority.HIGH)
    with pytest.raises(UndoRefused, match="undone already"):
        board.call("undo", change=change)


def test_undo_walks_back_and_redo_walks_forth(board: User) -> None:
    task = board.add("0")
    for title in ("1", "2", "3"):
        board.edit(task, title=title)
    seen = []
    for operation in ("undo", "undo", "redo", "undo", "undo", "redo", "redo", "redo"):
        board.call(operation)
        seen.append(board.see(task).title)
    assert seen == ["2", "1", "2", "1", "0", "1", "2", "3"]
    with pytest.raises(UndoRefused, match="nothing of yours to redo"):
        board.call("redo")


def test_redo_is_refused_where_somebody_has_gone_on(board: User, alice: User) -> None:
    task = board.add("one")
    board.edit(task, title="two")
    board.call("undo")
    alice.edit(task, title="three")
    with pytest.raises(UndoRefused, match="alice"):
        board.call("redo")


def test_undoing_a_creation_archives_and_redoing_brings_it_back(board: User) -> None:
    task = board.add("one", status="todo")
    board.call("undo")
    assert (board.see(task).status, board.see(task).archived_from) == (Status.ARCHIVED, Status.TODO)
    board.call("redo")
    assert (board.see(task).status, board.see(task).archived_from) == (Status.TODO, None)


def test_undoing_a_comment_takes_it_away_and_redoing_brings_it_back(board: User) -> None:
    task = board.add()
    board.comment(task, "a remark")
    board.call("undo")
    assert board.call("get_task", task=task).comments == ()
    assert board.see(task).comment_count == 0
    board.call("redo")
    assert [each.body for each in board.call("get_task", task=task).comments] == ["a remark"]
    assert board.see(task).comment_count == 1


def test_undoing_a_move_gives_back_the_place(board: User) -> None:
    tasks = [board.add(str(number), status="todo") for number in range(4)]
    board.move(tasks[1], "done")
    board.call("undo")
    assert board.titles("todo") == ["0", "1", "2", "3"]


def test_undoing_dependencies_into_a_circle_is_refused(board: User, alice: User) -> None:
    first, second = board.add("first"), board.add("second")
    board.call("depend_task", task=first, on=(second,))
    board.call("depend_task", task=first, on=(second,), remove=True)
    alice.call("depend_task", task=second, on=(first,))
    with pytest.raises(DependencyCycle):
        board.call("undo")


@pytest.mark.parametrize("operation", ["undo", "redo"])
def test_nothing_to_undo_is_said(board: User, alice: User, operation: str) -> None:
    board.add("not alice's")
    with pytest.raises(UndoRefused) as refusal:
        alice.call(operation)
    assert refusal.value.exit_code == 5
    assert refusal.value.code == "undo_refused"


def test_what_cannot_be_undone_says_so(board: User) -> None:
    agent = board.outcome("create_agent", name="carol")
    with pytest.raises(UndoRefused, match="create_agent cannot be undone"):
        board.call("undo", change=agent.change)
    with pytest.raises(NotFound, match="No change"):
        board.call("undo", change="chg_unknown")


def test_undoing_a_rename_into_a_name_now_taken_is_refused(board: User) -> None:
    board.call("create_agent", name="carol")
    board.call("update_agent", agent="carol", name="carla")
    board.call("create_agent", name="carol")
    with pytest.raises(UndoRefused, match="taken"):
        board.call("undo")


def test_a_task_is_told_as_it_was_with_its_place_marks_and_comments(clock: time_machine.Traveller, board: User) -> None:
    need = board.add("need", status="todo")
    task = board.add("one", status="todo", dependencies=(need,))
    board.comment(task, "first remark")
    clock.shift(timedelta(hours=1))
    then = newest(board).sequence
    clock.shift(timedelta(hours=1))
    board.edit(task, title="two")
    board.comment(task, "second remark")
    board.move(need, "done")
    board.call("archive_task", task=task)
    for at in (str(then), "2026-11-20T13:00:00Z", "2026-11-20T14:30+01:30"):
        detail = board.call("get_task", task=task, at=at)
        assert (detail.task.title, detail.task.status, detail.task.position) == ("one", Status.TODO, 1)
        assert (detail.task.waiting_on, detail.task.comment_count) == (1, 1)
        assert [each.body for each in detail.comments] == ["first remark"]
        assert detail.history[-1].sequence == then
    assert board.call("get_task", task=need, at=str(then)).dependants == (task.id,)


def test_the_board_is_told_as_it_was(board: User) -> None:
    first, second = board.add("first", status="todo"), board.add("second", status="todo")
    then = newest(board).sequence
    board.move(second, "todo", before=first)
    board.call("archive_task", task=first)
    board.add("third", status="todo")
    now = board.call("get_board")
    assert [task.title for task in now.tasks] == ["second", "third"]
    past = board.call("get_board", at=str(then))
    assert past.sequence == then
    assert [(task.title, task.position) for task in past.tasks] == [("first", 0), ("second", 1)]
    assert board.call("get_board", at="0").tasks == ()
    assert board.call("get_board", at=str(now.sequence)).sequence == now.sequence


@pytest.mark.parametrize("beyond", ["", "9" * 20, "9" * 5_000])
def test_an_event_that_is_still_to_come_is_refused(board: User, beyond: str) -> None:
    task = board.add("first")
    last = newest(board).sequence
    at = beyond or str(last + 1)
    with pytest.raises(InvalidData, match=f"There is no event .* yet; the last is {last}"):
        board.call("get_board", at=at)
    with pytest.raises(InvalidData, match=f"the last is {last}"):
        board.call("get_task", task=task, at=at)


def test_a_moment_before_the_task_and_one_that_is_none_are_refused(board: User) -> None:
    task = board.add()
    with pytest.raises(NotFound, match="not there yet"):
        board.call("get_task", task=task, at="1")
    with pytest.raises(InvalidData, match="no moment"):
        board.call("get_board", at="yesterday")


def test_the_clock_set_back_does_not_turn_history_round(clock: time_machine.Traveller, board: User) -> None:
    task = board.add("one")
    clock.move_to(NOON - timedelta(days=400))
    board.edit(task, title="two")
    board.comment(task, "from the past")
    clock.move_to(NOON + timedelta(seconds=1))
    board.edit(task, title="three")
    events = list(reversed(board.call("list_events")))
    times = [event.at for event in events]
    assert times == sorted(times)
    assert times[-1] == NOON + timedelta(seconds=1)
    assert board.see(task).updated_at == times[-1]
    assert board.call("get_task", task=task, at=NOON.isoformat()).task.title == "two"


def test_the_history_is_told_by_task_agent_kind_and_number(board: User, bob: User) -> None:
    first, second = board.add("first"), board.add("second")
    bob.comment(first, "mine")
    by_bob = board.call("list_events", agent="bob")
    assert {event.operation for event in by_bob} == {"comment_task"}
    assert {event.subject_id for event in board.call("list_events", task=second)} == {second.id}
    assert {event.entity for event in board.call("list_events", entity=EntityKind.COMMENT)} == {EntityKind.COMMENT}
    last = newest(board).sequence
    assert board.call("list_events", after=last) == ()
    numbers = [event.sequence for event in board.call("list_events", limit=2)]
    assert numbers == [last, last - 1]


def test_nobody_sees_or_undoes_what_happened_in_another_room(board: User, new_room: Callable[[], User]) -> None:
    other = new_room()
    change = other.outcome("create_task", title="elsewhere").change
    with pytest.raises(NotFound, match="No change"):
        board.call("undo", change=change)
    assert all(event.change != change for event in board.call("list_events"))


def test_a_chain_of_undos_leaves_what_still_counts(board: User) -> None:
    task = board.add("0")
    change = board.outcome("update_task", task=task, title="1").change
    for operation in ("undo", "redo", "undo"):
        board.call(operation)
    with board.database.read() as rows:
        standing = effective_events(rows.events(entity_id=task.id))
    assert [event.type for event in standing] == ["created"]
    board.call("redo")
    with board.database.read() as rows:
        events = rows.events(entity_id=task.id)
    assert [event.change for event in effective_events(events)][-1] == change
    assert to_wire(board.see(task))["title"] == "1"


def test_an_agent_may_undo_its_own_and_a_viewer_may_not(board: User, bob: User) -> None:
    task = bob.add("mine")
    bob.call("undo")
    assert board.see(task).status is Status.ARCHIVED
    viewer = User(board.database, "guest", room=board.room, role=Role.VIEWER)
    with pytest.raises(PermissionDenied):
        viewer.call("redo")


def test_undo_gives_an_agent_no_more_than_its_role(board: User, alice: User, bob: User) -> None:
    bob.add()
    board.call("update_agent", agent="bob", skills=("review",))
    taken = board.outcome("update_agent", agent="bob", skills=()).change
    gated = board.outcome("update_room", review_gate=OnOff.OFF).change
    raised = board.outcome("update_agent", agent="bob", role=Role.OWNER).change
    for who, change in ((bob, taken), (bob, gated), (alice, raised)):
        with pytest.raises(PermissionDenied, match="to be undone; you are"):
            who.call("undo", change=change)
    alice.call("undo", change=gated)
    board.call("undo", change=raised)


def test_undoing_a_creation_takes_no_claimed_task_away(board: User, bob: User) -> None:
    made = bob.outcome("create_task", title="begun", status=Status.IN_PROGRESS)
    other = bob.start_session("other")
    other.claim(made.value)
    with pytest.raises(ClaimHeld):
        bob.call("undo", change=made.change)
    assert board.see(made.value).claimed_by == other.session
