"""The review gate: what an agent calls done waits for somebody else's approval, whichever way it comes."""

from collections.abc import Callable
from typing import Any

import pytest

from core.errors import (
    InvalidData,
    InvalidTransition,
    OpenDependencies,
    PermissionDenied,
    ReviewRequired,
    VersionConflict,
    WipLimit,
)  # fmt: skip
from core.operations.room import OnOff
from storage import Ending, Status, Task, WipMode
from tests.support.users import User


@pytest.fixture
def claude(bob: User) -> User:
    """An AI agent in a session of its own."""
    return bob.start_session("claude")


@pytest.fixture
def reviewer(board: User, bob: User) -> User:
    """An AI agent to whom a person has given the skill that approves."""
    board.call("create_agent", name="reviewer", skills=("review",))
    return _named(bob, "reviewer").start_session("reviewer")


def _named(user: User, name: str) -> User:
    """The same one, called so by whoever started it (WZP_AGENT)."""
    return User(user.database, name, room=user.room, role=user.actor.role, kind=user.actor.kind)


@pytest.fixture
def finished(board: User, claude: User) -> Task:
    """A task that claude has completed, and that waits."""
    task = board.add("Fix login", status="todo")
    claude.claim(task)
    return claude.finish(task)


# the gate


def test_nobody_becomes_a_reviewer_by_taking_its_name(board: User, claude: User, finished: Task) -> None:
    board.call("create_agent", name="reviewer", skills=("review",))
    with pytest.raises(PermissionDenied, match="reviewer may approve what others did"):
        claude.call("session_start", agent="reviewer")
    assert board.see(finished).status is Status.REVIEW


def test_anothers_work_is_not_archived_out_of_review(bob: User, board: User, finished: Task) -> None:
    with pytest.raises(ReviewRequired):
        bob.start_session("codex").call("archive_task", task=finished)
    assert board.see(finished).status is Status.REVIEW


def test_a_copy_of_what_is_done_was_approved_by_nobody(board: User, claude: User) -> None:
    done = board.add(status="done")
    assert claude.call("duplicate_task", task=done).status is Status.REVIEW
    assert board.call("duplicate_task", task=done).status is Status.DONE


