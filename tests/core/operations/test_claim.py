"""Claims: the best ready task to exactly one agent, fenced by a number, ended with a result."""

from datetime import date

import pytest

from core.errors import (
    ClaimHeld,
    InvalidData,
    InvalidTransition,
    OpenDependencies,
    SessionOver,
    VersionConflict,
    WipLimit,
)  # fmt: skip
from core.operations.room import OnOff
from storage import AgentKind, Ending, Finish, HandoffStatus, Priority, Role, Status, WipMode
from tests.support.history import rows_of
from tests.support.users import User


def titles_claimed(user: User, count: int, **arguments: object) -> list[str | None]:
    """What an agent gets one after the other."""
    claimed = [user.claim(**arguments) for _ in range(count)]
    return [task.title if task else None for task in claimed]


@pytest.fixture
def claude(bob: User) -> User:
    """An AI agent in a session of its own."""
    return bob.start_session("claude")


@pytest.fixture
def codex(bob: User) -> User:
    """Another one."""
    return bob.start_session("codex")


# which task


def test_ones_own_tasks_come_before_anybodys(board: User, claude: User) -> None:
    board.add("urgent", status="todo", priority=Priority.URGENT)
    board.add("mine", status="todo", priority=Priority.LOW, assignee="claude")
    assert titles_claimed(claude, 3) == ["mine", "urgent", None]


def test_then_the_most_urgent_then_the_soonest_due_then_by_skill_then_in_order(board: User, claude: User) -> None:
    claude.call("session_start", skills=("db",))
    for title, fields in {
        "second in order": {},
        "skilled": {"labels": ("db",)},
        "due later": {"due": date(2030, 2, 1)},
        "due sooner": {"due": date(2030, 1, 1)},
        "high": {"priority": Priority.HIGH},
        "low": {"priority": Priority.LOW, "due": date(2029, 1, 1)},
    }.items():
        board.add(title, status="todo", **fields)
    board.add("first in order", status="todo", before=board.column("todo")[0])
    assert titles_claimed(claude, 7) == [
        "high", "due sooner", "due later", "skilled", "first in order", "second in order", "low",
    ]  # fmt: skip


def test_what_waits_for_others_is_not_given_until_they_are_closed(board: User, claude: User) -> None:
    need = board.add("need")
    board.add("waits", status="todo", dependencies=(need,))
    assert claude.claim() is None
    board.move(need, "done")
    assert titles_claimed(claude, 1) == ["waits"]


@pytest.mark.parametrize("status", [each for each in Status if each not in (Status.TODO, Status.ARCHIVED)])
def test_only_what_is_planned_is_given_unasked(board: User, claude: User, status: Status) -> None:
    board.add(status=status, reason="so")
    assert claude.claim() is None


def test_what_another_has_is_not_given(board: User, claude: User, codex: User) -> None:
    board.add("codex's", status="todo", assignee="codex")
    assert claude.claim() is None
    assert titles_claimed(codex, 1) == ["codex's"]


def test_only_tasks_with_one_of_the_labels_are_given(board: User, claude: User) -> None:
    board.add("plain", status="todo", priority=Priority.URGENT)
    board.add("api", status="todo", labels=("api", "x"))
    board.add("db", status="todo", labels=("db",))
    assert titles_claimed(claude, 3, labels=("db", "api")) == ["api", "db", None]
    why = claude.call("claim_next", labels=("db",)).why
    assert "none has a label of db" in why


def test_what_asks_for_a_skill_that_only_others_have_is_left_to_them(board: User, claude: User, codex: User) -> None:
    codex.call("session_start", skills=("db",))
    claude.call("session_start", skills=("ui",))
    board.add("for db", status="todo", priority=Priority.URGENT, labels=("db",))
    board.add("no skill at all", status="todo", labels=("nobody's label",))
    board.add("either", status="todo", labels=("db", "ui"))
    assert titles_claimed(claude, 3) == ["either", "no skill at all", None]
    board.add("given by hand", status="todo", labels=("db",), assignee="claude")
    assert titles_claimed(claude, 1) == ["given by hand"]
    assert titles_claimed(codex, 2) == ["for db", None]


def test_an_agent_without_skills_takes_on_anything(board: User, claude: User, codex: User) -> None:
    codex.call("session_start", skills=("db",))
    board.add("for db", status="todo", labels=("db",))
    assert titles_claimed(claude, 1) == ["for db"]


