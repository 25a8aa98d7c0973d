"""Sessions: who an agent is, for how long, what proves it, and what becomes of its work when it is gone."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from core.agents.sessions import hash_token, session_of_token
from core.errors import (
    ClaimHeld,
    InvalidData,
    NotFound,
    PermissionDenied,
    RuleRefusal,
    SessionOver,
    SessionTaken,
)  # fmt: skip
from core.execute import Call, execute
from core.operations import find
from core.shapes import Shaper
from core.work import Actor, Client
from storage import (
    Agent,
    AgentKind,
    Door,
    Ending,
    LostClaims,
    Role,
    Session,
    SessionState,
    Status,
    Task,
    to_wire,
)  # fmt: skip
from tests.support.history import rows_of
from tests.support.users import User


@pytest.fixture
def claude(bob: User) -> User:
    """An AI agent in a session of its own, held by a process."""
    user = bob.start_session("claude")
    user.take_up()
    return user


@pytest.fixture
def system(board: User) -> User:
    """The program itself."""
    return User(board.database, "program", room=board.room, role=Role.SYSTEM, kind=AgentKind.WORKER)


def newcomer(board: User, client: str = "claude-code") -> User:
    """A client's server before it has a session."""
    user = User(board.database, client, room=board.room, role=Role.AGENT, kind=AgentKind.AI)
    user.actor = replace(user.actor, client=Client(client, "1.2"))
    return user


def names(board: User) -> list[str]:
    with board.database.read() as rows:
        room = rows.room_by_name(board.room or "")
        assert room is not None
        return [agent.name for agent in rows.agents(room.id)]


def session_of(user: User) -> Session:
    with user.database.read() as rows:
        found = rows.get(Session, user.session)
    assert found is not None
    return found


# names


def test_an_agent_takes_a_name_of_its_own_and_says_what_it_is_for(board: User, bob: User) -> None:
    briefing = bob.call("session_start", agent=" parser ", description="Writes the parser.", skills=("python", "db"))
    agent = briefing.agent
    assert (agent.name, agent.kind, agent.role) == ("parser", AgentKind.AI, Role.AGENT)
    assert (agent.description, agent.skills) == ("Writes the parser.", ("python", "db"))
    assert (briefing.session.agent_id, briefing.session.state) == (agent.id, SessionState.ACTIVE)
    assert names(board) == ["owner", "parser"], "who had no name yet leaves no trace"


def test_without_a_name_it_is_called_after_its_client_with_a_number(board: User) -> None:
    first = newcomer(board).start_session(client="claude-code")
    second = newcomer(board).start_session(client="claude-code")
    assert (first.actor.name, second.actor.name) == ("claude-code-1", "claude-code-2")
    session = session_of(first)
    assert (session.client_name, session.client_version) == ("claude-code", "1.0")
    first.call("end_session")
    assert newcomer(board).start_session(client="claude-code").actor.name == "claude-code-1", "the number is free again"


def test_a_number_that_a_person_or_a_mightier_agent_has_is_passed_over(board: User) -> None:
    board.call("create_agent", name="x-1", kind=AgentKind.PERSON)
    board.call("create_agent", name="x-2", role=Role.OPERATOR)
    board.call("create_agent", name="x-3")
    assert newcomer(board, "x").start_session(client="x").actor.name == "x-3"


def test_a_person_starts_a_session_as_itself(board: User) -> None:
    briefing = board.call("session_start")
    assert (briefing.agent.name, briefing.agent.role) == ("owner", Role.OWNER)


def test_nobody_takes_a_persons_name(board: User, alice: User, bob: User) -> None:
    alice.add()
    for user in (bob, newcomer(board, "alice"), newcomer(board, "alice").start_session(client="alice")):
        before = rows_of(board)
        with pytest.raises(PermissionDenied, match="alice is a person"):
            user.call("session_start", agent="alice")
        assert rows_of(board) == before, "the session there was goes on"


def test_nobody_takes_the_name_of_an_agent_with_a_higher_role(board: User, bob: User) -> None:
    board.call("create_agent", name="chief", role=Role.OPERATOR)
    for user in (bob, newcomer(board, "chief")):
        with pytest.raises(PermissionDenied, match="chief is an agent with the role operator"):
            user.call("session_start", agent="chief")


@pytest.mark.parametrize("name", ["me", "Nobody", "agt_1", " ", "x" * 61])
def test_a_name_is_one_that_an_agent_may_have(bob: User, name: str) -> None:
    with pytest.raises(InvalidData):
        bob.call("session_start", agent=name)


