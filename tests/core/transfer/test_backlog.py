"""Backlog.md folders."""

from datetime import date
from pathlib import Path

import pytest

from core.transfer import BadSource, ImportedTask, SourceFormat, read_board
from storage import Priority, Status
from tests.support.users import User

DATA = Path(__file__).parent / "data" / "backlog"


@pytest.fixture(scope="module")
def tasks() -> dict[str, ImportedTask]:
    return {task.key: task for task in read_board(DATA).tasks}


def test_fields_find_theirs(tasks: dict[str, ImportedTask]) -> None:
    first = tasks["task-1"]
    assert (first.title, first.number) == ("Lay the foundation: dig", 1)
    assert (first.status, first.priority, first.labels) == (Status.IN_PROGRESS, Priority.HIGH, ("ground", "stone"))
    assert first.assignee == "mason"
    assert first.description == "## Description\n\nDig first.\n\n## Acceptance Criteria\n- [ ] #1 Deep enough"
    assert tasks["task-2"].due == date(2026, 12, 24)
    assert tasks["task-2"].assignee == "mason"


def test_a_parent_waits_for_its_subtask_and_ids_differ_in_case(tasks: dict[str, ImportedTask]) -> None:
    assert tasks["task-2"].needs == ("task-1", "task-2.1")
    assert tasks["task-2.1"].number is None
    assert (tasks["task-2.1"].assignee, tasks["task-2.1"].description) == ("carpenter", "Straight.")


def test_folders_tell_drafts_and_the_archive(tasks: dict[str, ImportedTask]) -> None:
    assert tasks["task-3"].status is Status.BACKLOG
    assert [(tasks[key].status, tasks[key].archived_from) for key in ("task-4", "task-5")] == [
        (Status.ARCHIVED, Status.DONE),
        (Status.ARCHIVED, Status.TODO),
    ]


def test_drafts_and_the_archive_give_way_with_their_numbers(board: User, tmp_path: Path) -> None:
    for folder, name in (("drafts", "draft-1"), ("archive/tasks", "old-1"), ("tasks", "task-1")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / f"{name}.md").write_text(f"---\nid: {name}\ntitle: {name}\nstatus: To Do\n---\n")
    summary = board.call("import_board", board=read_board(tmp_path))
    assert board.see("1").title == "task-1"
    assert set(summary.numbers) == {"draft-1", "old-1"}


def test_the_order_is_theirs(tasks: dict[str, ImportedTask]) -> None:
    assert list(tasks) == ["task-2", "task-1", "task-2.1", "task-3", "task-4", "task-5"]


def test_what_finds_no_place_is_listed() -> None:
    listed = {(each.item, each.field, each.value) for each in read_board(DATA).unmapped}
    assert listed == {
        ("TASK-1", "assignee", "carpenter"),
        ("TASK-1", "milestone", "m-1"),
        ("task-2", "dependencies", "TASK-9"),
    }


def test_the_folder_above_will_do() -> None:
    board = read_board(DATA.parent)
    assert (board.format, len(board.tasks)) == (SourceFormat.BACKLOG, 6)


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ("no front matter", "line 1"),
        ("---\ntitle: No id\n---\n", "names no id"),
        ("---\nid: task-1\ntitle: [a\n---\n", "line [34], column"),
        ("---\n- a\n- b\n---\n", "line 2"),
    ],
)
def test_a_bad_file_says_where(tmp_path: Path, content: str, where: str) -> None:
    (tmp_path / "tasks").mkdir()
    file = tmp_path / "tasks" / "task-1 - Bad.md"
    file.write_text(content)
    with pytest.raises(BadSource, match=where) as refusal:
        read_board(tmp_path)
    assert str(file) in refusal.value.message


def test_an_id_used_twice_is_listed(tmp_path: Path) -> None:
    (tmp_path / "tasks").mkdir()
    for name in "ab":
        (tmp_path / "tasks" / f"{name}.md").write_text(f"---\nid: task-1\ntitle: {name}\n---\n")
    board = read_board(tmp_path)
    assert [task.title for task in board.tasks] == ["a"]
    assert [each.value for each in board.unmapped] == ["b.md"]


def test_a_folder_without_a_board_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match=r"without a Backlog\.md board"):
        read_board(tmp_path)
