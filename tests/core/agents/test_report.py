"""What an agent is doing: told by its client, its calls or its session's life, and unknown rather than guessed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from core.agents import AgentReport
from core.agents.presence import Observation, beat, observe
from core.agents.report import CALLS_TELL_FOR_S
from storage import AgentState, Presence, Role, Session, StateSource, Status, utc_now
from tests.support.users import User


@pytest.fixture
def claude(bob: User) -> User:
    """An AI agent in a session of its own."""
    return bob.start_session("claude")


def report(board: User, name: str = "claude") -> AgentReport:
    found: AgentReport = next(each for each in board.call("list_agents") if each.agent.name == name)
    return found


def adjust(user: User, change: Callable[[Presence], Presence]) -> None:
    with user.database.write("test") as rows:
        known = rows.presence(user.session)
        assert known is not None
        rows.put_presence(change(known))


def told(board: User, name: str = "claude") -> tuple[AgentState, StateSource]:
    found = report(board, name)
    return found.state, found.source


# who says so


def test_who_never_had_a_session_is_unknown(board: User) -> None:
    found = report(board, "owner")
    assert (found.state, found.source, found.since, found.session) == (
        AgentState.UNKNOWN, StateSource.SESSION, None, None,
    )  # fmt: skip


def test_who_has_not_been_heard_yet_is_unknown(board: User, claude: User) -> None:
    found = report(board)
    assert told(board) == (AgentState.UNKNOWN, StateSource.SESSION)
    assert found.message == "nothing was heard of it yet"
    claude.take_up()
    assert told(board) == (AgentState.UNKNOWN, StateSource.SESSION), "to be alive is not to work"


@pytest.mark.parametrize("source", [StateSource.HOOK, StateSource.MCP])
@pytest.mark.parametrize("state", [AgentState.WORKING, AgentState.WAITING, AgentState.IDLE])
def test_what_was_seen_is_told_with_who_saw_it_and_when(
    board: User, claude: User, state: AgentState, source: StateSource
) -> None:
    claude.show(state, "May I use Bash?", source=source)
    found = report(board)
    assert (found.state, found.source, found.message) == (state, source, "May I use Bash?")
    assert found.since is not None
    assert found.seen_at is not None
    assert found.seen_at - found.since < timedelta(seconds=5)
    assert found.session is not None
    assert found.session.id == claude.session


def test_an_older_observation_that_comes_late_changes_nothing(board: User, claude: User) -> None:
    claude.show(AgentState.WORKING)
    with board.database.write("test") as rows:
        session, room = rows.get(Session, claude.session), rows.room_by_name(board.room or "")
        assert session is not None
        assert room is not None
        late = Observation(AgentState.WAITING, StateSource.HOOK, utc_now() - timedelta(seconds=30), "old question")
        observe(rows, session, room, late)
    assert told(board) == (AgentState.WORKING, StateSource.HOOK)


# how long it holds


def test_beyond_its_lease_a_session_says_nothing_more(board: User, claude: User) -> None:
    claude.take_up()
    claude.show(AgentState.WORKING)
    claude.fall_silent(60)
    assert told(board) == (AgentState.WORKING, StateSource.HOOK)
    claude.fall_silent(31)
    found = report(board)
    assert (found.state, found.source, found.message) == (
        AgentState.UNKNOWN, StateSource.SESSION, "it does not answer any more",
    )  # fmt: skip


def test_what_was_before_the_machine_was_started_anew_says_nothing(board: User, claude: User) -> None:
    claude.show(AgentState.WORKING)
    adjust(claude, lambda known: replace(known, boot_id="another"))
    assert told(board) == (AgentState.UNKNOWN, StateSource.SESSION)


def test_calls_tell_for_minutes_and_hooks_as_long_as_the_session_lives(board: User, claude: User) -> None:
    past = timedelta(seconds=CALLS_TELL_FOR_S + 5)
    for source in (StateSource.MCP, StateSource.HOOK):
        claude.show(AgentState.WORKING, source=source)
        adjust(claude, lambda known: replace(known, state_at=known.state_at - past))
        found = report(board)
        if source is StateSource.HOOK:
            assert found.state is AgentState.WORKING
        else:
            assert (found.state, found.source) == (AgentState.UNKNOWN, StateSource.MCP)
            assert "its client has no hooks" in (found.message or "")
            assert found.since is not None, "since when one does not know"


# its end


def test_an_ended_session_says_why(board: User, claude: User) -> None:
    claude.show(AgentState.WORKING)
    claude.call("end_session", reason="its client ended (exit)")
    found = report(board)
    assert (found.state, found.source, found.message) == (
        AgentState.ENDED, StateSource.SESSION, "its client ended (exit)",
    )  # fmt: skip
    assert found.session is not None
    assert found.since == found.session.ended_at


def test_of_a_lost_one_nobody_knows_what_it_does(board: User, claude: User) -> None:
    claude.show(AgentState.WORKING)
    claude.fall_silent()
    User(board.database, "program", room=board.room, role=Role.SYSTEM).call("expire_sessions")
    found = report(board)
    assert (found.state, found.source) == (AgentState.UNKNOWN, StateSource.SESSION)
    assert "its session was lost at" in (found.message or "")


def test_a_living_session_tells_before_a_newer_one_that_is_over(board: User, bob: User, claude: User) -> None:
    claude.show(AgentState.WAITING, "May I?")
    bob.actor = replace(bob.actor, name="claude")  # as WZP_AGENT names it
    twin = bob.start_session("claude")
    twin.call("end_session")
    found = report(board)
    assert found.session is not None
    assert (found.session.id, found.state) == (claude.session, AgentState.WAITING)


# what it has


def test_the_task_in_its_hands_is_the_claimed_one_before_the_newest(board: User, claude: User) -> None:
    assert report(board).task is None
    claimed = board.add("claimed", status="todo")
    claude.claim(claimed)
    board.add("begun later, by a person's hand", status="in_progress", assignee="claude")
    found = report(board)
    assert found.task is not None
    assert found.task.title == "claimed"
    claude.finish(claimed)
    found = report(board)
    assert found.task is not None
    assert found.task.title == "begun later, by a person's hand"


def test_open_tasks_are_those_that_are_planned_and_not_closed(board: User, claude: User) -> None:
    for status in Status:
        if status is not Status.ARCHIVED:
            board.add(status=status, assignee="claude", reason="so")
    assert report(board).open_tasks == 4, "neither backlog nor done"


def test_unread_handoffs_are_those_that_wait_for_its_answer(board: User, claude: User) -> None:
    board.call("update_agent", agent="claude", skills=("db",))
    by_name, by_skill, others = (board.add(status="todo") for _ in range(3))
    first = board.call("create_handoff", task=by_name, summary="x", to_agent="claude")
    board.call("create_handoff", task=by_skill, summary="x", to_role="db")
    board.call("create_handoff", task=others, summary="x", to_role="ui")
    assert report(board).unread_handoffs == 2
    claude.call("acknowledge_handoff", handoff=first)
    assert report(board).unread_handoffs == 1


def test_the_calls_of_its_session_are_counted(board: User, claude: User) -> None:
    epoch = claude.take_up()
    with board.database.write("test") as rows:
        assert beat(rows, claude.session, epoch, calls=2)
        assert beat(rows, claude.session, epoch, calls=3)
        assert not beat(rows, claude.session, epoch - 1, calls=100), "a process that no longer has the session"
    assert report(board).tool_calls == 5


def test_the_program_itself_is_no_agent_that_does_anything(board: User) -> None:
    system = User(board.database, "program", room=board.room, role=Role.SYSTEM)
    system.call("create_task", title="by the program")
    assert "program" not in [each.agent.name for each in board.call("list_agents")]