def test_to_start_again_is_to_go_on(claude: User) -> None:
    again = claude.call("session_start", description="Now with words.")
    assert (again.session.id, again.token) == (claude.session, None)
    assert again.agent.description == "Now with words."
    assert claude.call("session_start", agent="claude").session.id == claude.session
    assert claude.call("session_start").agent.description == "Now with words.", "what is omitted stays"


def test_another_name_is_another_agent_in_another_session(board: User, claude: User) -> None:
    briefing = claude.call("session_start", agent="parser")
    assert briefing.agent.name == "parser"
    assert briefing.session.id != claude.session
    assert (session_of(claude).state, session_of(claude).end_reason) == (SessionState.ENDED, "goes on as parser")
    assert {"claude", "parser"} <= set(names(board))


def test_who_has_claims_keeps_the_name(board: User, claude: User) -> None:
    task = board.add(status="todo")
    claude.claim(task)
    with pytest.raises(RuleRefusal, match="As claude you have #1"):
        claude.call("session_start", agent="parser")
    assert session_of(claude).state is SessionState.ACTIVE
    claude.finish(task)
    claude.call("session_start", agent="parser")


# what is left


@pytest.mark.parametrize("kept", [False, True], ids=["before it lapses", "after it lapsed and was kept"])
def test_a_new_session_takes_over_what_the_earlier_ones_have_left(
    board: User, bob: User, claude: User, system: User, kept: bool
) -> None:
    board.call("update_room", lost_claims=LostClaims.KEEP)
    task = board.add(status="todo")
    claude.claim(task)
    claude.call("end_session")
    if kept:
        claude.fall_silent()
        system.call("expire_sessions")
        assert board.see(task).claimed_by is None
    again = bob.start_session("claude")
    taken = board.see(task)
    assert (taken.claimed_by, taken.claim, taken.result) == (again.session, 2, None)
    assert again.finish(task, claim=2).status is Status.REVIEW


def test_what_a_living_session_has_is_not_taken_over(board: User, bob: User, claude: User) -> None:
    task = board.add(status="todo")
    claude.claim(task)
    bob.actor = replace(bob.actor, name="claude")  # as WZP_AGENT names it
    bob.start_session("claude")
    assert board.see(task).claimed_by == claude.session


def test_the_name_of_one_who_is_at_work_is_not_taken(board: User, bob: User, claude: User) -> None:
    with pytest.raises(PermissionDenied, match="claude is at work in another session"):
        bob.start_session("claude")
    claude.fall_silent()
    assert bob.start_session("claude").actor.name == "claude", "it answers no more"


def test_a_nameless_client_does_not_become_a_reviewer(board: User, bob: User) -> None:
    first = bob.start_session(client="claude")
    board.call("update_agent", agent=first.actor.name, skills=("review",))
    first.call("end_session")
    assert bob.start_session(client="claude").actor.name != first.actor.name


def test_what_was_handed_over_is_not_taken_over(board: User, bob: User, claude: User) -> None:
    task = board.add(status="todo")
    claude.claim(task)
    claude.call("create_handoff", task=task, summary="Half of it.", to_agent="owner")
    claude.call("end_session")
    bob.start_session("claude")
    assert board.see(task).claimed_by is None


def test_a_number_is_no_name_and_takes_nothing_over(board: User) -> None:
    first = newcomer(board).start_session(client="claude-code")
    task = board.add(status="todo")
    first.claim(task)
    first.call("end_session")
    second = newcomer(board).start_session(client="claude-code")
    assert second.id == first.id
    assert board.see(task).claimed_by == first.session, "another run of the client need not know of it"


# the briefing


def test_the_briefing_tells_what_one_must_know_to_begin(board: User, alice: User, bob: User) -> None:
    codex = bob.start_session("codex", skills=("db",))
    bob.add("of another agent")
    mine = board.add("mine", status="todo")
    for title, status in (("done", "done"), ("not planned", "backlog")):
        board.add(title, status=status, assignee="codex")
    other = board.add("other's", status="in_progress")
    board.call("assign_task", task=mine, to="codex")
    waiting = alice.call("create_handoff", task=other, summary="Look at it.", to_role="db")
    alice.comment(mine, "Mind the gap.")
    codex.comment(mine, "I do.")
    briefing = codex.call("session_start")
    assert [task.title for task in briefing.tasks] == ["mine"]
    assert [each.id for each in briefing.handoffs] == [waiting.id]
    assert [each.agent.name for each in briefing.others] == ["bob"], "people are none of an agent's concern"
    told = [(event.entity, event.type) for event in briefing.recent]
    assert told[0] == ("comment", "created"), "newest first, ones own left out"
    assert ("task", "assigned") in told
    assert ("handoff", "created") in told
    assert codex.id not in {event.agent_id for event in briefing.recent}
    assert briefing.review_gate
    codex.call("acknowledge_handoff", handoff=waiting)
    assert [each.id for each in codex.call("session_start").handoffs] == [waiting.id], "until it is completed"


