"""Processes as the operations see them: what is desired is stored, and nothing else happens."""

from pathlib import Path
from typing import Any

import pytest

from core.errors import InvalidData, NotApproved, NotFound, PermissionDenied
from core.operations.process import ProcessReport
from core.processes.room_file import content_hash
from storage import Desired, Process, ProcessState
from tests.support.users import User

TWO = """\
processes:
  - name: db
    command: [sleep, "100"]
    labels: [back]
  - name: web
    command: sleep 100
    depends_on: [db]
    autostart: false
    restartable: true
"""


def trust(owner: User, project: Path, content: str) -> Any:
    (project / "room.yaml").write_text(content)
    return owner.call("trust_room", hash=content_hash(content.encode()))


def processes(user: User) -> dict[str, Process]:
    return {each.process.name: each.process for each in user.call("list_processes")}


def names(reports: tuple[ProcessReport, ...]) -> list[str]:
    return [each.process.name for each in reports]


def observe(user: User, name: str, state: ProcessState) -> None:
    """Let a process stand in a state, as the host would tell."""
    process = processes(user)[name]
    with user.database.write("test") as writer:
        writer._engine.execute_sql(
            "UPDATE process SET state = ?, observed_generation = generation WHERE id = ?", (state.value, process.id)
        )


def test_nothing_of_a_room_yaml_is_there_before_it_is_approved(board: User, project: Path):
    (project / "room.yaml").write_text(TWO)
    with pytest.raises(NotApproved) as refusal:
        board.call("start_processes")
    assert "room trust" in refusal.value.hint
    assert processes(board) == {}
    (project / "room.yaml").write_text("processes:\n- nam: web\n")
    with pytest.raises(InvalidData, match="line 2, column 3"):
        board.call("start_processes")


def test_approval_stores_what_is_declared_and_wants_what_starts_by_itself(board: User, project: Path):
    approval = trust(board, project, TWO)
    assert approval.added == ("db", "web")
    stored = processes(board)
    assert stored["db"].desired is Desired.RUNNING
    assert stored["db"].generation == 1
    assert stored["web"].desired is Desired.STOPPED
    assert stored["web"].spec.shell == "sleep 100"


def test_approval_takes_the_content_that_was_seen_and_no_other(board: User, project: Path):
    (project / "room.yaml").write_text(TWO)
    with pytest.raises(NotApproved, match="changed"):
        board.call("trust_room", hash=content_hash(b"something else"))
    assert board.call("get_room").trusted_hash is None


def test_a_part_of_a_hash_is_told_as_such_and_not_as_a_change_of_the_file(board: User, project: Path):
    (project / "room.yaml").write_text(TWO)
    with pytest.raises(InvalidData, match="no whole SHA-256"):
        board.call("trust_room", hash=content_hash(TWO.encode())[:12])
    assert board.call("get_room").trusted_hash is None


def test_only_the_owner_approves(board: User, alice: User, bob: User, project: Path):
    (project / "room.yaml").write_text(TWO)
    for user in (alice, bob):
        with pytest.raises(PermissionDenied):
            user.call("trust_room", hash=content_hash(TWO.encode()))


def test_a_new_approval_leaves_alone_what_has_not_changed(board: User, project: Path):
    trust(board, project, TWO)
    before = processes(board)
    approval = trust(board, project, TWO.replace("sleep 100\n", "sleep 200\n").replace("[back]", "[rear]"))
    after = processes(board)
    assert approval.changed == ("db", "web")
    assert after["db"].generation == before["db"].generation, "a label is no reason to start anew"
    assert after["db"].spec.labels == ("rear",)
    board.call("start_processes", processes=("web",))
    began = processes(board)["web"].generation
    trust(board, project, TWO.replace("sleep 100\n", "sleep 300\n"))
    assert processes(board)["web"].generation == began + 1, "another program takes a restart"


def test_what_is_declared_no_longer_is_stopped_and_gone_and_returns_as_itself(board: User, project: Path):
    trust(board, project, TWO)
    web = processes(board)["web"]
    approval = trust(board, project, TWO[: TWO.index("  - name: web")])
    assert approval.removed == ("web",)
    assert set(processes(board)) == {"db"}
    with board.database.read() as rows:
        gone = rows.get(Process, web.id)
    assert gone is not None
    assert gone.removed
    assert gone.desired is Desired.STOPPED
    assert gone.generation == web.generation + 1
    trust(board, project, TWO)
    assert processes(board)["web"].id == web.id


