"""Who acts: the person, the agent that WZP_AGENT names, or the agent client whose child we are."""

import getpass

import pytest

from core.doors.identity import TOKEN_VARIABLE, actor_of, client_of, in_room, present_actor
from core.errors import InvalidData, SessionOver
from storage import AgentKind, Database, Door, Role
from tests.support.users import User


def test_without_any_sign_the_person_acts_as_owner():
    actor = actor_of({}, Door.CLI)
    assert (actor.name, actor.role, actor.kind) == (getpass.getuser(), Role.OWNER, AgentKind.PERSON)


@pytest.mark.parametrize(
    ("variable", "value", "name"),
    [
        ("CLAUDECODE", "1", "claude"),
        ("CURSOR_AGENT", "1", "cursor"),
        ("CODEX_SANDBOX", "seatbelt", "codex"),
        ("CODEX_THREAD_ID", "019a", "codex"),
        ("GEMINI_CLI", "1", "gemini"),
        ("AGENT", "goose", "goose"),
        ("AI_AGENT", "amp/1.2", "amp"),
        ("AI_AGENT", "1", "agent"),
    ],
)
def test_an_agent_clients_environment_makes_its_child_an_agent(variable, value, name):
    actor = actor_of({variable: value}, Door.CLI)
    assert (actor.name, actor.role, actor.kind) == (name, Role.AGENT, AgentKind.AI)


@pytest.mark.parametrize("variable", ["CODEX_HOME", "CLAUDE_CONFIG_DIR", "GEMINI_API_KEY"])
def test_what_a_person_configures_makes_no_agent(variable):
    assert client_of({variable: "/somewhere"}) is None


def test_a_variable_that_is_switched_off_makes_no_agent():
    assert client_of({"CLAUDECODE": "0", "CURSOR_AGENT": "", "AGENT": "false"}) is None


def test_wzp_agent_names_the_agent_whatever_the_client():
    actor = actor_of({"WZP_AGENT": " reviewer ", "CLAUDECODE": "1"}, Door.CLI)
    assert (actor.name, actor.role) == ("reviewer", Role.AGENT)


def test_invisible_characters_are_no_part_of_a_name():
    assert actor_of({"WZP_AGENT": "bo\u200bb\u202e"}, Door.CLI).name == "bob"


def test_a_known_agent_has_the_role_that_the_room_stores(board: User, database: Database):
    board.call("create_agent", name="claude", role=Role.OPERATOR)
    with database.read() as rows:
        room = rows.rooms()[0]
        known = in_room(actor_of({"CLAUDECODE": "1"}, Door.CLI), rows, room)
        stranger = in_room(actor_of({"CURSOR_AGENT": "1"}, Door.CLI), rows, room)
    assert (known.role, stranger.role) == (Role.OPERATOR, Role.AGENT)


def test_wzp_agent_may_give_the_agents_id(board: User, database: Database):
    known = board.call("create_agent", name="claude", role=Role.OPERATOR)
    with database.read() as rows:
        actor = in_room(actor_of({"WZP_AGENT": known.id}, Door.CLI), rows, rows.rooms()[0])
    assert (actor.name, actor.role) == ("claude", Role.OPERATOR)


@pytest.mark.parametrize("name", ["\x1b[31m\x00", "x" * 61, "\udcff"])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(InvalidData, match="WZP_AGENT"):
        actor_of({"WZP_AGENT": name}, Door.CLI)


def test_the_person_stays_owner_whatever_the_room_stores(board: User, database: Database):
    person = actor_of({}, Door.CLI)
    board.call("create_agent", name=person.name, role=Role.VIEWER)
    with database.read() as rows:
        assert in_room(person, rows, rows.rooms()[0]).role is Role.OWNER


def test_a_token_makes_its_holder_the_agent_of_its_session(
    board: User, database: Database, monkeypatch: pytest.MonkeyPatch
):
    board.call("create_agent", name="backend-dev")
    made = board.call("create_session", agent="backend-dev")
    monkeypatch.setenv(TOKEN_VARIABLE, made.token.value)
    assert actor_of({TOKEN_VARIABLE: made.token.value}, Door.CLI).role is Role.AGENT, "whatever the token proves"
    with database.read() as rows:
        actor = present_actor(Door.CLI, rows, rows.rooms()[0])
    assert actor.session_id == made.session.id
    holder = User(database, "anybody", room=board.room)
    holder.actor = actor
    holder.add("from the shell of the agent")
    event = board.call("list_events", limit=1)[0]
    assert (event.session_id, event.agent_id) == (made.session.id, made.session.agent_id)
    board.call("end_session", session=made.session.id, reason="enough")
    with pytest.raises(SessionOver, match="enough"):
        holder.add("too late")


def test_a_token_that_proves_nothing_makes_nobody_the_owner(
    board: User, database: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(TOKEN_VARIABLE, "wzs_nobodys")
    with database.read() as rows, pytest.raises(SessionOver, match="WZP_SESSION_TOKEN"):
        present_actor(Door.CLI, rows, rows.rooms()[0])