# what proves it


def test_a_token_proves_its_session_and_is_stored_nowhere_in_clear(board: User, bob: User) -> None:
    started = bob.start_session("claude")
    made = board.outcome("create_session", agent="claude", idempotency_key="k", wants_shape=True)
    tokens = [started.token, made.value.token.value, made.shaped["token"]]
    with board.database.read() as rows:
        assert session_of_token(rows, started.token or "").id == started.session
        assert session_of_token(rows, tokens[1]).id == made.value.session.id
    again = board.outcome("create_session", agent="claude", idempotency_key="k", wants_shape=True)
    assert again.shaped["token"] is None, "a repetition shows no secret"
    board.database.close_thread()
    folder = board.database.home.path
    for file in (each for each in folder.rglob("*") if each.is_file()):
        content = file.read_bytes()
        for token in tokens:
            assert token is not None
            assert token.encode() not in content, file.name
            assert token.removeprefix("wzs_").encode() not in content, file.name


def test_no_door_shows_a_token_or_its_hash_to_others(board: User, bob: User) -> None:
    started = bob.start_session("claude")
    assert started.token is not None
    for operation in ("list_sessions", "list_events", "list_agents"):
        told = repr(board.outcome(operation, wants_shape=True).shaped)
        assert started.token not in told
        assert hash_token(started.token) not in told
    assert started.token not in repr(bob.call("session_start", agent="codex"))


def test_the_same_token_twice_is_never_made(board: User, bob: User) -> None:
    tokens = {bob.start_session(f"agent {number}").token for number in range(20)}
    assert len(tokens) == 20
    assert all(token is not None and len(token) >= 64 for token in tokens)


def test_an_unknown_token_is_refused(board: User) -> None:
    with board.database.read() as rows, pytest.raises(SessionOver, match="No session of this home"):
        session_of_token(rows, "wzs_" + "0" * 64)


def test_a_session_is_made_for_an_agent_by_one_who_may_do_as_much(board: User, alice: User, bob: User) -> None:
    bob.add()
    assert alice.call("create_session", agent="bob").session.agent_id == bob.id
    with pytest.raises(PermissionDenied, match="owner is owner; you are operator"):
        alice.call("create_session", agent="owner")
    with pytest.raises(PermissionDenied):
        bob.call("create_session", agent="bob")


# who acts


def test_in_a_session_one_is_its_agent_whatever_one_says(board: User, claude: User) -> None:
    claude.actor = replace(claude.actor, name="owner", role=Role.OWNER, kind=AgentKind.PERSON)
    task = claude.add("from claude")
    with board.database.read() as rows:
        agent = rows.get(Agent, task.created_by)
    assert agent is not None
    assert agent.name == "claude"
    with pytest.raises(PermissionDenied, match="needs the role operator; you are agent"):
        claude.call("update_room", review_gate=None)


def test_the_role_is_the_one_that_the_room_gives_the_agent_now(board: User, claude: User) -> None:
    board.call("update_agent", agent="claude", role=Role.VIEWER)
    with pytest.raises(PermissionDenied, match="you are viewer"):
        claude.add()
    board.call("update_agent", agent="claude", role=Role.OPERATOR, name="chief")
    claude.call("create_agent", name="another")
    with board.database.read() as rows:
        event = rows.events(newest_first=True, limit=1)[0]
    assert (event.session_id, event.agent_id) == (claude.session, session_of(claude).agent_id)


def test_a_session_of_another_room_is_refused(claude: User, new_room: Callable[[], User]) -> None:
    elsewhere = new_room()
    for operation in ("list_tasks", "claim_next"):
        call = Call(operation=find(operation), arguments={}, actor=claude.actor, room=elsewhere.room)
        with pytest.raises(PermissionDenied, match="The session is of room demo, not of room 1"):
            execute(elsewhere.database, call)


def test_a_session_that_never_was_is_refused(board: User) -> None:
    ghost = User(board.database, "ghost", room=board.room)
    ghost.actor = Actor("ghost", Role.OWNER, Door.MCP, session_id=board.start_session().session)
    ghost.actor = replace(ghost.actor, session_id="ses_nothing")  # type: ignore[arg-type]
    with pytest.raises(SessionOver, match="There is no session ses_nothing"):
        ghost.add()