def test_what_is_being_handed_over_is_given_to_the_one_it_goes_to_alone(board: User, claude: User, codex: User) -> None:
    for_codex, for_a_role = board.add("for codex", status="todo"), board.add("for a role", status="todo")
    board.call("create_handoff", task=for_codex, summary="Go on.", to_agent="codex")
    board.call("create_handoff", task=for_a_role, summary="Go on.", to_role="db")
    assert claude.claim() is None
    with pytest.raises(ClaimHeld, match="being handed over to another"):
        claude.claim(for_codex)
    claim = codex.call("claim_next")
    assert claim.task.title == "for codex"
    assert [each.summary for each in claim.handoffs] == ["Go on."]
    assert codex.claim() is None, "one that goes to a role is taken by its acknowledgement"


def test_where_nothing_is_ready_it_says_why(board: User, claude: User, codex: User) -> None:
    assert claude.call("claim_next").why == "Nothing is ready for you: todo is empty."
    board.add("later")
    need = board.add("need", status="todo", assignee="codex")
    board.add("waits", status="todo", dependencies=(need,))
    why = claude.call("claim_next").why
    for part in ("2 in todo", "1 of them wait", "1 are assigned to others", "1 in backlog, which a person plans"):
        assert part in why


# one agent, one claim


def test_a_claim_makes_the_task_the_agents_own_and_says_how_long_it_lasts(board: User, claude: User) -> None:
    board.call("update_room", lease_seconds=40)
    claude.take_up()
    board.add("Fix login", status="todo")
    claim = claude.call("claim_next")
    task = claim.task
    assert (task.status, task.assignee, task.claimed_by, task.claim) == (
        Status.IN_PROGRESS, claude.id, claude.session, 1,
    )  # fmt: skip
    assert claim.lease_seconds == 40
    assert claim.why is None
    assert board.events(task) == ["created", "claimed"]


def test_two_never_get_the_same_task_and_the_second_learns_who_has_it(board: User, claude: User, codex: User) -> None:
    task = board.add("Fix login", status="todo")
    claude.claim(task)
    assert codex.claim() is None
    for attempt in (
        lambda: codex.claim(task),
        lambda: codex.finish(task),
        lambda: codex.move(task, "review"),
        lambda: codex.edit(task, assignee="me"),
        lambda: codex.call("assign_task", task=task, to="me"),
        lambda: codex.call("archive_task", task=task),
        lambda: codex.call("create_handoff", task=task, summary="Mine now.", to_agent="owner"),
    ):
        with pytest.raises(ClaimHeld, match="claude") as refusal:
            attempt()
    assert refusal.value.exit_code == 5
    assert board.see(task).version == 2
    codex.comment(task, "a remark is welcome")


def test_two_sessions_of_one_agent_do_not_share_a_claim(board: User, claude: User, bob: User) -> None:
    task = board.add(status="todo")
    claude.claim(task)
    twin = bob.start_session("claude")
    assert twin.id == claude.id
    with pytest.raises(ClaimHeld, match=f"claimed by you in another session, {claude.session}"):
        twin.finish(task)
    assert claude.finish(task).status is Status.REVIEW


def test_to_claim_again_what_one_has_changes_nothing(board: User, claude: User) -> None:
    task = board.add(status="todo")
    first = claude.claim(task)
    assert claude.claim(task) == first
    assert board.events(task) == ["created", "claimed"]


def test_to_begin_a_task_on_the_board_is_to_claim_it(board: User, claude: User, codex: User) -> None:
    task = board.add(status="todo")
    moved = claude.move(task, "in_progress")
    assert (moved.claimed_by, moved.claim, moved.assignee) == (claude.session, 1, claude.id)
    with pytest.raises(ClaimHeld):
        codex.move(task, "in_progress")
    other = board.add(status="in_progress")
    claude.move(task, "in_progress", before=other)
    assert board.events(task) == ["created", "claimed"], "it stood there already"
    claude.move(task, "in_progress")
    assert board.events(task)[2:] == ["reordered"]


def test_without_a_session_a_claim_has_no_lease_and_holds_by_assignment(board: User, alice: User, bob: User) -> None:
    task = board.add(status="todo")
    claim = alice.call("claim_next")
    assert (claim.task.assignee, claim.task.claimed_by, claim.task.claim) == (alice.id, None, 1)
    assert claim.lease_seconds is None
    with pytest.raises(ClaimHeld, match="assigned to alice"):
        bob.claim(task)


