"""Handoffs: a task passed on with what one must know, answered once, and never two at a time."""

from datetime import timedelta

import pytest
import time_machine

from core.agents.handoffs import has_role, is_overdue
from core.errors import ClaimHeld, InvalidData, NotFound, PermissionDenied, RuleRefusal, VersionConflict, WipLimit
from core.operations.handoff import Box, HandoffAnswer
from storage import Ending, Handoff, HandoffStatus, Role, Room, Status, Task, WipMode
from tests.support.history import rows_of
from tests.support.users import User


@pytest.fixture
def claude(bob: User) -> User:
    """An AI agent in a session of its own."""
    return bob.start_session("claude")


@pytest.fixture
def codex(bob: User) -> User:
    """Another one, who knows databases."""
    return bob.start_session("codex", skills=("DB",))


@pytest.fixture
def stranger(bob: User) -> User:
    """One to whom nothing is addressed."""
    return bob.start_session("stranger")


@pytest.fixture
def task(board: User, claude: User) -> Task:
    """A task that claude has claimed."""
    added = board.add("Fix login", status="todo")
    claude.claim(added)
    return board.see(added)


def hand_over(user: User, task: Task, to: str = "codex", **more: object) -> Handoff:
    made: Handoff = user.call("create_handoff", task=task, summary="Half of it.", to_agent=to, **more)
    return made


def answer(user: User, handoff: Handoff, how: str = "acknowledge", **more: object) -> Handoff:
    said = HandoffAnswer(how)
    answered: Handoff = user.call("acknowledge_handoff", handoff=handoff, answer=said, **more).handoff
    return answered


def stored(board: User, handoff: Handoff) -> Handoff:
    found: Handoff = board.call("get_handoff", handoff=handoff).handoff
    return found


# making one


def test_a_handoff_holds_all_that_the_next_one_must_know(board: User, claude: User, codex: User, task: Task) -> None:
    made = claude.call(
        "create_handoff", task=task, summary="The limiter works.\nIPv6 is open.", to_agent="codex",
        next_steps=("Test ::1, then merge", "Write it up"), warnings=("The clock is frozen",),
        failed_approaches=("A counter a process",), files=("limit.py", "limit.py"), branch="limit",
    )  # fmt: skip
    assert made == stored(board, made)
    assert (made.from_agent, made.to_agent, made.to_role) == (claude.id, codex.id, None)
    assert made.summary == "The limiter works.\nIPv6 is open."
    assert made.next_steps == ("Test ::1, then merge", "Write it up")
    assert (made.warnings, made.failed_approaches) == (("The clock is frozen",), ("A counter a process",))
    assert (made.files, made.branch, made.status) == (("limit.py",), "limit", HandoffStatus.PENDING)


def test_the_task_stays_its_givers_without_a_claim(board: User, claude: User, codex: User, task: Task) -> None:
    hand_over(claude, task)
    seen = board.see(task)
    assert (seen.status, seen.assignee, seen.claimed_by, seen.claim) == (Status.IN_PROGRESS, claude.id, None, 1)
    assert board.events(task)[-2:] == ["created", "claim_released"]
    claude.call("end_session")
    assert board.see(task).result is None, "it was not abandoned: it was handed over"


@pytest.mark.parametrize("to", [{}, {"to_agent": "codex", "to_role": "db"}])
def test_it_goes_to_one_place(claude: User, codex: User, task: Task, to: dict[str, str]) -> None:
    with pytest.raises(InvalidData, match="one agent or to one role"):
        claude.call("create_handoff", task=task, summary="x", **to)


def test_it_goes_to_somebody_else(claude: User, task: Task) -> None:
    with pytest.raises(InvalidData, match="somebody else"):
        hand_over(claude, task, "me")
    with pytest.raises(NotFound):
        hand_over(claude, task, "mallory")


def test_it_says_where_the_work_stands(claude: User, codex: User, task: Task) -> None:
    with pytest.raises(InvalidData, match="summary is empty"):
        claude.call("create_handoff", task=task, summary=" \n", to_agent="codex")


def test_a_role_that_nobody_has_is_warned_of(claude: User, codex: User, task: Task) -> None:
    outcome = claude.outcome("create_handoff", task=task, summary="x", to_role="designer")
    assert "Nobody in the room has the role or skill 'designer' yet" in outcome.warnings[0]