def test_an_ended_session_is_refused_and_told_why_even_to_look(board: User, claude: User) -> None:
    board.call("end_session", session=claude.session, reason="it went in circles")
    before = rows_of(board)
    for operation, arguments in (("list_tasks", {}), ("create_task", {"title": "late"}), ("session_start", {})):
        with pytest.raises(SessionOver, match=r"ended at .* UTC: it went in circles") as refusal:
            claude.call(operation, **arguments)
    assert (refusal.value.exit_code, refusal.value.details["state"]) == (6, "ended")
    assert rows_of(board) == before


def test_of_two_processes_with_one_session_the_later_has_it(board: User, bob: User, claude: User) -> None:
    earlier, later = claude.actor, None
    claude.take_up()
    later = claude.actor
    assert (earlier.epoch, later.epoch) == (1, 2)
    claude.add("from the later one")
    claude.actor = earlier
    before = rows_of(board)
    with pytest.raises(SessionTaken, match="was taken up by another process") as refusal:
        claude.add("from the earlier one")
    assert refusal.value.code == "session_taken"
    assert rows_of(board) == before
    claude.actor = replace(earlier, epoch=None)
    claude.add("from its shell, which names no epoch")


# its end


def test_a_session_ends_by_its_own_agent_or_by_an_operator(board: User, alice: User, bob: User, claude: User) -> None:
    codex = bob.start_session("codex")
    with pytest.raises(PermissionDenied, match="another agent's session"):
        codex.call("end_session", session=claude.session)
    ended = codex.call("end_session")
    assert (ended.state, ended.end_reason) == (SessionState.ENDED, "ended by codex")
    assert ended.ended_at is not None
    alice.call("end_session", session=claude.session)
    with pytest.raises(InvalidData, match=r"The session ended at .*: ended by alice"):
        alice.call("end_session", session=claude.session)
    with pytest.raises(InvalidData, match="no session to end"):
        alice.call("end_session")
    with pytest.raises(NotFound):
        alice.call("end_session", session="ses_nothing")


def test_the_cards_of_an_ended_session_say_so_at_once_and_lapse_after_its_lease(
    board: User, claude: User, system: User
) -> None:
    board.add("first", status="todo")
    task = board.add("second", status="todo")
    claude.claim(task)
    claude.call("end_session", reason="its client ended")
    seen = board.see(task)
    assert (seen.status, seen.claimed_by) == (Status.IN_PROGRESS, claude.session)
    assert seen.result is not None
    assert seen.result.ending is Ending.ABANDONED
    assert seen.result.summary == "claude stopped without reporting: its client ended"
    system.call("expire_sessions")
    assert board.see(task).status is Status.IN_PROGRESS, "its lease is not over"
    claude.fall_silent()
    assert system.call("expire_sessions") == (), "it is no news that it ended"
    seen = board.see(task)
    assert (seen.status, seen.assignee, seen.claimed_by, seen.claim) == (Status.TODO, None, None, 1)
    assert board.titles("todo") == ["second", "first"]
    assert board.events(task) == ["created", "claimed", "abandoned", "returned"]
    assert "its client ended" in (board.call("get_task", task=task).history[-1].reason or "")


def test_a_card_that_was_abandoned_is_claimed_without_that_mark(
    board: User, bob: User, claude: User, system: User
) -> None:
    task = board.add(status="todo")
    claude.claim(task)
    claude.call("end_session")
    codex = bob.start_session("codex")
    with pytest.raises(ClaimHeld, match="assigned to claude"):
        codex.claim(task)
    claude.fall_silent()
    system.call("expire_sessions")
    claimed = codex.claim()
    assert claimed is not None
    assert (claimed.id, claimed.result, claimed.claim) == (task.id, None, 2)


def test_who_finishes_before_the_end_leaves_nothing_abandoned(board: User, claude: User) -> None:
    task = board.add(status="todo")
    claude.claim(task)
    claude.finish(task)
    claude.call("end_session")
    assert board.see(task).result.ending is Ending.COMPLETED  # type: ignore[union-attr]


# losing it


def test_a_session_that_stops_answering_is_lost_and_its_tasks_return(board: User, claude: User, system: User) -> None:
    task = board.add(status="todo")
    claude.claim(task)
    claude.fall_silent(91)
    (lost,) = system.call("expire_sessions")
    assert (lost.id, lost.state) == (claude.session, SessionState.LOST)
    assert lost.end_reason.startswith("no sign of life for ")
    seen = board.see(task)
    assert (seen.status, seen.assignee, seen.claimed_by) == (Status.TODO, None, None)
    history = board.call("get_task", task=task).history
    assert [event.type for event in history] == ["created", "claimed", "abandoned", "returned"]
    assert "no sign of life" in (history[-1].reason or "")
    assert system.call("expire_sessions") == ()