WAYS: dict[str, Callable[[User, Task], Any]] = {
    "finish": lambda user, task: user.finish(task),
    "move": lambda user, task: user.move(task, "done"),
    "move many": lambda user, task: user.call("move_tasks", tasks=(task,), to=Status.DONE),
    "archive and restore": lambda user, task: (
        user.call("archive_task", task=task),
        user.call("restore_task", task=task, to=Status.DONE),
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_an_agent_calls_done_waits_in_review(board: User, claude: User, way: str) -> None:
    task = board.add(status="todo")
    claude.claim(task)
    WAYS[way](claude, task)
    seen = board.see(task)
    assert (seen.status, seen.claimed_by) == (Status.REVIEW, None)


@pytest.mark.parametrize("way", WAYS)
def test_with_the_skill_one_does_not_approve_ones_own_work_either(board: User, reviewer: User, way: str) -> None:
    task = board.add(status="todo")
    reviewer.claim(task)
    WAYS[way](reviewer, task)
    assert board.see(task).status is Status.REVIEW
    with pytest.raises(ReviewRequired):
        reviewer.call("approve_task", task=task)
    with pytest.raises(ReviewRequired):
        reviewer.move(task, "done")


def test_what_an_agent_adds_as_done_waits_in_review_too(board: User, claude: User, reviewer: User) -> None:
    for agent in (claude, reviewer):
        outcome = agent.outcome("create_task", title="done already", status=Status.DONE)
        assert outcome.value.status is Status.REVIEW
        assert "a person, or an agent with the skill review, approves" in outcome.warnings[0]


@pytest.mark.parametrize("way", WAYS)
def test_a_person_needs_no_approval(board: User, alice: User, way: str) -> None:
    task = board.add(status="in_progress", assignee="me")
    WAYS[way](alice, task)
    assert board.see(task).status is Status.DONE


@pytest.mark.parametrize("way", WAYS)
def test_without_the_gate_nothing_waits(board: User, claude: User, way: str) -> None:
    board.call("update_room", review_gate=OnOff.OFF)
    task = board.add(status="todo")
    claude.claim(task)
    WAYS[way](claude, task)
    assert board.see(task).status is Status.DONE


def test_what_waits_is_not_moved_on_by_an_agent(board: User, claude: User, finished: Task) -> None:
    for attempt in (
        lambda: claude.move(finished, "done"),
        lambda: claude.call("move_tasks", tasks=(finished,), to=Status.DONE),
        lambda: claude.call("approve_task", task=finished),
        lambda: claude.call("send_back_task", task=finished, body="no"),
    ):
        with pytest.raises(ReviewRequired, match="#1 waits for approval") as refusal:
            attempt()
    assert refusal.value.exit_code == 5
    assert board.see(finished).version == finished.version


def test_anothers_work_is_not_pulled_out_of_review(board: User, bob: User, finished: Task) -> None:
    codex = bob.start_session("codex")
    board.call("assign_task", task=finished, to="nobody")
    for attempt in (lambda: codex.move(finished, "todo"), lambda: codex.claim(finished)):
        with pytest.raises(ReviewRequired):
            attempt()
    assert board.see(finished).status is Status.REVIEW


def test_ones_own_work_may_be_taken_up_again(board: User, claude: User, finished: Task) -> None:
    again = claude.claim(finished)
    assert again is not None
    assert (again.status, again.claim) == (Status.IN_PROGRESS, 2)
    assert again.result == finished.result


def test_an_agent_cannot_give_itself_the_right_to_approve(board: User, claude: User, finished: Task) -> None:
    outcome = claude.outcome("session_start", skills=("review", "db"))
    assert outcome.value.agent.skills == ("db",)
    assert "A person gives it" in outcome.warnings[0]
    other = board.add(status="review")
    with pytest.raises(ReviewRequired):
        claude.call("approve_task", task=other)


def test_the_right_to_approve_stays_whatever_else_an_agent_says_it_can(reviewer: User) -> None:
    assert reviewer.call("session_start", skills=("db",)).agent.skills == ("db", "review")


# approving


@pytest.mark.parametrize("who", ["person", "operator", "reviewer"])
def test_somebody_else_approves(board: User, alice: User, reviewer: User, finished: Task, who: str) -> None:
    user = {"person": board, "operator": alice, "reviewer": reviewer}[who]
    approved = user.call("approve_task", task=finished)
    assert approved.status is Status.DONE
    assert approved.result == finished.result, "what its agent left stays with it"
    assert board.events(finished)[-1] == "approved"


def test_a_reviewer_may_approve_by_moving(board: User, reviewer: User, finished: Task) -> None:
    assert reviewer.move(finished, "done").status is Status.DONE


@pytest.mark.parametrize("status", [each for each in Status if each not in (Status.REVIEW, Status.ARCHIVED)])
def test_only_what_is_in_review_is_approved_or_sent_back(board: User, status: Status) -> None:
    task = board.add(status=status, reason="so")
    for call in (
        lambda: board.call("approve_task", task=task),
        lambda: board.call("send_back_task", task=task, body="no"),
    ):
        with pytest.raises(InvalidTransition, match="not in review"):
            call()


def test_an_approval_waits_for_dependencies_room_and_version(board: User, finished: Task) -> None:
    need = board.add("need")
    seen = board.edit(finished, dependencies=(need,))
    with pytest.raises(OpenDependencies):
        board.call("approve_task", task=finished)
    board.edit(finished, dependencies=())
    with pytest.raises(VersionConflict):
        board.call("approve_task", task=finished, expected_version=seen.version)
    board.call("update_room", wip={Status.DONE: 1}, wip_mode=WipMode.REFUSE)
    board.add("another", status="done")
    with pytest.raises(WipLimit):
        board.call("approve_task", task=finished)
    assert board.see(finished).status is Status.REVIEW


def test_an_approval_can_be_undone(board: User, finished: Task) -> None:
    board.call("approve_task", task=finished)
    board.call("undo")
    assert board.see(finished).status is Status.REVIEW


def test_no_agent_undoes_its_way_around_the_gate(board: User, claude: User, finished: Task) -> None:
    board.call("approve_task", task=finished)
    taken_back = board.outcome("undo").change
    with pytest.raises(ReviewRequired):
        claude.call("undo", change=taken_back)
    board.call("approve_task", task=finished)
    reopened = board.outcome("move_task", task=finished, to=Status.TODO).change
    with pytest.raises(ReviewRequired):
        claude.call("undo", change=reopened)
    board.call("undo")
    claude.move(finished, "todo")
    claude.call("undo")
    assert board.see(finished).status is Status.DONE, "its own slip it may take back: that was approved"


# sending back


@pytest.mark.parametrize("who", ["person", "reviewer"])
def test_what_is_sent_back_stands_first_in_its_agents_queue_with_a_comment(
    board: User, claude: User, reviewer: User, finished: Task, who: str
) -> None:
    board.add("first", status="todo")
    user = {"person": board, "reviewer": reviewer}[who]
    sent = user.call("send_back_task", task=finished, body="The test is missing.")
    assert (sent.status, sent.assignee) == (Status.TODO, claude.id)
    assert board.titles("todo") == ["Fix login", "first"]
    detail = board.call("get_task", task=finished)
    assert [(each.author, each.body) for each in detail.comments] == [(user.id, "The test is missing.")]
    assert {event.change for event in detail.history[-2:]} == {detail.history[-1].change}, "one change"
    again = claude.claim()
    assert again is not None
    assert (again.id, again.claim) == (finished.id, 2)


def test_nothing_is_sent_back_without_a_word(board: User, finished: Task) -> None:
    with pytest.raises(InvalidData, match="comment is empty"):
        board.call("send_back_task", task=finished, body="\n")
    assert board.see(finished).status is Status.REVIEW


def test_sending_back_is_undone_whole(board: User, finished: Task) -> None:
    board.call("send_back_task", task=finished, body="The test is missing.")
    board.call("undo")
    detail = board.call("get_task", task=finished)
    assert (detail.task.status, detail.comments) == (Status.REVIEW, ())


def test_the_next_result_takes_the_place_of_the_last(board: User, claude: User, finished: Task) -> None:
    board.call("send_back_task", task=finished, body="The test is missing.")
    claude.claim(finished)
    ended = claude.finish(finished, "fail", "It cannot be tested.")
    assert ended.result is not None
    assert (ended.result.ending, ended.result.summary) == (Ending.FAILED, "It cannot be tested.")