def test_a_start_wants_what_is_needed_too_and_leaves_alone_what_shall_run(board: User, project: Path):
    trust(board, project, TWO)
    board.call("stop_processes", all=True)
    started = board.call("start_processes", processes=("web",))
    assert names(started) == ["db", "web"]
    before = processes(board)
    board.call("start_processes", processes=("web",))
    assert processes(board) == before
    observe(board, "web", ProcessState.FAILED)
    board.call("start_processes", processes=("web",))
    assert processes(board)["web"].generation == before["web"].generation + 1, "what has failed is started afresh"


def test_a_start_without_a_name_is_of_those_that_start_by_themselves(board: User, project: Path):
    trust(board, project, TWO)
    board.call("stop_processes", all=True)
    assert names(board.call("start_processes")) == ["db"]
    assert names(board.call("start_processes", all=True)) == ["db", "web"]


def test_a_kill_needs_a_name_or_all(board: User, project: Path):
    trust(board, project, TWO)
    with pytest.raises(InvalidData, match="No process was named"):
        board.call("kill_processes")
    assert names(board.call("kill_processes", all=True)) == ["db", "web"]


def test_a_stop_without_a_name_is_of_all_and_a_restart_of_those_that_shall_run(board: User, project: Path):
    trust(board, project, TWO)
    assert names(board.call("restart_processes")) == ["db"]
    assert names(board.call("stop_processes")) == ["db", "web"]
    assert {each.desired for each in processes(board).values()} == {Desired.STOPPED}
    assert board.call("restart_processes") == ()


def test_what_is_stopping_can_still_be_killed_and_what_is_down_is_left_alone(board: User, project: Path):
    trust(board, project, TWO)
    first = processes(board)["db"].generation
    board.call("stop_processes", processes=("db",))
    board.call("stop_processes", processes=("db",))
    assert processes(board)["db"].generation == first + 1
    board.call("kill_processes", processes=("db",))
    assert processes(board)["db"].desired is Desired.KILLED
    observe(board, "db", ProcessState.STOPPED)
    board.call("stop_processes", processes=("db",))
    assert processes(board)["db"].generation == first + 2


@pytest.mark.parametrize("reference", ["@back", "db", "db.1"])
def test_processes_are_meant_by_name_label_and_instance(board: User, project: Path, reference: str):
    trust(board, project, TWO)
    assert names(board.call("list_processes", processes=(reference,))) == ["db"]


def test_processes_are_meant_by_the_end_of_their_id(board: User, project: Path):
    trust(board, project, TWO)
    process = processes(board)["web"]
    assert names(board.call("list_processes", processes=(process.id[-8:],))) == ["web"]


@pytest.mark.parametrize(("reference", "told"), [("wbe", "web"), ("@front", "back")])
def test_a_name_that_is_none_is_answered_with_those_there_are(board: User, project: Path, reference: str, told: str):
    trust(board, project, TWO)
    with pytest.raises(NotFound, match=told):
        board.call("stop_processes", processes=(reference,))


def test_growing_and_shrinking_leave_those_alone_that_stay(board: User, project: Path):
    trust(board, project, TWO)
    first = processes(board)["db"]
    assert names(board.call("scale_process", process="db", instances=3)) == ["db", "db.2", "db.3"]
    grown = processes(board)
    assert grown["db"] == first
    assert grown["db.3"].desired is Desired.RUNNING
    third = grown["db.3"].id
    fewer = board.call("scale_process", process="db", instances=1)
    assert [(each.process.name, each.process.removed) for each in fewer] == [
        ("db", False), ("db.2", True), ("db.3", True)
    ]  # fmt: skip
    assert set(processes(board)) == {"db", "web"}
    assert processes(board)["db"] == first
    board.call("scale_process", process="db", instances=3)
    assert processes(board)["db.3"].id == third, "an instance that returns keeps its log"
    for number in (0, 65):
        with pytest.raises(InvalidData):
            board.call("scale_process", process="db", instances=number)


def test_all_instances_are_meant_by_the_name_and_the_first_by_number(board: User, project: Path):
    trust(board, project, TWO)
    board.call("scale_process", process="db", instances=2)
    assert names(board.call("list_processes", processes=("db",))) == ["db", "db.2"]
    assert names(board.call("list_processes", processes=("db.1",))) == ["db"]
    assert board.call("get_process", process="db").process.name == "db"


