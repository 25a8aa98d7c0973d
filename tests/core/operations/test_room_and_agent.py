"""Rooms and agents: names that are one's own, roles that nobody may exceed."""

from pathlib import Path

import pytest

from core.errors import InvalidData, PermissionDenied
from storage import AgentKind, Role, WipMode
from tests.support.users import User


def test_a_room_stands_for_a_directory(board: User, project: Path) -> None:
    room = board.call("get_room")
    assert (room.name, room.root, room.wip_mode, dict(room.wip_limits)) == ("demo", str(project), WipMode.WARN, {})
    assert board.call("list_rooms") == (room,)


@pytest.mark.parametrize("name", ["", "a/b", ".hidden", "-flag", "x" * 61, "rom_1"])
def test_a_name_that_would_be_mistaken_is_refused(board: User, tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidData):
        board.call("create_room", name=name, root=tmp_path)
    with pytest.raises(InvalidData):
        board.call("update_room", name=name)


def test_neither_name_nor_root_is_given_twice(board: User, project: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="There is a room 'demo'"):
        board.call("create_room", name="demo", root=tmp_path)
    with pytest.raises(InvalidData, match="is the root of room 'demo'"):
        board.call("create_room", name="other", root=project)
    board.call("create_room", name="other", root=tmp_path)
    with pytest.raises(InvalidData, match="There is a room 'other'"):
        board.call("update_room", name="other")
    with pytest.raises(InvalidData, match="is the root of room 'other'"):
        board.call("update_room", root=tmp_path)
    assert board.call("update_room", name="demo").version == 1


def test_a_root_that_is_no_directory_is_refused(board: User, tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="not a directory"):
        board.call("create_room", name="other", root=tmp_path / "missing")


def test_a_renamed_room_is_found_by_its_new_name_and_by_undo_by_its_old_one(board: User) -> None:
    board.call("update_room", name="renamed")
    renamed = User(board.database, "owner", room="renamed")
    assert renamed.call("get_room").version == 2
    renamed.call("undo")
    assert board.call("get_room").name == "demo"


def test_an_agent_is_made_with_its_first_change(board: User, bob: User) -> None:
    bob.add()
    agent = board.call("get_agent", agent="bob").agent
    assert (agent.kind, agent.role) == (AgentKind.AI, Role.AGENT)


def test_an_agent_is_added_edited_and_shown_with_its_open_tasks(board: User) -> None:
    board.call("create_agent", name="carol", description="  reviews\n")
    mine = board.add(assignee="carol", status="todo")
    board.add(assignee="carol", status="done")
    detail = board.call("get_agent", agent="carol")
    assert detail.agent.description == "reviews"
    assert [task.id for task in detail.tasks] == [mine.id]
    edited = board.call("update_agent", agent="carol", name="carla", role=Role.OPERATOR, expected_version=1)
    assert (edited.name, edited.role, edited.id) == ("carla", Role.OPERATOR, detail.agent.id)


@pytest.mark.parametrize("name", ["me", "Nobody", "none", "agt_1", "", "owner"])
def test_a_name_of_ours_or_of_another_is_refused(board: User, name: str) -> None:
    board.add()
    board.call("create_agent", name="carol")
    with pytest.raises(InvalidData):
        board.call("create_agent", name=name)
    with pytest.raises(InvalidData):
        board.call("update_agent", agent="carol", name=name)


@pytest.mark.parametrize("role", [Role.OWNER, Role.SYSTEM])
def test_nobody_makes_an_agent_greater_than_himself(alice: User, role: Role) -> None:
    with pytest.raises(PermissionDenied):
        alice.call("create_agent", name="carol", role=role)
    alice.call("create_agent", name="carol")
    with pytest.raises(PermissionDenied):
        alice.call("update_agent", agent="carol", role=role)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AGENT, Role.OPERATOR, Role.OWNER])
def test_the_owner_makes_any_but_the_system(board: User, role: Role) -> None:
    assert board.call("create_agent", name="carol", role=role).role is role
    with pytest.raises(PermissionDenied):
        board.call("create_agent", name="dave", role=Role.SYSTEM)


def test_nobody_edits_an_agent_whose_role_is_above_the_own(board: User, alice: User) -> None:
    alice.add("so that she is known")
    for change in ({"name": "nobody special"}, {"role": Role.VIEWER}, {"skills": ()}):
        with pytest.raises(PermissionDenied, match="owner is owner"):
            alice.call("update_agent", agent="owner", **change)


@pytest.mark.parametrize("name", ["bob\u200b", "\u202ebob\u202c", "b\u2060o\ufeffb", "Bob", "BOB\u200d"])
def test_no_two_agents_look_alike(board: User, name: str) -> None:
    board.call("create_agent", name="bob")
    other = board.call("create_agent", name="carol")
    for attempt in (
        lambda: board.call("create_agent", name=name),
        lambda: board.call("update_agent", agent=other, name=name),
        lambda: board.start_session(name),
    ):
        with pytest.raises(InvalidData, match="'bob'"):
            attempt()
    assert [each.agent.name for each in board.call("list_agents") if each.agent.name.casefold() == "bob"] == ["bob"]


def test_an_agent_may_change_the_case_of_its_own_name(board: User) -> None:
    bob = board.call("create_agent", name="bob")
    assert board.call("update_agent", agent=bob, name="Bob").name == "Bob"


def test_who_is_called_almost_like_an_agent_changes_nothing(board: User) -> None:
    board.call("create_agent", name="bob")
    with pytest.raises(InvalidData, match="'BOB' reads like 'bob', an agent of room demo"):
        User(board.database, "BOB", room="demo").add("A task")
    assert board.titles("backlog") == []


def test_skills_labels_and_rooms_have_no_invisible_characters(board: User, tmp_path: Path) -> None:
    assert board.call("create_agent", name="bob", skills=("ui\u200b", "ui", "\u202eapi")).skills == ("ui", "api")
    assert board.add("A task", labels=("ui", "u\u2060i")).labels == ("ui",)
    with pytest.raises(InvalidData, match="There is a room 'demo'"):
        board.call("create_room", name="demo\u200b", root=tmp_path)


@pytest.mark.parametrize(("setting", "message"), [
    ("lease_seconds", "The seconds of a lease cannot be 0"), ("handoff_alert_minutes", "The minutes before an alert"),
])  # fmt: skip
def test_a_setting_out_of_range_is_named(board: User, setting: str, message: str) -> None:
    with pytest.raises(InvalidData, match=message):
        board.call("update_room", **{setting: 0})