def test_one_at_a_time(board: User, claude: User, codex: User, task: Task) -> None:
    first = hand_over(claude, task)
    with pytest.raises(InvalidData, match=f"being handed over already .{first.id}"):
        hand_over(claude, task, "owner")
    answer(codex, first, "decline", reason="No time.")
    hand_over(claude, task, "owner")


@pytest.mark.parametrize("status", ["done", "archived"])
def test_what_is_closed_is_not_handed_over(board: User, codex: User, status: str) -> None:
    task = board.add(status="done" if status == "done" else "todo")
    if status == "archived":
        board.call("archive_task", task=task)
    with pytest.raises(InvalidData, match=f"is {status}; there is nothing"):
        hand_over(board, task)


def test_what_another_has_is_not_ones_own_to_give(board: User, claude: User, codex: User, task: Task) -> None:
    with pytest.raises(ClaimHeld, match="claimed by claude"):
        hand_over(codex, task, "owner")
    assigned = board.add(status="todo", assignee="claude")
    with pytest.raises(ClaimHeld, match="assigned to claude"):
        hand_over(codex, assigned, "owner")
    assert hand_over(board, task).from_agent == board.id, "a person may"


# its answers


def test_who_acknowledges_has_the_task_in_progress_and_claimed(
    board: User, claude: User, codex: User, task: Task
) -> None:
    handoff = hand_over(claude, task)
    detail = codex.call("acknowledge_handoff", handoff=handoff, reason="On it.")
    assert (detail.handoff.status, detail.handoff.taken_by, detail.handoff.answer) == (
        HandoffStatus.ACKNOWLEDGED, codex.id, "On it.",
    )  # fmt: skip
    assert detail.handoff.answered_at is not None
    taken = detail.task
    assert (taken.status, taken.assignee, taken.claimed_by, taken.claim) == (
        Status.IN_PROGRESS, codex.id, codex.session, 2,
    )  # fmt: skip
    with pytest.raises(ClaimHeld):
        claude.finish(task, claim=1)


def test_finishing_the_task_completes_the_handoff_and_failing_does_not(
    board: User, claude: User, codex: User, task: Task
) -> None:
    handoff = hand_over(claude, task)
    answer(codex, handoff)
    codex.finish(task, "fail", "No access.")
    assert stored(board, handoff).status is HandoffStatus.ACKNOWLEDGED
    codex.finish(task)
    assert stored(board, handoff).status is HandoffStatus.COMPLETED


def test_a_giver_who_completes_the_task_after_all_leaves_nothing_to_answer(
    board: User, claude: User, codex: User, task: Task
) -> None:
    handoff = hand_over(claude, task)
    claude.finish(task)
    assert (stored(board, handoff).status, stored(board, handoff).taken_by) == (HandoffStatus.COMPLETED, claude.id)


def test_who_declines_says_why_and_the_task_stays_the_givers(
    board: User, claude: User, codex: User, task: Task
) -> None:
    handoff = hand_over(claude, task)
    with pytest.raises(InvalidData, match="without a reason"):
        answer(codex, handoff, "decline")
    declined = answer(codex, handoff, "decline", reason="I have no Mac.")
    assert (declined.status, declined.taken_by, declined.answer) == (
        HandoffStatus.DECLINED, codex.id, "I have no Mac.",
    )  # fmt: skip
    assert (board.see(task).assignee, board.see(task).status) == (claude.id, Status.IN_PROGRESS)
    again = claude.claim(task)
    assert again is not None
    assert again.claim == 2


def test_who_was_addressed_may_complete_it_at_once_or_after_taking_it_on(
    board: User, claude: User, codex: User, task: Task
) -> None:
    at_once = hand_over(claude, task)
    assert answer(codex, at_once, "complete", reason="You had done it all.").status is HandoffStatus.COMPLETED
    assert board.see(task).assignee == claude.id, "the task is where it was"
    later = hand_over(claude, task)
    answer(codex, later)
    assert answer(codex, later, "complete").status is HandoffStatus.COMPLETED


def test_its_giver_withdraws_it_by_declining(board: User, claude: User, codex: User, task: Task) -> None:
    handoff = hand_over(claude, task)
    withdrawn = answer(claude, handoff, "decline", reason="I go on myself.")
    assert (withdrawn.status, withdrawn.taken_by) == (HandoffStatus.DECLINED, claude.id)
    with pytest.raises(RuleRefusal, match=r"was declined by claude at .* \(I go on myself\.\)"):
        answer(codex, handoff)
    for how in ("acknowledge", "complete"):
        with pytest.raises(PermissionDenied, match="addressed to codex"):
            answer(claude, hand_over(claude, task), how)
        answer(claude, claude.call("list_handoffs", box=Box.OUTBOX)[0], "decline", reason="Again.")