def test_the_task_that_is_named_must_be_free_to_begin(board: User, claude: User, codex: User) -> None:
    need = board.add("need")
    with pytest.raises(OpenDependencies):
        claude.claim(board.add("waits", status="todo", dependencies=(need,)))
    with pytest.raises(ClaimHeld, match="assigned to codex"):
        claude.claim(board.add("codex's", assignee="codex"))
    archived = board.add("archived")
    board.call("archive_task", task=archived)
    with pytest.raises(InvalidTransition):
        claude.claim(archived)
    assert claude.claim(need) is not None, "wherever it stands, so in backlog as well"


def test_a_full_column_refuses_or_warns_as_the_room_is_set(board: User, claude: User, codex: User) -> None:
    first, second = board.add("first", status="todo"), board.add("second", status="todo")
    board.call("update_room", wip={Status.IN_PROGRESS: 1}, wip_mode=WipMode.REFUSE)
    claude.claim(first)
    claim = codex.call("claim_next")
    assert claim.task is None
    assert "full" in claim.why
    with pytest.raises(WipLimit):
        codex.claim(second)
    assert claude.claim(first) is not None, "it stands there already"
    board.call("update_room", wip_mode=WipMode.WARN)
    outcome = codex.outcome("claim_next")
    assert outcome.value.task.id == second.id
    assert outcome.warnings == ("in_progress would hold 2 tasks; its limit is 1.",)


# its end


def test_what_is_completed_waits_in_review_with_its_result(board: User, claude: User) -> None:
    task = claude.claim(board.add(status="todo"))
    assert task is not None
    outcome = claude.outcome(
        "finish_task", task=task, finish=Finish.COMPLETE, summary="Works.\nSee the tests.", files=("a.py", "b.py"),
        branch="fix", output="x" * 30_000 + "the end", claim=1,
    )  # fmt: skip
    ended = outcome.value
    assert (ended.status, ended.claimed_by, ended.assignee, ended.claim) == (Status.REVIEW, None, claude.id, 1)
    result = ended.result
    assert (result.ending, result.summary, result.files, result.branch, result.agent) == (
        Ending.COMPLETED, "Works.\nSee the tests.", ("a.py", "b.py"), "fix", claude.id,
    )  # fmt: skip
    assert len(result.output) == 20_000
    assert result.output.endswith("the end")
    assert "waits in review" in outcome.warnings[0]
    assert board.events(task) == ["created", "claimed", "finished"]


def test_without_a_gate_what_is_completed_is_done_once_its_dependencies_are(board: User, claude: User) -> None:
    board.call("update_room", review_gate=OnOff.OFF)
    need = board.add("need")
    task = board.add(status="todo")
    claude.claim(task)
    board.edit(task, dependencies=(need,))
    with pytest.raises(OpenDependencies):
        claude.finish(task)
    board.move(need, "done")
    outcome = claude.outcome("finish_task", task=task, finish=Finish.COMPLETE, summary="It works.")
    assert outcome.value.status is Status.DONE
    assert outcome.warnings == ()


def test_what_failed_is_blocked_for_the_reason_that_its_summary_begins_with(board: User, claude: User) -> None:
    task = board.add(status="todo")
    claude.claim(task)
    ended = claude.finish(task, "fail", "The sandbox is down.\nAsk the provider.")
    assert (ended.status, ended.blocked_reason, ended.claimed_by) == (Status.BLOCKED, "The sandbox is down.", None)
    assert ended.result is not None
    assert ended.result.ending is Ending.FAILED
    assert board.events(task)[-1] == "failed"
    assert claude.finish(task).status is Status.REVIEW, "who comes unstuck may complete it from there"


def test_what_is_given_back_stands_first_in_the_queue_for_anybody(board: User, claude: User, codex: User) -> None:
    board.add("first", status="todo")
    task = board.add("second", status="todo")
    claude.claim(task)
    ended = claude.finish(task, "give_back", "Needs a Mac.")
    assert (ended.status, ended.assignee, ended.claimed_by, ended.claim) == (Status.TODO, None, None, 1)
    assert board.titles("todo") == ["second", "first"]
    again = codex.claim()
    assert again is not None
    assert (again.id, again.claim) == (task.id, 2)
    assert again.result is not None
    assert again.result.summary == "Needs a Mac.", "the next one reads what the last one left"


def test_an_earlier_claims_number_is_refused_and_nothing_is_changed(board: User, claude: User) -> None:
    task = board.add(status="todo")
    claude.claim(task)
    claude.finish(task, "give_back", "Not now.")
    claude.claim(task)
    before = rows_of(board)
    with pytest.raises(ClaimHeld, match=r"Your claim 1 of #1 is over: it has been claimed again since \(claim 2"):
        claude.finish(task, claim=1)
    with pytest.raises(ClaimHeld, match="has had 2 claims, no 3"):
        claude.finish(task, claim=3)
    assert rows_of(board) == before
    assert claude.finish(task, claim=2).status is Status.REVIEW


