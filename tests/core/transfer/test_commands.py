"""`wzp import` and `wzp export`, as the program a person and a script call."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from storage import Home
from tests.support.users import User

PROGRAM = Path(__file__).parents[3] / "wezterm_parallel.py"
DATA = Path(__file__).parent / "data"


def wzp(*words: str, stdin: str | None = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(PROGRAM), *words], input=stdin, capture_output=True, text=True, timeout=60, check=False
    )


def typed(words: Sequence[str], answer: str) -> tuple[int, str]:
    """The exit code and what is said on stderr, when a person at a terminal answers so."""
    controller, terminal = os.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), *words], stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        os.write(controller, answer.encode())
        _output, error = process.communicate(timeout=60)
        return process.returncode, error
    finally:
        os.close(controller)
        os.close(terminal)


def test_a_dry_run_says_what_would_come_and_changes_nothing(board: User) -> None:
    result = wzp("import", str(DATA / "tagged.json"), "--room", "demo", "--dry-run")
    assert result.returncode == 0
    assert "Would import 11 tasks and 0 comments" in result.stdout
    assert "complexity '7': no such field here" in result.stdout
    assert "it would close a circle: 3 → 4 → 3" in result.stdout
    assert "Nothing was changed." in result.stdout
    assert board.titles("todo") == []


def test_a_script_says_yes_and_gets_the_summary_as_json(board: User) -> None:
    result = wzp("import", str(DATA / "backlog"), "--room", "demo", "--yes", "--json")
    summary = json.loads(result.stdout)
    assert (summary["tasks"], summary["format"], summary["dry_run"]) == (6, "backlog", False)
    assert {each["field"] for each in summary["unmapped"]} == {"assignee", "milestone", "dependencies"}
    assert board.titles("todo") == ["Raise the walls"]
    assert wzp("undo", "--room", "demo").returncode == 0
    assert board.titles("todo") == []


def test_a_key_imports_once(board: User) -> None:
    first, second = (
        wzp("import", str(DATA / "sheet.csv"), "--room", "demo", "--yes", "--json", "--key", "monday") for _ in range(2)
    )
    assert (first.returncode, second.returncode) == (0, 0), second.stderr
    assert json.loads(first.stdout)["tasks"] == json.loads(second.stdout)["tasks"] == 3
    assert len(board.titles("backlog")) == 1


def test_a_script_is_taken_at_its_word_but_a_dry_run_never_writes(board: User) -> None:
    dry = wzp("import", str(DATA / "sheet.csv"), "--room", "demo", "--dry-run", "--yes")
    assert dry.returncode == 0
    assert board.titles("backlog") == []
    result = wzp("import", str(DATA / "sheet.csv"), "--room", "demo")
    assert result.returncode == 0
    assert "Imported 3 tasks" in result.stdout
    assert board.titles("backlog") == ["石の庭 🪨"]


@pytest.mark.parametrize(("answer", "code", "titles"), [("n\n", 130, []), ("y\n", 0, ["石の庭 🪨"])])
def test_a_person_is_asked_after_the_summary(board: User, answer: str, code: int, titles: list[str]) -> None:
    exit_code, error = typed(["import", str(DATA / "sheet.csv"), "--room", "demo"], answer)
    assert "Will import 3 tasks" in error
    assert "Import into room demo?" in error
    assert board.titles("backlog") == titles
    assert exit_code == code


def test_a_bad_file_is_exit_2_with_its_place(board: User, tmp_path: Path) -> None:
    file = tmp_path / "tasks.json"
    file.write_text('{"tasks": [\n{]}')
    result = wzp("import", str(file), "--room", "demo", "--yes", "--json")
    error = json.loads(result.stderr)
    assert result.returncode == 2
    assert error["code"] == "invalid_data"
    assert error["details"]["line"] == 2
    assert str(file) in error["message"]


def test_stdin_may_hold_the_board(board: User) -> None:
    content = (DATA / "sheet.csv").read_text()
    result = wzp("import", "-", "--from", "csv", "--room", "demo", "--yes", stdin=content)
    assert result.returncode == 0, result.stderr
    assert board.titles("backlog") == ["石の庭 🪨"]


@pytest.mark.parametrize("ending", ["json", "csv", "md"])
def test_an_export_goes_to_stdout_or_whole_into_a_file(home: Home, board: User, tmp_path: Path, ending: str) -> None:
    board.add("Fix the login")
    shown = wzp("export", "--room", "demo", "--format", ending)
    assert "Fix the login" in shown.stdout
    file = tmp_path / f"board.{ending}"
    file.write_text("what was there")
    assert wzp("export", "--room", "demo", "-o", str(file)).returncode == 0
    written = [line for line in file.read_text().splitlines() if "exported_at" not in line]
    assert written == [line for line in shown.stdout.splitlines() if "exported_at" not in line]
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".board")] == []


def test_where_an_export_cannot_be_written_it_says_so(board: User, tmp_path: Path) -> None:
    result = wzp("export", "--room", "demo", "-o", str(tmp_path / "nowhere" / "board.json"))
    assert result.returncode == 2
    assert "cannot be written" in result.stderr