def test_nobody_else_answers(board: User, claude: User, codex: User, stranger: User, task: Task) -> None:
    handoff = hand_over(claude, task)
    before = rows_of(board)
    for how in HandoffAnswer:
        with pytest.raises(PermissionDenied, match="addressed to codex"):
            answer(stranger, handoff, how, reason="Mine.")
    assert rows_of(board) == before


def test_an_operator_answers_for_anybody(board: User, alice: User, claude: User, codex: User, task: Task) -> None:
    handoff = hand_over(claude, task)
    detail = alice.call("acknowledge_handoff", handoff=handoff)
    assert (detail.handoff.taken_by, detail.task.assignee, detail.task.claimed_by) == (alice.id, alice.id, None)


@pytest.mark.parametrize("first", HandoffAnswer)
@pytest.mark.parametrize("second", HandoffAnswer)
def test_an_answer_is_given_once(
    board: User, claude: User, codex: User, task: Task, first: HandoffAnswer, second: HandoffAnswer
) -> None:
    handoff = hand_over(claude, task)
    answer(codex, handoff, first, reason="So.")
    if (first, second) == (HandoffAnswer.ACKNOWLEDGE, HandoffAnswer.COMPLETE):
        return
    with pytest.raises(RuleRefusal, match=r"was (acknowledged|declined|completed) by codex at .* \(So\.\)"):
        answer(codex, handoff, second, reason="Otherwise.")
    with pytest.raises(RuleRefusal):
        answer(board, handoff, second, reason="Otherwise.")


# to a role


def test_whoever_of_a_role_is_first_takes_it_and_the_second_learns_who(
    board: User, claude: User, codex: User, bob: User, task: Task
) -> None:
    other = bob.start_session("other", skills=("db",))
    handoff = claude.call("create_handoff", task=task, summary="x", to_role="Db")
    assert [each.id for each in other.call("list_handoffs")] == [handoff.id]
    answer(codex, handoff)
    for how in ("acknowledge", "decline", "complete"):
        with pytest.raises(RuleRefusal, match="was acknowledged by codex"):
            answer(other, handoff, how, reason="Mine.")
    assert other.call("list_handoffs") == ()
    assert board.see(task).assignee == codex.id


def test_its_giver_is_not_among_those_of_the_role(claude: User, codex: User, task: Task) -> None:
    handoff = claude.call("create_handoff", task=task, summary="x", to_role="agent")
    assert claude.call("list_handoffs") == ()
    with pytest.raises(PermissionDenied, match="addressed to agent"):
        answer(claude, handoff)
    answer(codex, handoff)


def test_a_role_is_a_role_a_kind_or_a_skill_in_any_case(board: User, codex: User) -> None:
    agent = board.call("get_agent", agent="codex").agent
    assert all(has_role(agent, role) for role in ("agent", "AI", "db", "Db"))
    assert not any(has_role(agent, role) for role in ("operator", "person", "database", ""))


# what it meets when it is acknowledged


@pytest.mark.parametrize("status", ["backlog", "todo", "blocked", "in_progress"])
def test_a_task_is_taken_on_from_wherever_it_stands(board: User, codex: User, status: str) -> None:
    task = board.add(status=status, reason="so")
    answer(codex, hand_over(board, task))
    seen = board.see(task)
    assert (seen.status, seen.claimed_by, seen.blocked_reason) == (Status.IN_PROGRESS, codex.session, None)


def test_a_task_that_waits_in_review_meanwhile_stays_there(board: User, codex: User) -> None:
    task = board.add(status="todo")
    handoff = hand_over(board, task)
    board.move(task, "review")
    assert answer(codex, handoff).status is HandoffStatus.ACKNOWLEDGED
    assert (board.see(task).status, board.see(task).assignee) == (Status.REVIEW, None)


@pytest.mark.parametrize("closing", ["moved", "approved", "archived", "archived with others"])
def test_closing_the_task_leaves_no_handoff_open_and_undo_opens_it_again(
    board: User, claude: User, codex: User, task: Task, closing: str
) -> None:
    handoff = claude.call("create_handoff", task=task, summary="half done", to_agent="codex")
    if closing == "moved":
        board.move(task, "done")
    elif closing == "approved":
        board.move(task, "review")
        board.call("approve_task", task=task)
    elif closing == "archived":
        board.call("archive_task", task=task)
    else:
        board.call("archive_tasks", tasks=(task,))
    assert board.call("get_handoff", handoff=handoff).handoff.status is HandoffStatus.COMPLETED
    board.call("undo")
    assert board.call("get_handoff", handoff=handoff).handoff.status is HandoffStatus.PENDING


