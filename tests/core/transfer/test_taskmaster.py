"""Task Master's tasks.json, old and tagged."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.transfer import BadSource, ImportedTask, SourceFormat, read_board
from storage import Priority, Status

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def tasks() -> dict[str, ImportedTask]:
    return {task.key: task for task in read_board(DATA / "tagged.json").tasks}


def test_statuses_and_priorities_find_theirs(tasks: dict[str, ImportedTask]) -> None:
    assert {key: task.status for key, task in tasks.items()} == {
        "1": Status.DONE, "2": Status.IN_PROGRESS, "2.1": Status.DONE, "2.2": Status.TODO, "3": Status.TODO,
        "4": Status.BACKLOG, "5": Status.ARCHIVED, "6": Status.REVIEW, "7": Status.BLOCKED, "8": Status.TODO,
        "feature/1": Status.TODO,
    }  # fmt: skip
    assert [tasks[key].priority for key in "123"] == [Priority.HIGH, Priority.NORMAL, Priority.URGENT]
    assert tasks["5"].archived_from is Status.TODO
    assert tasks["7"].blocked_reason


def test_details_and_tests_join_the_description(tasks: dict[str, ImportedTask]) -> None:
    assert tasks["1"].description == (
        "Dig first.\n\n## Details\n\nDeep enough\nfor frost.\n\n## Test strategy\n\nStand on it."
    )
    assert tasks["2.1"].description == "## Acceptance criteria\n\n- straight"


def test_a_parent_waits_for_its_subtasks_and_they_for_each_other(tasks: dict[str, ImportedTask]) -> None:
    assert tasks["2"].needs == ("1", "2.1", "2.2")
    assert tasks["2.2"].needs == ("2.1",)
    assert tasks["3"].needs == ("2.1", "2", "4")


def test_numbers_tags_and_assignees_are_kept(tasks: dict[str, ImportedTask]) -> None:
    assert [tasks[key].number for key in ("3", "2.1", "feature/1")] == [3, None, 1]
    assert tasks["feature/1"].labels == ("feature",)
    assert tasks["4"].assignee == "mason"


def test_what_finds_no_place_is_listed() -> None:
    listed = {(each.item, each.field, each.value) for each in read_board(DATA / "tagged.json").unmapped}
    assert listed == {
        ("2", "dependencies", "99"),
        ("2", "complexity", "7"),
        ("2", "metadata", "{'sprint': 'S3'}"),
        ("8", "status", "someday"),
    }


def test_the_old_form_is_read_alike(tmp_path: Path, tasks: dict[str, ImportedTask]) -> None:
    master = json.loads((DATA / "tagged.json").read_text())["master"]
    old = tmp_path / "tasks.json"
    old.write_text(json.dumps({"meta": {"projectName": "House"}, "tasks": master["tasks"]}))
    board = read_board(old)
    assert board.format is SourceFormat.TASKMASTER
    assert {task.key: task for task in board.tasks} == {
        key: task for key, task in tasks.items() if not key.startswith("feature")
    }


def test_a_project_folder_leads_to_its_file(tmp_path: Path) -> None:
    folder = tmp_path / ".taskmaster" / "tasks"
    folder.mkdir(parents=True)
    (folder / "tasks.json").write_bytes((DATA / "tagged.json").read_bytes())
    assert len(read_board(tmp_path).tasks) == 11


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ('{"tasks": [\n  {"id": 1,}\n]}', "line 2, column 1[12]"),
        ('{"tasks": ["one"]}', "entry 1"),
        ('{"tasks": [{"title": "no id"}]}', "entry 1"),
        ('{"tasks": [{"id": 2, "subtasks": [{}]}]}', "subtasks of 2, entry 1"),
        ('{"projects": []}', "holds no tasks"),
        ("[1, 2]", "holds no tasks"),
        ("[" * 100_000, "nested too deeply|not JSON"),
    ],
)
def test_a_bad_file_says_where(tmp_path: Path, content: str, where: str) -> None:
    bad = tmp_path / "tasks.json"
    bad.write_text(content)
    with pytest.raises(BadSource, match=where) as refusal:
        read_board(bad)
    assert refusal.value.exit_code == 2
    assert str(bad) in refusal.value.message


@pytest.mark.parametrize("value", [None, 7, "x", [], {}, [[]], {"a": 1}])
@pytest.mark.parametrize(
    "field", ["title", "description", "status", "priority", "dependencies", "details", "subtasks", "assignee"]
)
def test_no_value_of_a_wrong_type_crashes_it(tmp_path: Path, field: str, value: Any) -> None:
    file = tmp_path / "tasks.json"
    file.write_text(json.dumps({"tasks": [{"id": 1, "title": "A", field: value}]}))
    if field == "subtasks" and value == [[]]:
        with pytest.raises(BadSource, match="subtasks of 1, entry 1"):
            read_board(file)
    else:
        assert [task.key for task in read_board(file).tasks] == ["1"]