def test_the_late_answer_of_a_lost_session_is_refused_with_the_reason(board: User, claude: User, codex: User) -> None:
    task = board.add(status="todo")
    claude.take_up()
    claude.claim(task)
    claude.fall_silent()
    system(board).call("expire_sessions")
    codex.claim(task)
    before = rows_of(board)
    with pytest.raises(SessionOver, match="no sign of life for") as refusal:
        claude.finish(task, claim=1)
    assert "this call changed nothing" in refusal.value.hint
    assert rows_of(board) == before


def test_only_who_has_a_task_ends_it(board: User, claude: User, codex: User) -> None:
    task = board.add(status="todo")
    with pytest.raises(ClaimHeld, match="You do not have #1: it is todo, with nobody"):
        claude.finish(task)
    codex.claim(task)
    codex.finish(task)
    with pytest.raises(ClaimHeld, match="it is review, with codex"):
        codex.finish(task)
    assert board.finish(task).status is Status.DONE, "a person ends what it likes, and needs no approval"


def test_an_archived_task_is_not_given_back(board: User) -> None:
    task = board.add()
    board.call("archive_task", task=task)
    with pytest.raises(InvalidTransition):
        board.finish(task, "give_back")


@pytest.mark.parametrize("summary", ["", "  \n ", "\x1b[31m"])
def test_an_end_says_what_came_of_it(board: User, claude: User, summary: str) -> None:
    task = board.add(status="todo")
    claude.claim(task)
    with pytest.raises(InvalidData, match="summary is empty"):
        claude.finish(task, summary=summary)


def test_an_end_may_be_fenced_by_the_version_as_every_change(board: User, claude: User) -> None:
    task = claude.claim(board.add(status="todo"))
    assert task is not None
    board.edit(task, description="Mind the gap.")
    with pytest.raises(VersionConflict, match="description changed by owner"):
        claude.finish(task, expected_version=task.version)


def test_a_full_review_refuses_what_comes_to_it(board: User, claude: User) -> None:
    board.call("update_room", wip={Status.REVIEW: 1}, wip_mode=WipMode.REFUSE)
    board.add(status="review")
    task = board.add(status="todo")
    claude.claim(task)
    with pytest.raises(WipLimit):
        claude.finish(task)
    assert board.see(task).claimed_by == claude.session


def test_who_completes_a_task_has_done_what_it_was_handed_over_for(board: User, codex: User) -> None:
    task = board.add(status="todo")
    handoff = board.call("create_handoff", task=task, summary="Half of it.", to_agent="codex")
    codex.claim(task)
    codex.finish(task)
    done = board.call("get_handoff", handoff=handoff).handoff
    assert (done.status, done.taken_by) == (HandoffStatus.COMPLETED, codex.id)
    codex.call("undo")
    assert board.call("get_handoff", handoff=handoff).handoff.status is HandoffStatus.PENDING


# a person's hand


@pytest.mark.parametrize(
    "act",
    [
        lambda person, task: person.move(task, "todo"),
        lambda person, task: person.call("assign_task", task=task, to="nobody"),
        lambda person, task: person.edit(task, assignee="me"),
        lambda person, task: person.call("archive_task", task=task),
        lambda person, task: person.claim(task),
    ],
    ids=["move", "take away", "take over", "archive", "claim"],
)
def test_a_person_may_take_a_claimed_task_and_the_claim_is_over(board: User, claude: User, act: object) -> None:
    task = board.add(status="todo")
    claude.claim(task)
    act(board, task)  # type: ignore[operator]
    assert board.see(task).claimed_by is None
    before = rows_of(board)
    with pytest.raises(ClaimHeld):
        claude.finish(task, claim=1)
    assert rows_of(board) == before


def test_who_was_blocked_by_a_person_has_no_claim_and_may_still_report(board: User, claude: User) -> None:
    task = board.add(status="todo")
    claude.claim(task)
    blocked = board.move(task, "blocked", reason="waits for the certificate")
    assert (blocked.claimed_by, blocked.assignee) == (None, claude.id)
    assert claude.finish(task, claim=1).status is Status.REVIEW