def test_undoing_the_tasks_creation_leaves_no_handoff_open(board: User, codex: User) -> None:
    task = board.add("one")
    handoff = hand_over(board, task)
    board.call("undo")
    assert board.see(task).status is Status.ARCHIVED
    assert board.call("get_handoff", handoff=handoff).handoff.status is HandoffStatus.COMPLETED


def test_a_full_column_refuses_the_acknowledgement_whole(board: User, codex: User) -> None:
    task = board.add(status="todo")
    board.add(status="in_progress")
    handoff = hand_over(board, task)
    board.call("update_room", wip={Status.IN_PROGRESS: 1}, wip_mode=WipMode.REFUSE)
    with pytest.raises(WipLimit):
        answer(codex, handoff)
    assert stored(board, handoff).status is HandoffStatus.PENDING


def test_a_giver_who_has_claimed_it_again_keeps_it(board: User, claude: User, codex: User, task: Task) -> None:
    handoff = hand_over(claude, task)
    claude.claim(task)
    with pytest.raises(ClaimHeld, match="claimed by claude"):
        answer(codex, handoff)
    assert stored(board, handoff).status is HandoffStatus.PENDING


def test_who_takes_on_what_was_abandoned_finds_the_card_without_that_mark(
    board: User, claude: User, codex: User, task: Task
) -> None:
    claude.call("end_session")
    assert board.see(task).result.ending is Ending.ABANDONED  # type: ignore[union-attr]
    answer(codex, hand_over(board, task))
    assert board.see(task).result is None


# redirecting


def test_its_giver_or_an_operator_redirects_it(
    board: User, alice: User, claude: User, codex: User, stranger: User, task: Task
) -> None:
    handoff = hand_over(claude, task)
    with pytest.raises(PermissionDenied):
        codex.call("redirect_handoff", handoff=handoff, to_agent="owner")
    redirected = claude.call("redirect_handoff", handoff=handoff, to_agent="stranger")
    assert (redirected.to_agent, redirected.status) == (stranger.id, HandoffStatus.PENDING)
    with pytest.raises(PermissionDenied):
        answer(codex, handoff)
    redirected = alice.call("redirect_handoff", handoff=handoff, to_role="db")
    assert (redirected.to_agent, redirected.to_role) == (None, "db")
    answer(codex, handoff)
    with pytest.raises(RuleRefusal, match="was acknowledged by codex"):
        alice.call("redirect_handoff", handoff=handoff, to_agent="owner")


def test_a_declined_one_begins_anew_where_it_is_redirected(
    board: User, claude: User, codex: User, stranger: User, task: Task
) -> None:
    handoff = hand_over(claude, task)
    answer(codex, handoff, "decline", reason="No Mac.")
    redirected = claude.call("redirect_handoff", handoff=handoff, to_agent="stranger")
    assert (redirected.status, redirected.taken_by, redirected.answer, redirected.answered_at) == (
        HandoffStatus.PENDING, None, None, None,
    )  # fmt: skip
    assert answer(stranger, handoff).taken_by == stranger.id


def test_a_declined_one_is_not_redirected_beside_a_newer_one_nor_for_what_is_closed(
    board: User, claude: User, codex: User, stranger: User, task: Task
) -> None:
    handoff = hand_over(claude, task)
    answer(codex, handoff, "decline", reason="No Mac.")
    newer = hand_over(claude, task, "owner")
    with pytest.raises(InvalidData, match="being handed over already"):
        claude.call("redirect_handoff", handoff=handoff, to_agent="stranger")
    answer(claude, newer, "decline", reason="No.")
    board.move(task, "done")
    with pytest.raises(InvalidData, match="nothing to hand over"):
        claude.call("redirect_handoff", handoff=handoff, to_agent="stranger")


def test_it_is_not_redirected_to_its_giver(board: User, claude: User, codex: User, task: Task) -> None:
    handoff = hand_over(claude, task)
    with pytest.raises(InvalidData, match="somebody else"):
        board.call("redirect_handoff", handoff=handoff, to_agent="claude")


# seeing them


