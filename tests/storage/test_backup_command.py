"""`wzp backup`, as the program a person and a script call."""

import json
from pathlib import Path

import pytest

from storage import Home, list_backups
from tests.core.transfer.test_commands import typed, wzp
from tests.storage.test_backup import flip_a_byte
from tests.support.users import User


def test_create_list_change_and_restore(home: Home, board: User) -> None:
    task = board.add("First")
    made = json.loads(wzp("backup", "create", "--reason", "before lunch", "--json").stdout)
    assert (made["verified"], made["task_count"], made["reason"]) == (True, 1, "before lunch")
    assert made["id"].startswith("bkp_")
    assert json.loads(wzp("backup", "list", "--json").stdout) == [made]
    assert "before lunch" in wzp("backup", "list").stdout
    board.edit(task, title="Later")
    restored = json.loads(wzp("backup", "restore", made["id"], "--json").stdout)
    assert restored["backup"]["id"] == made["id"]
    assert restored["events_lost"] == 1
    assert board.titles("backlog") == ["First"]
    back = wzp("backup", "restore", restored["safety"]["id"], "--yes")
    assert "To return: wzp backup restore bkp_" in back.stdout
    assert board.titles("backlog") == ["Later"]
    assert [event.type for event in board.call("list_events", limit=1)] == ["restored"]


@pytest.mark.parametrize(("answer", "code", "title"), [("n\n", 130, "Later"), ("y\n", 0, "First")])
def test_a_person_is_told_what_goes_and_asked(home: Home, board: User, answer: str, code: int, title: str) -> None:
    task = board.add("First")
    wzp("backup", "create")
    board.edit(task, title="Later")
    board.edit(task, title="Later")
    exit_code, said = typed(["backup", "restore", "latest"], answer)
    assert "1 change since then will be taken back. What there is now is backed up first." in said
    assert exit_code == code
    assert board.titles("backlog") == [title]


def test_a_damaged_backup_fails_to_verify_and_to_restore(home: Home, board: User) -> None:
    board.add("First")
    wzp("backup", "create")
    assert wzp("backup", "verify").returncode == 0
    [backup] = list_backups(home)
    flip_a_byte(Path(backup.path), 0.6)
    verified = wzp("backup", "verify", backup.id, "--json")
    assert (verified.returncode, json.loads(verified.stderr)["code"]) == (7, "backup_failed")
    restored = wzp("backup", "restore", backup.id, "--json")
    assert (restored.returncode, json.loads(restored.stderr)["code"]) == (7, "restore_failed")
    assert "DAMAGED" in wzp("backup", "list").stdout


def test_a_backup_that_is_not_there_is_exit_3(home: Home, board: User) -> None:
    assert wzp("backup", "restore", "latest").returncode == 3
    wzp("backup", "create")
    assert wzp("backup", "verify", "bkp_nothing").returncode == 3


def test_an_agent_may_back_up_but_not_restore(home: Home, board: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDECODE", "1")
    assert wzp("backup", "create").returncode == 0
    assert wzp("backup", "restore", "latest").returncode == 6


def test_a_corrupted_store_is_recovered_as_its_error_says(home: Home, board: User) -> None:
    board.add("First")
    wzp("backup", "create")
    board.database.close()
    home.database.write_bytes(b"garbage " * 1000)
    broken = wzp("task", "list", "--room", "demo")
    assert broken.returncode == 7
    assert "wzp backup restore latest" in broken.stderr
    recovered = wzp("backup", "restore", "latest")
    assert recovered.returncode == 0, recovered.stderr
    assert "damaged files are kept in" in recovered.stdout
    assert "First" in wzp("task", "list", "--room", "demo").stdout