def test_an_agent_reads_and_restarts_only_what_is_marked(board: User, bob: User, project: Path):
    trust(board, project, TWO)
    assert len(processes(bob)) == 2
    for operation in ("start_processes", "stop_processes", "kill_processes"):
        with pytest.raises(PermissionDenied):
            bob.call(operation, processes=("web",))
    with pytest.raises(PermissionDenied, match="db may not"):
        bob.call("restart_processes", processes=("db",))
    with pytest.raises(PermissionDenied, match="stopped by somebody"):
        bob.call("restart_processes", processes=("web",))
    board.call("start_processes", processes=("web",))
    before = processes(board)["web"].generation
    bob.call("restart_processes", processes=("web",))
    assert processes(board)["web"].generation == before + 1


def test_one_that_is_added_by_command_obeys_the_rules_of_room_yaml(board: User, project: Path):
    added = board.call("add_process", name="api", command=("python", "-m", "http.server"), ready_tcp="8000")
    process = added[0].process
    assert process.spec.command == ("python", "-m", "http.server")
    assert process.spec.readiness is not None
    assert process.spec.readiness.tcp == "127.0.0.1:8000"
    assert process.desired is Desired.RUNNING
    assert not process.is_declared
    for wrong in (
        {"name": "a b", "command": ("x",)}, {"name": "x"}, {"name": "x", "command": ("x",), "cwd": ".."},
        {"name": "x", "command": ("x",), "shell": "x"}, {"name": "x", "command": ("x",), "ready_log": "("},
        {"name": "x", "command": ("x",), "depends_on": ("nobody",)}, {"name": "api", "command": ("x",)},
        {"name": "x", "command": ("x",), "env": ("API_TOKEN=1",)}, {"name": "x", "command": ("x",), "env": ("A",)},
    ):  # fmt: skip
        with pytest.raises(InvalidData):
            board.call("add_process", **wrong)


def test_an_edit_changes_what_is_named_and_nothing_else(board: User):
    board.call("add_process", name="api", shell="sleep 1", env=("A=1",), labels=("x",), stop_grace_seconds=3)
    before = processes(board)["api"]
    edited = board.call("edit_process", process="api", stop_grace_seconds=5, expected_version=before.version)
    after = edited[0].process
    assert after.spec.stop_grace_seconds == 5
    assert (after.spec.env, after.spec.labels, after.spec.shell) == ({"A": "1"}, ("x",), "sleep 1")
    assert after.generation == before.generation
    restarted = board.call("edit_process", process="api", env=("A=2",))[0].process
    assert restarted.generation == before.generation + 1


def test_what_is_declared_is_edited_and_removed_in_room_yaml(board: User, project: Path):
    trust(board, project, TWO)
    for operation, more in (("edit_process", {"autostart": "off"}), ("remove_process", {})):
        with pytest.raises(InvalidData, match=r"room\.yaml"):
            board.call(operation, process="web", **more)


def test_what_others_depend_on_is_not_removed(board: User):
    board.call("add_process", name="db", command=("sleep", "1"))
    board.call("add_process", name="web", command=("sleep", "1"), depends_on=("db",))
    with pytest.raises(InvalidData, match="web depends on db"):
        board.call("remove_process", process="db")
    board.call("remove_process", process="web")
    board.call("remove_process", process="db")
    assert processes(board) == {}


def test_no_secret_of_a_room_yaml_reaches_the_store(board: User, project: Path):
    trust(board, project, "processes: [{name: a, command: x, env: {API_TOKEN: hunter2, PORT: '1'}}]")
    spec = processes(board)["a"].spec
    assert spec.secret_env == ("API_TOKEN",)
    assert spec.env == {"PORT": "1"}
    board.database.close_thread()
    assert b"hunter2" not in b"".join(each.read_bytes() for each in board.database.home.path.rglob("*.db*"))


def test_a_broken_room_yaml_changes_nothing(board: User, project: Path):
    trust(board, project, TWO)
    before = processes(board)
    with pytest.raises(InvalidData, match="line 4, column 5"):
        trust(board, project, TWO.replace("labels", "lables"))
    assert processes(board) == before