def test_an_agent_sees_its_own_and_a_person_everybodys(
    board: User, claude: User, codex: User, stranger: User, task: Task
) -> None:
    handoff = hand_over(claude, task)
    assert [each.id for each in codex.call("list_handoffs")] == [handoff.id]
    assert claude.call("list_handoffs") == stranger.call("list_handoffs") == ()
    assert [each.id for each in claude.call("list_handoffs", box=Box.OUTBOX)] == [handoff.id]
    assert [each.id for each in claude.call("list_handoffs", box=Box.BOTH)] == [handoff.id]
    assert codex.call("list_handoffs", box=Box.OUTBOX) == ()
    assert [each.id for each in board.call("list_handoffs")] == [handoff.id]
    assert [each.id for each in stranger.call("list_handoffs", agent="codex")] == [handoff.id]
    assert [each.id for each in stranger.call("list_handoffs", task=task)] == [handoff.id]


def test_closed_ones_are_listed_where_they_are_asked_for(board: User, claude: User, codex: User, task: Task) -> None:
    handoff = hand_over(claude, task)
    answer(codex, handoff, "decline", reason="No.")
    assert board.call("list_handoffs") == ()
    assert [each.id for each in board.call("list_handoffs", status=(HandoffStatus.DECLINED,))] == [handoff.id]


def test_a_handoff_goes_by_the_end_of_its_id_in_its_own_room(
    board: User, claude: User, codex: User, task: Task, new_room: object
) -> None:
    handoff = hand_over(claude, task)
    assert board.call("get_handoff", handoff=handoff.id[-8:]).task.id == task.id
    elsewhere: User = new_room()  # type: ignore[operator]
    for reference in (handoff.id, handoff.id[-8:], "abc", "hnd_nothing"):
        with pytest.raises(NotFound):
            elsewhere.call("get_handoff", handoff=reference)


def test_who_is_behind_is_refused(claude: User, codex: User, task: Task) -> None:
    handoff = hand_over(claude, task)
    claude.call("redirect_handoff", handoff=handoff, to_role="db")
    with pytest.raises(VersionConflict, match="changed by claude"):
        answer(codex, handoff, expected_version=1)


def test_a_task_is_shown_with_its_handoffs_as_they_were(board: User, claude: User, codex: User, task: Task) -> None:
    handoff = hand_over(claude, task)
    with board.database.read() as rows:
        then = rows.last_sequence()
    answer(codex, handoff)
    assert [each.status for each in board.call("get_task", task=task).handoffs] == [HandoffStatus.ACKNOWLEDGED]
    assert [each.status for each in board.call("get_task", task=task, at=str(then)).handoffs] == [HandoffStatus.PENDING]


def test_one_that_nobody_acknowledges_is_overdue_from_when_it_was_addressed(
    board: User, claude: User, codex: User, stranger: User, task: Task
) -> None:
    room: Room = board.call("update_room", handoff_alert_minutes=10)
    minute = timedelta(minutes=1)
    with time_machine.travel("2030-01-01T00:00:00Z", tick=False) as clock:
        handoff = hand_over(claude, task)
        sent = handoff.updated_at
        assert not is_overdue(handoff, room, sent + 10 * minute - timedelta(seconds=1))
        assert is_overdue(handoff, room, sent + 10 * minute)
        clock.shift(8 * minute)
        redirected = claude.call("redirect_handoff", handoff=handoff, to_agent="stranger")
        assert not is_overdue(redirected, room, sent + 10 * minute), "it waits anew"
        assert is_overdue(redirected, room, sent + 18 * minute)
        assert not is_overdue(answer(stranger, handoff), room, sent + 100 * minute)


def test_a_viewer_hands_nothing_over(board: User, task: Task) -> None:
    with pytest.raises(PermissionDenied):
        hand_over(User(board.database, "viewer", room=board.room, role=Role.VIEWER), task, "owner")


def test_who_has_claimed_it_already_keeps_the_claim_when_acknowledging(board: User, claude: User, codex: User) -> None:
    task = board.add(status="todo")
    handoff = hand_over(claude, task)
    codex.claim(task)
    answer(codex, handoff)
    seen = board.see(task)
    assert (seen.assignee, seen.claimed_by, seen.claim) == (codex.id, codex.session, 1)


def test_what_is_being_handed_to_another_is_not_begun_by_moving_it(
    board: User, claude: User, codex: User, stranger: User
) -> None:
    task = board.add(status="todo")
    handoff = hand_over(claude, task)
    with pytest.raises(ClaimHeld, match=handoff.id):
        stranger.move(task, "in_progress")
    answer(codex, handoff)
