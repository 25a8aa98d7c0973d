"""Importing: all or nothing, one change, one undo; what cannot be meant is left out and listed."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from core.errors import InvalidData, PermissionDenied, WipLimit
from core.transfer import ImportedBoard, ImportedTask, ImportSummary, SourceFormat, read_board
from storage import Agent, AgentKind, Role, Status, Task, WipMode
from tests.support.users import User

DATA = Path(__file__).parent / "data"


def board_of(*tasks: ImportedTask) -> ImportedBoard:
    return ImportedBoard(source="test", format=SourceFormat.JSON, tasks=tasks)


def all_tasks(user: User) -> dict[int, Task]:
    with user.database.read() as rows:
        room = rows.room_by_name(user.room or "")
        assert room is not None
        return {task.number: task for task in rows.tasks(room.id)}


def needs(user: User) -> dict[int, list[int]]:
    tasks = all_tasks(user)
    numbers = {task.id: task.number for task in tasks.values()}
    return {number: [numbers[need] for need in task.dependencies] for number, task in tasks.items()}


def test_a_board_comes_in_whole_in_its_order_and_with_its_numbers(board: User) -> None:
    summary: ImportSummary = board.call("import_board", board=read_board(DATA / "tagged.json"))
    assert summary.tasks == 11
    assert summary.columns == {
        "backlog": 1, "todo": 4, "in_progress": 1, "blocked": 1, "review": 1, "done": 2, "archived": 1,
    }  # fmt: skip
    assert board.titles("todo") == ["South wall", "Roof", "Garden", "Sauna"]
    assert board.see("3").title == "Roof"
    assert summary.numbers == {"2.1": 9, "2.2": 10, "feature/1": 11}
    assert needs(board)[2] == [1, 9, 10]
    assert board.see("2").waiting_on == 1, "the south wall"
    assert summary.new_agents == ("mason",)
    assert board.see("4").assignee == board.call("get_agent", agent="mason").agent.id


def test_the_edge_that_closes_a_circle_is_left_out_and_listed(board: User) -> None:
    summary: ImportSummary = board.call("import_board", board=read_board(DATA / "tagged.json"))
    [closing] = [each for each in summary.unmapped if "circle" in each.why]
    assert (closing.item, closing.value, closing.why) == ("4", "3", "it would close a circle: 3 → 4 → 3")
    assert needs(board)[3] == [9, 2, 4]
    assert needs(board)[4] == []


def test_a_preview_tells_the_same_and_changes_nothing(board: User) -> None:
    source = read_board(DATA / "tagged.json")
    with board.database.read() as rows:
        before = rows.last_sequence()
    preview = board.call("preview_import", board=source)
    with board.database.read() as rows:
        assert rows.last_sequence() == before
    assert preview == board.call("import_board", board=source)


def test_it_is_one_change_and_one_undo_archives_it(board: User) -> None:
    own = board.add("My own")
    outcome = board.outcome("import_board", board=read_board(DATA / "backlog"))
    with board.database.read() as rows:
        events = rows.events(after=0)
    imported = [event for event in events if event.operation == "import_board"]
    assert {event.change for event in imported} == {outcome.change}
    board.call("undo")
    assert board.titles("backlog") == ["My own"]
    assert {task.status for task in all_tasks(board).values() if task.id != own.id} == {Status.ARCHIVED}
    board.call("redo")
    assert board.titles("todo") == ["Raise the walls"]
    moat = next(task for task in all_tasks(board).values() if task.title == "Moat")
    assert (moat.status, moat.archived_from) == (Status.ARCHIVED, Status.TODO)


def test_numbers_that_are_taken_are_given_anew(board: User) -> None:
    board.add("My own")
    summary = board.call(
        "import_board",
        board=board_of(
            ImportedTask(key="1", number=1, title="One"), ImportedTask(key="2", number=2, title="Two", needs=("1",))
        ),
    )
    assert summary.numbers == {"1": 3}
    assert needs(board) == {1: [], 2: [3], 3: []}
    assert board.titles("backlog") == ["My own", "One", "Two"]
    assert board.add("Next").number == 4


def test_what_no_operation_would_let_in_is_left_out_and_listed(board: User) -> None:
    summary: ImportSummary = board.call(
        "import_board",
        board=board_of(
            ImportedTask(key="a", title="  \x1b[31m\x00 "),
            ImportedTask(key="b", title="\x1b[31mRed\x07 alert", labels=("x" * 61, "ok", "ok"), estimate_minutes=-3),
            ImportedTask(key="c", title="C", needs=("a", "c", "b", "b"), assignee="me"),
            ImportedTask(key="c", title="Another c", status=Status.BLOCKED),
        ),
    )
    assert board.titles("backlog") == ["Red alert", "C"]
    assert board.see("1").labels == ("ok",)
    assert needs(board) == {1: [], 2: [1], 3: []}
    assert board.see("3").blocked_reason
    assert {(each.item, each.field) for each in summary.unmapped} == {
        ("a", "title"), ("b", "label"), ("b", "estimate"), ("c", "dependencies"), ("me", "name"), ("c", "id"),
    }  # fmt: skip


def test_a_full_column_refuses_all_of_it(board: User) -> None:
    board.call("update_room", wip={Status.TODO: 2}, wip_mode=WipMode.REFUSE)
    before = all_tasks(board)
    with pytest.raises(WipLimit):
        board.call("import_board", board=read_board(DATA / "tagged.json"))
    assert all_tasks(board) == before
    board.call("update_room", wip_mode=WipMode.WARN)
    assert board.outcome("import_board", board=read_board(DATA / "tagged.json")).warnings


def test_a_failure_in_the_middle_leaves_nothing(board: User, monkeypatch: pytest.MonkeyPatch) -> None:
    import core.transfer.apply as apply

    made = []

    def third_time_fails(*arguments: Any) -> None:
        made.append(arguments)
        if len(made) == 3:
            raise RuntimeError("power cut")
        add(*arguments)

    add = apply._add_task
    monkeypatch.setattr(apply, "_add_task", third_time_fails)
    with pytest.raises(RuntimeError):
        board.call("import_board", board=read_board(DATA / "tagged.json"))
    assert all_tasks(board) == {}
    with board.database.read() as rows:
        assert [agent.name for agent in rows.every(Agent)] == ["owner"]


def test_nothing_to_import_is_said(board: User) -> None:
    with pytest.raises(InvalidData, match="no task to import"):
        board.call("import_board", board=board_of())


def test_nobody_imports_more_power_than_they_have(board: User, alice: User, bob: User, tmp_path: Path) -> None:
    file = tmp_path / "board.json"
    file.write_text(
        json.dumps(
            {
                "format": "wezterm-parallel board", "version": 1,
                "agents": [{"name": "boss", "kind": "person", "role": "owner"}],
                "tasks": [{"number": 1, "title": "One"}],
            }
        )
    )  # fmt: skip
    with pytest.raises(PermissionDenied):
        bob.call("import_board", board=read_board(file))
    alice.call("import_board", board=read_board(file))
    boss = board.call("get_agent", agent="boss").agent
    assert (boss.role, boss.kind) == (Role.OPERATOR, AgentKind.PERSON)


def test_ten_thousand_tasks_take_seconds(board: User, tmp_path: Path) -> None:
    file = tmp_path / "tasks.json"
    tasks = [{"id": i, "title": f"Task {i}", "dependencies": [i - 1] if i > 1 else []} for i in range(1, 10_001)]
    file.write_text(json.dumps({"tasks": tasks}))
    started = time.perf_counter()
    board.call("import_board", board=read_board(file))
    assert time.perf_counter() - started < 10  # 1.1 s on an idle machine
    assert board.see("10000").position == 9999


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"version": 2}, "version 2"),
        ({"tasks": None}, "no export of ours"),
        ({"tasks": ["x"]}, r"tasks\[0\]"),
        ({"tasks": [{"title": 5}]}, r"tasks\[0\]\.title"),
        ({"tasks": [{"title": "A", "status": "lost"}]}, r"tasks\[0\]\.status .*one of backlog"),
        ({"tasks": [{"title": "A", "number": 0}]}, r"tasks\[0\]\.number"),
        ({"tasks": [{"title": "A", "labels": "a"}]}, r"tasks\[0\]\.labels"),
        ({"tasks": [{"title": "A", "due": "soon"}]}, r"tasks\[0\]\.due"),
        ({"tasks": [{"title": "A", "comments": [{"author": 1}]}]}, r"tasks\[0\]\.comments\[0\]\.author"),
        ({"agents": [{"name": "a", "kind": "ghost"}]}, r"agents\[0\]\.kind"),
        ({"agents": 5}, "agents"),
    ],
)
def test_a_bad_export_says_where(tmp_path: Path, change: dict[str, Any], where: str) -> None:
    file = tmp_path / "board.json"
    file.write_text(json.dumps({"format": "wezterm-parallel board", "version": 1, "tasks": [], **change}))
    with pytest.raises(InvalidData, match=where):
        read_board(file, SourceFormat.JSON)