def test_the_tasks_of_a_lost_session_stay_with_its_agent_where_the_room_wants_it_so(
    board: User, claude: User, system: User
) -> None:
    board.call("update_room", lost_claims=LostClaims.KEEP)
    task = board.add(status="todo")
    claude.claim(task)
    claude.fall_silent()
    system.call("expire_sessions")
    seen = board.see(task)
    assert (seen.status, seen.assignee, seen.claimed_by) == (Status.IN_PROGRESS, claude.id, None)
    assert seen.result is not None
    assert seen.result.ending is Ending.ABANDONED
    assert board.events(task)[-1] == "claim_lapsed"


def test_a_session_that_answers_within_its_lease_is_not_lost(board: User, claude: User, system: User) -> None:
    claude.fall_silent(60)
    assert system.call("expire_sessions") == ()
    board.call("update_room", lease_seconds=30)
    claude.take_up()
    claude.fall_silent(31)
    assert [each.id for each in system.call("expire_sessions")] == [claude.session]


def test_a_session_that_was_made_in_advance_waits_for_its_process(board: User, bob: User, system: User) -> None:
    bob.add()
    made = board.call("create_session", agent="bob").session
    assert system.call("expire_sessions") == ()
    assert board.call("get_session", session=made.id).state is SessionState.ACTIVE


def test_only_the_program_itself_calls_sessions_lost(board: User, alice: User, claude: User) -> None:
    claude.fall_silent()
    for user in (board, alice):
        with pytest.raises(PermissionDenied):
            user.call("expire_sessions")


def test_what_a_person_took_meanwhile_is_left_alone(board: User, claude: User, system: User) -> None:
    task = board.add(status="todo")
    claude.claim(task)
    board.move(task, "review")
    claude.fall_silent()
    system.call("expire_sessions")
    seen: Task = board.see(task)
    assert (seen.status, seen.result) == (Status.REVIEW, None)


def test_sessions_are_listed_newest_first_by_agent_and_state(board: User, bob: User, claude: User) -> None:
    codex = bob.start_session("codex")
    codex.call("end_session")
    listed = board.call("list_sessions")
    assert [each.id for each in listed] == [codex.session, claude.session]
    assert [each.id for each in board.call("list_sessions", state=SessionState.ACTIVE)] == [claude.session]
    assert [each.id for each in board.call("list_sessions", agent="codex")] == [codex.session]
    assert [each.id for each in board.call("list_sessions", limit=1)] == [codex.session]


def test_a_session_is_shaped_without_its_hash(board: User, claude: User) -> None:
    session = session_of(claude)
    with board.database.read() as rows:
        shaped = Shaper(rows, shows_secrets=True).shape(session)
    assert set(to_wire(session)) - set(shaped) == {"token_hash"}
    assert shaped["agent_name"] == "claude"


def test_an_agent_takes_up_its_own_task_whose_session_is_over(board: User, bob: User, claude: User) -> None:
    task = board.add(status="todo")
    claude.claim(task)
    claude.call("end_session")
    again = bob.start_session(client="claude-code")
    board.call("update_agent", agent=again.actor.name, description="another")
    with pytest.raises(ClaimHeld, match="assigned to claude"):
        again.claim(task)
    bob.actor = replace(bob.actor, name="claude")
    twin = bob.start_session("claude")
    assert board.see(task).claimed_by == twin.session, "a session under its name takes it over"
    with pytest.raises(ClaimHeld, match="you in another session"):
        bob.move(task, "todo")


def test_a_claim_tells_the_lease_that_it_has(board: User, bob: User, claude: User) -> None:
    board.call("update_room", lease_seconds=10)
    board.add(status="todo")
    board.add(status="todo")
    assert claude.call("claim_next").lease_seconds == 90, "the room's when a process took the session up"
    by_commands = bob.start_session("by-commands")
    assert by_commands.call("claim_next").lease_seconds == 3600


def test_a_clients_agent_never_looks_like_another_clients(board: User) -> None:
    def name_of_agent(client: str) -> str:
        called = User(board.database, client, room="demo", role=Role.AGENT, kind=AgentKind.AI)
        return called.start_session(client=client).actor.name

    assert name_of_agent("codex") == "codex-1"
    assert name_of_agent("Codex") == "Codex-2", "Codex-1 would read like codex-1"