def test_a_persons_edit_or_reordering_leaves_the_claim(board: User, claude: User) -> None:
    other, task = board.add(status="in_progress"), board.add(status="todo")
    claude.claim(task)
    board.edit(task, title="Other words", labels=("x",), assignee="claude")
    board.move(task, "in_progress", before=other)
    assert board.see(task).claimed_by == claude.session
    assert claude.finish(task, claim=1).status is Status.REVIEW


def test_an_operators_session_claims_as_well(board: User, alice: User) -> None:
    session = alice.start_session()
    task = board.add(status="todo")
    claimed = session.claim(task)
    assert claimed is not None
    assert claimed.claimed_by == session.session
    assert session.finish(task).status is Status.DONE


# undo


def test_undo_never_brings_a_claim_back_nor_lowers_its_number(board: User, claude: User) -> None:
    task = board.add(status="todo")
    claude.claim(task)
    claude.finish(task)
    claude.call("undo")
    undone = board.see(task)
    assert (undone.status, undone.claimed_by, undone.claim, undone.result) == (Status.IN_PROGRESS, None, 1, None)
    claude.call("undo")
    undone = board.see(task)
    assert (undone.status, undone.claimed_by, undone.claim, undone.assignee) == (Status.TODO, None, 1, None)
    claude.call("redo")
    redone = board.see(task)
    assert (redone.status, redone.claimed_by, redone.claim, redone.assignee) == (
        Status.IN_PROGRESS, None, 1, claude.id,
    )  # fmt: skip
    again = claude.claim(task)
    assert again is not None
    assert (again.claimed_by, again.claim) == (claude.session, 2)


def test_a_person_undoes_an_agents_claim(board: User, claude: User) -> None:
    task = board.add(status="todo")
    change = claude.outcome("claim_next").change
    board.call("undo", change=change)
    assert (board.see(task).status, board.see(task).claimed_by) == (Status.TODO, None)
    with pytest.raises(ClaimHeld):
        claude.finish(task, claim=1)


def test_no_agent_undoes_anothers_claim_away(board: User, claude: User, codex: User) -> None:
    task = board.add(status="todo", assignee="codex")
    given = board.outcome("assign_task", task=task, to="claude").change
    claude.claim(task)
    with pytest.raises(ClaimHeld, match="claimed by claude"):
        codex.call("undo", change=given)
    assert board.see(task).claimed_by == claude.session
    board.call("undo", change=given)
    assert (board.see(task).assignee, board.see(task).claimed_by) == (codex.id, None)


def test_a_copy_of_a_claimed_task_is_nobodys(board: User, claude: User) -> None:
    task = board.add(status="todo")
    claude.claim(task)
    copy = board.call("duplicate_task", task=task)
    assert (copy.claimed_by, copy.claim, copy.result, copy.assignee) == (None, 0, None, None)


def test_a_repeated_claim_under_one_key_is_one_claim(board: User, claude: User) -> None:
    for title in ("first", "second"):
        board.add(title, status="todo")
    first = claude.outcome("claim_next", idempotency_key="k", wants_shape=True).shaped
    again = claude.outcome("claim_next", idempotency_key="k", wants_shape=True).shaped
    assert again["number"] == first["number"] == 1
    assert board.titles("todo") == ["second"]


def system(board: User) -> User:
    """The program itself."""
    return User(board.database, "program", room=board.room, role=Role.SYSTEM, kind=AgentKind.WORKER)


def test_what_is_assigned_to_another_is_not_an_agents_to_give_away_unless_it_has_planned_it_itself(
    board: User, claude: User, codex: User
) -> None:
    codexs = board.add("codex's", status="todo", assignee="codex")
    planned = claude.add("planned", status="todo", assignee="codex")
    for take in (
        lambda: claude.edit(codexs, assignee="me"),
        lambda: claude.call("assign_task", task=codexs, to="me"),
        lambda: claude.call("update_tasks", tasks=(codexs,), assignee="me"),
    ):
        with pytest.raises(ClaimHeld, match="assigned to codex"):
            take()
    assert claude.edit(planned, assignee="nobody").assignee is None
    assert board.edit(codexs, assignee="claude").assignee == claude.id


@pytest.mark.parametrize(("others", "message"), [(1, "waits for 1 other task\\."), (2, "waits for 2 other tasks\\.")])
def test_how_many_tasks_it_waits_for_is_told_in_words(board: User, bob: User, others: int, message: str) -> None:
    needs = [board.add(f"need {number}") for number in range(others)]
    with pytest.raises(OpenDependencies, match=message):
        bob.claim(board.add("task", status="todo", dependencies=tuple(needs)))
